"""Findings are confirmed by `jsonschema`; a disagreement is an error of the suite, not of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.contract import second_opinion
from runs_conformance.contract.constraint import object_documents
from runs_conformance.contract.edition import DEFAULT_EDITION, EDITIONS
from runs_conformance.contract.second_opinion import (
    confirms_violation,
    independent_errors,
    is_meant_invalid,
    request_errors,
    require_invalid,
)
from runs_conformance.contract.validation import validate_document
from runs_conformance.engine.judge import UNMATCHED_STEP, judge
from runs_conformance.errors import InternalError
from runs_conformance.evidence.observation import exchanges
from runs_conformance.generation.boundary.cases import build_cases
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.case import REFUSES_BODY, Accept, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Outcome, Result, Tally
from runs_conformance.rules.constraints import requests, response_schemas
from tests.contract.test_validation import variations
from tests.rules import histories
from tests.rules.histories import HistoryBuilder, page, run

CONSTRAINT = "run.status.enum"
NEGATIVE = Step(operation="create_run", role=Role.NEGATIVE, expectation=REFUSES_BODY)


def judged(id_: str, history: History, judge_ids: Callable[[History], Mapping[str, Tally]]) -> Tally:
    return judge(history, {}, [("constraints", judge_ids)])[id_]


def reading(answer: Any) -> History:
    builder = HistoryBuilder()
    builder.send("get_run", answer)
    return builder.history()


def reporting(id_: str, pointer: str) -> Callable[[History], Mapping[str, Tally]]:
    """A judge that considers every exchange a violation of one constraint."""

    def judge_ids(history: History) -> Mapping[str, Tally]:
        tally = Tally()
        for exchange in history:
            tally.add(exchange.finding("the validator is wrong", pointer))
        return {id_: tally}

    return judge_ids


@rule(units=exchanges, level=Level.MUST, source=schema("here"), capability="core")
def is_reported(exchange: Exchange) -> Iterator[Result]:
    """No exchange is right."""
    yield exchange.finding("the rule follows from a wrong request")


def test_a_real_violation_is_confirmed() -> None:
    tally = judged(CONSTRAINT, reading(run("nonsense")), response_schemas.tallies)
    assert tally.outcome is Outcome.FAIL
    assert tally.errors == []


@pytest.mark.parametrize(
    ("answer", "id_", "pointer"),
    [
        (run("completed"), CONSTRAINT, "/status"),
        (run("completed", created_at="yesterday"), CONSTRAINT, "/status"),
        (run("nonsense"), "run.status.type", "/status"),
        (run("nonsense"), "run.model.enum", "/status"),
        (run("nonsense"), CONSTRAINT, "/model"),
        ({name: value for name, value in run("completed").items() if name != "status"}, "run.usage.required", "/usage"),
        (run("completed", tool_choice={"type": "unheard of"}), "run.tool_choice.function.required", "/tool_choice"),
        (run("completed", tools=[{"type": "function"}]), "run.tools[].type.enum", "/tools/0/type"),
    ],
    ids=["valid", "other_member", "other_keyword", "other_id", "other_place", "other_missing", "union", "branch"],
)
def test_a_false_violation_is_an_internal_error(answer: Any, id_: str, pointer: str) -> None:
    tally = judged(id_, reading(answer), reporting(id_, pointer))
    assert tally.outcome is Outcome.ERROR
    assert "the validators disagree" in tally.errors[0]


@pytest.mark.parametrize("kind", ["run", "run_step", "message", "assistant", "message_delta", "error"])
def test_every_violation_of_a_varied_answer_is_confirmed(kind: str) -> None:
    answers: dict[str, Any] = {
        "run": run("requires_action", tools=[histories.function_tool()]),
        "run_step": histories.step(calls=[histories.call(output="x")]),
        "message": histories.message(),
        "assistant": histories.assistant(),
        "message_delta": {
            "id": "msg_a",
            "object": "thread.message.delta",
            "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "x"}}]},
        },
        "error": histories.error("No."),
    }
    document, differing = object_documents()[kind], []
    for value in variations(answers[kind]):
        violations = validate_document(document, kind, value).violations
        errors = independent_errors(document, kind, value)
        differing += [
            (value, each) for each in violations if not confirms_violation(each.constraint, each.place, errors)
        ]
    assert differing == []


def ids(value: Any) -> Any:
    """The value with ids in place of its references."""
    if isinstance(value, Ref):
        return "id_1"
    if isinstance(value, Mapping):
        return {name: ids(member) for name, member in value.items()}
    return [ids(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("edition", [EDITIONS[0], DEFAULT_EDITION])
def test_every_invalid_and_valid_request_is_confirmed(edition: str) -> None:
    negatives = 0
    for operation, fixture in FIXTURES.items():
        cases = build_cases(operation, edition, Sampler("gpt-4o", accepts_any_file_id=True), fixture.path)
        valid = [case.step for case in (*cases.positive_controls, *cases.extra_valid)]
        for step in (cases.control, *valid):
            assert request_errors(operation, ids(step.body), step.query, edition) == (), step  # type: ignore[arg-type]
        for step in cases.negatives:
            require_invalid(step, edition)
        negatives += sum(map(is_meant_invalid, cases.negatives))
    assert negatives > 300


@pytest.mark.parametrize(
    "body", [{"metadata": None}, {"metadata": {}}, {"metadata": {"k": 1}}, {"metadata": 5, "x": 1}]
)
def test_a_negative_that_is_valid_or_invalid_elsewhere_is_not_sent(body: dict[str, Any]) -> None:
    step = Step(
        operation="create_message",
        body={"role": "user", "content": "Hello.", **body},
        role=Role.NEGATIVE,
        mutation=Mutation("/metadata", "type", ABSENT, 5),
        exercises=("create_message.metadata.type",),
    )
    with pytest.raises(InternalError, match=r"the negative of create_message\.metadata\.type"):
        require_invalid(step, DEFAULT_EDITION)
    require_invalid(replace(step, body={"role": "user", "content": "Hello.", "metadata": 5}), DEFAULT_EDITION)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"max_prompt_tokens": 255}, Outcome.FAIL),
        ({"max_prompt_tokens": 256}, Outcome.ERROR),
        ({"max_prompt_tokens": "255"}, Outcome.ERROR),
        ({"max_prompt_tokens": 255, "temperature": 3}, Outcome.ERROR),
        ({"max_prompt_tokens": 256, "temperature": 3}, Outcome.ERROR),
    ],
    ids=["invalid", "valid", "other_keyword", "also_elsewhere", "elsewhere"],
)
def test_an_accepted_negative_is_invalid_at_its_place_alone(body: dict[str, Any], outcome: Outcome) -> None:
    mutation = Mutation("/max_prompt_tokens", "minimum", 256, body["max_prompt_tokens"])
    constraint, body = "create_run.max_prompt_tokens.minimum", {"assistant_id": "asst_a", **body}
    builder = HistoryBuilder()
    step = replace(NEGATIVE, body=body, mutation=mutation, exercises=(constraint,))
    builder.send("create_run", run("queued"), body=body, step=step)
    assert judged(constraint, builder.history(), requests.tallies).outcome is outcome


def test_a_step_of_a_damaged_file_is_no_error_of_the_suite() -> None:
    constraint, body = "create_run.max_prompt_tokens.minimum", {"assistant_id": "asst_a", "max_prompt_tokens": 256}
    builder = HistoryBuilder()
    step = replace(NEGATIVE, body=body, mutation=Mutation("/max_prompt_tokens", "minimum", 256, 255))
    builder.send("create_run", run("queued"), body=body, step=replace(step, exercises=(constraint,)))
    judges = (("constraints of requests", requests.tallies),)
    assert judge(builder.history(), {}, judges)[constraint].outcome is Outcome.ERROR
    tally = judge(builder.history(), {}, judges, trusts_steps=False)[constraint]
    assert (tally.outcome, dict(tally.inconclusive)) == (Outcome.INCONCLUSIVE, {UNMATCHED_STEP: 1})


@pytest.mark.parametrize(
    ("operation", "parameter", "value", "constraint", "outcome"),
    [
        ("list_runs", "limit", "0", "list_runs.limit.minimum", Outcome.FAIL),
        ("list_runs", "limit", "1", "list_runs.limit.minimum", Outcome.ERROR),
        ("list_runs", "limit", "abc", "list_runs.limit.type", Outcome.FAIL),
        ("list_runs", "limit", "1.5", "list_runs.limit.type", Outcome.FAIL),
        ("list_runs", "limit", "7", "list_runs.limit.type", Outcome.ERROR),
        ("list_runs", "order", "unexpected", "list_runs.order.enum", Outcome.FAIL),
        ("list_runs", "order", "desc", "list_runs.order.enum", Outcome.ERROR),
        ("get_run_step", "include[]", "unexpected", "get_run_step.include[].enum", Outcome.FAIL),
        (
            "get_run_step",
            "include[]",
            "step_details.tool_calls[*].file_search.results[*].content",
            "get_run_step.include[].enum",
            Outcome.ERROR,
        ),
    ],
)
def test_an_accepted_query_is_invalid(
    operation: str, parameter: str, value: str, constraint: str, outcome: Outcome
) -> None:
    mutation = Mutation(f"/{parameter}", constraint.rpartition(".")[2], ABSENT, value, "query")
    step = replace(
        NEGATIVE, operation=operation, query=((parameter, value),), mutation=mutation, exercises=(constraint,)
    )
    builder = HistoryBuilder()
    builder.send(operation, histories.page(), query={parameter: value}, step=step)
    assert judged(constraint, builder.history(), requests.tallies).outcome is outcome


@pytest.mark.parametrize(
    ("body", "query", "is_valid"),
    [
        ({"assistant_id": "asst_a"}, {}, True),
        ({"assistant_id": 5}, {}, False),
        ({}, {}, False),
        ({"assistant_id": "asst_a"}, {"include[]": "unexpected"}, False),
    ],
    ids=["valid", "wrong_type", "missing", "query"],
)
@pytest.mark.parametrize(
    "step",
    [
        Step(operation="create_run", role=Role.CONTROL),
        Step(operation="create_run", role=Role.VALID, expectation=Accept()),
        Step(operation="create_run", role=Role.ACT),
    ],
    ids=["control", "valid", "act"],
)
def test_a_rule_reports_nothing_that_an_invalid_request_caused(
    step: Step, body: Any, query: dict[str, str], is_valid: bool
) -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", body=body, query=query, step=replace(step, body=body))
    tally = judge(builder.history(), {is_reported.id: is_reported})[is_reported.id]
    assert tally.outcome is (Outcome.FAIL if is_valid else Outcome.ERROR)


def test_validators_must_agree_on_the_bodies_of_other_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", body={"assistant_id": 5})
    assert judge(builder.history(), {is_reported.id: is_reported})[is_reported.id].outcome is Outcome.FAIL
    monkeypatch.setattr(second_opinion, "independent_errors", lambda *_: ())
    assert judge(builder.history(), {is_reported.id: is_reported})[is_reported.id].outcome is Outcome.ERROR


def test_a_second_opinion_that_fails_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> object:
        raise RecursionError

    monkeypatch.setattr(second_opinion, "_validator", fail)
    tally = judged(CONSTRAINT, reading(run("nonsense")), response_schemas.tallies)
    assert tally.outcome is Outcome.ERROR
    assert "the second opinion on run.status.enum raised RecursionError" in tally.errors[0]


def test_a_correct_answer_asks_for_no_second_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> bool:
        raise AssertionError("asked for a second opinion")

    monkeypatch.setattr(second_opinion, "_validator", fail)
    assert judged(CONSTRAINT, reading(run("completed")), response_schemas.tallies).outcome is Outcome.PASS


def test_a_page_of_very_many_items_is_not_validated_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> bool:
        raise AssertionError("asked for a second opinion")

    monkeypatch.setattr(second_opinion, "_validator", fail)
    builder = HistoryBuilder()
    builder.send("list_runs", page(*[run("nonsense")] * (second_opinion.MAX_CHECKED_PARTS + 1)))
    tally = judged(CONSTRAINT, builder.history(), response_schemas.tallies)
    assert tally.outcome is Outcome.FAIL
    assert tally.errors == []


@pytest.mark.parametrize(("overlap", "is_valid"), [(400, True), (401, False), (None, True)])
def test_an_overlap_is_compared_with_its_chunk(overlap: Any, is_valid: bool) -> None:
    static = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": overlap}
    stores: Any = [{"chunking_strategy": {"type": "static", "static": static}}]
    body = {"tool_resources": {"file_search": {"vector_stores": stores}}}
    place = "/tool_resources/file_search/vector_stores/0/chunking_strategy/static/chunk_overlap_tokens"
    constraint = (
        "create_thread.tool_resources.file_search.vector_stores[].chunking_strategy.static.chunk_overlap_tokens"
    )
    errors = request_errors("create_thread", body, (), DEFAULT_EDITION)
    assert confirms_violation(f"{constraint}.maximum", place, errors) is not is_valid


def test_a_pattern_does_not_match_before_a_final_newline() -> None:
    tools: Any = [{"type": "function", "function": {"name": "get_weather\n"}}]
    errors = request_errors("create_run", {"assistant_id": "asst_a", "tools": tools}, (), DEFAULT_EDITION)
    assert confirms_violation("create_run.tools[].function.name.pattern", "/tools/0/function/name", errors)
