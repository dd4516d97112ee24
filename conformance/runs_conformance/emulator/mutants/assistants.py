"""Assistants that are not kept as they were created."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.catalogue import mutant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around


@mutant("L-54")
def forgets_descriptions(behaviour: Behaviour) -> None:
    """The description of an assistant is answered when it is created, and not kept."""

    async def look(inner: Any, call: Call) -> Any:
        return {**await inner(call), "description": None}

    around(behaviour, look, "get_assistant")


def _without(behaviour: Behaviour, operation: str, *names: str) -> None:
    """Have an operation overlook members of its body."""

    async def overlooking(inner: Any, call: Call) -> Any:
        if isinstance(call.body, dict):
            for name in names:
                call.body.pop(name, None)
        return await inner(call)

    around(behaviour, overlooking, operation)


@mutant("assistants")
def has_no_descriptions(behaviour: Behaviour) -> None:
    """An assistant is created without its description."""
    _without(behaviour, "create_assistant", "description")


@mutant("assistants", level="should")
def has_one_temperature_for_all(behaviour: Behaviour) -> None:
    """An assistant is created without its temperature and top_p."""
    _without(behaviour, "create_assistant", "temperature", "top_p")


@mutant("modify")
def keeps_names_for_ever(behaviour: Behaviour) -> None:
    """Modifying an assistant does not change its name."""
    _without(behaviour, "modify_assistant", "name")
