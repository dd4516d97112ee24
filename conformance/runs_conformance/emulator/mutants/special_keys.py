"""Mutants that drop keys with a meaning in databases or programming languages."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import patch_object, visit_objects
from runs_conformance.emulator.state import Members


@mutant("metadata-is-echoed")
def drops_keys_with_an_underscore(hooks: Hooks) -> None:
    """Metadata pairs whose key begins with `_` are dropped."""
    _drop_pairs(hooks, lambda key: key.startswith("_"))


@mutant("metadata-is-echoed")
def drops_keys_with_a_dollar_sign(hooks: Hooks) -> None:
    """Metadata pairs whose key begins with `$` are dropped."""
    _drop_pairs(hooks, lambda key: key.startswith("$"))


@mutant("metadata-is-echoed")
def drops_the_key_of_prototypes(hooks: Hooks) -> None:
    """The metadata pair with the key `__proto__` is dropped."""
    _drop_pairs(hooks, lambda key: key == "__proto__")


def _drop_pairs(hooks: Hooks, is_dropped: Callable[[str], bool]) -> None:
    inner = hooks.new_metadata

    def keep_others(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
        return {key: value for key, value in inner(old, new).items() if not is_dropped(key)}

    hooks.new_metadata = keep_others


@mutant("settings")
def drops_parameters_with_an_underscore(hooks: Hooks) -> None:
    """The tools of a run have no members whose name begins with `_`."""

    def change(members: Members, *_: Any) -> None:
        members["tools"] = copy.deepcopy(members["tools"])
        visit_objects(members["tools"], _remove_underscored)

    patch_object(hooks, "run", change)


def _remove_underscored(members: dict[str, Any]) -> None:
    for name in [name for name in members if name.startswith("_")]:
        del members[name]
