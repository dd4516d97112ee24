"""Builds the report on a test run."""

from __future__ import annotations

import re
from collections.abc import Callable

from runs_conformance.app.options import compare_to_baseline, describe_suite, requirements, selection_filter, usage
from runs_conformance.app.run_metadata import RunHeader
from runs_conformance.contract.lifecycle import classify_transition
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine import outcome
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.capabilities import (
    STREAMING,
    denied_capabilities,
    failed_prerequisite,
    missing_declared_capabilities,
    undelivered_streams,
    unsupported_capabilities,
)
from runs_conformance.engine.coverage import Coverage
from runs_conformance.engine.decisions import load_decisions
from runs_conformance.engine.run_health import find_run_problem, find_stop_problem
from runs_conformance.engine.run_result import RunResult
from runs_conformance.engine.verdicts import NotJudgedReason, VerdictContext, build_verdicts, discard_findings
from runs_conformance.evidence.timeline import Transitions
from runs_conformance.generation import boundary
from runs_conformance.model.approach import Approach
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.reporting.report import ProgramSummary, Report, TargetInfo, Transition

ACCEPTANCE_RULE = "acceptance.smallest_request_is_accepted"
"""The rule that fails if the target lacks a capability it was declared to have."""

COMPLETE_RUN = "a run that is not cut short"
"""What a verdict needs that was not reached because the test run ended early."""

_STREAM_FLAG_CONSTRAINT = re.compile(r"\w+\.stream\.\w+\Z")
"""The constraints on the `stream` field of requests."""


def build_report(header: RunHeader, result: RunResult) -> Report:
    """Build the report on a test run from its result."""
    options = header.options
    all_requirements = requirements(options.edition)
    missing = unsupported_capabilities(result.operation_stats, options.capabilities, options.no_capabilities)
    if STREAMING in missing:
        missing |= {
            id_: missing[STREAMING] for id_ in all_requirements.constraints if _STREAM_FLAG_CONSTRAINT.match(id_)
        }
    tallies = discard_findings(result.tallies, missing, undelivered_streams(result.operation_stats, missing))
    for finding in missing_declared_capabilities(result.operation_stats, options.capabilities):
        tallies[ACCEPTANCE_RULE] = tallies.get(ACCEPTANCE_RULE, Tally()).merge(Tally(1, [finding]))
    is_selected = selection_filter(options, all_requirements)
    context = VerdictContext(
        is_selected=is_selected,
        unsupported=missing,
        denied=denied_capabilities(options.no_capabilities),
        not_judged_reasons=_unshowable_constraints(header.context),
        default_reason=_default_reason(header, result.cut_reason),
        coverage=coverage_of(header, result),
    )
    verdicts = build_verdicts(tallies, all_requirements, context, result.counterexamples)
    covered = {header.programs[id_] for id_ in result.program_ids if id_ in header.programs}
    judged = {verdict.capability for verdict in verdicts if verdict.level == "must" and is_selected(verdict.id)}
    is_cut = result.interrupted or result.cut_reason is not None
    unjudged = [
        verdict.id for verdict in verdicts if verdict.outcome is Outcome.NOT_JUDGED and verdict.needs == COMPLETE_RUN
    ]
    comparison = compare_to_baseline(verdicts, options, all_requirements, profile=options.profile, cut=is_cut)
    conclusion = outcome.decide_outcome(
        verdicts,
        interrupted=result.interrupted,
        internal_errors=result.internal_errors,
        cut_reason=result.cut_reason,
        not_judged=unjudged if result.cut_reason else (),
        failed_prerequisite=failed_prerequisite(result.operation_stats, _given_kinds(header.context, result.approach))
        or find_run_problem(result.last_statuses)
        or find_stop_problem(result.ends, missing),
        # Another shard may decide what this one does not.
        required_capabilities=[
            name for name in CAPABILITIES if name in covered & judged - {*missing} and not options.shard
        ],
        fail_on=options.fail_on,
        max_inconclusive=options.max_inconclusive,
        comparison=comparison,
    )
    return Report(
        suite=describe_suite(options, options.profile, options.seed),
        target=TargetInfo(
            name=header.target,
            base_url=header.base_url,
            dialect=header.dialect,
            capabilities=tuple(name for name in CAPABILITIES if name not in missing),
            access=header.access,
        ),
        complete=not is_cut,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        reason=conclusion.reason,
        usage=usage(result.counts),
        verdicts=tuple(verdicts),
        comparison=comparison,
        transitions=report_transitions(result.transitions),
        limits=result.limits,
        approach=result.approach,
        hazards=result.hazards,
        started=header.started,
        programs=ProgramSummary(
            planned=len(result.ends),
            completed=sum(1 for end in result.ends if not end.is_early),
            early_ends=tuple(end for end in result.ends if end.is_early),
        ),
    )


def _given_kinds(context: ProgramContext, approach: Approach) -> set[str]:
    """Return the kinds of objects that programs did not have to create."""
    return {*context.use, *(("assistant",) if approach.assistant else ())} - {"run"}


def coverage_of(header: RunHeader, result: RunResult) -> Coverage:
    """How far the programs of a test run showed what they show on the reference server."""
    ends = {end.program: end for end in result.ends}
    return Coverage(load_decisions(), ends, result.decided, header.skipped_programs)


def build_unreachable_report(header: RunHeader, reason: str, counts: Counts) -> Report:
    """Build the report on a target that cannot be tested; `reason` says why."""
    options = header.options
    context = VerdictContext(
        default_reason=lambda capability, id_: NotJudgedReason("the target cannot be tested", "a target that can be")
    )
    return Report(
        suite=describe_suite(options, options.profile, options.seed),
        target=TargetInfo(name=header.target, base_url=header.base_url, dialect=header.dialect),
        complete=False,
        outcome=Outcome.NOT_JUDGED,
        exit_code=outcome.NO_TARGET,
        reason=reason,
        usage=usage(counts),
        verdicts=tuple(build_verdicts({}, requirements(options.edition), context)),
        started=header.started,
    )


def report_transitions(transitions: Transitions) -> tuple[Transition, ...]:
    """Return the transitions in the form of a report, the most frequent first."""
    return tuple(
        Transition(earlier, later, count, classify_transition(earlier, later))
        for (earlier, later), count in sorted(transitions.items(), key=lambda item: (-item[1], item[0]))
    )


def _unshowable_constraints(context: ProgramContext) -> dict[str, NotJudgedReason]:
    """Return the request constraints that cannot be tested on the target, each with the reason."""
    unsendable = {
        id_: NotJudgedReason(reason) for id_, reason in boundary.unsendable_constraints(context.edition).items()
    }
    return {
        id_: NotJudgedReason(f"needs {needs}", needs)
        for id_, needs in boundary.constraints_without_resources(context).items()
    } | unsendable


def _default_reason(header: RunHeader, cut_reason: str | None) -> Callable[[str, str], NotJudgedReason]:
    """Return a function that explains why a requirement without a reason of its own was not judged.

    `cut_reason` says what ended the test run early; it is None for a complete run.
    """
    options, covered = header.options, set(header.programs.values())
    skipped_capabilities = {out.capability: out for out in header.skipped if out.capability not in covered}

    def explain(capability: str, id_: str) -> NotJudgedReason:
        skipped = skipped_capabilities.get(capability)
        if skipped is not None:
            return NotJudgedReason(skipped.reason, skipped.needs)
        if cut_reason is not None:
            return NotJudgedReason(f"the run was cut short: {cut_reason}", COMPLETE_RUN)
        if options.shard:
            return NotJudgedReason(f"shard {options.shard} did not cover it", "runs-conformance merge, with all shards")
        if options.select or options.phases:
            return NotJudgedReason("no selected program covers it", "a wider selection")
        if options.profile == "quick":
            return NotJudgedReason("outside profile quick", "--profile standard")
        return NotJudgedReason("no request or response covered it")

    return explain
