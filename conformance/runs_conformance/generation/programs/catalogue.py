"""All programs, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from runs_conformance.contract.edition import in_force
from runs_conformance.model.program import Program, Setting

PHASES = ("lifecycle", "robustness", "security", "races")
"""The phases that programs belong to, in the order in which they are listed."""


def catalogue(setting: Setting) -> list[Program]:
    """Every program whose subject belongs to the setting's edition, in the order of phase and id.

    Programs that need something the setting does not give are among them: that they cannot be played is to be said.
    """
    return [
        program
        for program in _all()
        if in_force(setting.edition, program.since, None) and (program.writes or setting.read_only)
    ]


@cache
def _all() -> tuple[Program, ...]:
    found: dict[str, Program] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Program):
                found[value.id] = value
    return tuple(sorted(found.values(), key=lambda program: (PHASES.index(program.phase), program.id)))
