"""Mutants of lists: envelope, order and content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.list_pages import ListPage
from runs_conformance.emulator.patching import patch_page, patch_query, patch_response, wrap_handlers
from runs_conformance.emulator.state import Message, Thread


@written_from_spec(
    "list-envelope-order-and-default-limit",
    broad_reason="The default order of every list is reversed, which affects all pages, cursors and comparisons.",
)
def lists_oldest_first(hooks: Hooks) -> None:
    """The default order of lists is ascending."""
    patch_query(hooks, lambda query: query.setdefault("order", "asc"))


@mutant("list-envelope-order-and-default-limit")
def lists_steps_oldest_first(hooks: Hooks) -> None:
    """The default order of lists of steps is ascending."""
    patch_query(hooks, lambda query: query.setdefault("order", "asc"), "list_run_steps")


@written_from_spec("list-envelope-order-and-default-limit")
def holds_10_by_default(hooks: Hooks) -> None:
    """The default limit of a page is 10."""
    patch_query(hooks, lambda query: query.setdefault("limit", 10))


@written_from_spec("list-envelope-order-and-default-limit")
def holds_everything_by_default(hooks: Hooks) -> None:
    """A page contains everything by default."""
    patch_query(hooks, lambda query: query.setdefault("limit", 10_000))


@written_from_spec("run_list.object.const")
def calls_a_list_a_list_of_runs(hooks: Hooks) -> None:
    """The object of a list of runs is "thread.run.list"."""
    patch_response(hooks, lambda _, response: {**response, "object": "thread.run.list"}, "list_runs")


@written_from_spec(
    "message_list.data.required",
    broad_reason="A page without data contains no messages, so every expected message is missing.",
)
def calls_the_data_items(hooks: Hooks) -> None:
    """A list of messages has items instead of data."""

    def change(request: RequestContext, response: Any) -> Any:
        return {"items" if name == "data" else name: value for name, value in response.items()}

    patch_response(hooks, change, "list_messages")


@written_from_spec("run_list.has_more.required")
def leaves_has_more_out(hooks: Hooks) -> None:
    """The last page of a list has no has_more."""

    def change(request: RequestContext, response: Any) -> Any:
        if request.operation.listed_kind and not response["has_more"]:
            del response["has_more"]
        return response

    patch_response(hooks, change)


@written_from_spec("run_step_list.has_more.type")
def counts_what_is_left(hooks: Hooks) -> None:
    """The has_more of a list of steps is a number."""
    patch_response(hooks, lambda _, response: {**response, "has_more": int(response["has_more"])}, "list_run_steps")


@written_from_spec("transport")
def lists_without_an_envelope(hooks: Hooks) -> None:
    """A list of runs is a plain array."""
    patch_response(hooks, lambda _, response: response["data"], "list_runs")


@written_from_spec("ascending-reverses-descending")
def ignores_order(hooks: Hooks) -> None:
    """Lists are always descending."""
    patch_query(hooks, lambda query: query.pop("order", None))


@written_from_spec("after-is-exclusive-and-complete")
def orders_only_the_page(hooks: Hooks) -> None:
    """An ascending page is the newest page reversed."""
    ordered = hooks.sort_items
    hooks.sort_items = lambda items, order: ordered(items, "desc")

    def change(page: ListPage[Any], items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        return ListPage(page.items[::-1], page.has_more) if query.get("order") == "asc" else page

    patch_page(hooks, change)


@written_from_spec("ascending-reverses-descending")
def orders_by_id(hooks: Hooks) -> None:
    """Lists are sorted by id."""
    inner = hooks.sort_items
    hooks.sort_items = lambda items, order: sorted(
        inner(items, order), key=lambda item: item.id, reverse=order == "desc"
    )


@written_from_spec("ascending-reverses-descending", level="should")
def breaks_ties_by_id(hooks: Hooks) -> None:
    """Objects created in the same second are listed by id."""
    inner = hooks.sort_items
    hooks.sort_items = lambda items, order: sorted(
        inner(items, order), key=lambda item: (int(item.created_at), item.id), reverse=order == "desc"
    )


@written_from_spec("messages-filter-by-run")
def ignores_the_run_filter(hooks: Hooks) -> None:
    """The list of messages ignores run_id."""
    inner = hooks.thread_messages
    hooks.thread_messages = lambda thread, run_id: inner(thread, None)


@written_from_spec("messages-filter-by-run")
def filters_after_paging(hooks: Hooks) -> None:
    """The list of messages applies run_id to the page, not to the thread."""
    inner = hooks.thread_messages
    hooks.thread_messages = lambda thread, run_id: inner(thread, None)

    def change(request: RequestContext, response: Any) -> Any:
        run_id = request.query.get("run_id")
        items = [item for item in response["data"] if run_id is None or item["run_id"] == run_id]
        ends = {"first_id": items[0]["id"] if items else None, "last_id": items[-1]["id"] if items else None}
        return {**response, "data": items, **ends}

    patch_response(hooks, change, "list_messages")


@written_from_spec("messages-filter-by-run")
def knows_no_messages_of_runs(hooks: Hooks) -> None:
    """The list of messages of a run is always empty."""
    inner = hooks.thread_messages

    def find(thread: Thread, run_id: str | None) -> list[Message]:
        return inner(thread, run_id) if run_id is None else []

    hooks.thread_messages = find


@written_from_spec(
    "list-envelope-order-and-default-limit",
    broad_reason="The list contains runs of other threads, which no recorded request created.",
)
def lists_runs_of_all_threads(hooks: Hooks) -> None:
    """The runs of a thread include those of every other thread."""

    async def show(inner: Any, request: RequestContext) -> Any:
        server = request.server
        runs = [run for thread in request.store.threads.values() for run in thread.runs.values()]
        ordered = server.hooks.sort_items(runs, request.query.get("order", "desc"))
        page = server.hooks.paginate(ordered, request.query)
        return server.hooks.list_object(
            [server.hooks.run_object(server, run, "json") for run in page.items], page.has_more
        )

    wrap_handlers(hooks, show, "list_runs")


@written_from_spec("list-envelope-order-and-default-limit")
def lists_steps_of_all_runs(hooks: Hooks) -> None:
    """The steps of a run include those of the thread's other runs."""

    async def show(inner: Any, request: RequestContext) -> Any:
        server = request.server
        thread = server.hooks.find_thread(request, request.path_params["thread_id"])
        server.hooks.find_run(request, thread, request.path_params["run_id"])
        steps: Iterable[Any] = [step for run in thread.runs.values() for step in run.steps]
        page = server.hooks.paginate(server.hooks.sort_items(steps, request.query.get("order", "desc")), request.query)
        steps_json = [server.hooks.step_object(server, step, "json", frozenset()) for step in page.items]
        return server.hooks.list_object(steps_json, page.has_more)

    wrap_handlers(hooks, show, "list_run_steps")


@written_from_spec(
    "terminal-status-is-final",
    broad_reason="An ended run is queued in every list, which contradicts all other observations.",
)
def lists_runs_as_they_began(hooks: Hooks) -> None:
    """Lists show a run in its initial state."""
    create = hooks.new_run

    def make(request: RequestContext, *rest: Any) -> Any:
        run = create(request, *rest)
        run.notes["initial"] = request.server.hooks.run_object(request.server, run, "json")
        return run

    hooks.new_run = make

    async def show(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        thread = request.store.threads[request.path_params["thread_id"]]
        response["data"] = [thread.runs[item["id"]].notes["initial"] for item in response["data"]]
        return response

    wrap_handlers(hooks, show, "list_runs")


@mutant("messages-filter-by-run")
def finds_one_message_of_a_run(hooks: Hooks) -> None:
    """The list of messages of a run contains only the last one."""
    inner = hooks.thread_messages
    hooks.thread_messages = lambda thread, run_id: inner(thread, run_id)[0 if run_id is None else -1 :]


@mutant("limit-is-honoured")
def finds_all_messages_of_a_run_at_once(hooks: Hooks) -> None:
    """The list of messages of a run ignores limit and cursors."""
    patch_query(
        hooks, lambda query: [query.pop(name, None) for name in ("limit", "after", "before") if "run_id" in query]
    )


@mutant("messages-filter-by-run")
def filters_the_first_page_only(hooks: Hooks) -> None:
    """The list of messages ignores run_id from the second page on."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        if "after" in request.query:
            request.query.pop("run_id", None)
        return await inner(request)

    wrap_handlers(hooks, handle, "list_messages")


@mutant("listing", level="should")
def lists_when_ended_runs_expire(hooks: Hooks) -> None:
    """A list shows the expiry of runs that have ended, although a read does not."""

    def add_expiry(request: RequestContext, body: Any) -> Any:
        expiring = [{**item, "expires_at": item["expires_at"] or item["created_at"] + 600} for item in body["data"]]
        return {**body, "data": expiring}

    patch_response(hooks, add_expiry, "list_runs")
