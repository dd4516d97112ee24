"""Choices that the contract leaves open about stamps, cancellation, modification and members."""

from __future__ import annotations

from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import variant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import Await, Beat, Begin, Cancelled
from runs_conformance.emulator.patching import answered, around, shown, without
from runs_conformance.emulator.run_machine import move
from runs_conformance.emulator.state import Assistant, Members, Message, Run, Thread

_MOST_PAIRS = 16


@variant()
def cancels_at_once(behaviour: Behaviour) -> None:
    """Cancelling is answered with a cancelled run."""
    behaviour.cancel = lambda world, thread, run, now: world.behaviour.finish(world, run, "cancelled", now)


@variant()
def completes_all_the_same(behaviour: Behaviour) -> None:
    """Cancelling comes too late: the run is cancelling for a while, and then completes."""

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        waits = run.status == "requires_action" or not run.beats
        move(world, run, "cancelling")
        run.pending = ()
        if waits:
            run.beats.append((now + 0.05, Cancelled()))

    inner = behaviour.perform

    def perform(world: World, thread: Thread, run: Run, beat: Beat, at: float) -> None:
        if isinstance(beat, Begin) and run.status == "cancelling":
            run.started_at = at
            return
        gives_up = isinstance(beat, Await) and run.status == "cancelling"
        inner(world, thread, run, Cancelled() if gives_up else beat, at)

    behaviour.cancel, behaviour.perform = cancel, perform


@variant()
def answers_a_second_cancel(behaviour: Behaviour) -> None:
    """Cancelling a run that is being cancelled is answered with the run."""

    async def cancel(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        run = call.world.behaviour.find_run(call, thread, call.path["run_id"])
        if run.status == "cancelling":
            return call.world.behaviour.run_object(call.world, run, "json")
        return await inner(call)

    around(behaviour, cancel, "cancel_run")


@variant()
def keeps_started_at(behaviour: Behaviour) -> None:
    """started_at is not reset when a run goes on after its outputs."""
    inner = behaviour.perform

    def perform(world: World, thread: Thread, run: Run, beat: Beat, at: float) -> None:
        started = run.started_at
        inner(world, thread, run, beat, at if started is None or not isinstance(beat, Begin) else started)

    behaviour.perform = perform


@variant()
def keeps_expires_at(behaviour: Behaviour) -> None:
    """A run that is over still shows expires_at."""

    def change(members: Members, run: Run, _: str) -> None:
        members["expires_at"] = int(run.expires_at)

    shown(behaviour, "run", change)


@variant()
def stamps_only_completion(behaviour: Behaviour) -> None:
    """A run that ended incomplete or expired has no completed_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in ("incomplete", "expired"):
            members["completed_at"] = None

    shown(behaviour, "run", change)


@variant()
def shows_empty_instructions(behaviour: Behaviour) -> None:
    """A run without instructions shows an empty text."""
    inner = behaviour.instructions
    behaviour.instructions = lambda assistant, body: inner(assistant, body) or ""


@variant()
def hides_additional_instructions(behaviour: Behaviour) -> None:
    """A run's instructions do not show the additional ones."""
    inner = behaviour.instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        return inner(assistant, {**body, "additional_instructions": None})

    behaviour.instructions = instructions


@variant()
def modifies_active_runs(behaviour: Behaviour) -> None:
    """A run can be modified while it is active."""
    behaviour.check_modify = lambda world, run: None


@variant()
def merges_metadata(behaviour: Behaviour) -> None:
    """Modified metadata is merged with what was there; where that is too much, what is new stays."""

    def merged(old: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
        new = given or {}
        kept = [name for name in old if name not in new][: _MOST_PAIRS - len(new)]
        return {**{name: old[name] for name in kept}, **new}

    behaviour.new_metadata = merged


@variant()
def runs_on_nothing(behaviour: Behaviour) -> None:
    """A run on an empty thread is accepted, instructions or not."""
    behaviour.check_runnable = lambda thread, assistant, body: None


@variant()
def protects_locked_threads(behaviour: Behaviour) -> None:
    """Nothing is deleted from a thread while a run is active on it."""

    async def delete(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        if "message_id" in call.path:
            call.world.behaviour.find_message(call, thread, call.path["message_id"])
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                raise refusal.bad(f"Thread {thread.id} has an active run {run.id}.")
        return await inner(call)

    around(behaviour, delete, "delete_thread", "delete_message")


@variant()
def shows_the_status_of_messages(behaviour: Behaviour) -> None:
    """Messages have their status in every answer, not only in streams."""
    inner = behaviour.message_object
    behaviour.message_object = lambda world, message, channel: inner(world, message, "stream")


@variant()
def modifies_messages_without_attachments(behaviour: Behaviour) -> None:
    """A modified message is answered with file_ids instead of attachments, as the service did."""

    def change(call: Call, answer: Members) -> Members:
        kept = {name: value for name, value in answer.items() if name != "attachments"}
        return {**kept, "file_ids": []}

    answered(behaviour, change, "modify_message")


@variant()
def shows_empty_resources_when_read(behaviour: Behaviour) -> None:
    """A thread without resources is shown with an empty code interpreter when it is read, as the service did."""

    def change(call: Call, answer: Members) -> Members:
        return {**answer, "tool_resources": answer["tool_resources"] or {"code_interpreter": {"file_ids": []}}}

    answered(behaviour, change, "get_thread")


@variant()
def shows_what_is_documented(behaviour: Behaviour) -> None:
    """Objects have exactly the members of the published document."""
    shows_the_status_of_messages(behaviour)
    shows_empty_instructions(behaviour)
    without(behaviour, "run", "tool_resources", "reasoning_effort")
    without(behaviour, "step", "expires_at")
    shown(behaviour, "step", lambda step, *_: step.update(metadata={}, expired_at=None))
    counts_without_details(behaviour)


@variant()
def counts_without_details(behaviour: Behaviour) -> None:
    """Usage has no details."""
    inner = behaviour.usage_object
    names = ("prompt_tokens", "completion_tokens", "total_tokens")

    def usage(spent: Any) -> Members | None:
        made = inner(spent)
        return None if made is None else {name: made[name] for name in names}

    behaviour.usage_object = usage


@variant()
def leaves_defaults_null(behaviour: Behaviour) -> None:
    """Temperature and top_p are null where none was given."""
    inner = behaviour.settings

    def settings(assistant: Assistant, body: Members) -> Members:
        made = inner(assistant, body)
        usual = [name for name in ("temperature", "top_p") if assistant.members[name] == 1.0 and body.get(name) is None]
        return {**made, **dict.fromkeys(usual)}

    behaviour.settings = settings


@variant()
def names_the_run_of_what_it_was_given(behaviour: Behaviour) -> None:
    """Additional messages name the run with which they came."""
    inner = behaviour.new_run

    def make(call: Call, thread: Thread, *rest: Any) -> Run:
        run = inner(call, thread, *rest)
        count = len(call.body.get("additional_messages") or ())
        added: list[Message] = list(thread.messages.values())[-count:] if count else []
        for message in added:
            message.run_id = run.id
        return run

    behaviour.new_run = make


@variant()
def has_more_members(behaviour: Behaviour) -> None:
    """Every object has members that the contract does not name."""
    extra = {"x_vendor": {"region": "north", "tier": None}, "project_id": "proj_1"}
    for kind in ("assistant", "thread", "message", "run", "step"):
        shown(behaviour, kind, lambda members, *_: members.update(extra))
    inner = behaviour.envelope
    behaviour.envelope = lambda refused: {**inner(refused), "request_id": "req_1"}
    listing = behaviour.list_object
    behaviour.list_object = lambda data, has_more: {**listing(data, has_more), "total": len(data)}


@variant()
def stamps_alike(behaviour: Behaviour) -> None:
    """Times are whole tens of seconds, so that most are equal."""
    behaviour.stamp = lambda at: int(at) // 10 * 10


@variant()
def is_two_minutes_ahead(behaviour: Behaviour) -> None:
    """The server's clock is two minutes ahead."""
    behaviour.stamp = lambda at: int(at) + 120


@variant()
def is_two_minutes_behind(behaviour: Behaviour) -> None:
    """The server's clock is two minutes behind."""
    behaviour.stamp = lambda at: int(at) - 120
