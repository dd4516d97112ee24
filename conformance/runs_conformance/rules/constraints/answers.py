"""Constraints of what a target answers: every object it shows is examined against its schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from runs_conformance.contract.constraint import objects
from runs_conformance.contract.departure import excusing
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_kinds
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema_violation import Fault, examine
from runs_conformance.evidence.error import is_error
from runs_conformance.evidence.observation import JSON_CHANNEL, STREAM_CHANNEL
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.verdict import Finding, Tally


@dataclass(frozen=True, slots=True)
class _Shown:
    """One object that an answer shows: what kind it should be, and where it is."""

    kind: str
    value: JSON
    pointer: str
    channel: str


def tallies(history: History) -> dict[str, Tally]:
    """What a history shows of the constraints of answers, by constraint id.

    Every constraint that was looked at counts as judged. A finding that a recorded departure excuses says so, unless
    the history is read strictly.
    """
    judged: Counter[str] = Counter()
    found: dict[str, Tally] = {}
    for exchange in history:
        for shown in _shown(exchange):
            edition = exchange.edition or DEFAULT_EDITION
            examination = examine(objects()[shown.kind], shown.kind, shown.value, edition)
            judged.update(examination.judged)
            for fault in examination.faults:
                tally = found.setdefault(fault.constraint, Tally())
                tally.add(_finding(fault, shown, exchange, edition, history.strict))
    return {id_: _with_held(found.get(id_) or Tally(), count) for id_, count in judged.items()}


def _with_held(tally: Tally, looked_at: int) -> Tally:
    tally.judged = max(tally.judged, looked_at)
    return tally


def _shown(exchange: Exchange) -> Iterator[_Shown]:
    """The objects of one answer. What is not an object at all is the matter of the rules on transport and errors."""
    response = exchange.response
    operation = OPERATIONS.get(exchange.operation or "")
    if response is None or operation is None:
        return
    if response.events is not None:
        known = event_kinds()
        for position, event in enumerate(response.events):
            named = known.get(event.name)
            if named is not None and named.kind in objects() and is_object(event.data):
                yield _Shown(named.kind, event.data, f"/events/{position}/data", STREAM_CHANNEL)
    elif is_object(response.body):
        if exchange.accepted:
            yield _Shown(operation.answer, response.body, "", JSON_CHANNEL)
        elif is_error(exchange):
            yield _Shown("error", response.body, "", JSON_CHANNEL)


def _finding(fault: Fault, shown: _Shown, exchange: Exchange, edition: str, strict: bool) -> Finding:
    finding = exchange.finding(fault.message, shown.pointer + fault.place, fault.expected, fault.actual)
    if strict:
        return finding
    departure = excusing(
        fault.constraint,
        dialect=exchange.dialect,
        channel=shown.channel,
        operation=exchange.operation,
        edition=edition,
        actual=fault.actual,
    )
    return replace(finding, departure=departure) if departure else finding
