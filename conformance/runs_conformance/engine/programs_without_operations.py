"""Programs that called an operation that the target does not offer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from runs_conformance.contract.operation import OPERATIONS


def programs_without_operations(
    without_route: Mapping[str, Collection[str]], not_offered: Collection[str]
) -> dict[str, str]:
    """The programs that called an operation that is not offered, each with the reason why they show less.

    `without_route` names, by program, the operations whose responses were like those of missing routes. If another
    operation creates the same kind of object, programs call that instead, and show no less.
    """
    return {
        program: f"the target has no {OPERATIONS[name].route}"
        for program, names in without_route.items()
        for name in sorted(names, reverse=True)
        if name in not_offered and not _has_substitute(name, not_offered)
    }


def _has_substitute(name: str, not_offered: Collection[str]) -> bool:
    kind = OPERATIONS[name].creates
    return kind is not None and any(
        operation.creates == kind for other, operation in OPERATIONS.items() if other not in not_offered
    )
