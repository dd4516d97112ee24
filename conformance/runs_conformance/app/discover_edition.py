"""Finds the edition that a server implements, by members that were added with an edition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION, EDITIONS
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange

_FUNCTION = {"name": "sample", "parameters": {"type": "object", "properties": {}}}

PROBES: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
    ("2025-02-10", {}, {"reasoning_effort": None}),
    (
        "2024-08-28",
        {"tools": [{"type": "file_search"}]},
        {"tools": [{"type": "file_search", "file_search": {"ranking_options": {"score_threshold": 0.5}}}]},
    ),
    (
        "2024-08-06",
        {"tools": [{"type": "function", "function": _FUNCTION}]},
        {"tools": [{"type": "function", "function": {**_FUNCTION, "strict": False}}]},
    ),
    (
        "2024-06-06",
        {"tools": [{"type": "file_search"}]},
        {"tools": [{"type": "file_search", "file_search": {"max_num_results": 5}}]},
    ),
)
"""Newest first: an edition, members of an assistant that older editions have, and the same with an addition of the
edition that a server accepts whatever its models are.
"""


def find_edition(send: Callable[[Step], Exchange], model: str) -> str:
    """The edition of a server that creates assistants: the last one before the oldest addition that it refuses.

    Sends one request if the server knows the newest addition. A refusal counts if the same without it is accepted.
    """
    edition = DEFAULT_EDITION
    for added_in, without, with_addition in PROBES:
        if send(_create(model, with_addition)).accepted:
            break
        if send(_create(model, without)).accepted:
            edition = EDITIONS[EDITIONS.index(added_in) - 1]
    return edition


def _create(model: str, members: Mapping[str, Any]) -> Step:
    return Step(operation="create_assistant", body={"model": model, **members}, role=Role.FIXTURE)
