"""One emulator: its options, clock, behaviour and stores."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.state import Store

_ALPHABET = string.ascii_letters + string.digits
_PREFIXES = {
    "assistant": "asst_",
    "thread": "thread_",
    "message": "msg_",
    "run": "run_",
    "run_step": "step_",
    "tool_call": "call_",
    "file": "file-",
}


@dataclass(slots=True)
class World:
    """One emulator. `random` makes ids only; everything else is deterministic."""

    options: Options
    behaviour: Behaviour
    clock: Clock = field(default_factory=Clock)
    stores: dict[str, Store] = field(default_factory=dict)
    random: random.Random = field(default_factory=random.Random)
    notes: dict[str, Any] = field(default_factory=dict)
    _seq: int = 0

    def seq(self) -> int:
        """The next number in the order of creation."""
        self._seq += 1
        return self._seq


@dataclass(slots=True)
class Call:
    """One request on its way: what it asks for, of whom, and in whose name."""

    world: World
    operation: Operation
    store: Store
    path: dict[str, str]
    query: dict[str, Any]
    body: Any
    notes: dict[str, Any] = field(default_factory=dict)


def new_id(world: World, kind: str) -> str:
    """A fresh id: the kind's prefix and 24 random letters and digits."""
    return _PREFIXES[kind] + "".join(world.random.choices(_ALPHABET, k=24))


def store_of(world: World, tenant: str) -> Store:
    """The tenant's store, made at first use."""
    return world.stores.setdefault(tenant, Store())
