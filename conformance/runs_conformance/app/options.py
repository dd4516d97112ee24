"""What is judged, by what, and what the user chose of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.baseline import Comparison, Extent, Gate, compare
from runs_conformance.config import nearest
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import digest
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.outcome import failing_levels
from runs_conformance.engine.plan import selector
from runs_conformance.engine.run_plan import Judging
from runs_conformance.engine.verdicts import Demands
from runs_conformance.errors import UsageError
from runs_conformance.generation import boundary, fuzzing, schemathesis
from runs_conformance.generation.fuzzing import ALONE, BESIDE, THOROUGH, Dose
from runs_conformance.generation.programs.catalogue import catalogue as written
from runs_conformance.model.program import Program, Setting
from runs_conformance.model.verdict import Verdict
from runs_conformance.reporting.report import Suite, Used
from runs_conformance.rules import catalogue as rules
from runs_conformance.rules.constraints import answers, requests

JUDGES = (("constraints of answers", answers.tallies), ("constraints of requests", requests.tallies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user chose, for a run and for judging recorded traffic alike; None is no limit."""

    edition: str = DEFAULT_EDITION
    strict: bool = False
    partial: bool = False
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: str = "must"
    most_inconclusive: int | None = None
    profile: str = "standard"
    phases: tuple[str, ...] = ()
    model: str = "gpt-4o"
    other_model: str = "gpt-4o-mini"
    prompts: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    declared: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    seed: int = 0
    workers: int | None = None
    spacing: float = 0.0
    timeout: float = 60.0
    run_timeout: float = 60.0
    expiry_timeout: float = 15.0
    poll: float | None = None
    stress: bool = False
    most_requests: int | None = None
    most_runs: int | None = None
    most_tokens: int | None = None
    most_seconds: float | None = None
    most_examples: int | None = None
    database: Path | None = None
    gate: Gate | None = None
    shard: str = ""
    find_limits: bool = False


def demands(edition: str = DEFAULT_EDITION) -> Demands:
    """Everything that can be judged by an edition."""
    return Demands(rules=rules(), constraints=constraints(edition))


def programs(setting: Setting, choice: Choice) -> list[Program]:
    """Every program that could be played in a setting, whatever it needs."""
    ours = [*boundary.programs(setting), *written(setting), *fuzzing.programs(setting, dose(choice))]
    return [*ours, *_foreign(setting, choice)]


def _foreign(setting: Setting, choice: Choice) -> list[Program]:
    """The programs that Schemathesis has a part in. Raises UsageError where they are asked for by name and it is not
    there.
    """
    if missing := schemathesis.missing():
        if schemathesis.PHASE in choice.phases:
            raise UsageError(missing)
        return []
    return schemathesis.programs(setting, choice.most_examples or schemathesis.COUNT)


def dose(choice: Choice) -> Dose:
    """How much is explored: less where other phases are played as well, unless everything is wanted."""
    usual = ALONE if choice.phases == ("explore",) else BESIDE
    usual = THOROUGH if choice.profile == "full" else usual
    return usual if choice.most_examples is None else usual.of(choice.most_examples)


def judging(choice: Choice) -> Judging:
    """What histories are judged by."""
    return Judging(rules(), JUDGES, choice.strict, choice.partial)


def check_selection(choice: Choice, known: Sequence[str]) -> None:
    """Raise UsageError, with the nearest names, where a glob of the selection matches none of the known ids."""
    given = (*(("--select", glob) for glob in choice.select), *(("--exclude", glob) for glob in choice.exclude))
    for flag, glob in given:
        if not any(map(selector((glob,), ()), known)):
            raise UsageError(f"{flag} {glob!r}: nothing is called so{nearest(glob, known)}")


def selected(choice: Choice, every: Demands) -> Callable[[str], bool]:
    """Which demands are judged; where only programs were selected, everything that they show is."""
    chosen = selector(choice.select, choice.exclude)
    if choice.select and not any(map(chosen, every.ids())):
        return selector((), choice.exclude)
    return chosen


def compared(
    verdicts: Sequence[Verdict], choice: Choice, every: Demands, *, profile: str | None, cut: bool = False
) -> Comparison | None:
    """The verdicts held against the user's baseline, if there is one."""
    if choice.gate is None:
        return None
    less = "the run was cut short" if cut else "only some phases were played" if choice.phases else None
    less = f"only shard {choice.shard} was played" if choice.shard else less
    return compare(
        verdicts,
        choice.gate,
        Extent(profile=profile, less=less),
        levels=failing_levels(choice.fail_on),
        renamed={old: rule.id for rule in every.rules.values() for old in rule.formerly},
    )


def suite(choice: Choice, profile: str | None, seed: int | None) -> Suite:
    """The suite as a report names it."""
    return Suite(
        edition=choice.edition,
        strict=choice.strict,
        profile=profile,
        seed=seed,
        schema_digest=digest(),
        filters=filters(choice),
        fail_on=choice.fail_on,
    )


def filters(choice: Choice) -> tuple[str, ...]:
    """The flags by which something was left out that would have been judged."""
    shards = (choice.shard,) if choice.shard else ()
    given = (
        ("--select", choice.select),
        ("--exclude", choice.exclude),
        ("--phase", choice.phases),
        ("--no-capability", choice.denied),
        ("--shard", shards),
    )
    named = tuple(f"{flag} {shlex.quote(value)}" for flag, values in given for value in values)
    return (*named, "--read-only") if choice.read_only else named


def used(counts: Counts) -> Used:
    """The counts as a report has them."""
    return Used(
        requests=counts.requests,
        runs_started=counts.runs_started,
        cases=counts.cases,
        seconds=counts.seconds,
        tokens=counts.tokens,
    )
