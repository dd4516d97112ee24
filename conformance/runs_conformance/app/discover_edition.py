"""Finds the edition that a server implements, by the features that each edition added to the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION, EDITIONS
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Addition:
    """A feature that an edition added to the contract, independent of the models of a server.

    Servers of that edition or later accept a body of `operation` with the members `shown` if `is_accepted`, else
    refuse it; older ones do the opposite. All of them accept `control` in its place.
    """

    edition: str
    operation: str
    shown: Mapping[str, Any]
    control: Mapping[str, Any]
    is_accepted: bool = True


ADDITIONS = (
    Addition("2025-02-10", "create_assistant", {"reasoning_effort": None}, {}),
    Addition(
        "2024-08-28",
        "create_assistant",
        {"tools": [{"type": "file_search", "file_search": {"ranking_options": 5}}]},
        {"tools": [{"type": "file_search"}]},
        is_accepted=False,
    ),
    Addition(
        "2024-08-06", "create_assistant", {"response_format": "none"}, {"response_format": "auto"}, is_accepted=False
    ),
    Addition(
        "2024-06-06",
        "create_thread",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}]},
        {"messages": [{"role": "user", "content": "Hello."}]},
    ),
)
"""Newest first. The first is a new member of a body; the others follow only if the server refuses unknown members."""


def find_edition(send: Callable[[Step], Exchange], model: str) -> str:
    """The edition of a server that creates assistants: the last one before the oldest addition that it lacks.

    Sends one request if the server knows the newest addition. A refusal counts if the control is accepted.
    """
    edition = DEFAULT_EDITION
    for addition in ADDITIONS:
        is_accepted = send(_step(addition.operation, addition.shown, model)).accepted
        if not is_accepted and not send(_step(addition.operation, addition.control, model)).accepted:
            continue
        if is_accepted == addition.is_accepted:
            break
        edition = EDITIONS[EDITIONS.index(addition.edition) - 1]
    return edition


def _step(operation: str, members: Mapping[str, Any], model: str) -> Step:
    body = {"model": model, **members} if operation == "create_assistant" else members
    return Step(operation=operation, body=body, role=Role.FIXTURE)
