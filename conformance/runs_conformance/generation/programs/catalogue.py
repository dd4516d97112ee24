"""All programs, discovered in the modules of this package."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from runs_conformance.contract.edition import in_force
from runs_conformance.model.program import Program, ProgramContext

PHASES = ("lifecycle", "robustness", "security", "races")
"""The phases of the programs, in the order in which they are listed."""


def catalogue(context: ProgramContext) -> list[Program]:
    """Every program whose subject is part of the edition under test, ordered by phase and id.

    Programs whose requirements are not met are included, so that they can be reported as skipped.
    """
    return [
        program
        for program in _discover_programs()
        if in_force(context.edition, program.since, None) and (program.writes or context.read_only)
    ]


@cache
def _discover_programs() -> tuple[Program, ...]:
    programs: dict[str, Program] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Program):
                programs[value.id] = value
    return tuple(sorted(programs.values(), key=lambda program: (PHASES.index(program.phase), program.id)))
