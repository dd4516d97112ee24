"""Profile quick omits steps of programs, and the programs of its table exist."""

from __future__ import annotations

from collections.abc import Iterable

from runs_conformance.app.options import RunOptions, all_programs
from runs_conformance.app.run import program_context
from runs_conformance.engine.plan import build_plan
from runs_conformance.engine.quick_plan import (
    EVERY,
    QuickProgram,
    StepLabels,
    decode_quick_programs,
    encode_quick_programs,
    first_label,
    load_quick_programs,
    select_quick_programs,
    shorten_program,
)
from runs_conformance.model.case import Key, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Program
from tests.engine.scripted import SETTING, make_program
from tests.quality.judging import target_at

THREAD = {"thread_id": Ref("thread")}
CREATE = Step(operation="create_thread", name="thread", body={}, role=Role.FIXTURE)
READ = Step(operation="get_thread", path=THREAD, role=Role.READ)
WITHOUT_KEY = Step(operation="get_thread", path=THREAD, role=Role.NEGATIVE, key=Key.NONE)
POLL = Step(operation="get_run", path={**THREAD, "run_id": Ref("run")}, until=("completed",), role=Role.READ)


def labels(*steps: Step) -> list[str]:
    label = StepLabels()
    return [label.label(step) for step in steps]


def sent(program: Program) -> list[Step]:
    """The steps that a program yields to the engine."""
    steps, moves = list[Step](), program.generate(SETTING)
    answer: Exchange | None = None
    while True:
        try:
            move = moves.send(answer)
        except StopIteration:
            return steps
        assert isinstance(move, Step)
        steps.append(move)
        answer = None


def without(omitted: Iterable[str], *steps: Step) -> list[Step]:
    return sent(shorten_program(make_program(*steps), QuickProgram(1, 0, frozenset(omitted))))


def test_labels_tell_steps_and_their_repetitions_apart() -> None:
    first, without_key, again = labels(READ, WITHOUT_KEY, READ)
    assert len({first, without_key, again}) == 3
    assert first_label(again) == first


def test_labels_do_not_depend_on_the_model() -> None:
    bodies = [{"model": "gpt-4o"}, {"model": "another"}]
    steps = [Step(operation="create_assistant", name="assistant", body=body) for body in bodies]
    assert labels(steps[0]) == labels(steps[1])


def test_an_omitted_step_is_not_sent() -> None:
    _, omitted, second = labels(CREATE, READ, READ)
    assert without([omitted], CREATE, READ, WITHOUT_KEY, READ) == [CREATE, WITHOUT_KEY, READ]
    assert without([second], CREATE, READ, WITHOUT_KEY, READ) == [CREATE, READ, WITHOUT_KEY]
    assert without([omitted + EVERY], CREATE, READ, WITHOUT_KEY, READ) == [CREATE, WITHOUT_KEY]


def test_an_unknown_step_is_sent() -> None:
    assert without(["get_run:000000"], CREATE, READ) == [CREATE, READ]


def test_polls_are_always_sent() -> None:
    assert without(labels(POLL), CREATE, POLL) == [CREATE, POLL]


def test_only_programs_of_the_table_are_quick() -> None:
    known, other, boundary = (make_program(id_=f"lifecycle.{name}") for name in ("a", "b", "c"))
    boundary = make_program(id_="boundary.create_run", phase="boundary")
    table = {known.id: QuickProgram(1, 0, frozenset())}
    assert [each.quick for each in select_quick_programs([known, other, boundary], table)] == [True, False, True]


def test_the_table_survives_being_written() -> None:
    table = load_quick_programs()
    assert decode_quick_programs(encode_quick_programs(table)) == table


def test_the_profile_is_small() -> None:
    options = RunOptions(profile="quick")
    context = program_context(target_at("http://127.0.0.1/v1"), options)
    plan = build_plan(all_programs(context, options), context, "quick")
    assert load_quick_programs().keys() <= {program.id for program in plan.programs}
    assert plan.runs <= 11, "the search for the form of requests starts another one"
    assert plan.requests <= 515


def test_a_selection_is_judged_by_whole_programs() -> None:
    options = RunOptions(profile="quick", select=("auth.*",))
    context = program_context(target_at("http://127.0.0.1/v1"), options)
    whole = {program.id: program.requests for program in all_programs(context, RunOptions())}
    for program in all_programs(context, options):
        assert program.requests == whole[program.id]
