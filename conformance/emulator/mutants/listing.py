"""Lists: envelope, order, cursors, page size, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conformance.contract.operation import Operation
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import blind
from conformance.emulator.listing import Page
from conformance.emulator.spoiling import answered, around
from conformance.emulator.state import Members, Message, Thread
from conformance.emulator.validation import Schemas
from conformance.emulator.world import Call


def _query(behaviour: Behaviour, change: Any) -> None:
    inner = behaviour.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        query = inner(schemas, operation, pairs)
        if operation.lists:
            change(query)
        return query

    behaviour.read_query = read


def _paged(behaviour: Behaviour, change: Any) -> None:
    inner = behaviour.page
    behaviour.page = lambda items, query: change(inner(items, query), items, query)


@blind("L-48")
def lists_oldest_first(behaviour: Behaviour) -> None:
    """Lists are ascending unless told otherwise."""
    _query(behaviour, lambda query: query.setdefault("order", "asc"))


@blind("L-48")
def holds_10_by_default(behaviour: Behaviour) -> None:
    """A page holds 10 unless told otherwise."""
    _query(behaviour, lambda query: query.setdefault("limit", 10))


@blind("L-48")
def holds_everything_by_default(behaviour: Behaviour) -> None:
    """A page holds everything unless told otherwise."""
    _query(behaviour, lambda query: query.setdefault("limit", 10_000))


@blind("run_list.object.const")
def calls_a_list_a_list_of_runs(behaviour: Behaviour) -> None:
    """The object of a list of runs is "thread.run.list"."""
    answered(behaviour, lambda _, answer: {**answer, "object": "thread.run.list"}, "list_runs")


@blind("message_list.data.required")
def calls_the_data_items(behaviour: Behaviour) -> None:
    """A list of messages holds items instead of data."""

    def change(call: Call, answer: Any) -> Any:
        return {"items" if name == "data" else name: value for name, value in answer.items()}

    answered(behaviour, change, "list_messages")


@blind("run_list.has_more.required")
def leaves_has_more_out(behaviour: Behaviour) -> None:
    """A list does not say whether there is more when there is not."""

    def change(call: Call, answer: Any) -> Any:
        if call.operation.lists and not answer["has_more"]:
            del answer["has_more"]
        return answer

    answered(behaviour, change)


@blind("run_step_list.has_more.type")
def counts_what_is_left(behaviour: Behaviour) -> None:
    """The has_more of a list of steps is a number."""
    answered(behaviour, lambda _, answer: {**answer, "has_more": int(answer["has_more"])}, "list_run_steps")


@blind("run_list.type")
def lists_without_an_envelope(behaviour: Behaviour) -> None:
    """A list of runs is a plain array."""
    answered(behaviour, lambda _, answer: answer["data"], "list_runs")


@blind("L-49")
def ignores_order(behaviour: Behaviour) -> None:
    """Lists are descending whatever is asked for."""
    _query(behaviour, lambda query: query.pop("order", None))


@blind("L-49")
def orders_only_the_page(behaviour: Behaviour) -> None:
    """An ascending page is the newest page turned around."""
    ordered = behaviour.ordered
    behaviour.ordered = lambda items, order: ordered(items, "desc")

    def change(page: Page[Any], items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return Page(page.items[::-1], page.has_more) if query.get("order") == "asc" else page

    _paged(behaviour, change)


@blind("L-49")
def orders_by_id(behaviour: Behaviour) -> None:
    """Lists are in the order of the ids."""
    behaviour.ordered = lambda items, order: sorted(items, key=lambda item: item.id, reverse=order == "desc")


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
    _query(behaviour, lambda query: query.pop("after", None))


@blind("L-50")
def skips_one_between_pages(behaviour: Behaviour) -> None:
    """The page after an object leaves out the one that follows it."""

    def change(page: Page[Any], items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return Page(page.items[1:], page.has_more) if "after" in query else page

    _paged(behaviour, change)


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
    _paged(behaviour, lambda page, *_: Page(page.items, False))


@blind("L-50")
def always_has_more(behaviour: Behaviour) -> None:
    """Every list says that there is more."""
    _paged(behaviour, lambda page, *_: Page(page.items, True))


@blind("L-50")
def has_more_when_full(behaviour: Behaviour) -> None:
    """A list says that there is more whenever the page is full."""

    def change(page: Page[Any], items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return Page(page.items, len(page.items) >= query.get("limit", 20))

    _paged(behaviour, change)


@blind("L-51", level="should")
def ignores_before(behaviour: Behaviour) -> None:
    """The cursor before is not looked at."""
    _query(behaviour, lambda query: query.pop("before", None))


@blind("L-51", level="should")
def reads_before_as_after(behaviour: Behaviour) -> None:
    """The page before an object is the one after it."""

    def change(query: dict[str, Any]) -> None:
        if "before" in query:
            query["after"] = query.pop("before")

    _query(behaviour, change)


@blind("L-52")
def ignores_limit(behaviour: Behaviour) -> None:
    """A page holds 20 whatever is asked for."""
    _query(behaviour, lambda query: query.pop("limit", None))


@blind("L-52")
def holds_one_more(behaviour: Behaviour) -> None:
    """A page holds one more than was asked for."""

    def change(query: dict[str, Any]) -> None:
        if "limit" in query:
            query["limit"] += 1

    _query(behaviour, change)


@blind("L-52")
def holds_20_at_most(behaviour: Behaviour) -> None:
    """A page never holds more than 20."""

    def change(query: dict[str, Any]) -> None:
        if "limit" in query:
            query["limit"] = min(query["limit"], 20)

    _query(behaviour, change)


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


@blind("L-60")
def ignores_the_run_filter(behaviour: Behaviour) -> None:
    """Messages are listed whatever run is asked for."""
    inner = behaviour.messages_of
    behaviour.messages_of = lambda thread, run_id: inner(thread, None)


@blind("L-60")
def filters_after_paging(behaviour: Behaviour) -> None:
    """Messages of a run are looked for in the page only, not in the thread."""
    inner = behaviour.messages_of
    behaviour.messages_of = lambda thread, run_id: inner(thread, None)

    def change(call: Call, answer: Any) -> Any:
        wanted = call.query.get("run_id")
        kept = [item for item in answer["data"] if wanted is None or item["run_id"] == wanted]
        ends = {"first_id": kept[0]["id"] if kept else None, "last_id": kept[-1]["id"] if kept else None}
        return {**answer, "data": kept, **ends}

    answered(behaviour, change, "list_messages")


@blind("L-60")
def knows_no_messages_of_runs(behaviour: Behaviour) -> None:
    """No message is ever found for a run."""
    inner = behaviour.messages_of

    def find(thread: Thread, run_id: str | None) -> list[Message]:
        return inner(thread, run_id) if run_id is None else []

    behaviour.messages_of = find


@blind("L-48")
def lists_runs_of_all_threads(behaviour: Behaviour) -> None:
    """The runs of a thread include those of every other thread."""

    async def show(inner: Any, call: Call) -> Any:
        world = call.world
        runs = [run for thread in call.store.threads.values() for run in thread.runs.values()]
        ordered = world.behaviour.ordered(runs, call.query.get("order", "desc"))
        page = world.behaviour.page(ordered, call.query)
        return world.behaviour.list_object(
            [world.behaviour.run_object(world, run, "json") for run in page.items], page.has_more
        )

    around(behaviour, show, "list_runs")


@blind("L-48")
def lists_steps_of_all_runs(behaviour: Behaviour) -> None:
    """The steps of a run include those of the thread's other runs."""

    async def show(inner: Any, call: Call) -> Any:
        world = call.world
        thread = world.behaviour.find_thread(call, call.path["thread_id"])
        world.behaviour.find_run(call, thread, call.path["run_id"])
        steps: Iterable[Any] = [step for run in thread.runs.values() for step in run.steps]
        page = world.behaviour.page(world.behaviour.ordered(steps, call.query.get("order", "desc")), call.query)
        shown = [world.behaviour.step_object(world, step, "json", frozenset()) for step in page.items]
        return world.behaviour.list_object(shown, page.has_more)

    around(behaviour, show, "list_run_steps")


@blind("L-03")
def lists_runs_as_they_began(behaviour: Behaviour) -> None:
    """A run in a list is shown as it was when it was created."""
    create = behaviour.new_run

    def make(call: Call, *rest: Any) -> Any:
        run = create(call, *rest)
        run.notes["begun"] = call.world.behaviour.run_object(call.world, run, "json")
        return run

    behaviour.new_run = make

    async def show(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        thread = call.store.threads[call.path["thread_id"]]
        answer["data"] = [thread.runs[item["id"]].notes["begun"] for item in answer["data"]]
        return answer

    around(behaviour, show, "list_runs")
