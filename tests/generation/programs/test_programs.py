"""Every program ends on every target, sends valid requests, and costs no more than it declares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count

import pytest

from runs_conformance.client.prepared_request import PreparedRequest
from runs_conformance.contract.constraint import body_documents, query_documents
from runs_conformance.contract.edition import DEFAULT_EDITION, V2_LAUNCH
from runs_conformance.contract.lifecycle import STATUSES
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.second_opinion import request_errors
from runs_conformance.contract.validation import validate_document
from runs_conformance.engine.refused_request import first_refused_request
from runs_conformance.generation.programs.catalogue import PHASES, catalogue
from runs_conformance.generation.programs.fragments import cancel_and_wait
from runs_conformance.generation.programs.responses import pending_call_count
from runs_conformance.generation.programs.steps import force_function, lengthy_message
from runs_conformance.model.case import Key, Ref, Role, Step, step_to_json
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.step_decoding import step_from_json
from runs_conformance.rules.constraints.cross_check import is_meant_valid
from tests.generation.programs.harness import ExecutedProgram, Received, ScriptedAnswer, emulator, run_all, run_scripted

FULL = ProgramContext(
    edition=DEFAULT_EDITION, has_second_api_key=True, failing_model="failing-model", accepts_any_file_id=True
)
PROGRAMS = catalogue(FULL)
by_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.id)


@pytest.fixture(scope="module")
def executed() -> Iterator[Mapping[str, ExecutedProgram]]:
    with emulator() as session:
        yield run_all(PROGRAMS, FULL, session)


@pytest.fixture(scope="module")
def first_edition() -> Iterator[Mapping[str, ExecutedProgram]]:
    context = ProgramContext(edition=V2_LAUNCH, failing_model="failing-model")
    with emulator(step_ms=1, edition=V2_LAUNCH) as session:
        yield run_all([p for p in catalogue(context) if not p.needs or p.needs == "failing_model"], context, session)


def test_every_program_id_starts_with_its_phase() -> None:
    assert len({program.id for program in PROGRAMS}) == len(PROGRAMS) > 50
    for program in PROGRAMS:
        assert program.id.startswith(program.phase + ".")
        assert program.phase in PHASES
        assert program.title.endswith(".")
        assert bool(program.needs) == bool(program.needs_text)
        assert not program.needs or hasattr(FULL, program.needs)


_BOTH_RUNS = ("run", "second")


def test_second_run_is_tried_while_the_first_is_streamed(executed: Mapping[str, ExecutedProgram]) -> None:
    exchanges = executed["lifecycle.stream_to_the_token_limit"].exchanges
    first, second = (next(each for each in exchanges if each.step and each.step.name == name) for name in _BOTH_RUNS)
    assert first.started < second.started < second.ended < first.ended
    assert (first.accepted, second.refused) == (True, True)


def test_a_run_is_read_before_a_foreign_deletion_may_hide_it(executed: Mapping[str, ExecutedProgram]) -> None:
    steps = executed["security.another_tenant"].steps
    foreign = [index for index, step in enumerate(steps) if step.key is Key.SECOND]
    cancellation = next(index for index in foreign if steps[index].operation == "cancel_run")
    deletion = next(index for index in foreign if steps[index].operation == "delete_thread")
    reads = [each for each in steps[cancellation:deletion] if each.operation == "get_run" and each.key is Key.PRIMARY]
    assert any(each.path == steps[cancellation].path for each in reads)


@pytest.mark.parametrize("name", ["lifecycle.messages", "lifecycle.threads"])
def test_metadata_has_the_names_of_ids(executed: Mapping[str, ExecutedProgram], name: str) -> None:
    bodies = [step.body for step in executed[name].steps if step.operation in ("create_message", "create_thread")]
    keys = [set(metadata) for body in bodies if is_object(body) and is_object(metadata := body.get("metadata"))]
    assert any(each >= {"id", "thread_id", "run_id", "message_id"} for each in keys)


def test_earlier_editions_exclude_programs_of_later_features() -> None:
    early = {program.id for program in catalogue(ProgramContext(edition=V2_LAUNCH))}
    late = {program.id for program in catalogue(ProgramContext(edition=DEFAULT_EDITION))}
    assert early < late
    assert "lifecycle.one_tool_call_at_a_time" in late - early


@by_program
def test_costs_no_more_than_declared(program: Program, executed: Mapping[str, ExecutedProgram]) -> None:
    result = executed[program.id]
    assert result.runs <= program.runs
    assert len(result.exchanges) <= program.requests


@by_program
def test_fixtures_succeed_on_a_correct_target(program: Program, executed: Mapping[str, ExecutedProgram]) -> None:
    fixtures = [
        exchange for exchange in executed[program.id].exchanges if exchange.step and exchange.step.role is Role.FIXTURE
    ]
    assert all(exchange.accepted for exchange in fixtures)
    assert len(executed[program.id].exchanges) > len(fixtures) + 2


@by_program
def test_a_correct_target_refuses_no_valid_request(program: Program, executed: Mapping[str, ExecutedProgram]) -> None:
    assert first_refused_request(executed[program.id].exchanges) == ""


@by_program
def test_valid_requests_satisfy_the_contract(program: Program, executed: Mapping[str, ExecutedProgram]) -> None:
    for exchange in executed[program.id].exchanges:
        assert not _violations(exchange, DEFAULT_EDITION)


def test_valid_requests_satisfy_the_first_edition(first_edition: Mapping[str, ExecutedProgram]) -> None:
    for result in first_edition.values():
        for exchange in result.exchanges:
            assert not _violations(exchange, V2_LAUNCH), result.program.id


@by_program
def test_is_a_pure_function_of_its_answers(program: Program, executed: Mapping[str, ExecutedProgram]) -> None:
    """Given the same answers it makes the same moves, and so can be replayed."""
    again = program.generate(FULL)
    received: Received | None = None
    for move, exchanges in executed[program.id].moves:
        assert again.send(received) == move
        received = exchanges
    with pytest.raises(StopIteration):
        again.send(received)


@by_program
def test_steps_survive_a_json_round_trip(program: Program, executed: Mapping[str, ExecutedProgram]) -> None:
    for step in executed[program.id].steps:
        assert step_from_json(json.loads(json.dumps(step_to_json(step)))).id == step.id


@by_program
def test_the_second_validator_finds_the_requests_valid_that_are_meant_to_be(
    program: Program, executed: Mapping[str, ExecutedProgram]
) -> None:
    for exchange in executed[program.id].exchanges:
        if exchange.step is not None and is_meant_valid(exchange, exchange.step):
            request = exchange.request
            assert not request_errors(exchange.operation or "", request.body, request.query, DEFAULT_EDITION), (
                exchange.step
            )


def test_all_programs_together_get_every_operation_accepted_and_refused(
    executed: Mapping[str, ExecutedProgram],
) -> None:
    exchanges = [exchange for result in executed.values() for exchange in result.exchanges]
    assert {exchange.operation for exchange in exchanges if exchange.accepted} == set(OPERATIONS)
    assert {exchange.operation for exchange in exchanges if exchange.status == 401} == set(OPERATIONS)
    with_ids = {name for name, operation in OPERATIONS.items() if operation.parameters}
    assert {exchange.operation for exchange in exchanges if exchange.status == 404} >= with_ids


def test_all_programs_together_stay_within_the_budget(executed: Mapping[str, ExecutedProgram]) -> None:
    assert sum(result.runs for result in executed.values()) <= 50
    assert sum(len(result.exchanges) for result in executed.values()) <= 1400


def test_all_programs_together_observe_every_status_but_expired(executed: Mapping[str, ExecutedProgram]) -> None:
    seen = {status for result in executed.values() for exchange in result.exchanges for status in _statuses(exchange)}
    assert set(STATUSES) - seen <= {"expired"}


def test_waits_for_a_run_that_expires_soon() -> None:
    expired = next(program for program in PROGRAMS if program.id == "lifecycle.expired")
    with emulator(step_ms=1, expires_s=1) as session:
        result = run_all([expired], FULL, session)[expired.id]
    assert "expired" in {status for exchange in result.exchanges for status in _statuses(exchange)}
    assert len(result.exchanges) <= expired.requests


@pytest.mark.parametrize("tools_on", ["run", "assistant"])
def test_assistant_of_the_waiting_run_also_runs_on_another_thread(tools_on: str) -> None:
    locked = next(program for program in PROGRAMS if program.id == "lifecycle.locked_while_waiting")
    context = replace(FULL, request_forms=RequestForms(tools_on=tools_on))
    with emulator(step_ms=1) as session:
        exchanges = run_all([locked], context, session)[locked.id].exchanges
    runs = {each.step.name: each.request.body for each in exchanges if each.step and each.operation == "create_run"}
    assert at(runs["elsewhere"], "/assistant_id") == at(runs["run"], "/assistant_id")


def never_answers(request: PreparedRequest) -> ScriptedAnswer:
    """A target that never answers."""
    return None


def refuses_everything(request: PreparedRequest) -> ScriptedAnswer:
    """A target that refuses everything."""
    return 400, {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}


def fails_on_everything(request: PreparedRequest) -> ScriptedAnswer:
    """A target that fails on every request."""
    return 500, {"error": {"message": "Oops."}}


def accepts_with_empty_object(request: PreparedRequest) -> ScriptedAnswer:
    """A target that accepts everything with an empty object."""
    return 200, {}


def answers_with_an_array(request: PreparedRequest) -> ScriptedAnswer:
    """A target that answers with an array."""
    return 200, []


def keeps_runs_queued(request: PreparedRequest) -> ScriptedAnswer:
    """A target whose runs stay queued forever, and whose lists are empty."""
    if OPERATIONS[request.operation].listed_kind:
        return 200, {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    return 200, {"id": "thing_1", "thread_id": "thread_1", "status": "queued"}


def completes_runs_at_once(request: PreparedRequest) -> ScriptedAnswer:
    """A target whose runs complete at once and never call a function."""
    if OPERATIONS[request.operation].listed_kind:
        return 200, {"object": "list", "data": [{"id": "thing_2"}], "first_id": "thing_2", "last_id": "thing_2"}
    return 200, {"id": "thing_1", "thread_id": "thread_1", "status": "completed"}


def keeps_runs_waiting(request: PreparedRequest) -> ScriptedAnswer:
    """A target whose runs wait for tool outputs forever."""
    calls: JSON = [{"id": "call_1"}, {"id": "call_2"}]
    action: JSON = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    if OPERATIONS[request.operation].listed_kind:
        return 200, {"object": "list", "data": [{}, None, 5], "first_id": 5, "last_id": None, "has_more": True}
    return 200, {"id": "thing_1", "thread_id": "thread_1", "status": "requires_action", "required_action": action}


@by_program
@pytest.mark.parametrize(
    "target",
    [
        never_answers,
        refuses_everything,
        fails_on_everything,
        accepts_with_empty_object,
        answers_with_an_array,
        keeps_runs_queued,
        completes_runs_at_once,
        keeps_runs_waiting,
    ],
)
def test_ends_quietly_on_any_target(program: Program, target: Callable[[PreparedRequest], ScriptedAnswer]) -> None:
    result = run_scripted(program, FULL, target)
    assert len(result.exchanges) <= 2 * program.requests


@pytest.mark.parametrize(
    "target", [never_answers, refuses_everything, fails_on_everything, accepts_with_empty_object, answers_with_an_array]
)
def test_ends_after_failed_fixtures(target: Callable[[PreparedRequest], ScriptedAnswer]) -> None:
    for program in PROGRAMS:
        assert len(run_scripted(program, FULL, target).exchanges) <= 5


@pytest.mark.parametrize(
    ("id_", "member", "refused", "accepted"),
    [
        ("lifecycle.incomplete", "max_completion_tokens", 256, 264),
        ("lifecycle.incomplete", "max_prompt_tokens", 256, 264),
        ("lifecycle.override_by_nothing", "temperature", 0, None),
        ("lifecycle.two_tool_calls", "tool_choice", "required", "auto"),
        ("lifecycle.one_tool_call_at_a_time", "tool_choice", "required", "auto"),
        ("lifecycle.cancel_while_waiting", "tool_choice", "required", force_function()),
        ("lifecycle.stream_two_tool_calls", "tool_choice", "required", "auto"),
        ("lifecycle.code_interpreter", "tool_choice", {"type": "code_interpreter"}, "required"),
    ],
)
def test_programs_try_another_value_if_the_first_is_refused(
    id_: str, member: str, refused: JSON, accepted: JSON
) -> None:
    def refuses_the_value(request: PreparedRequest) -> ScriptedAnswer:
        sent = request.body.get(member) if is_object(request.body) else None
        return (400, {"error": {}}) if sent == refused and sent is not None else completes_runs_at_once(request)

    program = next(each for each in PROGRAMS if each.id == id_)
    exchanges = run_scripted(program, FULL, refuses_the_value).exchanges
    runs = [each.request.body for each in exchanges if each.operation == "create_run" and each.accepted]
    assert any(is_object(body) and body.get(member) == accepted for body in runs)


@pytest.mark.parametrize(
    ("types", "attempts"),
    [
        (["message_creation"], 2),
        (["message_creation", "tool_calls"], 1),
        (["tool_calls"], 1),
        (["message"], 1),
        ([], 1),
    ],
)
@pytest.mark.parametrize("tool", ["code_interpreter", "file_search"])
def test_forced_builtin_tool_gets_another_try_only_if_it_was_not_used(
    tool: str, types: list[str], attempts: int
) -> None:
    def shows_steps(request: PreparedRequest) -> ScriptedAnswer:
        steps: JSON = [{"id": f"step_{index}", "type": type_} for index, type_ in enumerate(types)]
        is_list = request.operation == "list_run_steps"
        return (200, {"data": steps, "has_more": False}) if is_list else completes_runs_at_once(request)

    program = next(each for each in PROGRAMS if each.id == f"lifecycle.{tool}")
    exchanges = run_scripted(program, FULL, shows_steps).exchanges
    bodies = [each.request.body for each in exchanges if each.operation == "create_run"]
    assert [(at(body, "/tools"), at(body, "/tool_choice")) for body in bodies] == [
        ([{"type": tool}], {"type": tool})
    ] * attempts
    assert exchanges[-1].operation == "list_run_steps" or attempts == 1


@pytest.mark.parametrize("id_", ["lifecycle.threads", "lifecycle.additional_messages"])
def test_messages_are_sent_without_attachments_if_these_are_refused(id_: str) -> None:
    def refuses_attachments(request: PreparedRequest) -> ScriptedAnswer:
        is_refused = "attachments" in json.dumps(request.body if is_object(request.body) else {})
        return (400, {"error": {}}) if is_refused else completes_runs_at_once(request)

    program = next(each for each in PROGRAMS if each.id == id_)
    exchanges = run_scripted(program, FULL, refuses_attachments).exchanges
    index = next(index for index, each in enumerate(exchanges) if each.refused)
    with_file, without = (json.dumps(each.request.body) for each in exchanges[index : index + 2])
    assert "file_id" in with_file
    assert without == re.sub(r', "attachments": \[\{.*?\]\}\]', "", with_file)
    assert exchanges[index + 1].accepted


OVERRIDING = ("lifecycle.every_override", "lifecycle.stream_to_completion", "lifecycle.thread_and_run")


@pytest.mark.parametrize("error", [{"param": "truncation_strategy"}, {"message": "Bad truncation_strategy."}])
@pytest.mark.parametrize("id_", OVERRIDING)
def test_overrides_are_sent_without_the_member_that_a_refusal_names(id_: str, error: JSON) -> None:
    def refuses_a_member(request: PreparedRequest) -> ScriptedAnswer:
        is_refused = is_object(request.body) and "truncation_strategy" in request.body
        return (400, {"error": error}) if is_refused else completes_runs_at_once(request)

    program = next(each for each in PROGRAMS if each.id == id_)
    executed = run_scripted(program, FULL, refuses_a_member)
    exchanges = [each for each in executed.exchanges if is_object(each.request.body)]
    index = next(index for index, each in enumerate(exchanges) if each.refused)
    refused, accepted = exchanges[index].request.body, exchanges[index + 1].request.body
    assert is_object(refused)
    assert accepted == {name: value for name, value in refused.items() if name != "truncation_strategy"}


@pytest.mark.parametrize("id_", OVERRIDING)
def test_overrides_are_sent_at_most_four_times(id_: str) -> None:
    def refuses_every_member(request: PreparedRequest) -> ScriptedAnswer:
        names = sorted({*request.body} - {"assistant_id", "thread", "stream"}) if is_object(request.body) else []
        is_run = request.operation in ("create_run", "create_thread_and_run")
        return (400, {"error": {"param": names[0]}}) if names and is_run else completes_runs_at_once(request)

    program = next(each for each in PROGRAMS if each.id == id_)
    exchanges = run_scripted(program, FULL, refuses_every_member).exchanges
    refused = [each for each in exchanges if each.refused and "truncation_strategy" in str(each.request.body)]
    assert len(refused) == 4


@pytest.mark.parametrize(("refused", "limit"), [({100}, "99"), ({100, 99}, "50"), ({100, 99, 50}, None)])
@pytest.mark.parametrize("id_", ["lifecycle.pages_of_messages", "lifecycle.pages_of_assistants"])
def test_lists_are_read_with_a_smaller_limit_if_the_largest_is_refused(
    id_: str, refused: set[int], limit: str | None
) -> None:
    def refuses_limits(request: PreparedRequest) -> ScriptedAnswer:
        if not request.operation.startswith("list_"):
            return completes_runs_at_once(request)
        is_refused = int(dict(request.query).get("limit", 20)) in refused
        return (400, {"error": {}}) if is_refused else (200, {"data": [{"id": f"id_{i}"} for i in range(3)]})

    program = next(each for each in PROGRAMS if each.id == id_)
    exchanges = run_scripted(program, FULL, refuses_limits).exchanges
    first_refusal = next(each for each in exchanges if each.refused)
    pages = [dict(each.request.query) for each in exchanges if each.index > first_refusal.index and each.accepted]
    assert pages[0].get("limit") == limit
    assert any("before" in query for query in pages)


@pytest.mark.parametrize(
    "id_",
    [
        "lifecycle.every_override",
        "lifecycle.override_by_nothing",
        "lifecycle.assistants",
        "lifecycle.stream_to_completion",
    ],
)
def test_programs_do_without_builtin_tools_if_they_are_refused(id_: str) -> None:
    def has_functions_alone(request: PreparedRequest) -> ScriptedAnswer:
        tools = at(request.body, "/tools")
        is_refused = is_array(tools) and any(at(tool, "/type") != "function" for tool in tools)
        return (400, {"error": {}}) if is_refused else completes_runs_at_once(request)

    program = next(each for each in PROGRAMS if each.id == id_)
    bodies = [(each.request.body, each.accepted) for each in run_scripted(program, FULL, has_functions_alone).exchanges]
    refused = [body for body, is_accepted in bodies if at(body, "/tools/0") and not is_accepted]
    accepted = [body for body, is_accepted in bodies if at(body, "/tools/0") and is_accepted]
    assert refused
    assert {*refused[0]} - {"tool_resources"} <= {*accepted[0]}  # type: ignore[misc]


def keeps_threads_locked() -> Callable[[PreparedRequest], ScriptedAnswer]:
    """A target whose runs fail at once, and whose threads take one run each."""
    threads, locked = count(1), set[JSON]()

    def answer(request: PreparedRequest) -> ScriptedAnswer:
        if request.operation == "create_thread":
            return 200, {"id": f"thread_{next(threads)}"}
        if request.operation == "create_run":
            thread_id = (request.ids or {})["thread_id"]
            if thread_id in locked:
                return 400, {"error": {"message": "The thread already has an active run."}}
            locked.add(thread_id)
        status, body = completes_runs_at_once(request) or (200, None)
        return status, {**body, "status": "failed"} if is_object(body) else body

    return answer


def test_failing_run_is_streamed_on_a_new_thread_if_the_first_stays_locked() -> None:
    failed = next(program for program in PROGRAMS if program.id == "lifecycle.failed")
    exchanges = run_scripted(failed, FULL, keeps_threads_locked()).exchanges
    streamed = [each for each in exchanges if each.step and each.step.name == "streamed"]
    assert [(each.accepted, each.path["thread_id"]) for each in streamed] == [(False, "thread_1"), (True, "thread_2")]
    assert all(each.path.get("thread_id") == "thread_2" for each in exchanges[exchanges.index(streamed[-1]) :])


def test_a_long_answer_is_asked_for_by_a_long_message_unless_it_is_replaced() -> None:
    context = replace(FULL, prompts={"long": "Speak."})
    assert lengthy_message(context) == "Speak."
    assert len(lengthy_message(FULL).split()) > 256


def test_outputs_for_one_call_are_as_many_as_calls(executed: Mapping[str, ExecutedProgram]) -> None:
    bodies = [step_to_json(step).get("body") for step in executed["lifecycle.two_tool_calls"].steps]
    submitted = [outputs for body in bodies if is_array(outputs := at(body, "/tool_outputs")) and len(outputs) == 2]
    assert any(at(first, "/tool_call_id") == at(second, "/tool_call_id") for first, second in submitted)


def test_text_of_several_bytes_a_character_is_long(executed: Mapping[str, ExecutedProgram]) -> None:
    contents = [at(each.request.body, "/content") for each in executed["lifecycle.messages"].exchanges]
    assert any(isinstance(text, str) and len(text) > 65_536 and not text.isascii() for text in contents)


@pytest.mark.parametrize("name", ["odd_text", "bodies_that_are_not_json", "deep_nesting", "long_values"])
def test_messages_that_odd_bodies_may_have_broken_are_listed_before_a_control(
    name: str, executed: Mapping[str, ExecutedProgram]
) -> None:
    listed, control = executed[f"robustness.{name}"].steps[-2:]
    assert (listed.operation, control.role) == ("list_messages", Role.CONTROL)


def test_an_assistant_in_use_is_never_modified() -> None:
    context = ProgramContext(edition=DEFAULT_EDITION, has_second_api_key=True, use={"assistant": "asst_given"})
    for program in PROGRAMS:
        for exchange in run_scripted(program, context, completes_runs_at_once).exchanges:
            named = exchange.path.get("assistant_id") == "asst_given"
            assert not named or exchange.request.method == "GET" or exchange.step.role is Role.NEGATIVE  # type: ignore[union-attr]


def test_run_whose_cancellation_is_ignored_gets_its_outputs() -> None:
    fragment = cancel_and_wait()
    next(fragment)
    assert fragment.send(answered("requires_action")).operation == "get_run"  # type: ignore[union-attr]
    outputs = fragment.send(answered("requires_action"))
    assert isinstance(outputs, Step)
    assert outputs.operation == "submit_tool_outputs"
    assert fragment.send(answered("in_progress")).operation == "get_run"  # type: ignore[union-attr]
    with pytest.raises(StopIteration) as stop:
        fragment.send(answered("completed"))
    assert stop.value.value is True


@pytest.mark.parametrize(("status", "count"), [("requires_action", 1), ("queued", 0), ("completed", 0)])
def test_a_run_that_requires_no_action_has_no_pending_calls(status: str, count: int) -> None:
    assert pending_call_count(answered(status)) == count


def test_a_modification_without_metadata_comes_while_the_message_has_some() -> None:
    program = next(program for program in PROGRAMS if program.id == "lifecycle.modified_message")
    bodies = [
        exchange.request.body
        for exchange in run_scripted(program, FULL, completes_runs_at_once).exchanges
        if exchange.operation == "modify_message"
    ]
    before = bodies[bodies.index({}) - 1]
    assert is_object(before)
    assert before["metadata"]


def answered(status: str) -> Exchange:
    calls = {"submit_tool_outputs": {"tool_calls": [{"id": "call_1"}]}}
    body: JSON = {"object": "thread.run", "status": status, "required_action": calls}
    return Exchange(
        id="x1",
        index=1,
        program="p",
        operation="get_run",
        request=Request("GET", "/threads/t/runs/r"),
        response=Response(200, body=body),
        completion=Completion.ANSWERED,
        started=0.0,
        ended=1.0,
    )


def _violations(exchange: Exchange, edition: str) -> list[str]:
    step = exchange.step
    if step is None or step.role is Role.NEGATIVE or step.raw is not None:
        return []
    found = []
    if step.operation in body_documents() and exchange.request.body is not ABSENT:
        document = body_documents()[step.operation]
        found += validate_document(document, step.operation, exchange.request.body, edition).violations
    if step.operation in query_documents():
        document = query_documents()[step.operation]
        found += validate_document(document, step.operation, dict(_parameters(step.query)), edition).violations
    return [violation.message for violation in found]


def _parameters(query: tuple[tuple[str, object], ...]) -> Iterator[tuple[str, JSON]]:
    for name, value in query:
        text: JSON = "some_id" if isinstance(value, Ref) else value  # type: ignore[assignment]
        yield ("include", [text]) if name == "include[]" else (name, text)


def _statuses(exchange: Exchange) -> Iterator[str]:
    bodies = [exchange.body, *(event.data for event in exchange.events)]
    for body in bodies:
        if is_object(body):
            data = body.get("data")
            for value in (body, *(data if is_array(data) else ())):
                if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("status"), str):
                    yield str(value["status"])


@pytest.mark.parametrize("stuck", ["cancelling", "in_progress"])
@pytest.mark.parametrize("is_waiting", [True, False])
def test_runs_are_paged_where_cancellations_do_not_end(stuck: str, is_waiting: bool) -> None:
    threads, runs = count(), count()
    statuses: dict[str, str] = {}

    def never_cancels(request: PreparedRequest) -> ScriptedAnswer:
        run_id = (request.ids or {}).get("run_id", "")
        if OPERATIONS[request.operation].listed_kind:
            items: list[JSON] = [{"id": f"item_{number}"} for number in range(4)]
            return 200, {"object": "list", "data": items, "has_more": False}
        if request.operation == "create_run":
            run_id = f"run_{next(runs)}"
            must_call = is_object(request.body) and "tool_choice" in request.body
            statuses[run_id] = "requires_action" if must_call else "completed"
        if request.operation == "cancel_run" and statuses[run_id] == ("requires_action" if is_waiting else "completed"):
            statuses[run_id] = stuck
        if run_id:
            return 200, {"id": run_id, "status": statuses[run_id]}
        return 200, {"id": f"thread_{next(threads)}"}

    program = next(each for each in PROGRAMS if each.id == "lifecycle.pages_of_runs")
    executed = run_scripted(program, replace(FULL, streams=False), never_cancels)
    listed = [
        each for each in executed.exchanges if each.operation == "list_runs" and "after" in dict(each.request.query)
    ]
    assert len(listed) > 5
    created = [each for each in executed.exchanges if each.operation == "create_run"]
    assert len({each.request.path for each in created}) == 2
    assert len(created) <= program.runs + 1


def test_a_run_with_functions_is_cancelled_while_it_is_in_progress(executed: Mapping[str, ExecutedProgram]) -> None:
    exchanges = executed["lifecycle.cancel_at_once"].exchanges
    place = next(place for place, each in enumerate(exchanges) if each.member("status") == "cancelling")
    assert exchanges[place].operation == "cancel_run"
    assert exchanges[place - 1].member("status") == "in_progress"


def test_owners_read_their_objects_just_before_another_tenant_does(executed: Mapping[str, ExecutedProgram]) -> None:
    exchanges = executed["security.another_tenant"].exchanges
    foreign = [
        place
        for place, each in enumerate(exchanges)
        if each.step and each.step.key is Key.SECOND and each.operation in ("get_assistant", "get_message", "get_run")
        if each.refused
    ]
    assert len(foreign) >= 3
    for place in foreign:
        before = exchanges[place - 1]
        assert (before.operation, before.path, before.accepted) == (
            exchanges[place].operation,
            exchanges[place].path,
            True,
        )
