"""Splits a recorded history into partitions that can be judged separately."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.contract.event import readable_events
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.recordings.loss import IDS_REDACTED
from runs_conformance.recordings.partition_plan import PartitionPlanner

SIZE = 200
"""Exchanges that are judged together if nothing joins them. The cost of judging grows faster than this number."""

_JOINING_MEMBERS = ("id", "thread_id", "run_id")
ASSISTANT = "assistant"
"""Marks the ids of assistants, which join the requests about them, but not the threads that use them."""
USES_ASSISTANT = frozenset({"create_run", "create_thread_and_run", "get_run"})
"""Operations whose request or response names the assistant of a run."""


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

    @property
    def own(self) -> tuple[Exchange, ...]:
        """All exchanges that belong to no other partition."""
        together = (*self.exchanges, *self.damaged)
        return tuple(exchange for exchange in together if exchange.id not in self.dependency_exchange_ids)


@dataclass(frozen=True, slots=True)
class RedactedExchanges:
    """The exchanges of a history whose ids were redacted: any of them may concern the objects of any partition.

    `reason` says what the recorder lost of the first one; it is empty if there are none. `since` is the start of the
    earliest.
    """

    reason: str = ""
    since: float = math.inf

    @classmethod
    def of(cls, exchanges: Sequence[Exchange]) -> RedactedExchanges:
        """Summarize exchanges whose ids were redacted."""
        if not exchanges:
            return cls()
        return cls(describe_loss(exchanges[0]), min(exchange.started for exchange in exchanges))


def split_into_partitions(exchanges: Sequence[Exchange], size: int = SIZE) -> Iterator[Partition]:
    """Split a history into partitions of at least about `size` exchanges that share nothing but assistants.

    Exchanges that concern the same thread or the same object stay together. A history of at most `size` exchanges is
    not split.
    """
    redacted = [exchange for exchange in exchanges if has_redacted_ids(exchange)]
    found = RedactedExchanges.of(redacted)
    if len(exchanges) <= size:
        yield build_partition(exchanges, redacted=found)
        return
    named = [exchange for exchange in exchanges if not has_redacted_ids(exchange)]
    planner = PartitionPlanner()
    for exchange in named:
        planner.add(*describe_mentions(exchange))
    for planned in planner.plan(range(len(named)), size):
        context = [named[number] for number in planned.dependencies]
        together = [*(named[number] for number in planned.members), *context]
        yield build_partition(together, {each.id for each in context}, planned.missing_data_reason, found)
    for start in range(0, len(redacted), size):
        yield Partition((), tuple(redacted[start : start + size]), found.reason)


def build_partition(
    exchanges: Iterable[Exchange],
    dependencies: Collection[str] = (),
    reason: str = "",
    redacted: RedactedExchanges = RedactedExchanges(),
) -> Partition:
    """Build a partition of these exchanges, of which `dependencies` belong to others. `reason` says what it lacks."""
    ordered = sorted(exchanges, key=lambda exchange: exchange.index)
    sound = tuple(exchange for exchange in ordered if not exchange.loss)
    damaged = tuple(exchange for exchange in ordered if exchange.loss)
    lost = describe_loss(damaged[0]) if damaged else redacted.reason
    until = min((redacted.since, *(exchange.started for exchange in damaged)))
    if reason and not lost:
        until = -math.inf
    own = tuple(exchange for exchange in damaged if exchange.id not in dependencies)
    return Partition(sound, own, reason or lost, until, frozenset(dependencies))


def has_redacted_ids(exchange: Exchange) -> bool:
    """Whether it is unknown which objects an exchange concerns."""
    return exchange.loss.startswith(IDS_REDACTED)


def describe_loss(exchange: Exchange) -> str:
    """Describe the loss of an exchange, as the reason of an inconclusive verdict."""
    return f"{exchange.loss} of {exchange.id}, which may explain it"


def describe_mentions(exchange: Exchange) -> tuple[Collection[str], Collection[str], Collection[str]]:
    """The ids that connect an exchange with others, the assistants that it manages, and those that its run uses."""
    return _ids(exchange), _managed_assistants(exchange), _used_assistants(exchange)


def _ids(exchange: Exchange) -> list[str]:
    """The ids of the objects that an exchange concerns; those of assistants are marked."""
    operation = exchange.operation or ""
    if operation.endswith(("_assistant", "_assistants")):
        named = {exchange.path.get("assistant_id", "")}
        named.update(_text(each, "id") for each in _objects(exchange) if _is_assistant(each))
        return [f"{ASSISTANT} {id_}" for id_ in sorted(named) if id_]
    found = {id_ for name, id_ in exchange.path.items() if name != "assistant_id"}
    for each in _objects(exchange):
        found.update(_text(each, name) for name in _JOINING_MEMBERS)
    return sorted(id_ for id_ in found if id_)


def _managed_assistants(exchange: Exchange) -> tuple[str, ...]:
    """The assistant that a request creates, or names in its path."""
    if id_ := exchange.path.get("assistant_id"):
        return (id_,)
    if exchange.operation != "create_assistant":
        return ()
    return tuple(id_ for each in _objects(exchange) if _is_assistant(each) and (id_ := _text(each, "id")))


def _is_assistant(value: Mapping[str, JSON]) -> bool:
    return _text(value, "object").startswith("assistant")


def _used_assistants(exchange: Exchange) -> set[str]:
    if exchange.operation not in USES_ASSISTANT:
        return set()
    bodies = (exchange.request.body, *_objects(exchange))
    return {id_ for body in bodies if is_object(body) and (id_ := _text(body, "assistant_id"))}


def _objects(exchange: Exchange) -> Iterator[Mapping[str, JSON]]:
    """The objects that a response shows: itself, the items of a list, or the data of events."""
    for event in readable_events(exchange.events):
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
