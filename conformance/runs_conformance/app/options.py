"""The options of a test run, and what follows from them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.baseline import BaselineComparison, BaselineSettings, JudgedScope, compare
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import schemas_digest
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.outcome import failing_levels
from runs_conformance.engine.plan import selector
from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.engine.quick_plan import select_quick_programs
from runs_conformance.engine.verdicts import Requirements
from runs_conformance.errors import UsageError
from runs_conformance.generation import boundary, fuzzing, schemathesis
from runs_conformance.generation.fuzzing import EXPLORE_ONLY, SHARED_RUN, THOROUGH, FuzzingSize
from runs_conformance.generation.programs.catalogue import catalogue as written
from runs_conformance.model.program import Program, ProgramContext
from runs_conformance.model.suggestion import did_you_mean
from runs_conformance.model.verdict import Verdict
from runs_conformance.reporting.report import ResourceUsage, Suite
from runs_conformance.rules import catalogue as rules
from runs_conformance.rules.constraints import requests, response_schemas

CONSTRAINT_JUDGES = (
    ("constraints of responses", response_schemas.tallies),
    ("constraints of requests", requests.tallies),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """All options of a test run or of judging recorded traffic; most are named after their flag. None means no limit.

    `jobs` is the number of processes that test the target at the same time; each of them executes a `shard`.
    `selection_flag` is the flag that stands for `select` if the user did not write it; `rerun_programs` are programs to
    execute besides those that decide the selection. `rate_limit` is in requests per second; times are in seconds.
    """

    edition: str = DEFAULT_EDITION
    strict: bool = False
    partial: bool = False
    select: tuple[str, ...] = ()
    selection_flag: str = ""
    rerun_programs: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: str = "must"
    max_inconclusive: int | None = None
    profile: str = "standard"
    phases: tuple[str, ...] = ()
    model: str = "gpt-4o"
    other_model: str = "gpt-4o-mini"
    prompts: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    capabilities: tuple[str, ...] = ()
    no_capabilities: tuple[str, ...] = ()
    seed: int = 0
    workers: int | None = None
    rate_limit: float | None = None
    timeout: float = 60.0
    run_timeout: float = 60.0
    expiry_timeout: float = 15.0
    poll: float | None = None
    allow_stress: bool = False
    exhaustive: bool = False
    max_requests: int | None = None
    max_runs: int | None = None
    max_tokens: int | None = None
    max_time: float | None = None
    max_examples: int | None = None
    database: Path | None = None
    baseline_settings: BaselineSettings | None = None
    shard: str = ""
    jobs: int = 1
    find_limits: bool = False
    confirm: bool = True
    restart_command: str = ""


def requirements(edition: str = DEFAULT_EDITION) -> Requirements:
    """The rules and constraints of an edition."""
    return Requirements(rules=rules(), constraints=constraints(edition))


def all_programs(context: ProgramContext, options: RunOptions) -> list[Program]:
    """Every program for a context, whatever the program needs, as long as the profile has it."""
    sampled = is_sampled(options)
    ours = [*boundary.programs(context, sampled=sampled), *written(context)]
    ours += fuzzing.programs(context, fuzzing_size(options))
    programs = [*ours, *_schemathesis_programs(context, options)]
    return select_quick_programs(programs, omits_steps=sampled) if options.profile == "quick" else programs


def is_sampled(options: RunOptions) -> bool:
    """Whether programs send only a sample of their steps: in profile quick, unless the user selects what to judge."""
    return options.profile == "quick" and not options.select


def _schemathesis_programs(context: ProgramContext, options: RunOptions) -> list[Program]:
    """The programs that use Schemathesis.

    Raises UsageError if the phase is requested but Schemathesis is not installed.
    """
    if missing := schemathesis.unavailable_reason():
        if schemathesis.PHASE in options.phases:
            raise UsageError(missing)
        return []
    return schemathesis.programs(context, options.max_examples or schemathesis.CASES_PER_OPERATION)


def fuzzing_size(options: RunOptions) -> FuzzingSize:
    """The size of the fuzzing phase: smaller together with other phases, except in profile full."""
    usual = EXPLORE_ONLY if options.phases == ("explore",) else SHARED_RUN
    usual = THOROUGH if options.profile == "full" else usual
    return usual if options.max_examples is None else usual.scaled_to(options.max_examples)


def build_history_judge(options: RunOptions, *, trusts_steps: bool = True) -> HistoryJudge:
    """Build the judge for histories; those of files are judged without `trusts_steps`."""
    return HistoryJudge(rules(), CONSTRAINT_JUDGES, options.strict, options.partial, trusts_steps=trusts_steps)


def check_selection(options: RunOptions, known: Sequence[str]) -> None:
    """Raise UsageError, with the nearest names, if a glob of the selection matches none of the known ids."""
    globs = (*(("--select", glob) for glob in options.select), *(("--exclude", glob) for glob in options.exclude))
    for flag, glob in globs:
        if not any(map(selector((glob,), ()), known)):
            raise UsageError(f"{flag} {glob!r} matches no rule, constraint or program{did_you_mean(glob, known)}")
    if globs and not any(map(selector(options.select, options.exclude), known)):
        raise UsageError(f"{' '.join(f'{flag} {shlex.quote(glob)}' for flag, glob in globs)} leaves nothing to judge")


def selection_filter(options: RunOptions, requirements: Requirements) -> Callable[[str], bool]:
    """The predicate for the ids to judge: all, if the selection matches programs only."""
    is_selected = selector(options.select, options.exclude)
    if options.select and not any(map(is_selected, requirements.ids())):
        return selector((), options.exclude)
    return is_selected


def compare_to_baseline(
    verdicts: Sequence[Verdict],
    options: RunOptions,
    known: Requirements,
    *,
    profile: str | None,
    stopped_early: bool = False,
) -> BaselineComparison | None:
    """Compare the verdicts to the baseline of the user, if there is one."""
    if options.baseline_settings is None:
        return None
    restriction = (
        "the test run stopped early" if stopped_early else "only some phases were run" if options.phases else None
    )
    restriction = f"only shard {options.shard} was run" if options.shard else restriction
    return compare(
        verdicts,
        options.baseline_settings,
        JudgedScope(profile=profile, restriction=restriction),
        levels=failing_levels(options.fail_on),
        id_renames={old: rule.id for rule in known.rules.values() for old in rule.formerly},
    )


def describe_suite(options: RunOptions, profile: str | None, seed: int | None) -> Suite:
    """Describe the suite and its options for a report."""
    return Suite(
        edition=options.edition,
        strict=options.strict,
        profile=profile,
        seed=seed,
        schema_digest=schemas_digest(),
        filters=filter_flags(options),
        fail_on=options.fail_on,
    )


def filter_flags(options: RunOptions) -> tuple[str, ...]:
    """The flags that narrow what is judged. A selection made by a flag of its own is named by that flag."""
    shards = (options.shard,) if options.shard else ()
    narrowing = (
        ("--select", () if options.selection_flag else options.select),
        ("--exclude", options.exclude),
        ("--phase", options.phases),
        ("--no-capability", options.no_capabilities),
        ("--shard", shards),
    )
    flags: tuple[str, ...] = (options.selection_flag,) if options.selection_flag else ()
    flags += tuple(f"{flag} {shlex.quote(value)}" for flag, values in narrowing for value in values)
    return (*flags, "--read-only") if options.read_only else flags


def usage(counts: Counts) -> ResourceUsage:
    """Convert the counts to the form of a report."""
    return ResourceUsage(
        requests=counts.requests,
        runs_started=counts.runs_started,
        cases=counts.cases,
        seconds=counts.seconds,
        tokens=counts.tokens,
        rate_limited=counts.rate_limited,
        rate_limit_seconds=counts.rate_limit_seconds,
    )
