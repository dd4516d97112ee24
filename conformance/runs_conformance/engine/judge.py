"""Evaluates every rule and constraint on one history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runs_conformance.contract.departure import excusing_departure
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Finding, Inconclusive, Result, Tallies, Tally

Judge = Callable[[History], Tallies]
"""Evaluates many ids on a whole history at once, as the constraints do."""

SOMEBODY_ELSE = "the recording is partial: an unrecorded request may explain it"


def judge(history: History, rules: Mapping[str, AnyRule], judges: Iterable[tuple[str, Judge]] = ()) -> dict[str, Tally]:
    """Evaluate the rules, then each of the named `judges`, on a history.

    An exception in a rule or judge is an internal error: it is recorded in the tally of its id, and the others go on.
    """
    units = _Units(history)
    tallies: dict[str, Tally] = {}
    for id_, rule in rules.items():
        tally = _by_rule(rule, history, units)
        if tally is not None:
            tallies[id_] = tally
    for name, constraints in judges:
        try:
            found = constraints(history)
        except Exception as error:
            tallies[name] = Tally(errors=[_fault(name, history, error)])
            continue
        for id_, tally in found.items():
            tallies[id_] = tallies[id_].merge(tally) if id_ in tallies else tally
    return _naming_departures(tallies, history) if history.strict else tallies


@dataclass(slots=True)
class _Units:
    """The units of a history, derived once for all rules that examine the same kind."""

    history: History
    held: dict[Callable[[History], Iterable[Any]], tuple[Any, ...]] = field(default_factory=dict)

    def over(self, derive: Callable[[History], Iterable[Any]]) -> tuple[Any, ...]:
        if derive not in self.held:
            self.held[derive] = tuple(derive(self.history))
        return self.held[derive]


def _by_rule(rule: AnyRule, history: History, units: _Units) -> Tally | None:
    tally: Tally | None = None
    try:
        for unit in units.over(rule.units):
            for result in rule.judge(unit):
                tally = tally or Tally()
                tally.add(_excused(rule.id, _as_far_as_known(rule, result, history), history))
    except Exception as error:
        tally = tally or Tally()
        tally.errors.append(_fault(rule.id, history, error))
    return tally


def _as_far_as_known(rule: AnyRule, result: Result, history: History) -> Result:
    return (
        Inconclusive(SOMEBODY_ELSE)
        if history.partial and rule.needs_complete_history and isinstance(result, Finding)
        else result
    )


def _fault(id_: str, history: History, error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f"{at.tb_frame.f_code.co_name}, line {at.tb_lineno}" if at else "unknown place"
    return f"{id_} raised {type(error).__name__} on {history.program or 'the history'} ({where}): {error}"


def _excused(id_: str, result: Result, history: History) -> Result:
    if history.strict or not isinstance(result, Finding) or result.departure:
        return result
    departure = _departure(id_, result, history)
    return replace(result, departure=departure) if departure else result


def _departure(id_: str, finding: Finding, history: History) -> str | None:
    exchange = history.find(finding.exchange)
    if exchange is None:
        return None
    return excusing_departure(
        id_,
        dialect=exchange.dialect,
        channel=channel(exchange),
        operation=exchange.operation,
        edition=exchange.edition or DEFAULT_EDITION,
        actual=finding.actual,
    )


def channel(exchange: Exchange) -> str:
    """Return the channel of a response, by the names that departures use."""
    return "stream" if exchange.response is not None and exchange.response.events is not None else "json"


def _naming_departures(tallies: dict[str, Tally], history: History) -> dict[str, Tally]:
    """Name the known departure in each finding; the strict reading excuses none of them."""
    for id_, tally in tallies.items():
        tally.findings = [_named(id_, finding, history) for finding in tally.findings]
    return tallies


def _named(id_: str, finding: Finding, history: History) -> Finding:
    departure = _departure(id_, finding, history)
    if departure is None or departure in finding.message:
        return finding
    return replace(finding, message=f"{finding.message} (known departure {departure})")
