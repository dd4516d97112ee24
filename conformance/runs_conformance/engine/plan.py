"""Which programs are played, which are not and why, and what that may cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from runs_conformance.contract.departure import glob_matches
from runs_conformance.model.program import Program, Setting

PHASES = ("preflight", "boundary", "lifecycle", "robustness", "security", "races", "explore", "schemathesis")
"""The phases of a run, in order."""

PROFILES: dict[str, tuple[str, ...]] = {
    "quick": ("preflight", "boundary", "lifecycle"),
    "standard": PHASES[:-1],
    "full": PHASES,
}
"""Each profile with the phases that belong to it; a phase that is asked for is played in any but the quick one."""

STRESSING = frozenset({"robustness", "races"})
"""Phases that strain a server; off loopback they are only played where the user allows it."""


TOKENS_PER_RUN = 2_500
"""What one run may cost at most: prompts are short, and the longest answer asked for counts to 500."""


RUN_SECONDS, REQUEST_SECONDS = 2.0, 0.05
"""What a run and a request take where the model is a real one."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A program that is not played: why, and what would have to be given for it."""

    program: Program
    reason: str
    needs: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The programs to play, those that take longest first, and those left out."""

    programs: tuple[Program, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def requests(self) -> int:
        """An upper estimate of the requests."""
        return sum(program.requests for program in self.programs)

    @property
    def runs(self) -> int:
        """An upper estimate of the runs started."""
        return sum(program.runs for program in self.programs)

    @property
    def tokens(self) -> int:
        """An upper estimate of the tokens that the runs take."""
        return self.runs * TOKENS_PER_RUN


def plan(
    programs: Iterable[Program],
    setting: Setting,
    profile: str = "standard",
    phases: Sequence[str] = (),
    wanted: Callable[[Program], bool] = lambda program: True,
    denied: Collection[str] = (),
) -> Plan:
    """Choose among programs by profile, phases, what the setting gives, `wanted`, and the capabilities that the target
    is denied to have.
    """
    chosen, left_out = [], []
    for program in programs:
        why = _why_not(program, setting, profile, phases)
        if why is None and program.capability in denied:
            why = (f"declared not to be offered: {program.capability}", f"--capability {program.capability}")
        if why is None and not wanted(program):
            why = ("not selected", "another --select")
        if why is None:
            chosen.append(program)
        else:
            left_out.append(LeftOut(program, *why))
    chosen.sort(key=lambda program: (-_length(program), program.id))
    return Plan(tuple(chosen), tuple(left_out))


def _length(program: Program) -> float:
    """How long a program takes, roughly: what takes long begins first, so that no worker is left alone at the end."""
    return program.seconds + program.runs * RUN_SECONDS + program.requests * REQUEST_SECONDS


def _why_not(program: Program, setting: Setting, profile: str, phases: Sequence[str]) -> tuple[str, str] | None:
    if setting.read_only and program.writes:
        return "it writes, and only reading is allowed", "a run without --read-only"
    if phases and program.phase not in phases:
        return f"phase {program.phase} was not asked for", f"--phase {program.phase}"
    if program.phase not in (*PROFILES[profile], *phases) or (profile == "quick" and not program.quick):
        return f"outside profile {profile}", _profile_of(program)
    if program.needs and not getattr(setting, program.needs):
        return f"needs {program.needs_text or program.needs}", program.needs_text or program.needs
    if program.phase in STRESSING and not setting.stress:
        return "it strains the server, which is not on this machine", "--allow-stress"
    return None


def _profile_of(program: Program) -> str:
    return "--profile standard" if program.phase in PROFILES["standard"] else "--profile full"


def selector(select: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether an id is selected: matched by one of `select` (all, where it is empty) and by none of `exclude`."""

    def selected(id_: str) -> bool:
        return (not select or any(glob_matches(glob, id_) for glob in select)) and not any(
            glob_matches(glob, id_) for glob in exclude
        )

    return selected
