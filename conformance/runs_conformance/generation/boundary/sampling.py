"""Samples the cases of all operations: one negative for each kind of constraint, spread over the operations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from runs_conformance.contract.json_type import json_type_of
from runs_conformance.generation.boundary.cases import OperationCases, select_positive_controls
from runs_conformance.model.case import Step
from runs_conformance.model.json import Absent

MIN_NEGATIVES = 3
"""Negatives of each operation, also of one that has no kind of constraint of its own."""

Kind = tuple[str, str]
"""A keyword, and the member that it constrains; for the keyword `type` the valid and the invalid type."""


def kind_of(step: Step) -> Kind:
    """The kind of constraint that a negative violates, or the anomaly of a malformed body."""
    if not step.exercises or step.mutation is None:
        return "", step.anomaly
    place, _, keyword = step.exercises[0].rpartition(".")
    if keyword == "type":
        valid, invalid = step.mutation.original, step.mutation.mutated
        return keyword, f"{_type_name(valid)} {_type_name(invalid)}"
    # Every object refuses unknown members by the same check.
    return keyword, "" if keyword == "additionalProperties" else place.rpartition(".")[2]


def _type_name(value: object) -> str:
    return "absent" if isinstance(value, Absent) else json_type_of(value)


def sample_cases(
    cases: Mapping[str, OperationCases], costs: Mapping[str, int], always_sent: Collection[str] = ()
) -> dict[str, OperationCases]:
    """The sampled cases of each operation.

    `costs` ranks the operations whose valid requests start runs. A kind is tested where it costs least, and there at
    the operation with the fewest sampled negatives. An operation that starts runs keeps one valid request besides its
    control, if a negative that none else has needs it.
    """
    holders: dict[Kind, dict[str, Step]] = {}
    for operation, each in cases.items():
        for step in each.negatives:
            holders.setdefault(kind_of(step), {}).setdefault(operation, step)
    chosen: dict[str, list[Step]] = {operation: [] for operation in cases}
    # The kinds with the fewest operations first, so that the others can even out the numbers.
    for kind in sorted(holders, key=lambda kind: (len(holders[kind]), kind)):
        steps = holders[kind]
        operation = min(steps, key=lambda name: (costs.get(name, 0), len(chosen[name]), name))
        chosen[operation].append(steps[operation])
    for operation, sampled in chosen.items():
        _add_wanted(sampled, cases[operation], always_sent)
    return {
        operation: _restrict(cases[operation], sampled, starts_runs=operation in costs)
        for operation, sampled in chosen.items()
    }


def _add_wanted(chosen: list[Step], cases: OperationCases, always_sent: Collection[str]) -> None:
    """Add the negatives that must be sent, and some of other keywords if there are few."""
    wanted = set(always_sent)
    chosen += [step for step in cases.negatives if step not in chosen and not wanted.isdisjoint(step.exercises)]
    keywords = {kind_of(step)[0] for step in chosen}
    # The refusal of what the control has, too, needs no further valid request.
    for step in sorted(cases.negatives, key=lambda step: not set(step.exercises) <= set(cases.control.exercises)):
        if len(chosen) < MIN_NEGATIVES and kind_of(step)[0] not in keywords:
            keywords.add(kind_of(step)[0])
            chosen.append(step)


def _restrict(cases: OperationCases, sampled: list[Step], *, starts_runs: bool) -> OperationCases:
    valid = (*cases.positive_controls, *cases.extra_valid)
    violated = {id_ for step in sampled for id_ in step.exercises}
    controls = select_positive_controls(valid, violated - set(cases.control.exercises))
    if starts_runs:
        most = max((len(violated & set(each.step.exercises)) for each in controls), default=0)
        controls = tuple(each for each in controls if len(violated & set(each.step.exercises)) == most)[:1]
    extra = () if starts_runs else tuple(each for each in valid if each not in controls)
    negatives = tuple(step for step in cases.negatives if step in sampled)
    return replace(cases, positive_controls=controls, extra_valid=extra, negatives=negatives)
