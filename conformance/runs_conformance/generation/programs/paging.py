"""Programs that page through lists: every order, limit and cursor, while nothing changes the list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.all_operations import UNKNOWN_IDS
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    cancel_new_run,
    complete_run,
    longest_page,
    prepare_caller,
    require,
    require_tools,
    submit,
    wait_for_end,
)
from runs_conformance.generation.programs.races import SOON
from runs_conformance.generation.programs.responses import has_id, item_count, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    TERMINAL_STATUSES,
    assistant,
    at_root,
    dangling_reference,
    edition_includes,
    file_id,
    forced_call,
    function_tool,
    message,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    poll,
    run,
    thread,
    unprompted_message,
)
from runs_conformance.model.case import Concurrent, DanglingReference, Either, Ref, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_CURSORS = {"list_runs": "run_id", "list_messages": "message_id", "list_run_steps": "step_id"}
_MESSAGES_PER_REQUEST = 30
"""Messages sent in one request; the real service has been seen to refuse more than 32."""

DEFAULT_LIMIT = 20
"""How many items a page holds for which no limit is given."""

_CANCELLED_RUNS = (0, 1, 2)
"""The numbers of the runs that are cancelled, which is faster and cheaper than to wait for their answers."""

_RESUMED_RUN, _WAITING_RUN = 1, 2
"""The numbers of the runs that must call a function: the second one must not show the calls of the first."""

_FIRST_OF_RUN = "thread.run."
"""The prefix of the events of a run and its steps, the first of which shows that it continues."""

TIMESTAMP_TICK = 1.05
"""Seconds after which a timestamp in whole seconds differs."""


@program("lifecycle", "listing", runs=5, requests=75, seconds=TIMESTAMP_TICK)
def pages_of_runs(context: ProgramContext) -> StepGenerator:
    """The five runs of a thread are listed in both orders, with several page sizes and cursors in both directions.

    Two of them must call a function. One is cancelled as soon as the stream of its submitted outputs shows that it
    continues, the other while it waits. The last run, on the thread that was created long before, is streamed, too. A
    target that does not stream gets requests without streams. If a cancelled run does not end, it and the later ones
    are replaced by plain runs on a new thread: lists can be read whatever cancellations do. Before they are listed, the
    metadata of one is modified.
    """
    busy_thread = thread(context, text=unprompted_message(context))
    if not (yield from require(assistant(context), busy_thread, thread(context, "elsewhere"))):
        return
    if not (yield from prepare_caller(context)):
        return
    yield page("list_runs")
    are_plain = False
    for index in range(5):
        if index == 3:
            yield replace(page("list_runs"), pause=TIMESTAMP_TICK)
        if (yield from _execute_run(index, context, are_plain)):
            continue
        yield on_thread("get_thread")  # It tells a lost thread from one that takes no run.
        if are_plain or index not in _CANCELLED_RUNS:
            return
        are_plain = True
        if not ((yield from require(busy_thread)) and (yield from _execute_run(index, context, are_plain))):
            return
    yield on_run("modify_run", "run_3", body={"metadata": {"only": "mine"}})
    yield from walk_list("list_runs", ("thread",))
    yield page("list_runs", "elsewhere")
    yield page("list_messages")
    for index in (3, 4):
        yield page("list_messages", run_id=Ref(f"run_{index}"))
    yield page("list_messages", run_id=Ref("run_3"), limit=1)
    steps: Exchange = yield page("list_run_steps", "run_4", name="steps")
    if item_count(steps):
        step = Ref("steps", "/data/0/id")
        yield on_step(step, "run_4")
        yield dangling_reference(on_step(step, "run_0"), DanglingReference.FOREIGN)


def _execute_run(index: int, context: ProgramContext, is_plain: bool) -> Fragment:
    """Start the run with this number, of five, and wait for its end; returns whether it ended.

    A plain run is not cancelled.
    """
    name = f"run_{index}"
    if index == 3 or (is_plain and index in _CANCELLED_RUNS):
        return (yield from complete_run(name))
    if index in (_RESUMED_RUN, _WAITING_RUN):
        return (yield from _cancel_call(name, context, is_resumed=index == _RESUMED_RUN and context.streams))
    if index == 4:
        return (yield from _stream_run(name, context))
    return (yield from cancel_new_run(name))


def _cancel_call(name: str, context: ProgramContext, is_resumed: bool) -> Fragment:
    """Start a run that must call a function, and cancel it once it waits; returns whether it ended.

    One that is resumed first streams how it continues, and is cancelled long before its answer. While the other waits,
    the first run, which has ended, is cancelled again.
    """
    called: Exchange = yield run(name, **forced_call(context))
    if not has_id(called):
        return (yield from cancel_new_run(name))
    response: Exchange = yield poll(name, name="waiting")
    if status(response) in TERMINAL_STATUSES:
        return True
    yield page("list_run_steps", name)
    if name == f"run_{_WAITING_RUN}":
        yield on_run("cancel_run", "run_0")
    yield on_run("get_run", name)
    if is_resumed and (count := pending_call_count(response)):
        cancel = replace(on_run("cancel_run", name), pause=SOON, after_event=_FIRST_OF_RUN)
        yield Concurrent((submit(name, count=count, stream=True), cancel))
        if status((yield poll(name))) in TERMINAL_STATUSES:
            return True
    return (yield from cancel_and_wait(name))


def _stream_run(name: str, context: ProgramContext) -> Fragment:
    """Ask something else and start a run as a stream, or without one if the target does not stream.

    Returns whether it ended.
    """
    yield message("And now say goodbye in one short sentence.")
    if context.streams and has_id((yield run(name, stream=True))):
        return (yield from wait_for_end(name))
    return (yield from complete_run(name))


@program("lifecycle", "listing", runs=1, requests=40, seconds=2 * TIMESTAMP_TICK)
def pages_of_messages(context: ProgramContext) -> StepGenerator:
    """The messages of a thread, more than fit on one page, are listed in both orders and with several page sizes."""
    roles = ("user", "assistant")
    all_messages = [{"role": roles[index % 2], "content": f"Message {index}."} for index in range(60)]
    body = {"messages": all_messages[:_MESSAGES_PER_REQUEST]}
    if not (yield from require(at_root("create_thread", body, name="thread", role=Role.FIXTURE))):
        return
    if has_id((yield assistant(context))):
        yield from cancel_new_run(additional_messages=all_messages[_MESSAGES_PER_REQUEST:])
    yield replace(message("One.", name="one"), pause=TIMESTAMP_TICK)
    yield message("Two.", name="two")
    yield replace(message("Three.", name="three"), pause=TIMESTAMP_TICK)
    if edition_includes(context, "2024-05-02"):
        # A server that only marks what is deleted may leave a gap in its pages.
        yield on_message("delete_message", "two")
    yield from walk_list("list_messages", ("thread",), step=19)


@program("lifecycle", "listing", requests=28, seconds=TIMESTAMP_TICK)
def pages_of_assistants(context: ProgramContext) -> StepGenerator:
    """Three new assistants are looked for in the list of all, in both orders and with cursors in both directions.

    Other assistants may be created and deleted meanwhile. One has tools, their resources and a description.
    """
    if context.use.get("assistant"):
        return
    last = replace(assistant(context, "assistant_2"), pause=TIMESTAMP_TICK)
    for step in (
        assistant(context, "assistant_0"),
        assistant(context, "assistant_1", **_members_to_list(context)),
        last,
    ):
        if not (yield from require_tools(step)):
            return
    for order in ("desc", "asc"):
        yield from longest_page("list_assistants", order=order)
        yield page("list_assistants", order=order, limit=1)
        for index in range(3):
            cursor = Ref(f"assistant_{index}")
            yield page("list_assistants", order=order, limit=2, after=cursor)
            yield page("list_assistants", order=order, limit=2, before=cursor)
    yield page("list_assistants")
    yield page("list_assistants", limit=3)


def _members_to_list(context: ProgramContext) -> dict[str, Any]:
    """Members of an assistant that a list may leave out."""
    file = file_id(context)
    return {
        "description": "Has tools.",
        "tools": [{"type": "code_interpreter"}, {"type": "file_search"}, function_tool()],
        "tool_resources": {"code_interpreter": {"file_ids": [file] if file else []}},
    }


def walk_list(operation: str, parents: tuple[str, ...], step: int = 2) -> Fragment:
    """List objects that nothing changes meanwhile, in every way; returns whether there were any."""

    def list_page(name: str = "", **query: Any) -> Any:
        return page(operation, *parents, name=name, **query)

    yield list_page()
    all_items = yield from longest_page(operation, *parents, name="whole")
    yield from longest_page(operation, *parents, name="up", order="asc")
    yield list_page(limit=1)
    yield list_page(order="asc", limit=1)
    count = item_count(all_items)
    if not count:
        return False
    yield list_page(order="desc", limit=min(count, 100))
    if count > DEFAULT_LIMIT:
        yield list_page(order="asc")
    for order in ("desc", "asc"):
        yield from _walk_pages(operation, parents, {"order": order}, step, count)
    middle, last = Ref("whole", f"/data/{count // 2}/id"), Ref("whole", f"/data/{count - 1}/id")
    first = Ref("whole", "/data/0/id")
    yield list_page(after=last)
    yield list_page(before=first)
    yield list_page(order="asc", after=first)
    yield list_page(order="asc", before=last)
    yield list_page(after=middle)
    yield list_page(before=middle)
    yield list_page(order="asc", after=middle, limit=1)
    yield list_page(order="asc", before=middle, limit=1)
    yield list_page(before=last, limit=1)
    yield list_page(after=first, before=last)
    unknown = list_page(after=UNKNOWN_IDS[_CURSORS[operation]])
    yield replace(unknown, expectation=Either("the contract does not state what an unknown cursor does"))
    return True


def walk_steps(list_response: Exchange, **query: str) -> Fragment:
    """Read the steps of a run, which a list just showed completely, in at most four smaller pages.

    The steps of a fast run share a second, and a cursor must find its place among them.
    """
    count = item_count(list_response)
    if count < 2:
        return False
    return (yield from _walk_pages("list_run_steps", ("run", "thread"), query, max(1, count // 2), count))


def _walk_pages(operation: str, parents: tuple[str, ...], query: dict[str, str], size: int, count: int) -> Fragment:
    """Read pages of one size from the first object to the empty page after the last; returns True."""
    cursor: dict[str, Any] = {}
    for number in range(count // size + 2):
        name = f"{query.get('order', 'page')}_{number}"
        current_page: Exchange = yield page(operation, *parents, name=name, **query, limit=size, **cursor)
        page_count = item_count(current_page)
        if not page_count:
            break
        cursor = {"after": Ref(name, f"/data/{page_count - 1}/id")}
    return True
