"""Remembers what responses showed of the runs of a program, for targets on which no run can be read by its id."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace

from runs_conformance.client.prepared_request import UnresolvedReference, prepare
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS, response_kind_of
from runs_conformance.generation.programs.responses import response_object, status
from runs_conformance.model.case import Concurrent, Move, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.list_body import ITEMS, listed_items

_UNREADABLE_STATUSES = (404, 405, 501)
"""HTTP statuses by which a target may say that it has no route to read a run."""

_LEAVES_WAITING = frozenset({"cancel_run", "submit_tool_outputs"})
"""The operations after which a run no longer is as it was shown, whether or not their responses show it."""


@dataclass(frozen=True, slots=True)
class _Observation:
    """A run as a response showed it, and the response as if it showed this run alone.

    `recorded` is the response itself, `place` where the run is in the body of a list.
    """

    exchange: Exchange
    recorded: Exchange
    place: str = ""

    @property
    def is_over(self) -> bool:
        return status(self.exchange) in TERMINAL


@dataclass(slots=True)
class KnownRuns:
    """The newest observation of each run of a program: in its creation's response, a stream, a list or any other.

    If runs cannot be read, an observation of a settled run replaces the poll. Steps that refer to the poll then refer
    to the step that showed the run, so that recorded steps are complete without the poll.
    """

    _observations: dict[str, _Observation] = field(default_factory=dict)
    _replacing: dict[str, _Observation] = field(default_factory=dict)

    def record(self, step: Step, exchange: Exchange) -> None:
        """Remember the runs that a response shows; forget one that a request may have changed unseen."""
        run_id = exchange.path.get("run_id", "")
        known = self._observations.get(run_id)
        if step.operation in _LEAVES_WAITING and known is not None and not (known.is_over or exchange.refused):
            del self._observations[run_id]
        if not exchange.accepted:
            return
        if response_kind_of(step.operation) == "run":
            self._remember(response_object(exchange), exchange)
        elif step.operation == "list_runs":
            for index, item in enumerate(listed_items(exchange.body)[1]):
                self._remember(item, exchange, f"/{ITEMS}/{index}")

    def _remember(self, run: JSON, exchange: Exchange, place: str = "") -> None:
        if not is_object(run) or not isinstance(id_ := run.get("id"), str) or exchange.response is None:
            return
        shown = replace(exchange, response=replace(exchange.response, body=run, events=None))
        observation, known = _Observation(shown, exchange, place), self._observations.get(id_)
        is_new = OPERATIONS[exchange.operation or ""].creates == "run"
        # Responses to concurrent requests have no order of their own, but no run continues after its end.
        if is_new or known is None or observation.is_over or not known.is_over:
            self._observations[id_] = observation

    def replace_poll(self, step: Step, polled: Exchange, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """The response that shows the awaited status of a run that the target does not let read; else the poll's."""
        self._replacing.pop(step.name, None)
        is_unsent = not polled.id
        if step.operation != "get_run" or not (is_unsent or polled.status in _UNREADABLE_STATUSES):
            return polled
        observation = self._observations.get(_run_id(step, polled, exchanges_by_step))
        if observation is None or status(observation.exchange) not in {*step.until, *TERMINAL}:
            return polled
        if step.name:
            exchanges_by_step[step.name] = replace(observation.exchange, operation=step.operation)
            self._replacing[step.name] = observation
        return observation.exchange

    def redirect(self, move: Move, exchanges_by_step: Mapping[str, Exchange]) -> Move:
        """Let references to a poll point into the response that took its place, if its step has a name."""
        places: dict[str, Ref] = {}
        for name, observation in self._replacing.items():
            source = observation.recorded.step.name if observation.recorded.step is not None else ""
            if source and exchanges_by_step.get(source) is observation.recorded:
                places[name] = Ref(source, observation.place)
        if not places:
            return move
        if isinstance(move, Concurrent):
            return Concurrent(tuple(_redirect_step(step, places) for step in move.steps))
        return _redirect_step(move, places)


def _run_id(step: Step, polled: Exchange, exchanges_by_step: Mapping[str, Exchange]) -> str:
    if "run_id" in polled.path:
        return polled.path["run_id"]
    try:
        return (prepare(step, exchanges_by_step).ids or {}).get("run_id", "")
    except UnresolvedReference:
        return ""


def _redirect_step(step: Step, places: Mapping[str, Ref]) -> Step:
    path = {
        name: _redirect_reference(value, places) if isinstance(value, Ref) else value
        for name, value in step.path.items()
    }
    return replace(step, path=path, body=_redirect(step.body, places))


def _redirect_reference(ref: Ref, places: Mapping[str, Ref]) -> Ref:
    place = places.get(ref.step)
    return ref if place is None else Ref(place.step, f"{place.pointer}{ref.pointer}")


def _redirect(value: object, places: Mapping[str, Ref]) -> object:
    if isinstance(value, Ref):
        return _redirect_reference(value, places)
    if isinstance(value, Mapping):
        return {name: _redirect(member, places) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redirect(item, places) for item in value]
    return value
