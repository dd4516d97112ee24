"""Tests a target: plans, executes, judges and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from runs_conformance.app import shrink_findings
from runs_conformance.app.attach_steps import attach_steps, read_counterexample_histories
from runs_conformance.app.build_report import build_report, build_unreachable_report
from runs_conformance.app.large_blocks import return_large_blocks
from runs_conformance.app.live_run import LiveRun
from runs_conformance.app.open_run import open_run
from runs_conformance.app.options import RunOptions, all_programs, build_history_judge, check_selection, requirements
from runs_conformance.app.run_metadata import RunFooter, RunHeader
from runs_conformance.contract.known_deviation import glob_matches
from runs_conformance.engine.capabilities import STREAMING
from runs_conformance.engine.decisions import load_decisions
from runs_conformance.engine.plan import Plan, build_plan, selector
from runs_conformance.engine.plan_execution import ProgressListener
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.program_cover import cover
from runs_conformance.engine.shard import parse_shard, plan_for_shard
from runs_conformance.engine.verdicts import Requirements
from runs_conformance.errors import TargetError, UsageError
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.reporting.folder import RunFolder
from runs_conformance.reporting.report import Report
from runs_conformance.targets import Target


def program_context(target: Target, options: RunOptions) -> ProgramContext:
    """Derive the context of programs from the target and the options."""
    return ProgramContext(
        edition=options.edition,
        model=options.model,
        other_model=options.other_model,
        prompts=options.prompts,
        use=options.use,
        read_only=options.read_only,
        run_timeout=options.run_timeout,
        expiry_timeout=options.expiry_timeout,
        dialect=target.address.dialect.family.name,
        seed=options.seed,
        has_second_api_key=target.second_api_key is not None,
        failing_model=target.failing_model,
        accepts_any_file_id=target.accepts_any_file_id,
        streams=STREAMING not in options.no_capabilities,
        allow_stress=options.allow_stress or target.address.is_loopback,
        exhaustive=options.exhaustive,
        always_sent=_always_sent(options),
    )


def _always_sent(options: RunOptions) -> frozenset[str]:
    """The constraints that the user selects or lists in a baseline: sampling must not leave them undecided."""
    entries = options.baseline_settings.baseline.entries if options.baseline_settings is not None else ()
    globs = (*options.select, *(entry.id for entry in entries))
    known = requirements(options.edition).constraints if globs else {}
    return frozenset(id_ for id_ in known if any(glob_matches(glob, id_) for glob in globs))


def plan_run(target: Target, options: RunOptions) -> Plan:
    """Plan the programs to execute on a target. Raises UsageError if the selection matches nothing."""
    context = program_context(target, options)
    stored = shrink_findings.stored_programs(target, options)
    programs = [*all_programs(context, options), *stored]
    known = [*requirements(options.edition).ids(), *(program.id for program in programs)]
    check_selection(options, known)
    known_requirements = requirements(options.edition)
    plannable = build_plan(programs, context, options.profile, options.phases, declared_absent=options.no_capabilities)
    is_wanted = _program_filter(options, known_requirements, plannable.programs)
    full_plan = build_plan(programs, context, options.profile, options.phases, is_wanted, options.no_capabilities)
    return (
        plan_for_shard(full_plan, parse_shard(options.shard), {program.id for program in stored})
        if options.shard
        else full_plan
    )


def _program_filter(
    options: RunOptions, requirements: Requirements, programs: Sequence[Program]
) -> Callable[[Program], bool]:
    """A predicate for the programs that serve the selection: the cheapest of `programs` that decide it.

    Request constraints that no program decides on the emulator are left to the programs of their operation.
    """
    is_selected = selector(options.select, options.exclude)
    if not options.select:
        return lambda program: True
    ids = [id_ for id_ in requirements.ids() if is_selected(id_)]
    decisions = load_decisions()
    chosen = cover(ids, programs, decisions, options.rerun_programs)
    unmeasured = [id_ for id_ in ids if id_ not in decisions.deciders] if ids and not chosen else []
    operations = {requirements.constraints[id_].operation for id_ in unmeasured if id_ in requirements.constraints}
    needs_all = any(id_ in requirements.rules or requirements.constraints[id_].side == "response" for id_ in unmeasured)
    return lambda program: (
        is_selected(program.id) or program.id in chosen or needs_all or not operations.isdisjoint(program.operations)
    )


def judge(
    target: Target,
    options: RunOptions,
    plan: Plan,
    folder: RunFolder,
    listener: ProgressListener,
    on_target_released: Callable[[], object] = lambda: None,
    on_result: Callable[[RunResult], object] = lambda result: None,
) -> Report:
    """Execute a plan on a target, judge the histories, and build the report.

    Each exchange is recorded in the history of the folder as soon as it ends. If the target cannot be tested, the
    report says only that. Calls `on_target_released` after cleanup on the target; an interruption from then on does
    not discard results. Calls `on_result` with the merged results of the programs. Raises UsageError if the folder
    cannot be written, or an object named by `--use` does not exist.
    """
    return_large_blocks()
    context = program_context(target, options)
    header = RunHeader.from_plan(target, options, context, plan)
    with open_run(target, options, context, folder, header.to_json(), listener) as live_run:
        try:
            result = live_run.execute(plan)
        except TargetError as error:
            on_target_released()
            _write_footer(live_run, RunFooter(counts=live_run.budget.counts, unreachable_reason=str(error)))
            return build_unreachable_report(header, str(error), live_run.budget.counts)
        except UsageError as error:
            _write_footer(live_run, RunFooter(counts=live_run.budget.counts, unreachable_reason=str(error)))
            raise
        on_target_released()
        _write_footer(live_run, RunFooter.from_result(result))
        on_result(result)
    return build_report(
        header,
        attach_steps(
            result, read_counterexample_histories(folder.history, result), build_history_judge(options), options.model
        ),
    )


def _write_footer(live_run: LiveRun, footer: RunFooter) -> None:
    """Write the last line of the history, if possible: a full disk must not cost the report."""
    with suppress(UsageError):
        live_run.file.write_footer(footer.to_json())
