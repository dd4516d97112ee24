"""Mutants of pages: cursors, sizes and has_more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.list_pages import ListPage
from runs_conformance.emulator.patching import patch_page, patch_query
from runs_conformance.emulator.state import Members, Run, RunStep


@written_from_spec("after-is-exclusive-and-complete")
def includes_the_cursor(hooks: Hooks) -> None:
    """The page after an object begins with that object."""
    inner = hooks.paginate

    def page(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        if "after" not in query:
            return inner(items, query)
        start = next((index for index, item in enumerate(items) if item.id == query["after"]), 0)
        rest = {name: value for name, value in query.items() if name != "after"}
        return inner(items[start:], rest)

    hooks.paginate = page


@written_from_spec("after-is-exclusive-and-complete")
def ignores_after(hooks: Hooks) -> None:
    """The cursor after is ignored."""
    patch_query(hooks, lambda query: query.pop("after", None))


@written_from_spec("after-is-exclusive-and-complete")
def skips_one_between_pages(hooks: Hooks) -> None:
    """The page after a cursor skips one object."""

    def change(page: ListPage[Any], items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        return ListPage(page.items[1:], page.has_more) if "after" in query else page

    patch_page(hooks, change)


@written_from_spec("after-is-exclusive-and-complete")
def pages_by_age_alone(hooks: Hooks) -> None:
    """The page after a cursor skips everything created in the same second."""
    inner = hooks.paginate

    def page(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        cursor = next((item for item in items if item.id == query.get("after")), None)
        if cursor is None:
            return inner(items, query)
        rest = {name: value for name, value in query.items() if name != "after"}
        second = int(cursor.created_at)
        if query.get("order") == "asc":
            return inner([item for item in items if int(item.created_at) > second], rest)
        return inner([item for item in items if int(item.created_at) < second], rest)

    hooks.paginate = page


@written_from_spec("after-is-exclusive-and-complete")
def never_has_more(hooks: Hooks) -> None:
    """has_more is always false."""
    patch_page(hooks, lambda page, *_: ListPage(page.items, False))


@written_from_spec("after-is-exclusive-and-complete")
def always_has_more(hooks: Hooks) -> None:
    """has_more is always true."""
    patch_page(hooks, lambda page, *_: ListPage(page.items, True))


@written_from_spec("after-is-exclusive-and-complete")
def has_more_when_full(hooks: Hooks) -> None:
    """has_more is true whenever the page is full."""

    def change(page: ListPage[Any], items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        return ListPage(page.items, len(page.items) >= query.get("limit", 20))

    patch_page(hooks, change)


@written_from_spec("before-is-exclusive", level="should")
def ignores_before(hooks: Hooks) -> None:
    """The cursor before is ignored."""
    patch_query(hooks, lambda query: query.pop("before", None))


@written_from_spec("before-is-exclusive", level="should")
def reads_before_as_after(hooks: Hooks) -> None:
    """The cursor before is treated as after."""

    def change(query: dict[str, Any]) -> None:
        if "before" in query:
            query["after"] = query.pop("before")

    patch_query(hooks, change)


@written_from_spec("limit-is-honoured")
def ignores_limit(hooks: Hooks) -> None:
    """The limit is ignored; a page contains 20."""
    patch_query(hooks, lambda query: query.pop("limit", None))


@written_from_spec("limit-is-honoured")
def holds_one_more(hooks: Hooks) -> None:
    """A page contains one more than its limit."""

    def change(query: dict[str, Any]) -> None:
        if "limit" in query:
            query["limit"] += 1

    patch_query(hooks, change)


@written_from_spec("limit-is-honoured")
def holds_20_at_most(hooks: Hooks) -> None:
    """A page contains at most 20."""

    def change(query: dict[str, Any]) -> None:
        if "limit" in query:
            query["limit"] = min(query["limit"], 20)

    patch_query(hooks, change)


@written_from_spec("first-and-last-id-match-page", level="should")
def swaps_first_and_last(hooks: Hooks) -> None:
    """first_id and last_id of a list are swapped."""
    _change_lists(hooks, lambda response: response.update(first_id=response["last_id"], last_id=response["first_id"]))


@written_from_spec("first-and-last-id-match-page", level="should")
def never_names_the_last(hooks: Hooks) -> None:
    """last_id of the last page is null."""
    _change_lists(
        hooks, lambda response: response.update(last_id=response["last_id"] if response["has_more"] else None)
    )


def _change_lists(hooks: Hooks, change: Any) -> None:
    inner = hooks.list_object

    def make(data: list[Members], has_more: bool) -> Members:
        response = inner(data, has_more)
        change(response)
        return response

    hooks.list_object = make


@mutant("after-is-exclusive-and-complete")
def pages_steps_by_age_alone(hooks: Hooks) -> None:
    """The page after a step skips every step created in the same second."""
    inner = hooks.paginate

    def page(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        shown = inner(items, query)
        cursor = next((item for item in items if item.id == query.get("after")), None)
        if not isinstance(cursor, RunStep):
            return shown
        others = [item for item in shown.items if int(item.created_at) != int(cursor.created_at)]
        return ListPage(others, shown.has_more)

    hooks.paginate = page


@mutant("after-is-exclusive-and-complete")
def lists_runs_once_a_step(hooks: Hooks) -> None:
    """A list contains a run once per step, like a join of two tables."""
    inner = hooks.sort_items
    hooks.sort_items = lambda items, order: [
        item for item in inner(items, order) for _ in range(max(1, len(item.steps) if isinstance(item, Run) else 1))
    ]


@mutant("after-is-exclusive-and-complete", level="may")
def ignores_unknown_cursors(hooks: Hooks) -> None:
    """The page after an unknown id is the first one."""
    inner = hooks.paginate

    def page(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        ids = {item.id for item in items}
        unknown = [name for name in ("after", "before") if query.get(name) not in ids]
        return inner(items, {name: value for name, value in query.items() if name not in unknown})

    hooks.paginate = page


@mutant("limit-is-honoured", level="should")
def holds_50_at_most(hooks: Hooks) -> None:
    """A page contains at most 50 items; has_more is correct."""
    patch_query(hooks, lambda query: query.update(limit=min(query["limit"], 50)) if "limit" in query else None)


@mutant("after-is-exclusive-and-complete")
def ends_every_list_at_50(hooks: Hooks) -> None:
    """A page contains at most 50 items, but has_more is false."""
    patch_page(
        hooks, lambda page, items, query: ListPage(page.items[:50], page.has_more) if len(page.items) > 50 else page
    )
