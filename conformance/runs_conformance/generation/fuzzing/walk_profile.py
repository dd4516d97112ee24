"""Themes: what a walk is mostly about, so that few walks come to many corners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

_LOOKS = {
    "get_run": 3,
    "wait": 3,
    "list_messages": 2,
    "list_runs": 1,
    "list_steps": 2,
    "get_step": 1,
    "get_thread": 1,
    "get_message": 1,
    "next_page": 8,
    "other_window": 3,
}
_CHANGES = {"modify_run": 3, "modify_thread": 1, "message": 2, "modify_message": 1, "cancel": 1}
_RUNNING = {**_LOOKS, **_CHANGES, "submit_made_up": 1, "plain_run": 1, "misplaced_run": 0.5}
_CALLING = {
    **_LOOKS,
    **_CHANGES,
    "submit": 3,
    "submit_some": 2,
    "submit_more": 1,
    "submit_backwards": 2,
    "submit_again": 2,
}


@dataclass(frozen=True, slots=True)
class Theme:
    """What a walk does first, the weights of what it may do then, and how many runs it may start."""

    name: str
    opening: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    runs: int = 1


_TALKING = {
    "new_thread": 2,
    "delete_message": 2,
    "message": 5,
    "get_message": 3,
    "modify_message": 4,
    "modify_thread": 7,
    "delete_thread": 1,
    "lost_thread": 4,
}
_TURNING = {
    "next_page": 40,
    "other_window": 10,
    "list_messages": 4,
    "message": 1,
    "delete_message": 2,
    "modify_message": 2,
}

_MANAGING = {
    "new_assistant": 3,
    "modify_assistant": 10,
    "get_assistant": 6,
    "list_assistants": 4,
    "delete_assistant": 1,
    "next_page": 4,
}

THEMES = (
    Theme("talk", ("new_thread", "message"), {**_LOOKS, **_CHANGES, **_TALKING}, runs=0),
    Theme("pages", ("long_thread", "list_messages"), _TURNING, runs=0),
    Theme("assistants", ("new_assistant",), _MANAGING, runs=0),
    Theme("plain", ("new_thread", "rich_run"), {**_RUNNING, "rich_run": 1}),
    Theme("in flight", ("new_thread", "long_run"), {**_RUNNING, "modify_run": 6, "cancel": 5, "wait": 1, "get_run": 4}),
    Theme(
        "locked",
        ("new_thread", "calling_run", "wait", "message"),
        {
            **_LOOKS,
            "message": 24,
            "plain_run": 6,
            "modify_thread": 2,
            "modify_run": 2,
            "modify_message": 2,
            "submit": 1,
        },
    ),
    Theme("calls", ("new_thread", "calling_run", "wait"), {**_CALLING, "modify_run": 4}),
    Theme(
        "many calls",
        ("new_thread", "many_calling_run", "wait", "submit_some"),
        {**_CALLING, "cancel": 0.3, "submit": 2, "submit_some": 12},
    ),
    Theme(
        "rounds", ("new_thread", "twice_calling_run", "wait", "submit", "wait"), {**_CALLING, "wait": 8, "submit": 8}
    ),
    Theme("stream", ("new_thread", "streamed_run"), {**_CALLING, "submit_streamed": 6, "streamed_run": 2}),
    Theme(
        "two threads",
        ("new_thread", "new_thread", "calling_run", "plain_run"),
        {**_CALLING, **_RUNNING, "misplaced_run": 4, "list_messages": 3},
        runs=2,
    ),
    Theme("again", ("new_thread", "plain_run", "wait", "rich_run", "wait"), {**_RUNNING, "list_runs": 4}, runs=2),
    Theme("in one", ("thread_and_run",), {**_RUNNING, **_CALLING, "thread_and_run": 1}),
    Theme("limits", ("new_thread", "limited_run"), {**_RUNNING, "wait": 5}),
    Theme("tools", ("new_thread", "using_run"), {**_RUNNING, "list_steps": 5, "get_step": 5, "wait": 5}),
    Theme(
        "settings",
        ("modify_assistant", "new_thread", "plain_run", "modify_assistant"),
        {**_RUNNING, "modify_assistant": 3, "get_assistant": 3},
    ),
    Theme("tenants", ("new_thread", "calling_run"), {**_CALLING, "stranger": 8}),
)
"""All themes; a walk has one."""

FADINGS = (1.0, 0.25)
"""How much less likely an act becomes by being done: some walks seek what is new, some do the same again and again."""


def dealt(seed: int, walks: int, second_key: bool, runs: int | None = None) -> Iterator[Theme]:
    """A theme for each walk: every one as often as any other, those without runs twice as often, in an order of the
    seed's. Where all `runs` are given out, those that need more are passed over.
    """
    random = Random(f"{seed}/themes")
    themes = [theme for theme in THEMES if second_key or theme.name != "tenants"]
    themes += [theme for theme in themes if not theme.runs]
    deck: list[Theme] = []
    for _ in range(walks):
        theme: Theme | None = None
        while theme is None or (runs is not None and theme.runs > runs):
            if not deck:
                deck = list(themes)
                random.shuffle(deck)
            theme = deck.pop()
        runs = None if runs is None else runs - theme.runs
        yield theme


def weight(theme: Theme, act: str, done: int, fading: float) -> float:
    """How likely an act is next."""
    often: float = (1 + done) ** fading
    return theme.weights.get(act, 0.0) / often
