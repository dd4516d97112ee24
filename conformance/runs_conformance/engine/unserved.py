"""Programs that called an operation that the target does not offer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from runs_conformance.contract.operation import OPERATIONS


def unserved_programs(unserved: Mapping[str, Collection[str]], missing: Collection[str]) -> dict[str, str]:
    """The programs that called a `missing` operation, each with the reason why they show less.

    `unserved` names, by program, the operations whose responses were like those of missing routes. If another
    operation creates the same kind of object, programs call that instead, and show no less.
    """
    return {
        program: f"the target has no {OPERATIONS[name].route}"
        for program, names in unserved.items()
        for name in sorted(names, reverse=True)
        if name in missing and not _has_substitute(name, missing)
    }


def _has_substitute(name: str, missing: Collection[str]) -> bool:
    kind = OPERATIONS[name].creates
    return kind is not None and any(
        operation.creates == kind for other, operation in OPERATIONS.items() if other not in missing
    )
