"""Turns tallies into verdicts: one for every rule and constraint of the edition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.model.verdict import Finding, Outcome, Tallies, Tally, Verdict

MAX_FINDINGS = 25
"""Findings reported per id, so that a target that fails everything does not fill memory."""


@dataclass(frozen=True, slots=True)
class NotJudgedReason:
    """Why an id was not judged, and what is needed to judge it."""

    reason: str
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The rules and the constraints of an edition."""

    rules: Mapping[str, AnyRule]
    constraints: Mapping[str, Constraint]

    def ids(self) -> list[str]:
        """Return all ids, constraints first."""
        return [*self.constraints, *(id_ for id_ in self.rules if id_ not in self.constraints)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictContext:
    """What determines verdicts besides the tallies.

    `is_selected` is the user's selection of ids. `unsupported` maps capabilities, operations and ids that the target
    does not support to the reason. `not_judged_reasons` explains single ids, `default_reason` all others (called with
    capability and id).
    """

    is_selected: Callable[[str], bool] = lambda id_: True
    unsupported: Mapping[str, str] = field(default_factory=dict)
    not_judged_reasons: Mapping[str, NotJudgedReason] = field(default_factory=dict)
    default_reason: Callable[[str, str], NotJudgedReason] = lambda capability, id_: NotJudgedReason(
        "no request or response exercised it"
    )


def build_verdicts(
    tallies: Tallies,
    requirements: Requirements,
    context: VerdictContext,
    counterexamples: Mapping[str, JSON] | None = None,
) -> list[Verdict]:
    """Build one verdict per rule and constraint, in the order of `Requirements.ids`."""
    shown = counterexamples or {}
    return [_verdict(id_, tallies.get(id_), requirements, context, shown.get(id_)) for id_ in requirements.ids()]


def _verdict(
    id_: str, tally: Tally | None, demands: Requirements, circumstances: VerdictContext, example: JSON
) -> Verdict:
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
        judged=0 if tally is None or not circumstances.is_selected(id_) else tally.judged,
        statement=demand.statement,
        source=str(demand.source),
        explanation=rule.guidance if rule is not None else "",
        reason=reason,
        needs=needs,
        findings=tuple(findings[:MAX_FINDINGS]),
        counterexample=example if outcome is Outcome.FAIL else None,
    )


def _outcome(
    id_: str, demand: AnyRule | Constraint, rule: AnyRule | None, tally: Tally, circumstances: VerdictContext
) -> tuple[Outcome, str | None, str | None]:
    """Return the outcome, its reason, and what is needed to judge."""
    if not circumstances.is_selected(id_):
        return Outcome.NOT_JUDGED, "filtered out by --select or --exclude", "a selection that includes it"
    for offered in (id_, demand.operation, demand.capability):
        if offered is not None and offered in circumstances.unsupported:
            return Outcome.NOT_APPLICABLE, circumstances.unsupported[offered], None
    outcome = tally.outcome
    match outcome:
        case Outcome.ERROR:
            return outcome, tally.errors[0], None
        case Outcome.FAIL:
            return outcome, _more(tally), None
        case Outcome.PASS:
            return outcome, _excuses(tally), None
    if outcome is Outcome.INCONCLUSIVE:
        return outcome, _undecided(tally), None
    gap = circumstances.not_judged_reasons.get(id_)
    if gap is None and rule is not None and rule.needs:
        gap = NotJudgedReason(f"needs {rule.needs}", rule.needs)
    if gap is None:
        gap = circumstances.default_reason(demand.capability, id_)
    return Outcome.NOT_JUDGED, gap.reason, gap.needs


def _ordered(findings: Sequence[Finding], example: JSON) -> list[Finding]:
    """Sort the findings of the counterexample's exchange to the front."""
    shown = example.get("exchange") if is_object(example) else None
    return sorted(findings, key=lambda finding: finding.exchange != shown)


def _more(tally: Tally) -> str | None:
    hidden = len(tally.findings) - MAX_FINDINGS
    return f"{hidden} more findings are not listed" if hidden > 0 else None


def _excuses(tally: Tally) -> str | None:
    if not tally.excused:
        return None
    named = ", ".join(f"{id_} ({count} times)" if count > 1 else id_ for id_, count in sorted(tally.excused.items()))
    return f"excused by known departures: {named}"


def _undecided(tally: Tally) -> str:
    reasons = [reason for reason, _ in tally.inconclusive.most_common(3)]
    return "; ".join(reasons)


def discard_findings(
    tallies: Tallies, operations: Collection[str], exchanges: Collection[str] = ()
) -> dict[str, Tally]:
    """Return the tallies without the findings of unsupported `operations` and of these `exchanges`."""
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
    return Tally(judged, kept, tally.inconclusive, tally.excused, tally.errors)


def limit_findings(tally: Tally, most: int = 4 * MAX_FINDINGS) -> Tally:
    """Drop findings beyond `most`, which are never reported."""
    if len(tally.findings) <= most:
        return tally
    kept: Sequence[Finding] = tally.findings[:most]
    return Tally(tally.judged, list(kept), tally.inconclusive, tally.excused, tally.errors)
