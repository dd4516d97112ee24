"""The lifecycle of runs and run steps: statuses, transitions, and the timestamps that each status sets."""

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
"""Every status of a run. `incomplete` was documented on 2024-05-13, and is recorded from 2024-04-29 on."""

TERMINAL = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})
"""Statuses that a run never leaves."""

ACTIVE = frozenset(STATUSES) - TERMINAL
"""Statuses in which the run locks its thread."""

TRANSITIONS: dict[str, frozenset[str]] = {
    "queued": frozenset({"in_progress", "cancelling", "cancelled", "failed", "expired"}),
    "in_progress": frozenset(
        {"requires_action", "completed", "incomplete", "failed", "cancelling", "cancelled", "expired"}
    ),
    "requires_action": frozenset({"queued", "in_progress", "cancelling", "cancelled", "failed", "expired"}),
    "cancelling": frozenset({"cancelled", "completed", "incomplete", "failed", "expired"}),
}
"""Direct transitions. Documented in the life cycle table of the assistants guide. Observed or inferred, and therefore
tolerated: `queued` to `cancelling`, `failed` and `expired`; `requires_action` to `cancelling` and `failed`; an
immediate cancellation, without `cancelling`; a cancellation that is too late (docs: attempted, not guaranteed); a
resumed run that is polled after it left `queued`.
"""

END_TIMESTAMPS = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}
"""The timestamp of each terminal status. No source documents one for `incomplete` and `expired`."""

STEP_STATUSES = ("in_progress", "cancelled", "failed", "completed", "expired")
STEP_TERMINAL = frozenset(STEP_STATUSES) - {"in_progress"}
STEP_END_TIMESTAMPS = {"completed": "completed_at", "failed": "failed_at", "cancelled": "cancelled_at"}
"""`expired_at` is documented but was never sent (0 of 113 recorded steps), so it is not required of expired steps."""

LIFETIME = 600
"""Seconds from `created_at` to `expires_at`, in 188 of 188 recorded non-terminal runs."""


@cache
def reachable(status: str) -> frozenset[str]:
    """The statuses in which a run may be observed after `status`, itself included, by any path of transitions."""
    seen = {status}
    todo = [status]
    while todo:
        for successor in TRANSITIONS.get(todo.pop(), frozenset()):
            if successor not in seen:
                seen.add(successor)
                todo.append(successor)
    return frozenset(seen)


@cache
def reachable_without_outputs(status: str) -> frozenset[str]:
    """The statuses, including this one, that a run can reach from it without tool outputs."""
    seen, pending = {status}, [status]
    while pending:
        current = pending.pop()
        successors = TRANSITIONS.get(current, frozenset())
        if current == "requires_action":
            successors -= {"queued", "in_progress"}
        pending.extend(successors - seen)
        seen |= successors
    return frozenset(seen)


def classify_transition(earlier: str, later: str) -> str:
    """How two consecutive observations of a status are connected: `direct` (one transition), `between_looks` (a path
    through statuses that were not observed), or `illegal` (no path).
    """
    if later in TRANSITIONS.get(earlier, ()):
        return "direct"
    return "between_looks" if later in STATUSES and later in reachable(earlier) else "illegal"
