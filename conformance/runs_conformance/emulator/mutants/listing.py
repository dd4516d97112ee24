"""Lists: envelope, order, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.listing import Page
from runs_conformance.emulator.patching import answered, around, paged, queried
from runs_conformance.emulator.state import Message, Thread


@blind(
    "L-48",
    broad="The default order turns round for every list, and with it each page, cursor and comparison with the whole.",
)
def lists_oldest_first(behaviour: Behaviour) -> None:
    """Lists are ascending unless told otherwise."""
    queried(behaviour, lambda query: query.setdefault("order", "asc"))


@blind("L-48")
def holds_10_by_default(behaviour: Behaviour) -> None:
    """A page holds 10 unless told otherwise."""
    queried(behaviour, lambda query: query.setdefault("limit", 10))


@blind("L-48")
def holds_everything_by_default(behaviour: Behaviour) -> None:
    """A page holds everything unless told otherwise."""
    queried(behaviour, lambda query: query.setdefault("limit", 10_000))


@blind("run_list.object.const")
def calls_a_list_a_list_of_runs(behaviour: Behaviour) -> None:
    """The object of a list of runs is "thread.run.list"."""
    answered(behaviour, lambda _, answer: {**answer, "object": "thread.run.list"}, "list_runs")


@blind(
    "message_list.data.required",
    broad="A page without data shows nothing, so whatever is looked for in a list of messages is missing.",
)
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


@blind("transport")
def lists_without_an_envelope(behaviour: Behaviour) -> None:
    """A list of runs is a plain array."""
    answered(behaviour, lambda _, answer: answer["data"], "list_runs")


@blind("L-49")
def ignores_order(behaviour: Behaviour) -> None:
    """Lists are descending whatever is asked for."""
    queried(behaviour, lambda query: query.pop("order", None))


@blind("L-50")
def orders_only_the_page(behaviour: Behaviour) -> None:
    """An ascending page is the newest page turned around."""
    ordered = behaviour.ordered
    behaviour.ordered = lambda items, order: ordered(items, "desc")

    def change(page: Page[Any], items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return Page(page.items[::-1], page.has_more) if query.get("order") == "asc" else page

    paged(behaviour, change)


@blind("L-49")
def orders_by_id(behaviour: Behaviour) -> None:
    """Lists are in the order of the ids."""
    behaviour.ordered = lambda items, order: sorted(items, key=lambda item: item.id, reverse=order == "desc")


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


@blind(
    "L-48",
    broad="Runs of other threads stand in the list, and seem to have been made by whatever came before.",
)
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


@blind(
    "L-03", broad="A finished run seems to be queued again in every list, which contradicts all that was seen of it."
)
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


@mutant("L-60")
def finds_one_message_of_a_run(behaviour: Behaviour) -> None:
    """Of the messages of a run only the last one is found."""
    inner = behaviour.messages_of
    behaviour.messages_of = lambda thread, run_id: inner(thread, run_id)[0 if run_id is None else -1 :]


@mutant("L-52")
def finds_all_messages_of_a_run_at_once(behaviour: Behaviour) -> None:
    """A list of a run's messages knows neither limit nor cursor."""
    queried(
        behaviour, lambda query: [query.pop(name, None) for name in ("limit", "after", "before") if "run_id" in query]
    )


@mutant("L-60")
def filters_the_first_page_only(behaviour: Behaviour) -> None:
    """The messages of a run are listed without regard to the run from the second page on."""

    async def look(inner: Any, call: Call) -> Any:
        if "after" in call.query:
            call.query.pop("run_id", None)
        return await inner(call)

    around(behaviour, look, "list_messages")
