"""Event streams."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from runs_conformance.contract.event import DONE, ERROR, ReadableEvent, pauses_or_ends_run, readable_events
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.model.exchange import Completion, Event, Exchange
from runs_conformance.model.history import History


@dataclass(frozen=True, eq=False)
class Stream:
    """The events of one accepted streaming request as they were sent, and the objects in them.

    A stream that is not complete was truncated by a timeout or a lost connection, or closed by the client midway;
    missing events prove nothing then.
    """

    exchange: Exchange
    events: tuple[Event, ...]
    observations: tuple[Observation, ...]
    history: History

    @property
    def is_complete(self) -> bool:
        """Whether the stream was read to its end.

        A recording does not tell that the client closed a stream whose run neither ended nor paused in it.
        """
        if self.exchange.completion is not Completion.ANSWERED or self.exchange.was_left:
            return False
        shows_end = (
            self.has_error or any(map(pauses_or_ends_run, self.names)) or any(each.is_end for each in self.events)
        )
        return self.exchange.step is not None or not self.events or shows_end

    @cached_property
    def readable_events(self) -> tuple[ReadableEvent, ...]:
        """The events with the names and data that they are about, in order."""
        return tuple(readable_events(self.events))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the events, in order; those in the data if all events are named there."""
        return tuple(event.name for event in self.readable_events)

    @property
    def has_error(self) -> bool:
        """Whether the stream contains an `error` event, after which no further events are required."""
        return ERROR in self.names

    @property
    def has_done(self) -> bool:
        """Whether the stream contains a `done` event."""
        return DONE in self.names

    def of_kind(self, kind: str) -> tuple[Observation, ...]:
        """The objects of one kind in the events, in order."""
        return tuple(observation for observation in self.observations if observation.kind == kind)


@lru_cache(maxsize=16)
def streams(history: History) -> tuple[Stream, ...]:
    """Every event stream of a history, complete or truncated."""
    return tuple(
        Stream(exchange, exchange.events, tuple(observations_in(exchange)), history)
        for exchange in history
        if exchange.response is not None and exchange.response.events is not None and exchange.status == 200
    )
