"""Reasons for constraints whose invalid values were not sent.

The target had accepted most others like them, or refused the valid values that are needed to judge their refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.verdict import Inconclusive, Result
from runs_conformance.rules.constraints.program_requests import ProgramRequests


class _Group(NamedTuple):
    """Invalid values of one operation that are alike, and how to name others of the group."""

    operation: str
    others: str


def judge_unsent_values(program: ProgramRequests) -> Iterator[tuple[str, Result]]:
    """Explain the constraints whose invalid values were not sent, because the target accepted most values like them."""
    attempts_by_group: dict[_Group, list[Exchange]] = {}
    sent: set[str] = set()
    for attempts in program.negatives.values():
        step = attempts[0].step
        if step is not None and step.mutation is not None and step.exercises:
            for group in _groups(step.exercises[0]):
                attempts_by_group.setdefault(group, []).append(attempts[-1])
            sent.update(step.exercises)
    for id_ in sorted(program.accepted - sent):
        for group in _groups(id_):
            # A server error neither accepts nor refuses a value.
            accepted = sum(each.accepted for each in attempts_by_group.get(group, ()))
            refused = sum(each.refused for each in attempts_by_group.get(group, ()))
            if accepted > 1 and accepted > refused:
                others = f"{accepted} of {accepted + refused} other {group.others}"
                reason = f"no invalid value was sent, since {group.operation} accepted {others}"
                yield id_, Inconclusive(f"{reason} (--exhaustive sends all)")
                break


def refused_constraints(program: ProgramRequests) -> set[str]:
    """The constraints for which no valid value was accepted, and one was refused by an operation that works."""
    return {
        id_
        for attempts in program.valid.values()
        for exchange in attempts
        if exchange.refused and exchange.step and program.control_failure(exchange.step.operation) is None
        for id_ in exchange.step.exercises
        if id_ not in program.accepted
    }


def _groups(id_: str) -> tuple[_Group, ...]:
    """The groups of the invalid values of a constraint, the smallest first: its member, its keyword, its operation."""
    operation, _, place = id_.partition(".")
    *path, keyword = place.split(".")
    member = ".".join(path[: 2 if path[:1] == ["thread"] else 1]).partition("[")[0].partition("{")[0]
    groups = (
        _Group(operation, f"invalid values of {member}"),
        _Group(operation, f"values that violate {keyword}"),
        _Group(operation, "invalid values"),
    )
    return groups if member else groups[1:]
