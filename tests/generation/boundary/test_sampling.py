"""The sample of boundary cases: each kind of constraint once, where it costs least."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from runs_conformance.generation.boundary import programs
from runs_conformance.generation.boundary.catalogue import operation_cases
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.omission import order_by_turns
from runs_conformance.generation.boundary.sampling import MIN_NEGATIVES, kind_of, sample_cases
from runs_conformance.model.case import Mutation, Step
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.verdict import Outcome
from runs_conformance.rules.constraints.requests import tallies
from tests.generation.boundary.target import CONTEXT, InMemoryTarget

COSTS = {"create_run": 1, "submit_tool_outputs": 2, "create_thread_and_run": 3}
CASES = {name: operation_cases(name, CONTEXT) for name in FIXTURES}
SAMPLE = sample_cases(CASES, COSTS)


def test_each_kind_of_constraint_is_sampled() -> None:
    kinds = {kind_of(step) for cases in CASES.values() for step in cases.negatives}
    sampled = Counter(kind_of(step) for cases in SAMPLE.values() for step in cases.negatives)
    assert sampled.keys() == kinds
    assert sampled.total() <= len(kinds) + MIN_NEGATIVES * len(SAMPLE)


def test_operations_that_start_runs_get_what_others_lack() -> None:
    free = {kind_of(step) for name, cases in CASES.items() if name not in COSTS for step in cases.negatives}
    for name in COSTS:
        shared = [step for step in SAMPLE[name].negatives if kind_of(step) in free]
        assert len(shared) <= MIN_NEGATIVES
        assert len(SAMPLE[name].positive_controls) <= 1
        assert not SAMPLE[name].extra_valid


def test_free_operations_send_all_valid_values() -> None:
    for name in SAMPLE.keys() - COSTS.keys():
        sent = {each.step.id for each in (*SAMPLE[name].positive_controls, *SAMPLE[name].extra_valid)}
        assert sent == {each.step.id for each in (*CASES[name].positive_controls, *CASES[name].extra_valid)}


def test_wanted_constraints_are_sent() -> None:
    wanted = CASES["create_run"].negatives[-9].exercises
    sample = sample_cases(CASES, COSTS, wanted)
    assert {id_ for step in sample["create_run"].negatives for id_ in step.exercises} >= set(wanted)


def test_a_correct_target_passes_what_is_sampled() -> None:
    for program in programs(CONTEXT, sampled=True):
        history = InMemoryTarget().execute(program)
        refused = {id_ for id_, tally in tallies(history).items() if tally.outcome is Outcome.FAIL}
        assert not refused
        assert len(history) <= program.requests + 6


def test_each_sampled_program_is_selected_alone() -> None:
    context = replace(CONTEXT, always_sent=frozenset({"create_message.role.enum"}))
    ids = [program.id for program in programs(context, ["create_message"], sampled=True)]
    assert ids == ["boundary.create_message"]


def negative(pointer: str, wrong: JSON = 5) -> Step:
    mutation = Mutation(pointer, "type", ABSENT, wrong)
    return Step(operation="create_run", mutation=mutation, exercises=(f"create_run{pointer.replace('/', '.')}.type",))


def test_members_order_by_turns_at_every_depth() -> None:
    roles = [negative("/thread/messages/0/role"), negative("/thread/messages/1/role")]
    tools = [negative("/thread/tools"), negative("/thread/tools/0/type"), negative("/thread/tools/1/type")]
    model, top_p, body = negative("/model"), negative("/top_p"), negative("")
    ordered = order_by_turns([*roles, *tools, model, top_p, body])
    assert ordered == [roles[0], model, top_p, body, tools[0], roles[1], tools[1], tools[2]]


def test_negatives_of_one_constraint_stay_together() -> None:
    models, top_p = [negative("/model"), negative("/model", wrong=True)], negative("/top_p")
    assert order_by_turns([models[0], top_p, models[1]]) == [*models, top_p]
