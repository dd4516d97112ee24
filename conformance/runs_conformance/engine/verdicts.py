"""Folds tallies into verdicts: every rule and constraint of the edition exactly once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.model.verdict import Finding, Outcome, Tallies, Tally, Verdict

MOST_FINDINGS = 25
"""So many findings of one id are kept: more say the same, and a target that fails everything must not fill memory."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why an id was not judged, and what would have to be given for it to be."""

    reason: str
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """Everything that is judged: the rules, and the constraints of the edition."""

    rules: Mapping[str, AnyRule]
    constraints: Mapping[str, Constraint]

    def ids(self) -> list[str]:
        """All ids, constraints first."""
        return [*self.constraints, *(id_ for id_ in self.rules if id_ not in self.constraints)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known beside the tallies.

    `selected` says which ids the user wants judged. `not_offered` names capabilities, operations and single ids that
    the target does not have, with the reason. `gaps` explains single ids that could not be judged; `gap` any other.
    """

    selected: Callable[[str], bool] = lambda id_: True
    not_offered: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    gap: Callable[[str, str], Gap] = lambda capability, id_: Gap("nothing that was sent or answered showed it")


def verdicts(
    tallies: Tallies, demands: Demands, circumstances: Circumstances, examples: Mapping[str, JSON] | None = None
) -> list[Verdict]:
    """One verdict for each rule and constraint, in the order of `Demands.ids`."""
    shown = examples or {}
    return [_verdict(id_, tallies.get(id_), demands, circumstances, shown.get(id_)) for id_ in demands.ids()]


def _verdict(id_: str, tally: Tally | None, demands: Demands, circumstances: Circumstances, example: JSON) -> Verdict:
    rule = demands.rules.get(id_)
    demand = rule if rule is not None else demands.constraints[id_]
    outcome, reason, needs = _outcome(id_, demand, rule, tally or Tally(), circumstances)
    findings = _ordered(tally.findings, example) if tally is not None and outcome is Outcome.FAIL else []
    return Verdict(
        id=id_,
        kind="rule" if rule is not None else "constraint",
        level=demand.level.value,
        capability=demand.capability,
        operation=demand.operation,
        outcome=outcome,
        judged=0 if tally is None or not circumstances.selected(id_) else tally.judged,
        statement=demand.statement,
        source=str(demand.source),
        explanation=rule.explanation if rule is not None else "",
        reason=reason,
        needs=needs,
        findings=tuple(findings[:MOST_FINDINGS]),
        counterexample=example if outcome is Outcome.FAIL else None,
    )


def _outcome(
    id_: str, demand: AnyRule | Constraint, rule: AnyRule | None, tally: Tally, circumstances: Circumstances
) -> tuple[Outcome, str | None, str | None]:
    """The outcome, the reason for it, and what it needs."""
    if not circumstances.selected(id_):
        return Outcome.NOT_JUDGED, "filtered out by --select or --exclude", "a selection that holds it"
    for offered in (id_, demand.operation, demand.capability):
        if offered is not None and offered in circumstances.not_offered:
            return Outcome.NOT_APPLICABLE, circumstances.not_offered[offered], None
    outcome = tally.outcome
    match outcome:
        case Outcome.ERROR:
            return outcome, tally.faults[0], None
        case Outcome.FAIL:
            return outcome, _more(tally), None
        case Outcome.PASS:
            return outcome, _excuses(tally), None
    if outcome is Outcome.INCONCLUSIVE:
        return outcome, _undecided(tally), None
    gap = circumstances.gaps.get(id_)
    if gap is None and rule is not None and rule.needs:
        gap = Gap(f"needs {rule.needs}", rule.needs)
    if gap is None:
        gap = circumstances.gap(demand.capability, id_)
    return Outcome.NOT_JUDGED, gap.reason, gap.needs


def _ordered(findings: Sequence[Finding], example: JSON) -> list[Finding]:
    """The findings, those that the counterexample shows first."""
    shown = example.get("exchange") if is_object(example) else None
    return sorted(findings, key=lambda finding: finding.exchange != shown)


def _more(tally: Tally) -> str | None:
    hidden = len(tally.findings) - MOST_FINDINGS
    return f"{hidden} more findings are not listed" if hidden > 0 else None


def _excuses(tally: Tally) -> str | None:
    if not tally.excused:
        return None
    named = ", ".join(f"{id_} ({count} times)" if count > 1 else id_ for id_, count in sorted(tally.excused.items()))
    return f"excused by known departures: {named}"


def _undecided(tally: Tally) -> str:
    reasons = [reason for reason, _ in tally.undecided.most_common(3)]
    return "; ".join(reasons)


def without(tallies: Tallies, operations: Collection[str], exchanges: Collection[str] = ()) -> dict[str, Tally]:
    """The tallies without the findings in answers of these operations, which the target does not offer, and without
    those in these exchanges.
    """
    if not operations and not exchanges:
        return dict(tallies)
    return {id_: _kept(tally, operations, exchanges) for id_, tally in tallies.items()}


def _kept(tally: Tally, operations: Collection[str], exchanges: Collection[str]) -> Tally:
    kept = [
        finding
        for finding in tally.findings
        if finding.operation not in operations and finding.exchange not in exchanges
    ]
    judged = max(0, tally.judged - (len(tally.findings) - len(kept)))
    return Tally(judged, kept, tally.undecided, tally.excused, tally.faults)


def bounded(tally: Tally, most: int = 4 * MOST_FINDINGS) -> Tally:
    """The tally with no more findings than are ever shown."""
    if len(tally.findings) <= most:
        return tally
    kept: Sequence[Finding] = tally.findings[:most]
    return Tally(tally.judged, list(kept), tally.undecided, tally.excused, tally.faults)
