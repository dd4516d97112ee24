"""Walk profiles: the focus of a random walk, so that few walks cover many situations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

_READS = {
    "get_run": 3,
    "wait_for_run": 3,
    "list_messages": 2,
    "list_runs": 1,
    "list_steps": 2,
    "get_step": 1,
    "get_thread": 1,
    "get_message": 1,
    "read_next_page": 8,
    "read_other_page": 3,
}
_CHANGES = {"modify_run": 3, "modify_thread": 1, "create_message": 2, "modify_message": 1, "cancel_run": 1}
_ACTIVE_RUN = {**_READS, **_CHANGES, "submit_unknown": 1, "create_plain_run": 1, "use_run_of_other_thread": 0.5}
_TOOL_CALLS = {
    **_READS,
    **_CHANGES,
    "submit_outputs": 3,
    "submit_incomplete": 2,
    "submit_extra": 1,
    "submit_reversed": 2,
    "submit_again": 2,
}


@dataclass(frozen=True, slots=True)
class WalkProfile:
    """The first actions of a walk, the weights of its later actions, and the number of runs that it may start."""

    name: str
    opening: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    runs: int = 1


_CONVERSATION = {
    "create_thread": 2,
    "delete_message": 2,
    "create_message": 5,
    "get_message": 3,
    "modify_message": 4,
    "modify_thread": 7,
    "delete_thread": 1,
    "read_deleted_thread": 4,
}
_PAGING = {
    "read_next_page": 40,
    "read_other_page": 10,
    "list_messages": 4,
    "create_message": 1,
    "delete_message": 2,
    "modify_message": 2,
}

_ASSISTANTS = {
    "create_assistant": 3,
    "modify_assistant": 10,
    "get_assistant": 6,
    "list_assistants": 4,
    "delete_assistant": 1,
    "read_next_page": 4,
}

WALK_PROFILES = (
    WalkProfile("talk", ("create_thread", "create_message"), {**_READS, **_CHANGES, **_CONVERSATION}, runs=0),
    WalkProfile("pages", ("create_long_thread", "list_messages"), _PAGING, runs=0),
    WalkProfile("assistants", ("create_assistant",), _ASSISTANTS, runs=0),
    WalkProfile("plain", ("create_thread", "create_rich_run"), {**_ACTIVE_RUN, "create_rich_run": 1}),
    WalkProfile(
        "in flight",
        ("create_thread", "create_long_run"),
        {**_ACTIVE_RUN, "modify_run": 6, "cancel_run": 5, "wait_for_run": 1, "get_run": 4},
    ),
    WalkProfile(
        "locked",
        ("create_thread", "create_calling_run", "wait_for_run", "create_message"),
        {
            **_READS,
            "create_message": 24,
            "create_plain_run": 6,
            "modify_thread": 2,
            "modify_run": 2,
            "modify_message": 2,
            "submit_outputs": 1,
        },
    ),
    WalkProfile("calls", ("create_thread", "create_calling_run", "wait_for_run"), {**_TOOL_CALLS, "modify_run": 4}),
    WalkProfile(
        "many calls",
        ("create_thread", "create_parallel_calling_run", "wait_for_run", "submit_incomplete"),
        {**_TOOL_CALLS, "cancel_run": 0.3, "submit_outputs": 2, "submit_incomplete": 12},
    ),
    WalkProfile(
        "rounds",
        ("create_thread", "create_twice_calling_run", "wait_for_run", "submit_outputs", "wait_for_run"),
        {**_TOOL_CALLS, "wait_for_run": 8, "submit_outputs": 8},
    ),
    WalkProfile(
        "stream",
        ("create_thread", "create_streamed_run"),
        {**_TOOL_CALLS, "submit_streamed": 6, "create_streamed_run": 2},
    ),
    WalkProfile(
        "two threads",
        ("create_thread", "create_thread", "create_calling_run", "create_plain_run"),
        {**_TOOL_CALLS, **_ACTIVE_RUN, "use_run_of_other_thread": 4, "list_messages": 3},
        runs=2,
    ),
    WalkProfile(
        "again",
        ("create_thread", "create_plain_run", "wait_for_run", "create_rich_run", "wait_for_run"),
        {**_ACTIVE_RUN, "list_runs": 4},
        runs=2,
    ),
    WalkProfile("in one", ("create_thread_and_run",), {**_ACTIVE_RUN, **_TOOL_CALLS, "create_thread_and_run": 1}),
    WalkProfile("limits", ("create_thread", "create_limited_run"), {**_ACTIVE_RUN, "wait_for_run": 5}),
    WalkProfile(
        "tools",
        ("create_thread", "create_tool_using_run"),
        {**_ACTIVE_RUN, "list_steps": 5, "get_step": 5, "wait_for_run": 5},
    ),
    WalkProfile(
        "settings",
        ("modify_assistant", "create_thread", "create_plain_run", "modify_assistant"),
        {**_ACTIVE_RUN, "modify_assistant": 3, "get_assistant": 3},
    ),
    WalkProfile("tenants", ("create_thread", "create_calling_run"), {**_TOOL_CALLS, "use_second_key": 8}),
)
"""All profiles; every walk has one."""

NOVELTY_DECAYS = (1.0, 0.25)
"""Exponents of the decay of an action's weight: with 1 walks prefer new actions, with 0.25 they repeat actions."""


def assign_profiles(seed: int, walks: int, second_key: bool, runs: int | None = None) -> Iterator[WalkProfile]:
    """A profile for each walk, in an order determined by the seed. All profiles are equally frequent, except that those
    without runs occur twice as often. Profiles that need more than the rest of `runs` are skipped.
    """
    random = Random(f"{seed}/themes")
    profiles = [profile for profile in WALK_PROFILES if second_key or profile.name != "tenants"]
    profiles += [profile for profile in profiles if not profile.runs]
    deck: list[WalkProfile] = []
    for _ in range(walks):
        profile: WalkProfile | None = None
        while profile is None or (runs is not None and profile.runs > runs):
            if not deck:
                deck = list(profiles)
                random.shuffle(deck)
            profile = deck.pop()
        runs = None if runs is None else runs - profile.runs
        yield profile


def action_weight(profile: WalkProfile, action: str, times_done: int, novelty_decay: float) -> float:
    """The weight of an action that was done `times_done` times in the choice of the next one."""
    decay: float = (1 + times_done) ** novelty_decay
    return profile.weights.get(action, 0.0) / decay
