"""The place of a finding, as far as the scope of a known deviation may depend on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.known_deviation import FindingContext
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array
from runs_conformance.model.verdict import Finding

_IN_EVENT = re.compile(r"/events/(\d+)/data")
_TOOL_CALLS = ("/step_details/tool_calls", "/delta/step_details/tool_calls")


def finding_context(finding: Finding, history: History) -> FindingContext | None:
    """The context of a finding; None if it is about no exchange of the history."""
    exchange = history.find(finding.exchange)
    if exchange is None:
        return None
    own = object_at(history, finding)
    return FindingContext(
        dialect=exchange.dialect,
        channel=channel(exchange),
        operation=exchange.operation,
        edition=exchange.edition or DEFAULT_EDITION,
        actual=finding.actual,
        parent=_parent(exchange, finding.pointer),
        tools=_types_in(own, "tools") if own and own.kind == "run" else _tools_of_runs(history, exchange.id),
        calls=_types_in(own, *_TOOL_CALLS) if own else frozenset(),
        recorded=exchange.step is None,
    )


def channel(exchange: Exchange) -> str:
    """The channel of a response, by the names that known deviations use."""
    return "stream" if exchange.response is not None and exchange.response.events is not None else "json"


def _parent(exchange: Exchange, pointer: str) -> JSON | Absent:
    """The value in the response that contains the place of a finding."""
    place = pointer.rpartition("/")[0]
    in_event = _IN_EVENT.match(place)
    if in_event is None:
        return at(exchange.body, place)
    number = int(in_event[1])
    return at(exchange.events[number].data, place[in_event.end() :]) if number < len(exchange.events) else ABSENT


def object_at(history: History, finding: Finding) -> Observation | None:
    """The object in the response that contains the place of a finding."""
    shown, pointer = _objects(history, finding.exchange), finding.pointer
    while pointer and pointer not in shown:
        pointer = pointer.rpartition("/")[0]
    return shown.get(pointer)


# A stream with thousands of events may have a finding about each.
@lru_cache(maxsize=4)
def _objects(history: History, exchange_id: str) -> Mapping[str, Observation]:
    exchange = history.find(exchange_id)
    return {each.pointer: each for each in observations_in(exchange)} if exchange is not None else {}


@lru_cache(maxsize=4)
def _tools_of_runs(history: History, exchange_id: str) -> frozenset[str]:
    runs = [each for each in _objects(history, exchange_id).values() if each.kind == "run"]
    return frozenset[str]().union(*(_types_in(run, "tools") for run in runs))


def _types_in(observation: Observation, *paths: str) -> frozenset[str]:
    """The types of the items of these lists."""
    lists = (observation.get(path) for path in paths)
    types = (at(item, "/type") for each in lists if is_array(each) for item in each)
    return frozenset(type_ for type_ in types if isinstance(type_, str))
