"""Pages: cursors, sizes, and whether there is more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.listing import Page
from runs_conformance.emulator.patching import paged, queried
from runs_conformance.emulator.state import Members, Run


@blind("L-50")
def includes_the_cursor(behaviour: Behaviour) -> None:
    """The page after an object begins with that object."""
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        if "after" not in query:
            return inner(items, query)
        start = next((index for index, item in enumerate(items) if item.id == query["after"]), 0)
        rest = {name: value for name, value in query.items() if name != "after"}
        return inner(items[start:], rest)

    behaviour.page = page


@blind("L-50")
def ignores_after(behaviour: Behaviour) -> None:
    """Every page is the first one."""
    queried(behaviour, lambda query: query.pop("after", None))


@blind("L-50")
def skips_one_between_pages(behaviour: Behaviour) -> None:
    """The page after an object leaves out the one that follows it."""

    def change(page: Page[Any], items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return Page(page.items[1:], page.has_more) if "after" in query else page

    paged(behaviour, change)


@blind("L-50")
def pages_by_age_alone(behaviour: Behaviour) -> None:
    """The page after an object leaves out everything that was created in the same second."""
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        cursor = next((item for item in items if item.id == query.get("after")), None)
        if cursor is None:
            return inner(items, query)
        rest = {name: value for name, value in query.items() if name != "after"}
        second = int(cursor.created_at)
        if query.get("order") == "asc":
            return inner([item for item in items if int(item.created_at) > second], rest)
        return inner([item for item in items if int(item.created_at) < second], rest)

    behaviour.page = page


@blind("L-50")
def never_has_more(behaviour: Behaviour) -> None:
    """No list ever says that there is more."""
    paged(behaviour, lambda page, *_: Page(page.items, False))


@blind("L-50")
def always_has_more(behaviour: Behaviour) -> None:
    """Every list says that there is more."""
    paged(behaviour, lambda page, *_: Page(page.items, True))


@blind("L-50")
def has_more_when_full(behaviour: Behaviour) -> None:
    """A list says that there is more whenever the page is full."""

    def change(page: Page[Any], items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return Page(page.items, len(page.items) >= query.get("limit", 20))

    paged(behaviour, change)


@blind("L-51", level="should")
def ignores_before(behaviour: Behaviour) -> None:
    """The cursor before is not looked at."""
    queried(behaviour, lambda query: query.pop("before", None))


@blind("L-51", level="should")
def reads_before_as_after(behaviour: Behaviour) -> None:
    """The page before an object is the one after it."""

    def change(query: dict[str, Any]) -> None:
        if "before" in query:
            query["after"] = query.pop("before")

    queried(behaviour, change)


@blind("L-52")
def ignores_limit(behaviour: Behaviour) -> None:
    """A page holds 20 whatever is asked for."""
    queried(behaviour, lambda query: query.pop("limit", None))


@blind("L-52")
def holds_one_more(behaviour: Behaviour) -> None:
    """A page holds one more than was asked for."""

    def change(query: dict[str, Any]) -> None:
        if "limit" in query:
            query["limit"] += 1

    queried(behaviour, change)


@blind("L-52")
def holds_20_at_most(behaviour: Behaviour) -> None:
    """A page never holds more than 20."""

    def change(query: dict[str, Any]) -> None:
        if "limit" in query:
            query["limit"] = min(query["limit"], 20)

    queried(behaviour, change)


@blind("L-53", level="should")
def swaps_first_and_last(behaviour: Behaviour) -> None:
    """A list's first_id is the last, and its last_id the first."""
    _listed(behaviour, lambda answer: answer.update(first_id=answer["last_id"], last_id=answer["first_id"]))


@blind("L-53", level="should")
def never_names_the_last(behaviour: Behaviour) -> None:
    """A list's last_id is null when there is no more."""
    _listed(behaviour, lambda answer: answer.update(last_id=answer["last_id"] if answer["has_more"] else None))


def _listed(behaviour: Behaviour, change: Any) -> None:
    inner = behaviour.list_object

    def make(data: list[Members], has_more: bool) -> Members:
        answer = inner(data, has_more)
        change(answer)
        return answer

    behaviour.list_object = make


@mutant("L-50")
def lists_runs_once_a_step(behaviour: Behaviour) -> None:
    """A run stands in a list as often as it has steps, as in a join of two tables."""
    inner = behaviour.ordered
    behaviour.ordered = lambda items, order: [
        item for item in inner(items, order) for _ in range(max(1, len(item.steps) if isinstance(item, Run) else 1))
    ]


@mutant("L-50", level="may")
def ignores_unknown_cursors(behaviour: Behaviour) -> None:
    """A page after an id that is not in the list is the first one."""
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        ids = {item.id for item in items}
        lost = [name for name in ("after", "before") if query.get(name) not in ids]
        return inner(items, {name: value for name, value in query.items() if name not in lost})

    behaviour.page = page


@mutant("L-52", level="should")
def holds_50_at_most(behaviour: Behaviour) -> None:
    """A page holds 50 items at most, whatever is asked for, and says that there is more."""
    queried(behaviour, lambda query: query.update(limit=min(query["limit"], 50)) if "limit" in query else None)


@mutant("L-50")
def ends_every_list_at_50(behaviour: Behaviour) -> None:
    """A page holds 50 items at most, and says that there is no more."""
    paged(behaviour, lambda page, items, query: Page(page.items[:50], page.has_more) if len(page.items) > 50 else page)
