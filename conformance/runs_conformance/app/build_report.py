"""Builds the report on a test run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from runs_conformance.app.options import (
    RunOptions,
    compare_to_baseline,
    describe_suite,
    is_sampled,
    requirements,
    selection_filter,
    usage,
)
from runs_conformance.app.run_metadata import RunHeader
from runs_conformance.causes import find_better_edition
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.lifecycle import classify_transition
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine import outcome
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.capabilities import (
    STREAMING,
    absent_capabilities,
    capabilities_not_offered,
    declared_capabilities_not_offered,
    failed_prerequisite,
    operations_not_offered,
    shadowed_operations,
)
from runs_conformance.engine.coverage import Coverage
from runs_conformance.engine.decisions import QUICK_TABLE, load_decisions
from runs_conformance.engine.dialect_scope import outside_family
from runs_conformance.engine.not_offered_findings import discard_not_offered
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.plan_validity import explain_no_completed_run, find_stop_problem
from runs_conformance.engine.programs_without_operations import programs_without_operations
from runs_conformance.engine.quick_plan import OMITTED_REASON
from runs_conformance.engine.verdicts import NotJudgedReason, VerdictContext, build_verdicts
from runs_conformance.evidence.transitions import Transitions
from runs_conformance.generation import boundary
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.rule import FAILING_MODEL, SECOND_KEY
from runs_conformance.model.text import contains_word
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.reporting.report import ProgramSummary, Report, TargetInfo, Transition
from runs_conformance.wire.redactor import MIN_SECRET_LENGTH

ACCEPTANCE_RULE = "acceptance.smallest_request_is_accepted"
"""The rule that fails if the target lacks a capability it was declared to have."""

COMPLETED_RUN_RULE = "usage.is_given_when_completed"
"""A rule that only programs with a completed run decide."""

KEY_RULES = ("auth.a_key_is_asked_for", "auth.a_wrong_key_is_refused")
"""If the target ignores keys, the first of these rules fails and the other never passes. Authentication is then not
offered, rather than undecided.
"""

COMPLETE_RUN = "a complete test run"
"""The `needs` text of requirements left unjudged because the test run ended early."""

_RULES_ON_FILES = (
    "assistants.show_their_tool_resources",
    "messages.created_message_shows_its_attachments",
    "threads.show_their_tool_resources",
)
_RULE_ON_KEYS = "auth.keys_are_not_repeated"

_OUTSIDE_QUICK = NotJudgedReason(OMITTED_REASON, "--profile standard")
"""Why a requirement is not judged of which profile quick omits the steps."""

_STREAM_FLAG_CONSTRAINT = re.compile(r"\w+\.stream\.\w+\Z")
"""The constraints on the `stream` field of requests."""


def build_report(header: RunHeader, result: RunResult) -> Report:
    """Build the report on a test run from its result."""
    options = header.options
    result = discard_not_offered(result, options.capabilities, options.no_capabilities)
    all_requirements = requirements(options.edition)
    not_offered = capabilities_not_offered(result.operation_stats, options.capabilities, options.no_capabilities)
    if STREAMING in not_offered:
        not_offered |= {
            id_: not_offered[STREAMING] for id_ in all_requirements.constraints if _STREAM_FLAG_CONSTRAINT.match(id_)
        }
    tallies = dict(result.tallies)
    for finding in declared_capabilities_not_offered(result.operation_stats, options.capabilities):
        tallies[ACCEPTANCE_RULE] = tallies.get(ACCEPTANCE_RULE, Tally()).merge(Tally(1, [finding]))
    is_selected = selection_filter(options, all_requirements)
    context = VerdictContext(
        is_selected=is_selected,
        not_offered=outside_family(dialect_family(header.dialect)) | not_offered,
        declared_absent=absent_capabilities(options.no_capabilities),
        provided=_provided_needs(header.context),
        not_judged_reasons=_outside_quick(options)
        | rules_without_subject(_context_found(header, result), has_responses=any(result.occasions.values()))
        | untestable_constraints(_context_found(header, result)),
        default_reason=_default_reason(header, result.early_end_reason),
        sampling=_OUTSIDE_QUICK if is_sampled(options) else None,
        coverage=coverage_of(header, result, not_offered),
    )
    verdicts = build_verdicts(tallies, all_requirements, context, result.counterexamples)
    executed_capabilities = {header.programs[id_] for id_ in result.program_ids if id_ in header.programs}
    selected_capabilities = {
        verdict.capability for verdict in verdicts if verdict.level == "must" and is_selected(verdict.id)
    }
    ended_early = result.interrupted or result.early_end_reason is not None
    unjudged = [
        verdict.id for verdict in verdicts if verdict.outcome is Outcome.NOT_JUDGED and verdict.needs == COMPLETE_RUN
    ]
    absent = {*not_offered} | ({"auth"} if _ignores_keys(tallies) and "auth" not in options.capabilities else set())
    # Another shard may decide what this one does not.
    required_capabilities = (
        []
        if options.shard
        else [name for name in CAPABILITIES if name in executed_capabilities & selected_capabilities - absent]
    )
    comparison = compare_to_baseline(
        verdicts, options, all_requirements, profile=options.profile, stopped_early=ended_early
    )
    conclusion = outcome.decide_outcome(
        verdicts,
        interrupted=result.interrupted,
        internal_errors=result.internal_errors,
        early_end_reason=result.early_end_reason,
        not_judged=unjudged if result.early_end_reason else (),
        validity_problem=failed_prerequisite(
            result.operation_stats, _preexisting_kinds(header.context, result.request_forms)
        )
        or (explain_no_completed_run(result.last_statuses) if _expects_completed_run(result) else None)
        or next((hazard.problem for hazard in result.hazards if not hazard.is_odd), None)
        or find_stop_problem(result.program_ends, {*not_offered, *operations_not_offered(result.operation_stats)}),
        required_capabilities=required_capabilities,
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
            capabilities=tuple(name for name in CAPABILITIES if name not in absent),
            capabilities_not_offered=tuple(
                name for name in CAPABILITIES if name in absent and name not in options.no_capabilities
            ),
            operations_not_offered=operations_not_offered(result.operation_stats, options.no_capabilities),
            shadowed_operations=shadowed_operations(result.operation_stats),
            access=header.access,
        ),
        complete=not ended_early,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        reason=conclusion.reason,
        usage=usage(result.counts),
        verdicts=tuple(verdicts),
        comparison=comparison,
        transitions=report_transitions(result.transitions),
        limits=result.limits,
        request_forms=result.request_forms,
        hazards=result.hazards,
        early_end_reason=result.early_end_reason,
        lost_requests=_named_lost_requests(result),
        started=header.started,
        edition_fit=find_better_edition(verdicts, options.edition),
        seconds=result.seconds,
        programs=ProgramSummary(
            planned=len(result.program_ends),
            completed=sum(1 for end in result.program_ends if not end.is_early),
            early_ends=tuple(end for end in result.program_ends if end.is_early),
            decided=result.decided_ids,
        ),
    )


def _named_lost_requests(result: RunResult) -> dict[str, JSON]:
    """The requests without a response that a hazard or the reason of an early end names."""
    named = {hazard.exchange for hazard in result.hazards}
    return {
        id_: example
        for id_, example in result.lost_requests.items()
        if id_ in named or contains_word(result.early_end_reason or "", id_)
    }


def _provided_needs(context: ProgramContext) -> set[str]:
    """The needs of rules that the user provided."""
    provided = {SECOND_KEY: context.has_second_api_key, FAILING_MODEL: context.failing_model is not None}
    return {need for need, is_given in provided.items() if is_given}


def _preexisting_kinds(context: ProgramContext, forms: RequestForms) -> set[str]:
    """The kinds of objects that programs did not have to create."""
    # Programs start runs even if the user supplied one, so that a refusal to create runs still counts.
    return {*context.use, *(("assistant",) if forms.assistant else ())} - {"run"}


def _expects_completed_run(result: RunResult) -> bool:
    """Whether an executed program sees a run complete on the emulator."""
    completing = load_decisions().programs_for([COMPLETED_RUN_RULE])
    return any(program in completing for program in result.program_ids)


def coverage_of(header: RunHeader, result: RunResult, not_offered: Mapping[str, str]) -> Coverage:
    """Compare what each program decided with what it decides on the emulator."""
    ends = {end.program: end for end in result.program_ends}
    programs = {id_: not_offered[name] for id_, name in header.programs.items() if name in not_offered}
    decisions = load_decisions(QUICK_TABLE) if is_sampled(header.options) else load_decisions()
    return Coverage(
        decisions,
        ends,
        result.decided_ids,
        result.occasions,
        header.skipped_programs,
        programs,
        programs_without_operations(result.without_route, operations_not_offered(result.operation_stats)),
        "" if _has_files(_context_found(header, result)) else boundary.NEEDS_FILES,
        result.refused_requests,
        result.failed,
    )


def build_unreachable_report(header: RunHeader, reason: str, counts: Counts) -> Report:
    """Build the report on a target that cannot be tested; `reason` says why."""
    options = header.options
    context = VerdictContext(
        default_reason=lambda capability, id_: NotJudgedReason(
            "the target cannot be tested", "a reachable server with the Runs API"
        )
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
    """The transitions as report entries, the most frequent first."""
    return tuple(
        Transition(earlier, later, count, classify_transition(earlier, later))
        for (earlier, later), count in sorted(transitions.items(), key=lambda item: (-item[1], item[0]))
    )


def untestable_constraints(context: ProgramContext) -> dict[str, NotJudgedReason]:
    """The constraints that cannot be tested on the target, each with the reason.

    A constraint on a response cannot be if it is about a value that cannot be sent.
    """
    unsendable = {
        id_: NotJudgedReason(reason) for id_, reason in boundary.unsendable_constraints(context.edition).items()
    }
    missing = boundary.constraints_without_resources(context)
    shown = {id_: missing[f"create_{id_}"] for id_ in constraints(context.edition) if f"create_{id_}" in missing}
    return {id_: NotJudgedReason(f"needs {needs}", needs) for id_, needs in {**missing, **shown}.items()} | unsendable


def rules_without_subject(context: ProgramContext, *, has_responses: bool) -> dict[str, NotJudgedReason]:
    """The rules that no request can show on the target unless the user provides something, each with that."""
    on_files = {} if _has_files(context) else dict.fromkeys(_RULES_ON_FILES, boundary.NEEDS_FILES)
    # The recorder looks in every response for a key that it redacts.
    on_keys = {_RULE_ON_KEYS: f"an API key of at least {MIN_SECRET_LENGTH} characters"} if has_responses else {}
    return {id_: NotJudgedReason(f"needs {needs}", needs) for id_, needs in {**on_files, **on_keys}.items()}


def _context_found(header: RunHeader, result: RunResult) -> ProgramContext:
    """The context with what the test run found out about files."""
    known = header.context.accepts_any_file_id or result.request_forms.accepts_any_file_id
    return replace(header.context, accepts_any_file_id=known)


def _has_files(context: ProgramContext) -> bool:
    """Whether requests can name files."""
    return context.accepts_any_file_id or not {"file", "vector_store"}.isdisjoint(context.use)


def _ignores_keys(tallies: Mapping[str, Tally]) -> bool:
    """Whether the target served requests without a key, and was not seen to refuse a wrong one."""
    without_key, wrong_key = (tallies.get(id_) for id_ in KEY_RULES)
    if without_key is None or wrong_key is None or not without_key.findings:
        return False
    return wrong_key.judged == len(wrong_key.findings)


def _outside_quick(options: RunOptions) -> dict[str, NotJudgedReason]:
    """The ids that whole programs decide on the emulator, but not the samples of profile quick."""
    if not is_sampled(options):
        return {}
    missing = load_decisions().deciders.keys() - load_decisions(QUICK_TABLE).deciders.keys()
    return dict.fromkeys(missing, _OUTSIDE_QUICK)


def _default_reason(header: RunHeader, early_end_reason: str | None) -> Callable[[str, str], NotJudgedReason]:
    """A function that explains why a requirement without a reason of its own was not judged.

    `early_end_reason` says what ended the test run early; it is None for a complete run.
    """
    options, planned_capabilities = header.options, set(header.programs.values())
    skipped_by_capability = {
        out.capability: out for out in header.skipped_capabilities if out.capability not in planned_capabilities
    }

    def explain(capability: str, id_: str) -> NotJudgedReason:
        skipped = skipped_by_capability.get(capability)
        if skipped is not None:
            return NotJudgedReason(skipped.reason, skipped.needs)
        if early_end_reason is not None:
            return NotJudgedReason(f"the test run stopped early: {early_end_reason}", COMPLETE_RUN)
        if options.shard:
            return NotJudgedReason(f"shard {options.shard} did not cover it", "runs-conformance merge, with all shards")
        if options.select or options.phases:
            return NotJudgedReason("no selected program covers it", "a wider selection")
        if options.profile == "quick":
            return _OUTSIDE_QUICK
        return NotJudgedReason("no request or response covered it")

    return explain
