"""Splits a recorded history into partitions that can be judged separately."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.recordings.loss import IDS_REDACTED

SIZE = 200
"""Exchanges that are judged together if nothing joins them. The cost of judging grows faster than this number."""

MAX_DEPENDENCIES = 60
"""Requests about an assistant that are judged with every thread that uses it."""

_JOINING_MEMBERS = ("id", "thread_id", "run_id")
_ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Partition:
    """Exchanges that are judged together.

    `exchanges` were recorded completely. The recorder lost a part of each `damaged` exchange, so only its response is
    judged, on its own. `missing_data_reason` says what the recorder lost; the exchanges are then a partial history,
    but a complete one until `complete_until`. `dependency_exchange_ids` name those exchanges that belong to another
    partition but are needed to judge this one, such as the creation of its assistant.
    """

    exchanges: tuple[Exchange, ...]
    damaged: tuple[Exchange, ...] = ()
    missing_data_reason: str = ""
    complete_until: float = math.inf
    dependency_exchange_ids: frozenset[str] = field(default_factory=frozenset)

    @property
    def complete(self) -> tuple[Exchange, ...]:
        """The exchanges that had ended when the first damaged one began."""
        return tuple(exchange for exchange in self.exchanges if exchange.ended <= self.complete_until)


def split_into_partitions(exchanges: Sequence[Exchange], size: int = SIZE) -> Iterator[Partition]:
    """Split a history into partitions of at least about `size` exchanges that share nothing but assistants.

    Exchanges that concern the same thread or the same object stay together. A history of at most `size` exchanges is
    not split.
    """
    redacted = [exchange for exchange in exchanges if exchange.loss.startswith(IDS_REDACTED)]
    if len(exchanges) <= size:
        yield _partition(exchanges, redacted)
        return
    named = [exchange for exchange in exchanges if not exchange.loss.startswith(IDS_REDACTED)]
    components = _components(named)
    assistants = _assistants_by_component(components)
    for members in _pack(components, size):
        together = [exchange for number in members for exchange in components[number]]
        own = {exchange.id for exchange in together}
        context = [
            exchange
            for number in sorted(
                {assistants.owner[id_] for m in members for id_ in assistants.used_by(m)} - set(members)
            )
            for exchange in components[number]
            if exchange.path.get("assistant_id") or exchange.operation == "create_assistant"
        ]
        is_bounded = len(context) <= MAX_DEPENDENCIES
        context = [exchange for exchange in context if exchange.id not in own] if is_bounded else []
        reason = "" if is_bounded else "its assistants are used by many other threads"
        yield _partition([*together, *context], redacted, frozenset(each.id for each in context), reason)
    for start in range(0, len(redacted), size):
        yield Partition((), tuple(redacted[start : start + size]), _describe_loss(redacted))


def _partition(
    exchanges: Iterable[Exchange],
    redacted: Sequence[Exchange],
    dependencies: frozenset[str] = frozenset(),
    reason: str = "",
) -> Partition:
    ordered = sorted(exchanges, key=lambda exchange: exchange.index)
    sound = tuple(exchange for exchange in ordered if not exchange.loss)
    damaged = tuple(exchange for exchange in ordered if exchange.loss)
    lost = [*damaged, *redacted]
    until = min((exchange.started for exchange in lost), default=-math.inf if reason else math.inf)
    own = tuple(exchange for exchange in damaged if exchange.id not in dependencies)
    return Partition(sound, own, reason or (_describe_loss(lost) if lost else ""), until, dependencies)


def _describe_loss(lost: Sequence[Exchange]) -> str:
    return f"{lost[0].loss} of {lost[0].id}, which may explain it"


def _pack(components: Sequence[Sequence[Exchange]], size: int) -> Iterator[list[int]]:
    """The numbers of components in the order of time, in groups of at least `size` exchanges."""
    members: list[int] = []
    count = 0
    for number, component in enumerate(components):
        members.append(number)
        count += len(component)
        if count >= size:
            yield members
            members, count = [], 0
    if members:
        yield members


@dataclass(frozen=True, slots=True)
class _Assistants:
    """`owner` maps assistants to the component that holds the requests about them, `uses` components to assistants."""

    owner: Mapping[str, int]
    uses: Mapping[int, frozenset[str]]

    def used_by(self, component: int) -> Iterator[str]:
        """The assistants of a component that requests were recorded about."""
        return (id_ for id_ in self.uses.get(component, ()) if id_ in self.owner)


def _assistants_by_component(components: Sequence[Sequence[Exchange]]) -> _Assistants:
    owner: dict[str, int] = {}
    uses: dict[int, frozenset[str]] = {}
    for number, component in enumerate(components):
        used: set[str] = set()
        for exchange in component:
            owner.update((id_.partition(" ")[2], number) for id_ in _ids(exchange) if id_.startswith(_ASSISTANT))
            used |= _used_assistants(exchange)
        uses[number] = frozenset(used)
    return _Assistants(owner, uses)


def _components(exchanges: Sequence[Exchange]) -> list[list[Exchange]]:
    """The exchanges by what joins them, ordered by the first of each."""
    parents: dict[str, str] = {}

    def root(id_: str) -> str:
        while (parent := parents.setdefault(id_, id_)) != id_:
            parents[id_] = id_ = parents[parent]
        return id_

    keys: list[str] = []
    for exchange in exchanges:
        first, *others = _ids(exchange) or [f"exchange {exchange.id}"]
        for other in others:
            parents[root(other)] = root(first)
        keys.append(first)
    grouped: dict[str, list[Exchange]] = defaultdict(list)
    for exchange, key in zip(exchanges, keys, strict=True):
        grouped[root(key)].append(exchange)
    return list(grouped.values())


def _ids(exchange: Exchange) -> list[str]:
    """The ids of the objects that an exchange concerns; those of assistants are marked."""
    operation = exchange.operation or ""
    if operation.endswith(("_assistant", "_assistants")):
        named = {exchange.path.get("assistant_id", "")}
        named.update(_text(each, "id") for each in _objects(exchange) if _is_assistant(each))
        return [f"{_ASSISTANT} {id_}" for id_ in sorted(named) if id_]
    found = {id_ for name, id_ in exchange.path.items() if name != "assistant_id"}
    for each in _objects(exchange):
        found.update(_text(each, name) for name in _JOINING_MEMBERS)
    return sorted(id_ for id_ in found if id_)


def _is_assistant(value: Mapping[str, JSON]) -> bool:
    return _text(value, "object").startswith("assistant")


def _used_assistants(exchange: Exchange) -> set[str]:
    if exchange.operation not in ("create_run", "create_thread_and_run", "get_run"):
        return set()
    bodies = (exchange.request.body, *_objects(exchange))
    return {id_ for body in bodies if is_object(body) and (id_ := _text(body, "assistant_id"))}


def _objects(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """The objects that a response shows: itself, the items of a list, or the data of events."""
    for event in exchange.events:
        if is_object(event.data):
            yield event.data
    body = exchange.body
    if not is_object(body):
        return
    items = body.get("data")
    if is_array(items):
        yield from (item for item in items if is_object(item))
    else:
        yield body


def _text(value: Mapping[str, JSON], name: str) -> str:
    member = value.get(name)
    return member if isinstance(member, str) else ""
