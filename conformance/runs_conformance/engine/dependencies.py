"""The earlier steps that a step depends on: it refers to them, or they changed the same objects."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from runs_conformance.client.prepared_request import reference_root
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.reproduction import ExecutedStep, executed_steps
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at


def references(step: Step) -> Iterator[Ref]:
    """Yield every reference in a step."""
    for value in (*step.path.values(), *(value for _, value in step.query), step.body):
        yield from _references_in(value)


def _references_in(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _references_in(member)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _references_in(item)


def without_dangling_references(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Drop the steps that refer to a step that does not precede them."""
    names: set[str] = set()
    resolvable: list[Step] = []
    for step in steps:
        if all(ref.step in names for ref in references(step)):
            resolvable.append(step)
            names.add(step.name)
    return tuple(resolvable)


def may_affect_others(executed: ExecutedStep) -> bool:
    """Whether a step may have changed stored objects, or waited for a status."""
    return executed.may_change_state or bool(executed.step.until)


def with_dependencies(
    targets: Sequence[Exchange],
    executed: Sequence[ExecutedStep],
    *,
    ignored_parameters: Sequence[str] = (),
    matters: Callable[[ExecutedStep], bool] = may_affect_others,
) -> list[ExecutedStep]:
    """The steps of the target exchanges with all their dependencies, in order.

    A step depends on the steps that it refers to, and on steps on the same objects if `matters` holds for them. Objects
    named only by `ignored_parameters` (such as `thread_id`) are not compared.
    """
    by_exchange = {exchange.id: each for each in executed for exchange in each.exchanges}
    positions = {id(each): position for position, each in enumerate(executed)}
    named = _positions_by_name(executed)
    needed: dict[int, ExecutedStep] = {}
    pending = [by_exchange[exchange.id] for exchange in targets if exchange.id in by_exchange]
    objects: set[str] = set()
    while pending:
        current = pending.pop()
        position = positions[id(current)]
        if position in needed:
            continue
        needed[position] = current
        for ref in references(current.step):
            earlier = bisect_left(named.get(ref.step, ()), position)
            if earlier:
                pending.append(executed[named[ref.step][earlier - 1]])
        added = set(object_ids(current.last, ignored_parameters)) - objects
        objects |= added
        if added:
            pending += [each for each in executed if matters(each) and _acts_on(each, added)]
    return [needed[position] for position in sorted(needed)]


def prerequisite_steps(history: History, exchange: Exchange) -> list[Step]:
    """The earlier steps that are needed to send the step of an exchange again, in order.

    These are the steps it refers to, directly or indirectly, and the successful steps that changed its thread or run,
    or waited for a status of its run. A step without references needs none.
    """
    if exchange.step is None or not any(True for _ in references(exchange.step)):
        return []
    executed = with_dependencies(
        [exchange],
        executed_steps(history),
        ignored_parameters=("assistant_id",),
        matters=lambda each: each.first.index <= exchange.index and _has_succeeded(each),
    )
    return [each.step for each in executed if all(own.id != exchange.id for own in each.exchanges)]


def _has_succeeded(executed: ExecutedStep) -> bool:
    return executed.step.role is not Role.NEGATIVE and executed.last.accepted and may_affect_others(executed)


def object_ids(exchange: Exchange, ignored_parameters: Sequence[str] = ()) -> Iterator[str]:
    """Yield the ids of the objects that an exchange acts on or creates."""
    yield from (value for name, value in exchange.path.items() if name not in ignored_parameters)
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is not None and f"{operation.creates}_id" not in ignored_parameters:
        yield from _response_id(exchange)
    if "thread_id" not in ignored_parameters:
        yield from _text_at(reference_root(exchange), "/thread_id")


def _acts_on(executed: ExecutedStep, objects: set[str]) -> bool:
    return bool(objects & {*executed.last.path.values(), *_response_id(executed.last)})


def _response_id(exchange: Exchange) -> Iterator[str]:
    return _text_at(reference_root(exchange), "/id")


def _text_at(value: JSON | Absent, pointer: str) -> Iterator[str]:
    text = at(value, pointer)
    if isinstance(text, str):
        yield text


def _positions_by_name(executed: Sequence[ExecutedStep]) -> dict[str, list[int]]:
    """The positions, in order, at which each step name is bound."""
    positions: dict[str, list[int]] = {}
    for position, each in enumerate(executed):
        if each.step.name:
            positions.setdefault(each.step.name, []).append(position)
    return positions
