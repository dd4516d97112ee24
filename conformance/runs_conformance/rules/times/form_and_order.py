"""Timestamps of any object: their form, their order, and that they are not in the future."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import floor, isfinite

from runs_conformance.evidence.creation import Creation, creations
from runs_conformance.evidence.observation import EARLIEST_TIME, LATEST_TIME, Observation, all_observations
from runs_conformance.model.history import History
from runs_conformance.model.json import is_integer
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.text import in_words
from runs_conformance.model.verdict import Result

_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)

_END_TIMES = ("completed_at", "failed_at", "cancelled_at", "incomplete_at", "expired_at")
_TIMES = ("created_at", "started_at", "expires_at", *_END_TIMES)
_CLOCK_TOLERANCE = 60.0
"""Largest difference in seconds between the clocks of two machines of one server."""


def _objects_with_times(history: History) -> Iterable[Observation]:
    return (observation for observation in all_observations(history) if "created_at" in observation.value)


@rule(
    units=_objects_with_times,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, format unixtime"),
    capability="core",
    clauses=("timestamps-are-ordered-seconds",),
)
def are_unix_seconds(observation: Observation) -> Iterator[Result]:
    """Every timestamp is an integer in seconds since 1970.

    Clients convert it without checking, so milliseconds, ISO dates, fractions and seconds since server start become
    wrong dates. Any integer between the years 2001 and 2286 passes; the server's clock is not compared with the
    suite's.

    Fix: Store timestamps as whole Unix seconds, and show null for those that are not set.
    """
    for name in _TIMES:
        value = observation.value.get(name)
        if value is not None:
            no_time = "neither null nor" if value == 0 and name != "created_at" else "not"
            yield observation.check(
                is_integer(value) and EARLIEST_TIME <= value < LATEST_TIME,
                f"`{name}` is {in_words(value)}, which is {no_time} a time in seconds since 1970",
                f"/{name}",
                "seconds since 1970",
                value,
            )


@rule(units=_objects_with_times, level=Level.SHOULD, source=_RECORDED, capability="core")
def are_written_as_integers(observation: Observation) -> Iterator[Result]:
    """A timestamp of whole seconds is written without a fraction: `1700000000`, not `1700000000.0`.

    Both are the same number in JSON, but typed clients fail to read the second as an integer.

    Fix: Convert timestamps to integers before serializing them.
    """
    for name in _TIMES:
        value = observation.value.get(name)
        if is_integer(value):
            yield observation.check(
                isinstance(value, int), f"`{name}` is written as {in_words(value)}", f"/{name}", int(value), value
            )


@rule(
    units=_objects_with_times,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("timestamps-are-ordered-seconds",),
)
def are_in_order(observation: Observation) -> Iterator[Result]:
    """No object starts before it was created or ends before it started.

    Times in the wrong order come from two different clocks, or from a timestamp that was taken too late. Equal times
    pass, and so do fractions of one second.

    Fix: Take all timestamps of an object from one clock, at the moment they record.
    """
    kind = observation.kind.replace("_", " ")
    created, started = _whole_seconds(observation, "created_at"), _whole_seconds(observation, "started_at")
    if created is not None and started is not None:
        message = f"the {kind} started before it was created"
        yield observation.check(created <= started, message, "/started_at", created, started)
    start, origin = (created, "creation") if started is None else (started, "start")
    for name in _END_TIMES:
        end = _whole_seconds(observation, name)
        if start is not None and end is not None:
            message = f"`{name}` is earlier than the {origin} of the {kind}"
            yield observation.check(start <= end, message, f"/{name}", start, end)


def _whole_seconds(observation: Observation, name: str) -> int | None:
    """A time without the fraction of a second, which other times of the same object may lack."""
    value = observation.time(name)
    return None if value is None or not isfinite(value) else floor(value)


@dataclass(frozen=True, eq=False)
class PastEvent:
    """A timestamp of an event that had happened when it was observed, and the first creation requested later."""

    observation: Observation
    name: str
    time: float
    later: Creation


def _past_events(history: History) -> Iterator[PastEvent]:
    dated = (creation for creation in creations(history) if creation.created_at is not None)
    later_creations = sorted(dated, key=lambda creation: creation.exchange.started)
    for observation in all_observations(history):
        index = bisect_left(later_creations, observation.exchange.ended, key=lambda creation: creation.exchange.started)
        for name in ("created_at", "started_at", *_END_TIMES) if index < len(later_creations) else ():
            time = observation.time(name)
            if time is not None:
                yield PastEvent(observation, name, time, later_creations[index])


@rule(
    units=_past_events,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("timestamps-are-ordered-seconds",),
)
def what_has_happened_is_not_in_the_future(event: PastEvent) -> Iterator[Result]:
    """The timestamp of a past event is at most one minute later than the creation of any object created after it.

    Both times are the server's own, so a time that is hours ahead is in another time zone or belongs to a planned
    event.

    Fix: Take each timestamp from the current UTC time when the event happens.
    """
    message, created_later = (
        f"`{event.name}` is later than `created_at` of a {event.later.kind} that was created afterwards",
        event.later.created_at,
    )
    holds = created_later is None or event.time <= created_later + _CLOCK_TOLERANCE
    yield event.observation.check(holds, message, f"/{event.name}", created_later, event.time)
