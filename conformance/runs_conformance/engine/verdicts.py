"""Turns tallies into verdicts: one for every rule and constraint of the edition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.coverage import Coverage
from runs_conformance.engine.decisions import load_decisions
from runs_conformance.engine.finding_order import sort_findings
from runs_conformance.engine.premises import UNCLEAR_IF_CRASHED, affects_all, failed_premises, sufficient_premises
from runs_conformance.engine.reported_findings import MAX_FINDINGS
from runs_conformance.engine.shown_places import ShownPlaces
from runs_conformance.model.json import JSON
from runs_conformance.model.plural import plural
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.model.verdict import FILTERED_OUT, Outcome, Tallies, Tally, Verdict

_UNDECIDED = (Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED)
_SHOWN_ONLY_BY = {
    operation.response_kind: name
    for name, operation in OPERATIONS.items()
    if operation.response_kind.endswith(("_deleted", "_list"))
}
"""The operation that shows a kind of object, for the kinds that only one shows."""


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
        """All ids, constraints first."""
        return [*self.constraints, *(id_ for id_ in self.rules if id_ not in self.constraints)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictContext:
    """The circumstances that determine verdicts besides the tallies.

    `is_selected` is the user's selection of ids. `not_offered` maps capabilities, operations and ids that the target
    does not support to the reason, `declared_absent` those that the user declared absent. `provided` holds what rules
    need (`Rule.needs`) and the user provided. `not_judged_reasons` explains single ids, `default_reason` all others
    (called with capability and id). `sampling` explains constraints of which a sample had no invalid value; it is None
    if all were planned. `coverage` says what the programs showed;
    it is None for recorded traffic. `failed_premises` names, for rules, what failed and left them no occasion,
    `sufficient_premises` what would have done so even if all programs had run to their end.
    """

    is_selected: Callable[[str], bool] = lambda id_: True
    not_offered: Mapping[str, str] = field(default_factory=dict)
    declared_absent: Mapping[str, str] = field(default_factory=dict)
    provided: Collection[str] = ()
    not_judged_reasons: Mapping[str, NotJudgedReason] = field(default_factory=dict)
    default_reason: Callable[[str, str], NotJudgedReason] = lambda capability, id_: NotJudgedReason(
        "no request or response exercised it"
    )
    sampling: NotJudgedReason | None = None
    coverage: Coverage | None = None
    failed_premises: dict[str, str] = field(default_factory=dict)
    sufficient_premises: dict[str, str] = field(default_factory=dict)


def build_verdicts(
    tallies: Tallies,
    requirements: Requirements,
    context: VerdictContext,
    counterexamples: Mapping[str, JSON] | None = None,
) -> list[Verdict]:
    """Build one verdict per rule and constraint, in the order of `Requirements.ids`."""
    examples = counterexamples or {}
    affects = context.coverage.may_explain if context.coverage is not None else affects_all
    context = replace(
        context,
        failed_premises=failed_premises(tallies, None, affects, requirements.constraints),
        sufficient_premises=sufficient_premises(tallies, None, affects),
    )
    places = ShownPlaces(tallies)
    return [_verdict(id_, places, requirements, context, examples.get(id_)) for id_ in requirements.ids()]


def _verdict(
    id_: str, places: ShownPlaces, requirements: Requirements, context: VerdictContext, example: JSON
) -> Verdict:
    tallies = places.tallies
    tally, rule = tallies.get(id_), requirements.rules.get(id_)
    requirement = rule if rule is not None else requirements.constraints[id_]
    outcome, reason, needs = _outcome(id_, requirement, rule, tally or Tally(), context)
    if outcome is Outcome.PASS and (violated := _violated_premise(rule, tallies)) is not None:
        outcome, reason = Outcome.INCONCLUSIVE, f"may have held by chance, because {violated} failed"
    if tally is None and outcome in _UNDECIDED and isinstance(requirement, Constraint):
        is_default = reason == context.default_reason(requirement.capability, id_).reason
        if (needs is None or is_default) and (explained := places.explain_absence(requirement)) is not None:
            reason, needs = explained, None
        elif needs is None:
            reason = _with_place(requirement, reason, places, context)
    findings = sort_findings(tally.findings, example) if tally is not None and outcome is Outcome.FAIL else []
    return Verdict(
        id=id_,
        kind="rule" if rule is not None else "constraint",
        level=requirement.level.value,
        capability=requirement.capability,
        operation=requirement.operation,
        outcome=outcome,
        judged=0 if tally is None or not context.is_selected(id_) else tally.judged,
        statement=requirement.statement,
        source=str(requirement.source),
        explanation=rule.guidance if rule is not None else "",
        reason=reason,
        needs=needs,
        findings=tuple(findings[:MAX_FINDINGS]),
        counterexample=example if outcome is Outcome.FAIL else None,
    )


def _with_place(constraint: Constraint, reason: str | None, places: ShownPlaces, context: VerdictContext) -> str | None:
    """The reason that nothing decided a constraint, with the outermost place around it that no response showed."""
    if reason is None or context.coverage is None or (unseen := places.find_unseen_place(constraint)) is None:
        return reason
    if reason == context.coverage.not_shown(constraint.id):
        # The programs may call the missing operation for something else.
        absent = context.coverage.not_offered_reason(constraint.id)
        return f"no response showed {unseen} ({absent})" if absent else f"{reason}: no response showed {unseen}"
    is_default = reason == context.default_reason(constraint.capability, constraint.id).reason
    return f"no response showed {unseen}" if is_default else reason


def _violated_premise(rule: AnyRule | None, tallies: Tallies) -> str | None:
    """The first failed rule that a pass of the rule relies on; one that failed in other parts leaves no doubt."""
    parts = {part for part, count in tallies[rule.id].parts.items() if count} if rule is not None else set()
    for name in rule.relies_on if rule is not None else ():
        doubtful = {finding.part for finding in tallies[name].findings} if name in tallies else set()
        if doubtful and ("" in doubtful or parts <= doubtful):
            return name
    return None


def _outcome(
    id_: str, requirement: AnyRule | Constraint, rule: AnyRule | None, tally: Tally, context: VerdictContext
) -> tuple[Outcome, str | None, str | None]:
    """The outcome, its reason, and what is needed to judge."""
    if not context.is_selected(id_):
        return Outcome.NOT_JUDGED, FILTERED_OUT, "a selection that includes it"
    if (
        tally.outcome is not Outcome.ERROR
        and (absent := _find_reason(id_, requirement, context.declared_absent)) is not None
    ):
        return Outcome.NOT_APPLICABLE, absent, None
    match tally.outcome:
        case Outcome.ERROR:
            return Outcome.ERROR, tally.errors[0], None
        case Outcome.FAIL:
            return Outcome.FAIL, _more(tally), None
        case Outcome.PASS if requirement.operation in context.not_offered:
            return Outcome.NOT_APPLICABLE, context.not_offered[requirement.operation or ""], None
        case Outcome.PASS if tally.excused.total() >= tally.judged:
            needs = "a response that satisfies the requirement itself"
            return Outcome.NOT_JUDGED, f"every occurrence is {_excuses(tally)}", needs
        case Outcome.PASS:
            shortfall = _shortfall(id_, tally, rule, context)
            if shortfall is None:
                return Outcome.PASS, _excuses(tally), None
            not_offered = _find_reason(id_, requirement, context.not_offered)
            if not_offered is not None:
                return Outcome.NOT_APPLICABLE, not_offered, None
            return _sampling_verdict(id_, tally, context) or shortfall
    if (reason := _find_reason(id_, requirement, context.not_offered)) is not None:
        return Outcome.NOT_APPLICABLE, reason, None
    early = context.coverage.early_end(id_) if context.coverage else None
    if tally.outcome is Outcome.INCONCLUSIVE:
        if (verdict := _sampling_verdict(id_, tally, context)) is not None:
            return verdict
        reason = "; ".join(filter(None, (_summarize_undecided(tally), early)))
        return Outcome.INCONCLUSIVE, _with_crash(id_, reason, context), None
    return _not_judged(id_, requirement, rule, early, context)


def _sampling_verdict(id_: str, tally: Tally, context: VerdictContext) -> tuple[Outcome, str | None, str | None] | None:
    """The verdict on an id that the sample was not planned to decide; None if the test run judged it nevertheless."""
    shows_valid_only = tally.outcome is Outcome.PASS and not tally.is_decided
    if tally.suspicions or not (shows_valid_only or context.sampling is not None):
        return None
    reason = context.not_judged_reasons.get(id_)
    if reason is None and shows_valid_only and not tally.inconclusive:
        # Which invalid values are sampled depends on what the target accepts.
        is_early = context.coverage is not None and context.coverage.early_end(id_) is not None
        reason = None if is_early else context.sampling
    return None if reason is None else (Outcome.NOT_JUDGED, reason.reason, reason.needs)


def _find_reason(id_: str, requirement: AnyRule | Constraint, reasons: Mapping[str, str]) -> str | None:
    """The reason given for the id, its operation or its capability, or for the only operation that shows its object."""
    shown_by = _SHOWN_ONLY_BY.get(id_.partition(".")[0]) if isinstance(requirement, Constraint) else None
    names = (id_, requirement.operation, requirement.capability, shown_by)
    return next((reasons[name] for name in names if name is not None and name in reasons), None)


def _shortfall(
    id_: str, tally: Tally, rule: AnyRule | None, context: VerdictContext
) -> tuple[Outcome, str | None, str | None] | None:
    """The verdict if the evidence does not suffice for a pass, else None."""
    if not tally.is_decided:
        early = context.coverage.early_end(id_) if context.coverage else None
        reasons = (_summarize_undecided(tally) or "no invalid value was sent", early)
        return Outcome.INCONCLUSIVE, "only valid values were tested: " + "; ".join(filter(None, reasons)), None
    if tally.suspicions:
        reason = _with_crash(id_, tally.suspicions.most_common(1)[0][0], context)
        return Outcome.INCONCLUSIVE, f"held on {plural(tally.judged, 'occasion')}, but {reason}", None
    # A selection of programs that decide an id may see fewer occasions; what they see on the emulator suffices.
    is_narrow = context.coverage is not None and not context.coverage.plans_all(id_)
    if rule is not None and tally.judged < rule.occasions and not is_narrow:
        needed = f"a pass needs {rule.occasions}"
        return Outcome.INCONCLUSIVE, f"held on {plural(tally.judged, 'occasion')}, but {needed}", None
    absent = OPERATIONS.keys() & {*context.not_offered, *context.declared_absent}
    unseen = [name for name in (rule.needs_on_each if rule else ()) if not tally.parts[name] and name not in absent]
    if unseen and not is_narrow:
        reason = (
            f"held on {plural(tally.judged, 'occasion')}, but none was a request to {_name_first(unseen, 'operation')}"
        )
        reason = _with_premise(id_, reason, context)
        return Outcome.INCONCLUSIVE, "; ".join(filter(None, (reason, _summarize_undecided(tally)))), None
    # Recorded traffic, and a quick test run, were not planned to show every part.
    is_full = context.coverage is not None and context.coverage.is_full(load_decisions().deciders.get(id_, ()))
    parts = rule.needs_parts if rule is not None and is_full else ()
    if lacking := [part for part, *needed in parts if not tally.parts[part] and not absent.intersection(needed)]:
        reason = f"held on {plural(tally.judged, 'occasion')}, but none was {_name_first(lacking, 'case')}"
        reason = _with_premise(id_, reason, context)
        return Outcome.INCONCLUSIVE, "; ".join(filter(None, (reason, _summarize_undecided(tally)))), None
    offered = 1 - len(absent) / len(OPERATIONS)
    missing = context.coverage.shortfall(id_, rule is not None, offered) if context.coverage else None
    if missing is None:
        return None
    said = "; ".join(filter(None, (_with_premise(id_, missing, context), _summarize_undecided(tally))))
    need = context.coverage.need_for(missing) if context.coverage else None
    return Outcome.INCONCLUSIVE, f"held on {plural(tally.judged, 'occasion')}, but {said}", need


def _name_first(names: Sequence[str], noun: str) -> str:
    """The first of the things that a pass lacks, and how many more there are."""
    others = len(names) - 1
    rest = f"any of {others} other {noun}s" if others > 1 else f"one other {noun}"
    return f"{names[0]} (nor {rest} that a pass needs)" if others else names[0]


def _with_premise(id_: str, reason: str, context: VerdictContext) -> str:
    """The reason that nothing decided an id, with the failed requirement that may be why."""
    premise = context.failed_premises.get(id_)
    return reason if premise is None else f"{reason}; the reason may be that {premise}"


def _with_crash(id_: str, reason: str, context: VerdictContext) -> str:
    """The reason that a rule is undecided, with the failed requirement that the server does not crash."""
    return _with_premise(id_, reason, context) if id_ in UNCLEAR_IF_CRASHED else reason


def _not_judged(
    id_: str, requirement: AnyRule | Constraint, rule: AnyRule | None, early: str | None, context: VerdictContext
) -> tuple[Outcome, str | None, str | None]:
    if (not_judged := context.not_judged_reasons.get(id_)) is not None:
        return Outcome.NOT_JUDGED, not_judged.reason, not_judged.needs
    if early is not None:
        cause = context.sufficient_premises.get(id_)
        return Outcome.INCONCLUSIVE, early if cause is None else f"not observed, because {cause}", None
    if context.coverage is not None:
        if (not_shown := context.coverage.not_shown(id_)) is not None:
            # A refusal that these programs met is certain; the resemblance of failures is not.
            premises = context.failed_premises | context.sufficient_premises
            premise = None if context.coverage.shows_why_not(id_) else premises.get(id_)
            return Outcome.NOT_JUDGED, not_shown if premise is None else f"not observed, because {premise}", None
        if (skipped := context.coverage.skip_reason(id_)) is not None:
            return Outcome.NOT_JUDGED, *skipped
    if rule is not None and rule.needs and rule.needs not in context.provided:
        return Outcome.NOT_JUDGED, f"needs {rule.needs}", rule.needs
    not_judged = context.default_reason(requirement.capability, id_)
    return Outcome.NOT_JUDGED, not_judged.reason, not_judged.needs


def _more(tally: Tally) -> str | None:
    unlisted = len(tally.findings) - MAX_FINDINGS
    return f"{unlisted} more findings are not listed" if unlisted > 0 else None


def _excuses(tally: Tally) -> str | None:
    if not tally.excused:
        return None
    named = ", ".join(f"{id_} ({count} times)" if count > 1 else id_ for id_, count in sorted(tally.excused.items()))
    kind = "a known deviation" if len(tally.excused) == 1 else "known deviations"
    return f"excused by {kind}: {named}"


def _summarize_undecided(tally: Tally) -> str:
    reasons = [reason for reason, _ in tally.inconclusive.most_common(3)]
    return "; ".join(reasons)
