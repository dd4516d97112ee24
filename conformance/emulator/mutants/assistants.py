"""Assistants that are not kept as they were created."""

from __future__ import annotations

from typing import Any

from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import mutant
from conformance.emulator.spoiling import around
from conformance.emulator.world import Call


@mutant("L-54")
def forgets_descriptions(behaviour: Behaviour) -> None:
    """The description of an assistant is answered when it is created, and not kept."""

    async def look(inner: Any, call: Call) -> Any:
        return {**await inner(call), "description": None}

    around(behaviour, look, "get_assistant")
