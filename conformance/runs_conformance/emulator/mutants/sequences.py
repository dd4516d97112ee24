"""Faults that show only after a certain course of events, to which no written program comes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.emulator.catalogue import corner
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.listing import Page
from runs_conformance.emulator.patching import around, shown
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.state import Members, Message, Run, Thread


@corner("cancel")
def cannot_cancel_what_was_modified(behaviour: Behaviour) -> None:
    """Lets a run go on that is cancelled after somebody tried to modify it."""
    inner = behaviour.cancel

    async def modified(handler: Any, call: Call) -> Any:
        thread = behaviour.find_thread(call, call.path["thread_id"])
        behaviour.find_run(call, thread, call.path["run_id"]).notes["modified"] = True
        return await handler(call)

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        if not run.notes.get("modified"):
            inner(world, thread, run, now)

    around(behaviour, modified, "modify_run")
    behaviour.cancel = cancel


@corner("lock")
def opens_the_thread_after_two_refusals(behaviour: Behaviour) -> None:
    """Takes the third message that is sent to a thread while its run is active."""
    inner = behaviour.admit_message
    refused: dict[str, int] = {}

    async def admit(call: Call, thread: Thread) -> None:
        try:
            await inner(call, thread)
        except Refusal:
            refused[thread.id] = refused.get(thread.id, 0) + 1
            if refused[thread.id] <= 2:
                raise

    behaviour.admit_message = admit


@corner("settings")
def keeps_no_metadata_of_a_second_run(behaviour: Behaviour) -> None:
    """Forgets the metadata of every run of a thread but the first."""
    inner = behaviour.new_run

    def made(call: Call, thread: Thread, assistant: Any, body: Members) -> Run:
        run = inner(call, thread, assistant, body)
        if thread.runs:
            run.metadata = {}
        return run

    behaviour.new_run = made


@corner("deletion")
def shows_deleted_messages_in_ascending_lists(behaviour: Behaviour) -> None:
    """Shows deleted messages in lists that are ascending and limited."""
    gone: dict[str, list[Message]] = {}
    remove, page = behaviour.remove_message, behaviour.page

    def removed(thread: Thread, message: Message) -> None:
        gone.setdefault(thread.id, []).append(message)
        remove(thread, message)

    def paged(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        thread = getattr(items[0], "thread_id", "") if items and isinstance(items[0], Message) else ""
        if query.get("order") == "asc" and "limit" in query and thread in gone:
            items = sorted([*items, *gone[thread]], key=lambda item: item.seq)
        return page(items, query)

    behaviour.remove_message, behaviour.page = removed, paged


@corner("modify")
def forgets_the_temperature_of_a_modified_run(behaviour: Behaviour) -> None:
    """Shows the usual temperature of a run after it was modified."""

    async def modified(handler: Any, call: Call) -> Any:
        await handler(call)
        thread = behaviour.find_thread(call, call.path["thread_id"])
        run = behaviour.find_run(call, thread, call.path["run_id"])
        run.notes["modified"] = True
        return behaviour.run_object(call.world, run, "json")

    def change(members: Members, run: Run, channel: str) -> None:
        if run.notes.get("modified"):
            members["temperature"] = 1.0

    around(behaviour, modified, "modify_run")
    shown(behaviour, "run", change)


@corner("messages")
def takes_no_messages_with_a_second_run(behaviour: Behaviour) -> None:
    """Adds no messages that come with a run whose thread had one before."""
    inner = behaviour.add_messages

    def added(call: Call, thread: Thread, messages: list[Members]) -> None:
        if not thread.runs:
            inner(call, thread, messages)

    behaviour.add_messages = added
