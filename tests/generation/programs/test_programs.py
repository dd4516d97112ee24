"""Every program ends on every target, sends what the contract allows, and costs what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from runs_conformance.client.prepared_request import Outgoing
from runs_conformance.contract.constraint import request_bodies, request_queries
from runs_conformance.contract.edition import DEFAULT_EDITION, V2_LAUNCH
from runs_conformance.contract.lifecycle import STATUSES
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema_violation import examine
from runs_conformance.generation.programs.catalogue import PHASES, catalogue
from runs_conformance.model.case import Ref, Role, step_from_json, step_to_json
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON, is_array, is_object
from runs_conformance.model.program import Program, Setting
from tests.generation.programs.playing import Answer, Came, Played, emulator, play_all, scripted

FULL = Setting(edition=DEFAULT_EDITION, second_key=True, failing_model="failing-model", accepts_any_file_id=True)
PROGRAMS = catalogue(FULL)
by_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.id)


@pytest.fixture(scope="module")
def played() -> Iterator[Mapping[str, Played]]:
    with emulator() as session:
        yield play_all(PROGRAMS, FULL, session)


@pytest.fixture(scope="module")
def first_edition() -> Iterator[Mapping[str, Played]]:
    setting = Setting(edition=V2_LAUNCH, failing_model="failing-model")
    with emulator(step_ms=1, edition=V2_LAUNCH) as session:
        yield play_all([p for p in catalogue(setting) if not p.needs or p.needs == "failing_model"], setting, session)


def test_every_program_is_called_after_its_phase_and_says_what_it_is() -> None:
    assert len({program.id for program in PROGRAMS}) == len(PROGRAMS) > 50
    for program in PROGRAMS:
        assert program.id.startswith(program.phase + ".")
        assert program.phase in PHASES
        assert program.title.endswith(".")
        assert bool(program.needs) == bool(program.needs_text)
        assert not program.needs or hasattr(FULL, program.needs)


def test_only_the_lifecycle_is_quick_and_it_stays_within_the_quick_profile() -> None:
    quick = [program for program in PROGRAMS if program.quick]
    assert {program.phase for program in quick} == {"lifecycle"}
    assert sum(program.runs for program in quick) <= 18


def test_what_entered_the_contract_later_is_not_played_in_an_earlier_edition() -> None:
    early = {program.id for program in catalogue(Setting(edition=V2_LAUNCH))}
    late = {program.id for program in catalogue(Setting(edition=DEFAULT_EDITION))}
    assert early < late
    assert "lifecycle.one_tool_call_at_a_time" in late - early


@by_program
def test_it_costs_what_it_says(program: Program, played: Mapping[str, Played]) -> None:
    what = played[program.id]
    assert what.runs <= program.runs
    assert len(what.exchanges) <= program.requests


@by_program
def test_a_correct_target_lets_it_get_past_its_fixtures(program: Program, played: Mapping[str, Played]) -> None:
    fixtures = [
        exchange for exchange in played[program.id].exchanges if exchange.step and exchange.step.role is Role.FIXTURE
    ]
    assert all(exchange.accepted for exchange in fixtures)
    assert len(played[program.id].exchanges) > len(fixtures) + 2


@by_program
def test_what_it_means_to_be_valid_is(program: Program, played: Mapping[str, Played]) -> None:
    for exchange in played[program.id].exchanges:
        assert not _faults(exchange, DEFAULT_EDITION)


def test_what_is_meant_to_be_valid_is_so_in_the_first_edition(first_edition: Mapping[str, Played]) -> None:
    for what in first_edition.values():
        for exchange in what.exchanges:
            assert not _faults(exchange, V2_LAUNCH), what.program.id


@by_program
def test_it_is_a_pure_function_of_what_it_is_sent(program: Program, played: Mapping[str, Played]) -> None:
    """Sent the same answers again, it makes the same moves: so it can be replayed."""
    again = program.play(FULL)
    came: Came | None = None
    for move, sent in played[program.id].moves:
        assert again.send(came) == move
        came = sent
    with pytest.raises(StopIteration):
        again.send(came)


@by_program
def test_its_steps_survive_being_written_down(program: Program, played: Mapping[str, Played]) -> None:
    for step in played[program.id].steps:
        assert step_from_json(json.loads(json.dumps(step_to_json(step)))).id == step.id


def test_together_they_send_every_operation_both_so_that_it_is_accepted_and_so_that_it_is_refused(
    played: Mapping[str, Played],
) -> None:
    exchanges = [exchange for what in played.values() for exchange in what.exchanges]
    assert {exchange.operation for exchange in exchanges if exchange.accepted} == set(OPERATIONS)
    assert {exchange.operation for exchange in exchanges if exchange.status == 401} == set(OPERATIONS)
    with_ids = {name for name, operation in OPERATIONS.items() if operation.parameters}
    assert {exchange.operation for exchange in exchanges if exchange.status == 404} >= with_ids


def test_together_they_cost_no_more_than_they_may(played: Mapping[str, Played]) -> None:
    assert sum(what.runs for what in played.values()) <= 50
    assert sum(len(what.exchanges) for what in played.values()) <= 1350


def test_together_they_see_every_status_but_expired(played: Mapping[str, Played]) -> None:
    seen = {status for what in played.values() for exchange in what.exchanges for status in _statuses(exchange)}
    assert set(STATUSES) - seen <= {"expired"}


def test_a_run_that_soon_expires_is_left_to_do_so() -> None:
    expired = next(program for program in PROGRAMS if program.id == "lifecycle.expired")
    with emulator(step_ms=1, expires_s=1) as session:
        what = play_all([expired], FULL, session)[expired.id]
    assert "expired" in {status for exchange in what.exchanges for status in _statuses(exchange)}
    assert len(what.exchanges) <= expired.requests


def nothing(outgoing: Outgoing) -> Answer:
    """A target that never answers."""
    return None


def refusal(outgoing: Outgoing) -> Answer:
    """A target that refuses everything."""
    return 400, {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}


def failure(outgoing: Outgoing) -> Answer:
    """A target that fails at everything."""
    return 500, {"error": {"message": "Oops."}}


def hollow(outgoing: Outgoing) -> Answer:
    """A target that says yes to everything, and nothing else."""
    return 200, {}


def array(outgoing: Outgoing) -> Answer:
    """A target that answers with an array."""
    return 200, []


def stuck(outgoing: Outgoing) -> Answer:
    """A target whose runs stay queued for ever, and whose lists are empty."""
    if OPERATIONS[outgoing.operation].lists:
        return 200, {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    return 200, {"id": "thing_1", "thread_id": "thread_1", "status": "queued"}


def unwilling(outgoing: Outgoing) -> Answer:
    """A target whose runs are completed at once, whatever they were asked to do."""
    if OPERATIONS[outgoing.operation].lists:
        return 200, {"object": "list", "data": [{"id": "thing_2"}], "first_id": "thing_2", "last_id": "thing_2"}
    return 200, {"id": "thing_1", "thread_id": "thread_1", "status": "completed"}


def insatiable(outgoing: Outgoing) -> Answer:
    """A target whose runs wait for tool outputs for ever."""
    calls: JSON = [{"id": "call_1"}, {"id": "call_2"}]
    action: JSON = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    if OPERATIONS[outgoing.operation].lists:
        return 200, {"object": "list", "data": [{}, None, 5], "first_id": 5, "last_id": None, "has_more": True}
    return 200, {"id": "thing_1", "thread_id": "thread_1", "status": "requires_action", "required_action": action}


@by_program
@pytest.mark.parametrize("target", [nothing, refusal, failure, hollow, array, stuck, unwilling, insatiable])
def test_it_ends_quietly_whatever_a_target_does(program: Program, target: Callable[[Outgoing], Answer]) -> None:
    what = scripted(program, FULL, target)
    assert len(what.exchanges) <= 2 * program.requests


@pytest.mark.parametrize("target", [nothing, refusal, failure, hollow, array])
def test_nothing_goes_on_after_fixtures_that_were_not_made(target: Callable[[Outgoing], Answer]) -> None:
    for program in PROGRAMS:
        assert len(scripted(program, FULL, target).exchanges) <= 5


def test_an_assistant_that_is_given_is_used_and_never_changed() -> None:
    setting = Setting(edition=DEFAULT_EDITION, second_key=True, given={"assistant": "asst_given"})
    for program in PROGRAMS:
        for exchange in scripted(program, setting, unwilling).exchanges:
            named = exchange.path.get("assistant_id") == "asst_given"
            assert not named or exchange.request.method == "GET" or exchange.step.role is Role.NEGATIVE  # type: ignore[union-attr]


def _faults(exchange: Exchange, edition: str) -> list[str]:
    step = exchange.step
    if step is None or step.role is Role.NEGATIVE or step.raw is not None:
        return []
    found = []
    if step.operation in request_bodies() and exchange.request.body is not ABSENT:
        document = request_bodies()[step.operation]
        found += examine(document, step.operation, exchange.request.body, edition).faults
    if step.operation in request_queries():
        document = request_queries()[step.operation]
        found += examine(document, step.operation, dict(_parameters(step.query)), edition).faults
    return [fault.message for fault in found]


def _parameters(query: tuple[tuple[str, object], ...]) -> Iterator[tuple[str, JSON]]:
    for name, value in query:
        given: JSON = "some_id" if isinstance(value, Ref) else value  # type: ignore[assignment]
        yield ("include", [given]) if name == "include[]" else (name, given)


def _statuses(exchange: Exchange) -> Iterator[str]:
    bodies = [exchange.body, *(event.data for event in exchange.events)]
    for body in bodies:
        if is_object(body):
            data = body.get("data")
            for value in (body, *(data if is_array(data) else ())):
                if is_object(value) and value.get("object") == "thread.run" and isinstance(value.get("status"), str):
                    yield str(value["status"])
