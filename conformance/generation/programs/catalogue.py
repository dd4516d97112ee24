"""All programs, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from conformance.model.program import Program, Setting

PHASES = ("lifecycle", "robustness", "security", "races")
"""The phases that programs belong to, in the order in which they are played."""


def catalogue(setting: Setting | None = None) -> list[Program]:
    """Every program, in the order of its phase and id; of a setting, those that can be played in it."""
    return [program for program in _all() if setting is None or playable(program, setting)]


def playable(program: Program, setting: Setting) -> bool:
    """Whether the setting has what the program needs."""
    return not program.needs or bool(getattr(setting, program.needs))


@cache
def _all() -> tuple[Program, ...]:
    found: dict[str, Program] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Program):
                found[value.id] = value
    return tuple(sorted(found.values(), key=lambda program: (PHASES.index(program.phase), program.id)))
