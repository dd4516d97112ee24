"""Which cause a failure belongs to, of verdicts written by hand."""

from __future__ import annotations

from runs_conformance.causes import Cause, analyze
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Outcome, Verdict


def accepted(id_: str, operation: str = "submit_tool_outputs") -> Verdict:
    """A constraint on requests whose violation was accepted."""
    finding = Finding("accepted it", "x", operation, "/a", "HTTP 400", 1)
    return verdict(id_, finding, "constraint", operation, case={"role": "negative", "exercises": [id_]})


def broken_rule(id_: str, operation: str, level: str = "must", *, case: dict[str, JSON] | None = None) -> Verdict:
    """A rule that the answer to a request breaks."""
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


UNVALIDATED = [
    accepted(f"submit_tool_outputs.tool_outputs.{keyword}") for keyword in ("required", "type", "minItems", "maxItems")
]
OUTPUTS = [
    broken_rule("tools.missing_outputs_are_refused", "submit_tool_outputs"),
    broken_rule("tools.unknown_outputs_are_refused", "submit_tool_outputs", "should"),
]


def by_kind(*verdicts: Verdict) -> dict[str, Cause]:
    return {cause.kind: cause for cause in analyze(verdicts)}


def test_outputs_that_match_no_call_belong_to_missing_validation() -> None:
    causes = by_kind(*UNVALIDATED, *OUTPUTS)
    assert list(causes) == ["validation.none"]
    assert len(causes["validation.none"].ids) == len(UNVALIDATED) + len(OUTPUTS)


def test_a_server_that_only_takes_any_outputs_has_a_cause_for_it() -> None:
    causes = by_kind(*OUTPUTS)
    assert [(kind, cause.severity) for kind, cause in causes.items()] == [("outputs", "missing_validation")]


def test_answers_to_accepted_violations_are_consequences_whatever_their_topic() -> None:
    invalid: dict[str, JSON] = {"role": "negative", "exercises": [UNVALIDATED[0].id]}
    echoes = [
        broken_rule("threads.show_their_tool_resources", "modify_thread", case=invalid),
        broken_rule("lifecycle.begins_queued", "submit_tool_outputs", case=invalid),
    ]
    causes = by_kind(*UNVALIDATED, *echoes)
    assert list(causes) == ["validation.none"]
    assert set(causes["validation.none"].consequences) == {echo.id for echo in echoes}


def test_answers_to_valid_requests_are_causes_of_their_own_and_come_before_missing_validation() -> None:
    causes = by_kind(*UNVALIDATED, broken_rule("lifecycle.begins_queued", "create_run"))
    assert list(causes) == ["lifecycle", "validation.none"]


def test_negatives_that_break_no_schema_are_no_consequences() -> None:
    foreign = broken_rule("tenancy.objects_are_their_tenants_own", "get_run", case={"role": "negative"})
    assert list(by_kind(*UNVALIDATED, foreign)) == ["access", "validation.none"]
