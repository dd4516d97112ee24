"""The lifecycle of a run and of a run step: statuses, transitions, and which members each status sets."""

from __future__ import annotations

from functools import cache

STATUSES = (
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
)
"""Every status of a run. `incomplete` entered with edition 2024-05-13, but is recorded from 2024-04-29 on."""

TERMINAL = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})
"""Statuses that a run never leaves."""

ACTIVE = frozenset(STATUSES) - TERMINAL
"""Statuses in which the run holds its thread's lock."""

TRANSITIONS: dict[str, frozenset[str]] = {
    "queued": frozenset({"in_progress", "cancelling", "cancelled", "failed", "expired"}),
    "in_progress": frozenset(
        {"requires_action", "completed", "incomplete", "failed", "cancelling", "cancelled", "expired"}
    ),
    "requires_action": frozenset({"queued", "in_progress", "cancelling", "cancelled", "failed", "expired"}),
    "cancelling": frozenset({"cancelled", "completed", "incomplete", "failed", "expired"}),
}
"""Direct transitions. Documented: the life cycle table of the assistants guide. Observed or inferred and so
tolerated: `queued` to `cancelling`, `failed` and `expired`; `requires_action` to `cancelling` and `failed`; a
cancellation that is done at once, without `cancelling`; a cancellation that comes too late (docs: attempted, not
guaranteed); a resumed run that is polled after it left `queued`.
"""

END_STAMPS = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}
"""The member that holds the time of each end. An incomplete or expired run has none of its own: what is set there is
not stated.
"""

STEP_STATUSES = ("in_progress", "cancelled", "failed", "completed", "expired")
STEP_TERMINAL = frozenset(STEP_STATUSES) - {"in_progress"}
STEP_END_STAMPS = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}
"""`expired_at` is documented but was never sent (0 of 113 recorded steps), so an expired step's stamp is not
demanded.
"""

LIFETIME = 600
"""Seconds from `created_at` to `expires_at`: 188 of 188 recorded non-terminal runs."""


@cache
def reachable(status: str) -> frozenset[str]:
    """The statuses that a run seen in `status` may be seen in later, itself included. Between two looks any path is
    legal.
    """
    seen = {status}
    todo = [status]
    while todo:
        for following in TRANSITIONS.get(todo.pop(), frozenset()):
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return frozenset(seen)


def kind_of_transition(earlier: str, later: str) -> str:
    """How two statuses seen one after the other are explained: `direct`, `between_looks` (by a path through others), or
    `illegal` (by nothing).
    """
    if later in TRANSITIONS.get(earlier, ()):
        return "direct"
    return "between_looks" if later in STATUSES and later in reachable(earlier) else "illegal"
