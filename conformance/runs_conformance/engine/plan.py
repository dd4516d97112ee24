"""Selects the programs of a test run, explains what is skipped, and estimates the cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.contract.known_deviation import glob_matches
from runs_conformance.model.profile import PROFILES
from runs_conformance.model.program import Program, ProgramContext

FUZZING_PHASE = "explore"
"""The phase of random programs, whose violations are worth shrinking."""

_MALFORMED_PHASES = frozenset({"robustness"})
"""Phases of malformed requests. A server may store what they send, and then fail to list it beside all other objects.

Their programs start after all others, which share such lists. They are short, so this hardly prolongs a test run.
"""

STRESS_PHASES = frozenset({"robustness", "races"})
"""Phases that put load on a server; off loopback they need --allow-stress."""


TOKENS_PER_RUN = 2_500
"""Upper estimate for one run: prompts are short, and the longest requested answer is a count to 500."""


RUN_SECONDS, REQUEST_SECONDS = 2.0, 0.05
"""Estimated duration of a run and of a request with a real model."""


_CREATED_PER_PROGRAM = {"assistant": 1.0, "thread": 1.5}
"""About how many objects a program creates, by the kinds that stay on a server that deletes none."""


@dataclass(frozen=True, slots=True)
class SkippedProgram:
    """A program that is not executed, with the reason and what it needs."""

    program: Program
    reason: str
    needs: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs to execute, longest first but malformed requests last, and the skipped ones."""

    programs: tuple[Program, ...]
    skipped: tuple[SkippedProgram, ...] = ()

    @property
    def requests(self) -> int:
        """Upper estimate of the number of requests."""
        return sum(program.requests for program in self.programs)

    @property
    def runs(self) -> int:
        """Upper estimate of the number of runs started."""
        return sum(program.runs for program in self.programs)

    @property
    def created_objects(self) -> Mapping[str, int]:
        """About how many objects of each kind the programs create on a correct server."""
        return {kind: round(each * len(self.programs)) for kind, each in _CREATED_PER_PROGRAM.items()}

    @property
    def tokens(self) -> int:
        """Upper estimate of the tokens used."""
        return self.runs * TOKENS_PER_RUN


def build_plan(
    programs: Iterable[Program],
    context: ProgramContext,
    profile: str = "standard",
    phases: Sequence[str] = (),
    is_selected: Callable[[Program], bool] = lambda program: True,
    declared_absent: Collection[str] = (),
) -> Plan:
    """Select programs by profile, phases, the resources in the context, `is_selected` and absent capabilities."""
    chosen, skipped = [], []
    for program in programs:
        reason = _skip_reason(program, context, profile, phases)
        name = program.capability
        if reason is None and name in declared_absent:
            reason = (f"declared not offered: --no-capability {name}", f"--capability {name}")
        if reason is None and not is_selected(program):
            reason = (_NOT_SELECTED, "a --select that includes it")
        if reason is None:
            chosen.append(program)
        else:
            skipped.append(SkippedProgram(program, *reason))
    chosen.sort(key=lambda program: (program.phase in _MALFORMED_PHASES, -_expected_seconds(program), program.id))
    return Plan(tuple(chosen), tuple(skipped))


def _expected_seconds(program: Program) -> float:
    """Estimate the duration of a program. The longest start first, so that workers finish at about the same time."""
    return program.seconds + program.runs * RUN_SECONDS + program.requests * REQUEST_SECONDS


_READ_ONLY = "it writes, but --read-only is set"
_NOT_SELECTED = "not selected"
_OTHER_PHASE = "phase {} is not selected"
_OTHER_PROFILE = "outside profile"


def is_choice(reason: str) -> bool:
    """Whether the reason for which a program is skipped is that the user chose a smaller test run."""
    return reason in (_READ_ONLY, _NOT_SELECTED) or reason.startswith((_OTHER_PHASE.partition("{")[0], _OTHER_PROFILE))


def _skip_reason(
    program: Program, context: ProgramContext, profile: str, phases: Sequence[str]
) -> tuple[str, str] | None:
    if context.read_only and program.writes:
        return _READ_ONLY, "a test run without --read-only"
    if phases and program.phase not in phases:
        return _OTHER_PHASE.format(program.phase), f"--phase {program.phase}"
    if program.phase not in (*PROFILES[profile], *phases) or (profile == "quick" and not program.quick):
        return f"{_OTHER_PROFILE} {profile}", _profile_option(program)
    if program.needs and not getattr(context, program.needs):
        return f"needs {program.needs_text or program.needs}", program.needs_text or program.needs
    if program.phase in STRESS_PHASES and not context.allow_stress:
        return "it puts load on a server that is not on this machine", "--allow-stress"
    return None


def _profile_option(program: Program) -> str:
    return "--profile standard" if program.phase in PROFILES["standard"] else "--profile full"


def selector(select: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """A predicate for ids that match one of `select` (any, if empty) and none of `exclude`."""

    def is_selected(id_: str) -> bool:
        return (not select or any(glob_matches(glob, id_) for glob in select)) and not any(
            glob_matches(glob, id_) for glob in exclude
        )

    return is_selected
