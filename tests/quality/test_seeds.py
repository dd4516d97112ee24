"""What counts as a verdict that depends on the seed."""

from __future__ import annotations

from tests.quality.bench import Result
from tests.quality.seeds import row


def said(exit_code: int = 0, **outcomes: str) -> Result:
    return Result("", exit_code, "", (), (), (), 0, 0, 0, 0.0, outcomes)


def test_a_pass_and_a_failure_differ() -> None:
    found = row("", [said(a="pass", b="pass"), said(a="fail", b="pass")])
    assert (found.target, found.seeds, found.differing) == ("the emulator", 2, ("a",))
    assert not found.same


def test_what_could_not_be_decided_does_not_differ() -> None:
    found = row("is_instant", [said(a="pass", b="not_judged"), said(a="inconclusive", b="inconclusive")])
    assert (found.differing, found.sometimes_undecided) == ((), ("a",))
    assert found.same


def test_an_accused_target_is_not_the_same() -> None:
    assert not row("", [said(1, a="fail"), said(1, a="fail")]).same
