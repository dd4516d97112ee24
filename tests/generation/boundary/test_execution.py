"""Boundary programs on an in-memory target lead to the right verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.generation.boundary import programs
from runs_conformance.generation.boundary.catalogue import operation_cases
from runs_conformance.generation.boundary.execution import (
    MAX_CONFIRMED_REFUSALS,
    MAX_FRUITLESS,
    MAX_LOCKED_IN_A_ROW,
    MAX_REFUSED_CANCELLATIONS,
    CaseRun,
)
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.omission import SAMPLE_RATIO, SAMPLE_SIZE, Omission, wrong_shape
from runs_conformance.generation.programs.fragments import Fragment
from runs_conformance.model.case import Mutation, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.model.verdict import Outcome
from runs_conformance.rules.constraints.requests import tallies
from tests.generation.boundary.target import CONTEXT, Answer, InMemoryTarget

PROGRAMS = {program.id: program for program in programs(CONTEXT)}
REFUSAL: dict[str, Any] = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


def program(operation: str) -> Program:
    return next(program for program in PROGRAMS.values() if operation in program.operations)


def outcomes(history: History, operation: str = "") -> Counter[Outcome]:
    by_constraint = {id_: tally for id_, tally in tallies(history).items() if id_.startswith(operation)}
    return Counter(tally.outcome if tally.is_decided else Outcome.INCONCLUSIVE for tally in by_constraint.values())


def failing(history: History) -> set[str]:
    return {id_ for id_, tally in tallies(history).items() if tally.outcome is Outcome.FAIL}


@pytest.mark.parametrize("id_", sorted(PROGRAMS))
def test_a_correct_target_passes_every_constraint(id_: str) -> None:
    target = InMemoryTarget()
    history = target.execute(PROGRAMS[id_])
    # A program that sends valid values only decides nothing by itself.
    assert set(outcomes(history)) == {Outcome.INCONCLUSIVE if id_.endswith(".legal") else Outcome.PASS}
    assert not any(e.step.packed and not e.accepted for e in history if e.step)
    started = [e for e in history if e.accepted and e.operation in ("create_run", "create_thread_and_run")]
    assert len(started) <= PROGRAMS[id_].runs
    assert len(history) <= PROGRAMS[id_].requests + 6


def test_each_negative_is_sent_once_to_a_correct_target() -> None:
    history = InMemoryTarget().execute(program("create_run"))
    sent = Counter(e.step.id for e in history if e.step and e.step.role is Role.NEGATIVE)
    # Only names of alternatives are sent alone by both programs.
    assert all(count == 1 or ".type.enum" in id_ for id_, count in sent.items())


def accepting(*pointers: str) -> Any:
    def override(step: Step, body: Any) -> Answer | None:
        is_sent_to_runs = step.role is Role.NEGATIVE and step.operation == "create_run"
        affected = is_sent_to_runs and step.mutation and step.mutation.pointer in pointers
        return (
            (200, {"id": "run_x", "object": "thread.run", "thread_id": "t", "status": "queued"}) if affected else None
        )

    return override


def test_a_valid_request_follows_the_negatives() -> None:
    history = InMemoryTarget().execute(program("create_run"))
    roles = [e.step.role for e in history if e.step and e.operation == "create_run"]
    assert roles[0] is Role.CONTROL
    assert Role.NEGATIVE in roles
    assert roles[-1] is Role.VALID


def test_an_accepted_negative_fails_its_constraint_alone() -> None:
    target = InMemoryTarget(accepting("/max_prompt_tokens"))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.execute(program("create_run"))
    assert failing(history) == {"create_run.max_prompt_tokens.minimum", "create_run.max_prompt_tokens.type"}
    assert outcomes(history)[Outcome.INCONCLUSIVE] == 0


@pytest.mark.parametrize("operation", ["create_message", "modify_run", "submit_tool_outputs", "list_run_steps"])
def test_an_unenforced_constraint_fails_alone(operation: str) -> None:
    constraints = {
        id_
        for e in InMemoryTarget().execute(program(operation))
        if e.step and e.step.mutation
        for id_ in e.step.exercises
    }
    for id_ in constraints:
        history = InMemoryTarget(ignoring=id_).execute(program(operation))
        assert failing(history) == {id_}
        assert outcomes(history)[Outcome.INCONCLUSIVE] == 0


def test_an_enum_of_which_null_alone_is_accepted_is_not_decided() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (400, REFUSAL) if isinstance(body, dict) and body.get("reasoning_effort") is not None else None

    history = InMemoryTarget(override).execute(program("create_assistant"))
    assert not tallies(history)["create_assistant.reasoning_effort.enum"].is_decided
    assert not failing(history)


SCHEMA = "response_format.json_schema.schema.type"
SHARING = ("create_assistant", "modify_assistant", "create_run", "create_thread_and_run")


def answer_null_schemas(status: int, *operations: str) -> Any:
    """Answer requests with a schema of null with this HTTP status, and those of other operations correctly."""

    def override(step: Step, body: Any) -> Answer | None:
        mutation = step.mutation
        affected = mutation is not None and mutation.mutated is None and mutation.pointer.endswith("/schema")
        if step.operation not in operations or not affected:
            return None
        return status, {"id": "run_x", "object": "thread.run", "thread_id": "t", "status": "queued"}

    return override


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("operations", [("create_run",), SHARING, ("create_run", "modify_assistant")])
def test_a_shared_value_that_is_not_refused_is_sent_to_the_other_operations(
    operations: tuple[str, ...], status: int
) -> None:
    target = InMemoryTarget(answer_null_schemas(status, *operations))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.execute(program("create_run"))
    assert failing(history) == {f"{operation}.{SCHEMA}" for operation in operations}
    assert {e.operation for e in history if e.step and f"{e.operation}.{SCHEMA}" in e.step.exercises} >= {*SHARING}


def test_a_shared_value_is_sent_to_the_other_operations_if_the_first_has_accepted_another() -> None:
    """create_run accepts any schema, so that null is not sent to it, and modify_assistant accepts null."""

    def override(step: Step, body: Any) -> Answer | None:
        is_schema = step.mutation is not None and step.mutation.pointer.endswith("/schema")
        return answer_null_schemas(200, "modify_assistant")(step, body) or (
            (200, dict(target.runs["run_x"])) if is_schema and step.operation == "create_run" else None
        )

    target = InMemoryTarget(override)
    target.runs["run_x"] = {"id": "run_x", "object": "thread.run", "thread_id": "t", "status": "queued"}
    assert failing(target.execute(program("create_run"))) == {f"create_run.{SCHEMA}", f"modify_assistant.{SCHEMA}"}


def test_a_shared_value_that_is_refused_is_sent_to_one_operation() -> None:
    history = InMemoryTarget().execute(program("create_run"))
    assert {e.operation for e in history if e.step and e.step.role is Role.NEGATIVE} == {"create_run"}


def test_an_object_in_use_is_not_modified_by_shared_values() -> None:
    context = replace(CONTEXT, use={"assistant": "asst_used"})
    target = InMemoryTarget(answer_null_schemas(200, *SHARING))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    (own,) = [each for each in programs(context, ["create_run"]) if each.id == "boundary.create_run"]
    history = target.execute(own, context)
    assert failing(history) == {f"create_run.{SCHEMA}", f"create_thread_and_run.{SCHEMA}"}


def test_a_thread_is_replaced_after_a_run_was_created_on_it() -> None:
    target = InMemoryTarget(accepting("/max_prompt_tokens", "/temperature", "/metadata"))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.execute(program("create_run"))
    created = (e for e in history if e.operation == "create_run" and e.accepted)
    starts = [e for e in created if e.step is not None and e.step.role in (Role.CONTROL, Role.NEGATIVE, Role.VALID)]
    assert starts
    assert len({e.path["thread_id"] for e in starts}) == len(starts)
    for start in starts:
        following = history.exchanges[start.index + 1]
        assert following.operation == "cancel_run" or start.events


def test_a_constraint_is_not_tried_again_after_a_failure() -> None:
    target = InMemoryTarget(accepting("/max_prompt_tokens"))
    target.runs["run_x"] = {"id": "run_x", "thread_id": "t", "status": "queued"}
    history = target.execute(program("create_run"))
    ids = Counter(e.step.exercises[0] for e in history if e.accepted and e.step and e.step.role is Role.NEGATIVE)
    assert ids["create_run.max_prompt_tokens.minimum"] == 1


@pytest.mark.parametrize("operation", FIXTURES)
def test_a_target_that_accepts_everything_fails_every_constraint(operation: str) -> None:
    def override(step: Step, body: Any) -> Answer | None:
        if step.operation == operation and step.role is Role.NEGATIVE:
            return 200, {}
        return None

    history = InMemoryTarget(override).execute(program(operation))
    seen = set(outcomes(history, f"{operation}."))
    # If each accepted value starts a run, those of a keyword that is never refused are sampled.
    assert seen == ({Outcome.FAIL, Outcome.INCONCLUSIVE} if FIXTURES[operation].after_accept else {Outcome.FAIL})
    negatives = [e.step for e in history if e.step and e.step.role is Role.NEGATIVE]
    assert failing(history) == {id_ for step in negatives if step.operation == operation for id_ in step.exercises}


@pytest.mark.parametrize("operation", [name for name in FIXTURES if not FIXTURES[name].control_last])
def test_a_target_that_refuses_everything_passes_nothing(operation: str) -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (400, REFUSAL) if step.role in (Role.CONTROL, Role.VALID, Role.NEGATIVE) else None

    history = InMemoryTarget(override).execute(program(operation))
    assert set(outcomes(history)) == {Outcome.INCONCLUSIVE}
    assert len(history) < len(InMemoryTarget().execute(program(operation)))


def refusing(operation: str, status: int) -> Any:
    """A target that refuses all requests of an operation with this status."""
    return lambda step, body: (status, REFUSAL) if step.operation == operation else None


def test_a_refused_operation_gets_few_negatives() -> None:
    history = InMemoryTarget(refusing("create_thread_and_run", 404)).execute(program("create_thread_and_run"))
    negatives = [e for e in history if e.step and e.step.role is Role.NEGATIVE]
    assert len(negatives) == MAX_FRUITLESS
    assert set(outcomes(history)) == {Outcome.INCONCLUSIVE}


def test_negatives_go_on_if_their_statuses_differ_from_that_of_the_control() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (404, REFUSAL) if step.role is Role.CONTROL else None

    history = InMemoryTarget(override).execute(program("create_thread_and_run"))
    assert sum(e.step is not None and e.step.role is Role.NEGATIVE for e in history) > 100


def test_a_refused_operation_gets_no_further_valid_values() -> None:
    history = InMemoryTarget(refusing("create_run", 400)).execute(PROGRAMS["boundary.create_run.legal"])
    assert [e.step.role for e in history if e.step and e.operation == "create_run"] == [
        Role.VALID,
        Role.CONTROL,
        Role.CONTROL,
    ]
    assert failing(history) == set()


def test_refused_valid_values_are_sent_twice_until_they_are_refused_for_sure() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (400, REFUSAL) if step.role is Role.VALID else None

    history = InMemoryTarget(override).execute(PROGRAMS["boundary.create_run.legal"])
    sent = Counter(e.step.id for e in history if e.step and e.step.role is Role.VALID and not e.step.packed)
    assert Counter(sent.values())[2] == MAX_CONFIRMED_REFUSALS


def test_a_refused_fixture_ends_the_program() -> None:
    assert len(InMemoryTarget(lambda step, body: (400, REFUSAL)).execute(program("create_run"))) == 1


def test_a_refused_packed_request_is_split() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        narrow = step.role is Role.VALID and isinstance(body, dict) and body.get("temperature") == 2
        return (400, REFUSAL) if narrow else None

    extra_valid = InMemoryTarget(override).execute(PROGRAMS["boundary.create_run.legal"])
    first = InMemoryTarget(override).execute(program("create_run"))
    assert failing(first) | failing(extra_valid) == {"create_run.temperature.maximum"}


def test_a_server_error_is_retried_and_followed_by_the_control() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        affected = step.role is Role.NEGATIVE and step.mutation and step.mutation.pointer == "/temperature"
        return (500, {}) if affected else None

    history = InMemoryTarget(override).execute(program("create_run"))
    assert {"create_run.temperature.type", "create_run.temperature.minimum"} <= failing(history)
    assert all(id_.startswith("create_run.temperature.") for id_ in failing(history))
    assert history.exchanges[-2].step is not None
    assert history.exchanges[-2].step.role is Role.CONTROL


def test_a_thread_is_replaced_after_a_failed_request_started_a_run() -> None:
    lost: list[str] = []

    def override(step: Step, body: Any) -> Answer | None:
        if step.operation == "create_run" and step.role is Role.VALID and not lost:
            lost.append(str(target.answers["thread"]["id"]))
            target.busy[lost[0]] = "run_lost"
            return 500, {}
        return None

    target = InMemoryTarget(override)
    history = target.execute(PROGRAMS["boundary.create_run.legal"])
    refused = [exchange for exchange in history if exchange.refused]
    assert [exchange.path["thread_id"] for exchange in refused] == lost
    assert outcomes(history).keys() == {Outcome.INCONCLUSIVE}


def test_a_target_that_locks_new_threads_gets_few_more() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        busy = {"error": {**REFUSAL["error"], "message": "Thread thread_1 already has an active run run_1."}}
        return (400, busy) if step.operation == "create_run" and step.role is not Role.CONTROL else None

    history = InMemoryTarget(override).execute(PROGRAMS["boundary.create_run.legal"])
    threads = sum(exchange.operation == "create_thread" for exchange in history)
    assert threads <= 2 + MAX_LOCKED_IN_A_ROW


def test_without_a_tool_call_no_outputs_are_submitted() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (200, {"id": "run_1", "status": "completed"}) if step.operation == "get_run" else None

    history = InMemoryTarget(override).execute(program("submit_tool_outputs"))
    assert tallies(history) == {}
    assert sum(e.operation == "create_run" for e in history) == 2


def test_all_negatives_use_one_waiting_run() -> None:
    history = InMemoryTarget().execute(program("submit_tool_outputs"))
    negatives = [e for e in history if e.step and e.step.role is Role.NEGATIVE]
    assert len({e.path["run_id"] for e in negatives}) == 1
    assert sum(e.operation == "create_run" for e in history) == 2


def test_operations_with_a_shared_fixture_use_one_run() -> None:
    history = InMemoryTarget().execute(program("get_run_step"))
    assert program("get_run_step") is program("list_run_steps")
    assert sum(e.operation == "create_run" for e in history) == 1
    passed_operations = {id_.split(".")[0] for id_, tally in tallies(history).items() if tally.outcome is Outcome.PASS}
    assert passed_operations == {"list_run_steps", "get_run_step"}


def test_steps_of_a_run_that_does_not_end_are_read_but_it_is_not_modified() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        return (200, {"id": "run_1", "status": "queued"}) if step.operation == "get_run" else None

    history = InMemoryTarget(override).execute(program("list_run_steps"))
    assert {id_.split(".")[0] for id_, tally in tallies(history).items() if tally.outcome is Outcome.PASS} == {
        "list_run_steps",
        "get_run_step",
    }
    assert not InMemoryTarget(override).execute(program("modify_run")).select("modify_run")


def send_all(
    context: ProgramContext, negatives: Sequence[Step], status: int, accepted_within: str = "/?"
) -> list[Step]:
    """The negatives that a case run sends to a target that responds to each of them with this HTTP status.

    It accepts those with an invalid value within one member.
    """
    fixture = FIXTURES["create_run"]
    sent: list[Step] = []
    answer = Exchange(
        id="x1",
        index=1,
        program="test",
        operation="create_run",
        request=Request("POST", "/threads/thread_a/runs"),
        response=Response(status=status, headers={}, body={"id": "run_a", "object": "thread.run"}),
        completion=Completion.ANSWERED,
        started=0.0,
        ended=1.0,
    )
    accepted = replace(answer, response=Response(status=200, headers={}, body=answer.body))
    moves = CaseRun(replace(fixture, reset=lambda _: ready()), context).send_negatives(negatives)
    try:
        move = next(moves)
        while True:
            if isinstance(move, Step) and move.role is Role.NEGATIVE:
                sent.append(move)
            is_within = isinstance(move, Step) and move.mutation and move.mutation.pointer.startswith(accepted_within)
            move = moves.send(accepted if is_within else answer)
    except StopIteration:
        return sent


def ready() -> Fragment:
    """A fixture that is always ready."""
    yield from ()
    return True


MEMBERS = (
    "model",
    "instructions",
    "additional_instructions",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "parallel_tool_calls",
    "metadata",
    "tools",
)


def wrong_types(count: int) -> list[Step]:
    """Negatives of different constraints with the same keyword."""
    return [
        Step(
            operation="create_run",
            body={"assistant_id": "asst_a", member: {"wrong": {}}},
            role=Role.NEGATIVE,
            mutation=Mutation(f"/{member}", "type", ABSENT, {"wrong": {}}),
            exercises=(f"create_run.{member}{'{}' if member == 'metadata' else ''}.type",),
        )
        for member in MEMBERS[:count]
    ]


def test_values_of_a_keyword_that_is_never_refused_are_sampled() -> None:
    context = ProgramContext(edition=DEFAULT_EDITION)
    assert len(send_all(context, wrong_types(10), 200)) == SAMPLE_SIZE


def test_values_of_a_selected_constraint_are_always_sent() -> None:
    negatives = wrong_types(10)
    context = ProgramContext(edition=DEFAULT_EDITION, always_sent=frozenset(negatives[7].exercises))
    assert send_all(context, negatives, 200) == [*negatives[:SAMPLE_SIZE], negatives[7]]


def test_one_refused_value_allows_a_few_more_of_its_keyword() -> None:
    omission = Omission()
    omission.refused_keywords["type"] = 1
    negative = wrong_types(1)[0]
    sampled = []
    for accepted in range(SAMPLE_SIZE + SAMPLE_RATIO + 1):
        omission.accepted_keywords["type"] = accepted
        sampled.append(omission.covers(negative))
    assert sampled == [False] * (SAMPLE_SIZE + SAMPLE_RATIO) + [True]


def values_of(member: str, *keywords: str) -> list[Step]:
    """Negatives of one member of the body, one for each keyword."""
    template = wrong_types(1)[0]
    return [
        replace(
            template,
            mutation=Mutation(f"/{member}", keyword, ABSENT, f"{member} {keyword}"),
            exercises=(f"create_run.{member.replace('/', '.')}.{keyword}",),
        )
        for keyword in keywords
    ]


def covered_after(accepted: Sequence[Step], refused: Sequence[Step], step: Step) -> bool:
    """Whether a negative is left out after these were accepted and refused."""
    omission = Omission()
    for each, status in [*((step, 200) for step in accepted), *((step, 400) for step in refused)]:
        exchange = Exchange(
            id="x1",
            index=1,
            program="test",
            operation="create_run",
            request=Request("POST", "/threads/thread_a/runs"),
            response=Response(status=status, headers={}, body={}),
            completion=Completion.ANSWERED,
            started=0.0,
            ended=1.0,
        )
        omission.record(each, exchange)
    return omission.covers(step)


def test_values_of_a_member_that_is_not_validated_are_sampled() -> None:
    accepted = values_of("metadata", "type", "maxProperties", "minProperties")
    (step,) = values_of("metadata", "maxLength")
    assert covered_after(accepted, [], step)
    assert not covered_after(accepted[1:], [], step)
    assert not covered_after(accepted, values_of("metadata", "pattern"), step)


def test_members_of_a_thread_are_sampled_one_by_one() -> None:
    accepted = values_of("thread/metadata", "type", "maxProperties", "minProperties")
    (step,) = values_of("thread/messages", "maxItems")
    assert not covered_after(accepted, [], step)


def test_values_of_a_member_that_is_validated_are_sent_even_if_their_keyword_is_not() -> None:
    accepted = [values_of(member, "type")[0] for member in MEMBERS[:SAMPLE_SIZE]]
    (step,) = values_of("tools", "type")
    assert covered_after(accepted, [], step)
    assert not covered_after(accepted, values_of("tools", "enum"), step)


def test_no_member_uses_up_the_sample() -> None:
    context = ProgramContext(edition=DEFAULT_EDITION)
    negatives = operation_cases("create_thread_and_run", context).negatives
    outside = [each for each in negatives if each.mutation and not each.mutation.pointer.startswith("/thread")]
    sent = send_all(context, negatives, 400, accepted_within="/thread")
    assert [each for each in outside if each not in sent] == []
    exhaustive = ProgramContext(edition=DEFAULT_EDITION, exhaustive=True)
    assert send_all(exhaustive, negatives, 400) == list(negatives)


def test_runs_of_a_target_that_refuses_each_cancellation_are_not_all_cancelled() -> None:
    def override(step: Step, body: Any) -> Answer | None:
        if step.operation == "cancel_run":
            return 400, REFUSAL
        return (200, {"id": "run_a", "thread_id": "thread_a"}) if step.role is Role.NEGATIVE else None

    history = InMemoryTarget(override).execute(program("create_run"))
    cancellations = [each for each in history if each.operation == "cancel_run"]
    accepted = [each for each in history if each.operation == "create_run" and each.accepted]
    assert len(cancellations) == MAX_REFUSED_CANCELLATIONS < len(accepted)


def test_exhaustive_sends_every_value() -> None:
    context = ProgramContext(edition=DEFAULT_EDITION, exhaustive=True)
    assert len(send_all(context, wrong_types(10), 200)) == 10


def test_values_of_a_keyword_that_is_refused_are_all_sent() -> None:
    context = ProgramContext(edition=DEFAULT_EDITION)
    assert len(send_all(context, wrong_types(10), 400)) == 10


def test_one_value_of_each_wrong_shape_is_sent_even_if_all_are_accepted() -> None:
    negatives = wrong_types(SAMPLE_SIZE)
    shapes: list[tuple[str, JSON, JSON]] = [
        ("/tools", [], {}),
        ("/additional_messages", [], {}),
        ("/metadata", {}, []),
        ("/model", "gpt-4o", {}),
    ]
    for pointer, was, became in [*shapes, ("/tool_choice", {}, []), ("/instructions", "Be brief.", {})]:
        mutation = Mutation(pointer, "type", was, became)
        exercises = (f"create_run.{pointer[1:]}.type",)
        negatives.append(replace(negatives[0], body={pointer[1:]: became}, mutation=mutation, exercises=exercises))
    omission = Omission()
    omission.accepted_keywords["type"] = SAMPLE_SIZE
    sampled = []
    for step in negatives:
        if not omission.covers(step):
            sampled.append(step.mutation.pointer if step.mutation else "")
            omission.tried_shapes.add(wrong_shape(step) or ("", ""))
    assert sampled == [pointer for pointer, _, _ in shapes]


def refusing_members(*names: str, param: str | None = None) -> Any:
    """A target that refuses valid requests with one of these members, and may name it."""

    def override(step: Step, body: Any) -> Answer | None:
        if step.role is not Role.VALID or not isinstance(body, dict) or not {*names} & body.keys():
            return None
        return 400, {"error": {**REFUSAL["error"], "param": param}}

    return override


@pytest.mark.parametrize("names", [("temperature",), ("truncation_strategy", "reasoning_effort")])
def test_refused_members_are_found_without_sending_each_value_alone(names: tuple[str, ...]) -> None:
    sent: Counter[str] = Counter()
    failing_operations = set[str]()
    for id_ in ("boundary.create_run", "boundary.create_run.legal"):
        history = InMemoryTarget(refusing_members(*names)).execute(PROGRAMS[id_])
        valid = [e.step for e in history if e.step and e.step.role is Role.VALID]
        sent.update({step.exercises[0] + step.id for step in valid if not step.packed})
        failing_operations |= {id_.split(".")[1] for id_ in failing(history)}
        assert sum(e.accepted for e in history if e.operation == "create_run") < 20
    assert failing_operations == {*names}
    # Only names of alternatives are sent alone by both programs.
    assert all(count == 1 or ".type.enum" in id_ for id_, count in sent.items())


def test_a_member_that_the_refusal_names_is_left_out_first() -> None:
    packs = []
    for param in (None, "temperature"):
        history = InMemoryTarget(refusing_members("temperature", param=param)).execute(
            PROGRAMS["boundary.create_run.legal"]
        )
        assert {id_.split(".")[1] for id_ in failing(history)} == {"temperature"}
        packs.append(sum(e.step is not None and e.step.packed for e in history))
    assert packs[1] < packs[0]
