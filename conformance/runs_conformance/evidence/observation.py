"""Objects seen anywhere: in an answer, in a page of a list, in an event of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.event import event_kinds
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import PASSED, Finding, Result

JSON_CHANNEL, STREAM_CHANNEL = "json", "stream"


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One object as the target showed it once.

    `pointer` leads to it: into the answer's body, or `/events/<n>/data` for a stream. What it shows was true at some
    moment between `begins` and `ends`; an event may be delivered late, so for a stream that is anywhere from the
    request to the event's arrival.
    """

    kind: str
    value: Mapping[str, JSON]
    exchange: Exchange
    pointer: str
    channel: str
    earliest: float
    latest: float
    event: str | None = None
    position: int = 0

    @property
    def id(self) -> str:
        """The object's id, or nothing where it has none."""
        return self.text("id")

    @property
    def status(self) -> str:
        """The object's status, or nothing where it has none."""
        return self.text("status")

    def get(self, path: str) -> JSON | Absent:
        """A member by name, or a value deeper by JSON Pointer; `ABSENT` where there is none."""
        return at(self.value, path) if path.startswith("/") else self.value.get(path, ABSENT)

    def text(self, name: str) -> str:
        """A member's text; nothing where it is absent or not a text."""
        value = self.value.get(name)
        return value if isinstance(value, str) else ""

    def time(self, name: str) -> float | None:
        """A member's time in Unix seconds; None where it is absent, null or not a number."""
        value = self.value.get(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def happened_before(self, other: Observation) -> bool:
        """Whether this was certainly true before the other: earlier in one stream, or answered before the other was
        asked.
        """
        if self.exchange is other.exchange:
            return self.channel == STREAM_CHANNEL and self.position < other.position
        return self.latest <= other.earliest

    def finding(
        self, message: str, path: str = "", expected: JSON | Absent = ABSENT, actual: JSON | Absent = ABSENT
    ) -> Finding:
        """A finding at this object, `path` leading on from it."""
        return self.exchange.finding(message, self.pointer + path, expected, actual)

    def check(
        self,
        holds: bool,
        message: str,
        path: str = "",
        expected: JSON | Absent = ABSENT,
        actual: JSON | Absent = ABSENT,
    ) -> Result:
        """`HELD` where `holds`, else the finding."""
        return PASSED if holds else self.finding(message, path, expected, actual)


def observations_in(exchange: Exchange) -> Iterator[Observation]:
    """Every object that one accepted exchange shows, in order. Messages and steps inside other objects are not
    objects of their own.
    """
    if not exchange.accepted or exchange.operation is None:
        return
    if exchange.response is not None and exchange.response.events is not None:
        yield from _stream_observations(exchange)
        return
    operation = OPERATIONS[exchange.operation]
    body = exchange.body
    if operation.listed_kind:
        data = body.get("data") if is_object(body) else None
        for index, item in enumerate(data if is_array(data) else ()):
            if is_object(item):
                yield _json_observation(operation.listed_kind, item, exchange, f"/data/{index}", index)
    elif is_object(body):
        yield _json_observation(operation.response_kind, body, exchange, "", 0)


def _json_observation(
    kind: str, value: Mapping[str, JSON], exchange: Exchange, pointer: str, position: int
) -> Observation:
    return Observation(
        kind, value, exchange, pointer, JSON_CHANNEL, exchange.started, exchange.ended, position=position
    )


def _stream_observations(exchange: Exchange) -> Iterator[Observation]:
    known = event_kinds()
    for position, event in enumerate(exchange.events):
        named = known.get(event.name)
        if named is not None and is_object(event.data):
            yield Observation(
                kind=named.object_kind,
                value=event.data,
                exchange=exchange,
                pointer=f"/events/{position}/data",
                channel=STREAM_CHANNEL,
                earliest=exchange.started,
                latest=max(event.at, exchange.started),
                event=event.name,
                position=position,
            )


@lru_cache(maxsize=16)
def all_observations(history: History) -> tuple[Observation, ...]:
    """Every object seen in a history, in the order in which the exchanges started."""
    return tuple(sighting for exchange in history for sighting in observations_in(exchange))


def observations(kind: str, history: History) -> tuple[Observation, ...]:
    """Every object of one kind seen in a history."""
    return tuple(sighting for sighting in all_observations(history) if sighting.kind == kind)


def run_observations(history: History) -> tuple[Observation, ...]:
    """Every run object seen anywhere."""
    return observations("run", history)


def step_observations(history: History) -> tuple[Observation, ...]:
    """Every run step object seen anywhere."""
    return observations("run_step", history)


def message_observations(history: History) -> tuple[Observation, ...]:
    """Every message object seen anywhere."""
    return observations("message", history)


def thread_observations(history: History) -> tuple[Observation, ...]:
    """Every thread object seen anywhere."""
    return observations("thread", history)


def assistant_observations(history: History) -> tuple[Observation, ...]:
    """Every assistant object seen anywhere."""
    return observations("assistant", history)


def exchanges(history: History) -> tuple[Exchange, ...]:
    """Every exchange: the smallest unit a rule may be over."""
    return history.exchanges


def entire_history(history: History) -> tuple[History, ...]:
    """The history itself as the one unit, for rules that relate objects of several kinds."""
    return (history,)
