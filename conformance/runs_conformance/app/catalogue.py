"""All rules and constraints, to be looked up without any server."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from runs_conformance import config
from runs_conformance.app.options import demands
from runs_conformance.contract.departure import departures, glob_matches
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine.plan import selector
from runs_conformance.engine.verdicts import Demands
from runs_conformance.errors import UsageError
from runs_conformance.model.rule import AnyRule, Constraint


def lines(
    globs: Sequence[str],
    edition: str | None = None,
    levels: Sequence[str] = (),
    kinds: Sequence[str] = (),
    capabilities: Sequence[str] = (),
) -> Iterator[str]:
    """One line for each rule and constraint that fits: level, id, statement. Raises UsageError where none does."""
    for capability in capabilities:
        config.known(capability, CAPABILITIES, "capability")
    every = _demands(edition)
    selected = selector(globs, ())
    found = [
        demand
        for demand in _in_order(every)
        if selected(demand.id)
        and (not levels or demand.level in levels)
        and (not kinds or ("constraint" if isinstance(demand, Constraint) else "rule") in kinds)
        and (not capabilities or demand.capability in capabilities)
    ]
    if not found:
        hint = config.nearest(globs[0], every.ids()) if globs else ""
        raise UsageError(f"nothing fits{hint}")
    width = min(max(len(demand.id) for demand in found), 60)
    for demand in found:
        yield f"{demand.level:6} {demand.id:{width}}  {demand.statement}"


def explanation(id_: str, edition: str | None = None) -> str:
    """Everything that is known of one rule or constraint. Raises UsageError, with the nearest names, for another id."""
    every = _demands(edition)
    renamed = {old: rule.id for rule in every.rules.values() for old in rule.formerly}
    name = config.known(renamed.get(id_, id_), every.ids(), "rule or constraint")
    demand = every.rules.get(name) or every.constraints[name]
    return "\n".join(_explained(demand))


def _explained(demand: AnyRule | Constraint) -> Iterator[str]:
    kind = f"{demand.side} constraint" if isinstance(demand, Constraint) else "rule"
    operation = f", {demand.operation}" if demand.operation else ""
    yield demand.id
    yield f"{demand.level}, {kind}, {demand.capability}{operation}"
    yield ""
    yield from _filled(demand.statement)
    if not isinstance(demand, Constraint):
        for paragraph in demand.explanation.split("\n\n") if demand.explanation else ():
            yield ""
            yield from _filled(paragraph)
    yield ""
    yield from _filled(f"Source: {demand.source}")
    if not isinstance(demand, Constraint):
        if demand.items:
            yield f"Contract items: {', '.join(demand.items)}"
        if demand.needs:
            yield f"Needs: {demand.needs}"
    for departure in departures():
        if any(glob_matches(glob, demand.id) for glob in departure.excuses):
            yield ""
            yield from _filled(f"Known departure {departure.id}: {departure.title}. {departure.evidence}")


def _filled(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False)


def _demands(edition: str | None) -> Demands:
    return demands(config.edition(edition) if edition else DEFAULT_EDITION)


def _in_order(every: Demands) -> Iterator[AnyRule | Constraint]:
    yield from every.rules.values()
    yield from every.constraints.values()
