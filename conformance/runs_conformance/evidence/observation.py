"""Observations: objects as shown in a response, in a page of a list or in an event of a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from math import floor

from runs_conformance.contract.event import event_types, readable_events
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_object
from runs_conformance.model.list_body import listed_items
from runs_conformance.model.verdict import PASSED, Finding, Result, Suspicion

JSON_CHANNEL, STREAM_CHANNEL = "json", "stream"

MAX_OBSERVED_ITEMS = 1_000
"""The items of a page that count as observed, ten times as many as it may have: a longer page must not fill the memory.
"""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One object as the target showed it once.

    `pointer` is its place: in the response's body, or in the data of an event of a stream. The object had this state at
    some moment between `earliest` and `latest`, in seconds. For an event that is any time from the request to the
    arrival of the event, since events may be delivered late. `position` is its index in the page or stream.
    `is_consequence` says that the state may follow from a violation that another rule reports.
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
    is_consequence: bool = False
    # Read once, since rules ask for them again and again.
    id: str = field(init=False)
    """The id of the object, or an empty string."""
    status: str = field(init=False)
    """The status of the object, or an empty string."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.text("id"))
        object.__setattr__(self, "status", self.text("status"))

    def get(self, path: str) -> JSON | Absent:
        """A member by name, or a nested value by JSON Pointer; `ABSENT` if there is none."""
        return at(self.value, path) if path.startswith("/") else self.value.get(path, ABSENT)

    def text(self, name: str) -> str:
        """A member that is a string; an empty string if it is absent or has another type."""
        value = self.value.get(name)
        return value if isinstance(value, str) else ""

    def time(self, name: str) -> float | None:
        """A member that is a Unix time in seconds or a fraction of them, or a text of RFC 3339; None if it is neither.

        Other rules report a wrong unit and the type of a text. Both are read without the fraction of a second, which
        the contract's times do not have, so that they can be compared with these.
        """
        value = self.value.get(name)
        if isinstance(value, str):
            return _seconds_of(value)
        return _seconds(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    @property
    def is_misplaced(self) -> bool:
        """Whether the object names another thread or run than the path that it was shown at.

        One rule reports that; the object says nothing about the list or parent that showed it.
        """
        return any(
            isinstance(actual := self.value.get(name), str) and actual != self.exchange.path[name]
            for name in ("thread_id", "run_id")
            if name in self.exchange.path
        )

    def happened_before(self, other: Observation) -> bool:
        """Whether the object certainly had this state before the other observation.

        True for an earlier event of the same stream, or a response that arrived before the other was requested.
        """
        if self.exchange is other.exchange:
            return self.channel == STREAM_CHANNEL and self.position < other.position
        return self.latest <= other.earliest

    def finding(
        self, message: str, path: str = "", expected: JSON | Absent = ABSENT, actual: JSON | Absent = ABSENT
    ) -> Finding:
        """A finding at `path` within this object."""
        return self.exchange.finding(message, self.pointer + path, expected, actual)

    def check(
        self,
        holds: bool,
        message: str,
        path: str = "",
        expected: JSON | Absent = ABSENT,
        actual: JSON | Absent = ABSENT,
    ) -> Result:
        """`PASSED` if `holds`, otherwise a finding; a suspicion if it may follow from another violation."""
        if holds:
            return PASSED
        if self.is_consequence:
            return Suspicion(f"{message}, possibly as a consequence of another violation")
        return self.finding(message, path, expected, actual)


def observations_in(exchange: Exchange) -> Iterator[Observation]:
    """Every object that an accepted exchange shows, in order. Objects nested in other objects do not count."""
    if not exchange.accepted or exchange.operation is None:
        return
    if exchange.response is not None and exchange.response.events is not None:
        yield from _stream_observations(exchange)
        return
    operation = OPERATIONS[exchange.operation]
    body = exchange.body
    if operation.listed_kind:
        place, items = listed_items(body)
        for index, item in enumerate(items[:MAX_OBSERVED_ITEMS]):
            if is_object(item):
                yield _json_observation(operation.listed_kind, item, exchange, f"{place}/{index}", index)
    elif is_object(body):
        yield _json_observation(operation.response_kind, body, exchange, "", 0)


def _json_observation(
    kind: str, value: Mapping[str, JSON], exchange: Exchange, pointer: str, position: int
) -> Observation:
    return Observation(
        kind, value, exchange, pointer, JSON_CHANNEL, exchange.started, exchange.ended, position=position
    )


def _stream_observations(exchange: Exchange) -> Iterator[Observation]:
    types = event_types()
    for position, event in enumerate(readable_events(exchange.events)):
        event_type = types.get(event.name)
        if event_type is not None and is_object(event.data):
            yield Observation(
                kind=event_type.payload_kind,
                value=event.data,
                exchange=exchange,
                pointer=event.pointer,
                channel=STREAM_CHANNEL,
                earliest=exchange.started,
                latest=max(event.at, exchange.started),
                event=event.name,
                position=position,
            )


EARLIEST_TIME, LATEST_TIME = 1_000_000_000, 10_000_000_000
"""The Unix times between which a number counts as a time in seconds: the years 2001 and 2286."""

_UNITS = (1_000, 1_000_000, 1_000_000_000)
"""The milliseconds, microseconds and nanoseconds of a second."""


def _seconds(number: float) -> float | None:
    """The Unix time of a number in seconds or, without their fraction, in a smaller unit; None if it is in none."""
    if EARLIEST_TIME <= number < LATEST_TIME:
        return float(number)
    unit = next((unit for unit in _UNITS if EARLIEST_TIME * unit <= number < LATEST_TIME * unit), None)
    return None if unit is None else float(number // unit)


@lru_cache(maxsize=4096)
def _seconds_of(text: str) -> float | None:
    """The Unix time of a text of RFC 3339, in whole seconds; None if it is another text."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return float(floor(datetime.fromisoformat(text.upper().replace(" ", "T")).timestamp()))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=16)
def all_observations(history: History) -> tuple[Observation, ...]:
    """Every observation in a history, ordered by the start of the exchanges."""
    return tuple(observation for exchange in history for observation in observations_in(exchange))


def observations(kind: str, history: History) -> tuple[Observation, ...]:
    """Every observation of one kind of object in a history."""
    return _observations_by_kind(history).get(kind, ())


@lru_cache(maxsize=16)
def _observations_by_kind(history: History) -> dict[str, tuple[Observation, ...]]:
    found: dict[str, list[Observation]] = {}
    for observation in all_observations(history):
        found.setdefault(observation.kind, []).append(observation)
    return {kind: tuple(those) for kind, those in found.items()}


def run_observations(history: History) -> tuple[Observation, ...]:
    """Every observation of a run."""
    return observations("run", history)


def step_observations(history: History) -> tuple[Observation, ...]:
    """Every observation of a run step."""
    return observations("run_step", history)


def message_observations(history: History) -> tuple[Observation, ...]:
    """Every observation of a message."""
    return observations("message", history)


def thread_observations(history: History) -> tuple[Observation, ...]:
    """Every observation of a thread."""
    return observations("thread", history)


def assistant_observations(history: History) -> tuple[Observation, ...]:
    """Every observation of an assistant."""
    return observations("assistant", history)


def exchanges(history: History) -> tuple[Exchange, ...]:
    """Every exchange, as the units of a rule."""
    return history.exchanges


def entire_history(history: History) -> tuple[History, ...]:
    """The history as a single unit, for rules that relate objects of several kinds."""
    return (history,)
