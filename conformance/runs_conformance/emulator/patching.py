"""Ways to spoil a behaviour, for the mutants to be short."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from runs_conformance.contract.operation import OPERATIONS, Operation
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour, Events
from runs_conformance.emulator.listing import Page
from runs_conformance.emulator.state import Members, Run
from runs_conformance.emulator.validation import Schemas

Wrapper: TypeAlias = Callable[[Callable[[Call], Awaitable[Any]], Call], Awaitable[Any]]


def shown(behaviour: Behaviour, kind: str, change: Callable[[Members, Any, str], object]) -> None:
    """Have `change` alter what is shown of a kind of object: it gets the members, the object, and the channel."""
    inner = getattr(behaviour, f"{kind}_object")

    def outer(world: World, subject: Any, *rest: Any) -> Members:
        members = dict(inner(world, subject, *rest))
        change(members, subject, rest[0] if rest else "json")
        return members

    setattr(behaviour, f"{kind}_object", outer)


def without(behaviour: Behaviour, kind: str, *names: str) -> None:
    """Leave members of a kind of object out."""
    shown(behaviour, kind, lambda members, *_: [members.pop(name, None) for name in names])


def told(behaviour: Behaviour, change: Callable[[World, Run, str, Any], Events]) -> None:
    """Have `change` say which events take the place of one."""
    inner = behaviour.events

    def outer(world: World, run: Run, name: str, data: Any) -> Events:
        return [event for told in inner(world, run, name, data) for event in change(world, run, *told)]

    behaviour.events = outer


def around(behaviour: Behaviour, wrap: Wrapper, *operations: str) -> None:
    """Put `wrap` around the handlers of some operations: it gets the handler and the call."""
    for operation in operations:
        behaviour.handlers[operation] = partial(wrap, behaviour.handlers[operation])


def answered(behaviour: Behaviour, change: Callable[[Call, Any], Any], *operations: str) -> None:
    """Have `change` replace the JSON with which some operations are answered; all operations if none is named."""
    inner = behaviour.finished

    def outer(call: Call, answer: Any) -> Any:
        answer = inner(call, answer)
        return change(call, answer) if not operations or call.operation.name in operations else answer

    behaviour.finished = outer


def queried(behaviour: Behaviour, change: Callable[[dict[str, Any]], object]) -> None:
    """Have `change` alter the queries of lists after they were checked."""
    inner = behaviour.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        query = inner(schemas, operation, pairs)
        if operation.lists:
            change(query)
        return query

    behaviour.read_query = read


def paged(behaviour: Behaviour, change: Callable[[Page[Any], Sequence[Any], dict[str, Any]], Page[Any]]) -> None:
    """Have `change` replace the pages of lists: it gets the page, all that could be on it, and the query."""
    inner = behaviour.page
    behaviour.page = lambda items, query: change(inner(items, query), items, query)


def taken(behaviour: Behaviour, change: Callable[[Any], object], *operations: str) -> None:
    """Have `change` alter the bodies of some operations before they are checked; of all operations if none is named."""
    inner = behaviour.check_body

    def outer(schemas: Schemas, operation: Operation, body: Any) -> None:
        if isinstance(body, dict) and (not operations or operation.name in operations):
            change(body)
        inner(schemas, operation, body)

    behaviour.check_body = outer


def coerced(behaviour: Behaviour, member: str, change: Callable[[Any], Any], *operations: str) -> None:
    """Have `change` replace one member of the bodies of some operations before they are checked, where it is there."""

    def apply(body: dict[str, Any]) -> None:
        if member in body:
            body[member] = change(body[member])

    taken(behaviour, apply, *operations)


def keyword(behaviour: Behaviour, constraint: str, value: Any) -> None:
    """Set one keyword of the emulator's own request schemas, named by its constraint id; None drops it.

    `required` is set per member: only dropping it makes sense.
    """
    where, _, word = constraint.rpartition(".")
    holder, _, member = where.rpartition(".")
    found = False
    for place in places(behaviour, constraint.partition(".")[0]):
        if word == "required" and place.get("x-at") == holder and member in place.get("required", ()):
            place["required"] = [name for name in place["required"] if name != member]
            found = True
        elif place.get("x-at") == where and word in place:
            found = True
            if value is None:
                del place[word]
            else:
                place[word] = value
    if not found:
        raise ValueError(f"the request schemas have no {constraint}")


def places(behaviour: Behaviour, operation: str) -> Iterator[dict[str, Any]]:
    """Every place of the request schemas of an operation."""
    sides = OPERATIONS[operation]
    todo: list[Any] = [behaviour.schemas.body(operation)] if sides.body else []
    todo += [behaviour.schemas.query(operation)] if sides.query else []
    while todo:
        place = todo.pop()
        if isinstance(place, dict):
            if "x-at" in place:
                yield place
            todo += [value for key, value in place.items() if not key.startswith("x-")]
        elif isinstance(place, list):
            todo += [item for item in place if isinstance(item, (dict, list))]


def each(value: Any, change: Callable[[dict[str, Any]], object]) -> None:
    """Call `change` on every JSON object in a value, the inner ones first."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for member in list(inner):
        each(member, change)
    if isinstance(value, dict):
        change(value)
