"""A report of a server that is wrong everywhere stays small."""

from __future__ import annotations

import json

import pytest

from runs_conformance.model.json import is_object
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting import report_json
from runs_conformance.reporting.shorten import MAX_FINDINGS, shorten
from tests.reporting.reports import example, report, verdict

MEGABYTE = "x" * 1_000_000


def test_a_report_of_a_server_that_is_wrong_everywhere_stays_small() -> None:
    finding = Finding(MEGABYTE, "x1", "get_run", "/id", MEGABYTE, [MEGABYTE] * 3)
    answer = {"http_status": 200, "body": {f"member_{n}": MEGABYTE for n in range(10)}}
    steps = [{"operation": "get_run", "body": "y" * 50_000}]
    every = [
        verdict(
            f"run.member_{number}.type",
            Outcome.FAIL,
            operation=None,
            findings=(finding,) * 10,
            counterexample=example(answer=answer, steps=steps),
        )
        for number in range(700)
    ]
    text = report_json.text(shorten(report(*every)))
    assert len(text) < 3_000_000
    shown = json.loads(text)
    assert all(len(each["findings"]) == MAX_FINDINGS for each in shown["verdicts"])
    assert all(each["reason"] == "7 more findings are not listed" for each in shown["verdicts"])
    assert "(1000000 characters, sha256 " in shown["verdicts"][0]["findings"][0]["message"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, "2 more findings are not listed"),
        ("86 more findings are not listed", "88 more findings are not listed"),
        ("confirmed by hand", "confirmed by hand"),
    ],
)
def test_findings_that_the_verdict_left_out_are_counted(reason: str | None, expected: str) -> None:
    finding = Finding("it is wrong", "x1", "get_run", "/id")
    shown = shorten(report(verdict("run.id.type", Outcome.FAIL, findings=(finding,) * 5, reason=reason)))
    assert shown.verdicts[0].reason == expected
    assert shorten(shown).verdicts[0].reason == expected


def test_the_simplest_failure_of_each_cause_keeps_its_steps() -> None:
    steps = [{"operation": "get_run", "body": "y" * 90_000}]
    every = [
        verdict(
            f"{name}.{name}_member_{number}.type", Outcome.FAIL, operation=None, counterexample=example(steps=steps)
        )
        for name in ("run", "assistant", "thread", "message")
        for number in range(30)
    ]
    whole = report(*every)
    short = shorten(whole)
    assert short.causes == whole.causes
    kept = {each.id for each in short.verdicts if is_object(each.counterexample) and "steps" in each.counterexample}
    assert {cause.reproduction for cause in whole.causes} <= kept
    assert len(kept) < len(every)


def test_a_small_report_is_kept_whole() -> None:
    assert shorten(report()) == report()
