"""Modifications of objects, with what was certain of the object before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.evidence.observation import Sighting, sightings_in
from runs_conformance.evidence.run_action import took_effect
from runs_conformance.evidence.timeline import RunLine, Timeline, find_run, runs, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, is_object

_KINDS = {"modify_assistant": "assistant", "modify_thread": "thread", "modify_message": "message", "modify_run": "run"}


@dataclass(frozen=True, eq=False)
class Modification:
    """One request to modify an object that was seen."""

    kind: str
    exchange: Exchange
    line: Timeline

    @property
    def given(self) -> Mapping[str, JSON]:
        """The members that the request gives."""
        body = self.exchange.request.body
        return body if is_object(body) else {}

    @property
    def answer(self) -> Sighting | None:
        """The object as the answer shows it."""
        return next(iter(sightings_in(self.exchange)), None)

    @property
    def before(self) -> Sighting | None:
        """The last look before it, unless another modification came in between or alongside."""
        return self._undisturbed(self.line.before(self.exchange))

    @property
    def after(self) -> Sighting | None:
        """The first look after it, unless another modification came in between or alongside, or is itself the look."""
        seen = self.line.after(self.exchange)
        modified = seen is not None and seen.exchange.operation == self.exchange.operation
        return None if modified else self._undisturbed(seen)

    @property
    def at_rest(self) -> bool:
        """Whether the object cannot have changed by itself since the look before: a run, or a message of a run, that
        had ended.
        """
        since = self.before.exchange if self.before is not None else self.exchange
        if self.kind == "run":
            return isinstance(self.line, RunLine) and self.line.surely_terminal(self.exchange)
        run_id = self.line.sightings[0].text("run_id") if self.kind == "message" else ""
        run = find_run(self.line.history, run_id) if run_id else None
        return not run_id or (run is not None and run.surely_terminal(since))

    def _undisturbed(self, seen: Sighting | None) -> Sighting | None:
        if seen is None:
            return None
        first, last = min(seen.begins, self.exchange.started), max(seen.ends, self.exchange.ended)
        others = (other for other in self.line.history if other.operation == self.exchange.operation)
        disturbed = any(
            other is not self.exchange
            and other is not seen.exchange
            and other.path == self.exchange.path
            and took_effect(other)
            and other.ended > first
            and other.started < last
            for other in others
        )
        return None if disturbed else seen


def _in_its_thread(line: Timeline, exchange: Exchange) -> bool:
    """Whether the path of a request does not put the object into another thread."""
    named = exchange.path.get("thread_id")
    return named is None or line.kind == "thread" or line.sightings[0].get("thread_id") in (named, ABSENT)


@lru_cache(maxsize=16)
def modifications(history: History) -> tuple[Modification, ...]:
    """Every request to modify an object that was seen in a history, by its own path, accepted or not."""
    found = []
    for exchange in history:
        kind = _KINDS.get(exchange.operation or "")
        if kind is None:
            continue
        lines = runs(history) if kind == "run" else timelines(kind, history)
        line = next((each for each in lines if each.id == exchange.path.get(f"{kind}_id")), None)
        if line is not None and _in_its_thread(line, exchange):
            found.append(Modification(kind, exchange, line))
    return tuple(found)
