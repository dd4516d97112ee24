"""Shared values: what other operations get once the operation that stands in for them has accepted it.

Of operations that state a place identically, one is sent the unusual invalid values. If it accepts one, or fails with
it, so may the others. Once it has accepted a value, it is not sent the rest, which the others might accept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from runs_conformance.generation.boundary.cases import OperationCases, negative_step, operation_order, payload_factory
from runs_conformance.generation.boundary.deduplication import DeduplicationKey
from runs_conformance.generation.boundary.execution import CaseRun
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.payload_factory import Negative
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.case import Instruction, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext

Twins: TypeAlias = Mapping[str, Mapping[str, Step]]
"""For each negative, by the id of its step, the steps that send its value to other operations."""

_MODIFIES = {"assistant": ("create_assistant", "modify_assistant"), "thread": ("modify_thread",)}
"""The operations that must not be sent to a target whose object of this kind is in use."""


MAX_UNSENT = 20
"""Values not sent to the operation that stands in for others that are sent to these instead. A target that leaves more
of them unsent accepts invalid values in general.
"""


def find_twins(operation: str, context: ProgramContext) -> Twins:
    """The steps that send the values of an operation's negatives to later operations with the same place."""
    order = operation_order()
    if operation not in order:
        return {}
    spared = {name for kind in context.use for name in _MODIFIES.get(kind, ())}
    twins: dict[str, dict[str, Step]] = {}
    own = {key: _step(operation, negative).id for key, negative in _shared_negatives(operation, context).items()}
    for other in order[order.index(operation) + 1 :]:
        if other not in spared:
            for key, negative in _shared_negatives(other, context).items():
                if key in own:
                    twins.setdefault(own[key], {})[other] = _step(other, negative)
    return twins


def send_to_twins(
    operation: str, case_run: CaseRun, cases_of: Callable[[str], OperationCases]
) -> Generator[Instruction, Any, None]:
    """Send the first value of each constraint that the target did not refuse to the others with the same place.

    Where that is the nearest value, each operation has been sent it anyway. Values that were not sent because another
    one had been accepted are sent, too, unless they are many.
    """
    first = dict[tuple[str, ...], str]()
    for id_, exchange in case_run.negatives.items():
        if exchange.step is not None and (exchange.accepted or _fails(exchange)):
            first.setdefault(exchange.step.exercises, id_)
    twins = find_twins(operation, case_run.context) if first else {}
    unsent = [id_ for id_ in _ids_not_sent(operation, case_run) if id_ in twins] if twins else []
    wanted: dict[str, list[Step]] = {}
    for id_ in (*first.values(), *(unsent if len(unsent) <= MAX_UNSENT else ())):
        for other, step in twins.get(id_, {}).items():
            wanted.setdefault(other, []).append(step)
    for other, steps in wanted.items():
        own = CaseRun(FIXTURES[other], case_run.context, refused_cancellations=case_run.refused_cancellations)
        yield from _send(own, steps, cases_of(other).control)


def _ids_not_sent(operation: str, case_run: CaseRun) -> list[str]:
    """The ids of the steps that were not sent because another value had been accepted at their place."""
    steps = [_step(operation, each) for each in _shared_negatives(operation, case_run.context).values()]
    return [
        step.id
        for step in steps
        if step.id not in case_run.negatives and not case_run.failed_constraints.isdisjoint(step.exercises[:1])
    ]


def _send(case_run: CaseRun, steps: Sequence[Step], control: Step) -> Generator[Instruction, Any, None]:
    if not (yield from case_run.fixture.set_up(case_run.context)):
        return
    yield from case_run.send_negatives(steps)
    if any(map(_fails, case_run.negatives.values())):
        # Without it, the target may have failed with every request.
        yield from case_run.send(control)


def _fails(exchange: Exchange) -> bool:
    return exchange.status is not None and exchange.status >= 500


def _step(operation: str, negative: Negative) -> Step:
    fixture = FIXTURES[operation]
    return negative_step(Step(operation=operation, path=fixture.path, name=fixture.name), negative)


def _shared_negatives(operation: str, context: ProgramContext) -> Mapping[DeduplicationKey, Negative]:
    in_use = frozenset(context.use.items())
    return _cached_negatives(operation, context.edition, context.model, context.accepts_any_file_id, in_use)


@lru_cache(maxsize=64)
def _cached_negatives(
    operation: str, edition: str, model: str, accepts_any_file_id: bool, in_use: frozenset[tuple[str, str]]
) -> Mapping[DeduplicationKey, Negative]:
    factory = payload_factory(operation, edition, Sampler(model, accepts_any_file_id, dict(in_use)))
    return dict(reversed([*factory.shared_negatives()]))
