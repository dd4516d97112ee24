"""Failing verdicts written by hand."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.causes import Cause, analyze
from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.model.verdict import Finding, Outcome, Verdict


def accepted_verdict(id_: str, operation: str = "submit_tool_outputs") -> Verdict:
    """A constraint on requests whose violation was accepted."""
    finding = Finding("accepted it", "x", operation, "/a", "HTTP 400", 1)
    return verdict(id_, finding, "constraint", operation, case={"role": "negative", "exercises": [id_]})


def broken_rule(id_: str, operation: str, level: str = "must", *, case: dict[str, JSON] | None = None) -> Verdict:
    """A rule that the response to a request violates."""
    finding = Finding("it is wrong", "x", operation, "/a", 1, 2)
    return verdict(id_, finding, "rule", operation, level, case=case or {"role": "act"})


def verdict(
    id_: str, finding: Finding, kind: str, operation: str, level: str = "must", *, case: dict[str, JSON]
) -> Verdict:
    example: JSON = {"exchange": "x", "operation": operation, "case": case, "answer": {"http_status": 200, "body": {}}}
    return Verdict(
        id=id_,
        kind=kind,
        level=level,
        capability="tools",
        operation=operation,
        outcome=Outcome.FAIL,
        judged=1,
        statement="It is right.",
        source="schema",
        findings=(finding,),
        counterexample=example,
    )


def by_kind(*verdicts: Verdict) -> dict[str, Cause]:
    return {cause.kind: cause for cause in analyze(verdicts)}


def wrong_value(id_: str, operation: str, expected: JSON, actual: JSON | Absent) -> Verdict:
    """A constraint on responses that the response to a valid request violates."""
    finding = Finding("it is wrong", "x", operation, f"/{id_.split('.')[-2]}", expected, actual)
    return verdict(id_, finding, "constraint", operation, case={"role": "act"})


def wrong_rule(id_: str, operation: str, pointer: str, expected: JSON, actual: JSON | Absent) -> Verdict:
    finding = Finding("it is wrong", "x", operation, pointer, expected, actual)
    return verdict(id_, finding, "rule", operation, case={"role": "act"})


def as_constraint_on_answers(failing: Verdict) -> Verdict:
    return replace(failing, operation=None)


def accepted_at(*ids: str) -> list[Verdict]:
    return [accepted_verdict(id_, id_.partition(".")[0]) for id_ in ids]


def refused_verdict(id_: str) -> Verdict:
    """A constraint on requests whose violations were refused, as they should be."""
    return replace(accepted_verdict(id_, id_.partition(".")[0]), outcome=Outcome.PASS, findings=(), counterexample=None)


def crash_verdict(id_: str, request: JSON, role: str = "negative", operation: str = "create_run") -> Verdict:
    """A rule violated by a request that was answered with HTTP 500."""
    failing = broken_rule(id_, operation, case={"role": role})
    return replace(failing, counterexample={"case": {"role": role}, "request": request, "answer": {"http_status": 500}})


def missing(id_: str, body: JSON = None) -> Verdict:
    """A constraint on answers that lack a member."""
    failing = as_constraint_on_answers(wrong_value(id_, "get_run", id_.split(".")[-2], ABSENT))
    return replace(failing, counterexample={"case": {"role": "act"}, "answer": {"http_status": 200, "body": body}})


UNVALIDATED = [
    accepted_verdict(f"submit_tool_outputs.tool_outputs.{keyword}")
    for keyword in ("required", "type", "minItems", "maxItems")
]
