"""Examples as tests: each says what rules make of a literal history; the register shows which rules have some.

@holds(lifecycle.terminal_status_is_final)
def test_completed_stays_completed() -> History: ...

@breaks(lifecycle.terminal_status_is_final, at="/status")
def test_completed_then_queued() -> History: ...

@legal
def test_run_that_is_done_at_once() -> History: ...
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.source import Level
from runs_conformance.model.verdict import Finding, Inconclusive, Passed, Result
from runs_conformance.rules import catalogue

Tell = Callable[[], History]

HOLDS: set[str] = set()
BREAKS: set[str] = set()


def judge(rule: AnyRule, history: History) -> list[Result]:
    """All that a rule says of a history."""
    return [result for unit in rule.units(history) for result in rule.judge(unit)]


def findings(rule: AnyRule, history: History) -> list[Finding]:
    """What a rule finds against a history."""
    return [result for result in judge(rule, history) if isinstance(result, Finding)]


def holds(*rules: AnyRule) -> Callable[[Tell], Callable[[], None]]:
    """The history is judged by each of these rules, and nothing is found against it."""
    HOLDS.update(rule.id for rule in rules)

    def declare(tell: Tell) -> Callable[[], None]:
        @wraps(tell)
        def test() -> None:
            for rule in rules:
                results = judge(rule, tell())
                assert not [r for r in results if isinstance(r, Finding)], rule.id
                assert any(isinstance(r, Passed) for r in results), f"{rule.id} judged nothing: {results}"

        return _plain(test)

    return declare


def breaks(*rules: AnyRule, at: str | None = None, times: int | None = None) -> Callable[[Tell], Callable[[], None]]:
    """Each of these rules finds against the history: at the pointer `at`, and as often as `times`, where given."""
    BREAKS.update(rule.id for rule in rules)

    def declare(tell: Tell) -> Callable[[], None]:
        @wraps(tell)
        def test() -> None:
            for rule in rules:
                found = findings(rule, tell())
                assert found, rule.id
                assert all(finding.message and finding.exchange for finding in found)
                assert at is None or at in [finding.pointer for finding in found], found
                assert times is None or len(found) == times, found

        return _plain(test)

    return declare


def undecided(*rules: AnyRule) -> Callable[[Tell], Callable[[], None]]:
    """None of these rules finds or passes anything: what was seen does not decide."""

    def declare(tell: Tell) -> Callable[[], None]:
        @wraps(tell)
        def test() -> None:
            for rule in rules:
                assert all(isinstance(result, Inconclusive) for result in judge(rule, tell())), rule.id

        return _plain(test)

    return declare


def legal(tell: Tell) -> Callable[[], None]:
    """No rule of level must finds anything against the history: a correct server may have behaved so."""

    @wraps(tell)
    def test() -> None:
        history = tell()
        musts = [rule for rule in catalogue().values() if rule.level is Level.MUST]
        found = {rule.id: against for rule in musts if (against := findings(rule, history))}
        assert not found, found

    return _plain(test)


def _plain(test: Callable[[], None]) -> Callable[[], None]:
    test.__annotations__ = {"return": None}
    del test.__wrapped__  # type: ignore[attr-defined]  # pytest would look through it
    return test
