"""A failure is shown by a response that counts, not by one of an operation that the target does not offer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import collect_stats
from runs_conformance.engine.counterexample import grouped_counterexamples
from runs_conformance.engine.not_offered_findings import discard_not_offered
from runs_conformance.engine.plan_result import RunResult, merge_results
from runs_conformance.engine.program_verdicts import ProgramVerdicts
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at
from runs_conformance.model.verdict import Finding, Tally

ID = "error.error.required"


def refused(id_: str, operation: str, status: int, path: str) -> Exchange:
    return Exchange(
        id=id_,
        index=int(id_.removeprefix("x")),
        program="p",
        operation=operation,
        request=Request("GET", path),
        response=Response(status, body={"detail": "No."}),
        completion=Completion.ANSWERED,
        started=0.0,
        ended=1.0,
        step=Step(operation=operation, role=Role.READ, path={}),
    )


MISSING = refused("x1", "get_assistant", 405, "/assistants/a")
MISSING_TOO = refused("x2", "modify_assistant", 405, "/assistants/b")
OFFERED = refused("x3", "get_thread", 400, "/threads/a_very_long_id_that_makes_the_request_longer")
STREAM = replace(
    OFFERED,
    id="x4",
    index=4,
    operation="create_run",
    request=Request("POST", "/r", body={"stream": True}),
    response=Response(400, body={"error": {"message": "no streaming"}}),
    step=Step(operation="create_run", body={"stream": True}, path={}),
)


def verdicts(program: str, *exchanges: Exchange) -> ProgramVerdicts:
    tallies = {ID: Tally(len(exchanges), [each.finding("it is wrong") for each in exchanges])}
    examples = grouped_counterexamples(History.of(exchanges, program), tallies)
    first = {id_: next(iter(groups.values())) for id_, groups in examples.items()}
    return ProgramVerdicts(program, tallies, first, collect_stats(exchanges, ()), grouped_examples=examples)


def result_of(*parts: ProgramVerdicts) -> RunResult:
    return merge_results(parts, Budget())


def grouped_example(result: RunResult, operation: str) -> JSON:
    return next(each for (name, _), each in result.grouped_examples[ID].items() if name == operation)


@pytest.mark.parametrize("split", [False, True])
def test_a_failure_is_shown_by_an_operation_that_is_offered(split: bool) -> None:
    exchanges = (MISSING, MISSING_TOO, OFFERED)
    parts = [verdicts(f"p{n}", each) for n, each in enumerate(exchanges)] if split else [verdicts("p", *exchanges)]
    merged = result_of(*parts)
    assert at(merged.counterexamples[ID], "/operation") == "get_assistant"
    remaining = discard_not_offered(merged, (), ())
    assert at(remaining.counterexamples[ID], "/exchange") == "x3"
    assert [finding.operation for finding in remaining.tallies[ID].findings] == ["get_thread"]
    assert discard_not_offered(remaining, (), ()) == remaining


def test_a_failure_of_missing_operations_alone_is_not_shown() -> None:
    remaining = discard_not_offered(result_of(verdicts("p", MISSING)), (), ())
    assert ID not in remaining.counterexamples
    assert not remaining.tallies[ID].findings


def test_the_smallest_example_stays_if_its_operation_is_offered() -> None:
    merged = result_of(verdicts("p", MISSING, OFFERED))
    assert discard_not_offered(merged, (), ()).counterexamples[ID] == grouped_example(merged, "get_thread")
    found = result_of(verdicts("p", OFFERED))
    assert discard_not_offered(found, (), ()) is found


def test_a_missing_operation_that_is_not_optional_shows_a_failure_if_no_other_does() -> None:
    read = refused("x6", "get_run", 405, "/runs/a")
    alone = result_of(verdicts("p", read))
    assert at(discard_not_offered(alone, (), ()).counterexamples[ID], "/exchange") == "x6"
    both = discard_not_offered(result_of(verdicts("p", read, OFFERED)), (), ())
    assert at(both.counterexamples[ID], "/exchange") == "x3"
    assert len(both.tallies[ID].findings) == 2


def test_a_stream_that_is_not_offered_shows_no_failure_of_its_operation() -> None:
    plain = replace(OFFERED, id="x5", index=5, operation="create_run")
    merged = result_of(verdicts("p", STREAM, plain))
    assert at(merged.counterexamples[ID], "/exchange") == "x4"
    assert at(discard_not_offered(merged, (), ()).counterexamples[ID], "/exchange") == "x5"


def test_an_example_that_was_shrunk_is_kept() -> None:
    merged = result_of(verdicts("p", MISSING, OFFERED))
    shrunk = {"operation": "get_thread", "exchange": "x9", "steps": []}
    assert discard_not_offered(replace(merged, counterexamples={ID: shrunk}), (), ()).counterexamples == {ID: shrunk}


def test_findings_without_an_exchange_remain() -> None:
    part = verdicts("p", MISSING)
    tallies = {ID: Tally(2, [*part.tallies[ID].findings, Finding("it is wrong")])}
    remaining = discard_not_offered(result_of(replace(part, tallies=tallies)), (), ())
    assert len(remaining.tallies[ID].findings) == 1
    assert ID not in remaining.counterexamples
