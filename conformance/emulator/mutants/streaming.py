"""Event streams: what comes, in which order, with what in it, and how it is framed."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from conformance.contract.lifecycle import TERMINAL
from conformance.contract.operation import Operation
from conformance.emulator.behaviour import Behaviour, Events
from conformance.emulator.catalogue import blind
from conformance.emulator.operations import Following
from conformance.emulator.refusal import Refusal
from conformance.emulator.spoiling import around, told
from conformance.emulator.state import Run
from conformance.emulator.validation import Schemas
from conformance.emulator.world import Call, World


def _without(behaviour: Behaviour, *names: str) -> None:
    told(behaviour, lambda world, run, name, data: () if name in names else ((name, data),))


@blind("L-61")
def shows_the_next_status(behaviour: Behaviour) -> None:
    """thread.run.created carries a run that is in progress."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.created":
            data = {**data, "status": "in_progress"}
        return ((name, data),)

    told(behaviour, change)


@blind("L-61")
def completes_in_progress(behaviour: Behaviour) -> None:
    """thread.run.completed carries a run that is still in progress."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.completed":
            data = {**data, "status": "in_progress", "completed_at": None, "usage": None}
        return ((name, data),)

    told(behaviour, change)


@blind("L-61")
def tells_incomplete_as_failed(behaviour: Behaviour) -> None:
    """An incomplete run is told as thread.run.failed."""
    told(
        behaviour,
        lambda world, run, name, data: ((name.replace("thread.run.incomplete", "thread.run.failed"), data),),
    )


@blind("L-62")
def never_says_done(behaviour: Behaviour) -> None:
    """A stream ends without done."""
    behaviour.ending = lambda world, run: ()


@blind("L-62")
def says_done_in_json(behaviour: Behaviour) -> None:
    """The data of done is an empty object."""
    behaviour.ending = lambda world, run: (("done", {}),)


@blind("L-62")
def names_done_message(behaviour: Behaviour) -> None:
    """[DONE] comes as the data of an event called message."""
    behaviour.ending = lambda world, run: (("message", "[DONE]"),)


@blind("L-62")
def breaks_off_while_waiting(behaviour: Behaviour) -> None:
    """A stream that stops because outputs are required ends without done."""
    inner = behaviour.ending
    behaviour.ending = lambda world, run: () if run.status == "requires_action" else inner(world, run)


@blind("L-63", level="should")
def skips_queued(behaviour: Behaviour) -> None:
    """A stream has no thread.run.queued."""
    _without(behaviour, "thread.run.queued")


@blind("L-63", level="should")
def skips_created(behaviour: Behaviour) -> None:
    """A stream has no thread.run.created."""
    _without(behaviour, "thread.run.created")


@blind("L-63", level="should")
def skips_the_end(behaviour: Behaviour) -> None:
    """A stream goes from the last step to done, without the end of the run."""
    _without(behaviour, *[f"thread.run.{status}" for status in TERMINAL])


@blind("L-63", level="should")
def skips_steps(behaviour: Behaviour) -> None:
    """A stream has no events of steps."""
    told(behaviour, lambda world, run, name, data: () if name.startswith("thread.run.step.") else ((name, data),))


@blind("L-63", level="should")
def starts_before_it_is_created(behaviour: Behaviour) -> None:
    """thread.run.in_progress comes before thread.run.created."""
    held: dict[str, list[tuple[str, Any]]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name in ("thread.run.created", "thread.run.queued") and run.round == 0:
            held.setdefault(run.id, []).append((name, data))
            return ()
        return ((name, data), *held.pop(run.id, ()))

    told(behaviour, change)


@blind("L-63", level="should")
def ends_twice(behaviour: Behaviour) -> None:
    """The end of a run is told twice."""
    ends = {f"thread.run.{status}" for status in TERMINAL}
    told(behaviour, lambda world, run, name, data: ((name, data),) * (2 if name in ends else 1))


@blind("L-63", level="should")
def goes_on_after_the_end(behaviour: Behaviour) -> None:
    """A run is told to be in progress after it was told to be completed."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name != "thread.run.completed":
            return ((name, data),)
        return (name, data), ("thread.run.in_progress", {**data, "status": "in_progress"})

    told(behaviour, change)


@blind("L-63", level="should")
def skips_the_new_thread(behaviour: Behaviour) -> None:
    """The stream that creates a thread has no thread.created."""
    behaviour.opening = lambda world, run, opening: ()


@blind("L-64", level="should")
def answers_streams_in_json(behaviour: Behaviour) -> None:
    """A run that is to be streamed is answered as JSON."""

    async def answer(inner: Any, call: Call) -> Any:
        made = await inner(call)
        return call.world.behaviour.run_object(call.world, made.run, "json") if isinstance(made, Following) else made

    around(behaviour, answer, "create_run", "create_thread_and_run", "submit_tool_outputs")


@blind("L-64", level="should")
def streams_as_plain_json(behaviour: Behaviour) -> None:
    """A stream's content type is application/json."""
    behaviour.stream_type = "application/json"


@blind("L-64", level="should")
def streams_without_names(behaviour: Behaviour) -> None:
    """Events have no name, only data."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: inner(name, data).partition(b"\n")[2]


@blind("L-64", level="should")
def breaks_data_into_lines(behaviour: Behaviour) -> None:
    """The data of an event is written over several lines of which only the first is marked as data."""
    behaviour.frame = lambda name, data: (
        f"event: {name}\ndata: {data if isinstance(data, str) else json.dumps(data, indent=1)}\n\n".encode()
    )


@blind("L-64", level="should")
def writes_python_data(behaviour: Behaviour) -> None:
    """The data of an event is what Python prints, not JSON."""
    behaviour.frame = lambda name, data: f"event: {name}\ndata: {data}\n\n".encode()


@blind("L-65")
def says_more_after_the_end(behaviour: Behaviour) -> None:
    """A message's last delta comes after the message was completed."""
    held: dict[str, tuple[str, Any]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            before = held.get(data["id"])
            held[data["id"]] = (name, data)
            return (before,) if before else ()
        if name == "thread.message.completed" and data["id"] in held:
            return (name, data), held.pop(data["id"])
        return ((name, data),)

    told(behaviour, change)


@blind("L-65")
def speaks_before_the_message(behaviour: Behaviour) -> None:
    """A message is told to be created only when it is completed."""
    held: dict[str, list[tuple[str, Any]]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name in ("thread.message.created", "thread.message.in_progress"):
            held.setdefault(run.id, []).append((name, data))
            return ()
        if name == "thread.message.completed":
            return (*held.pop(run.id, ()), (name, data))
        return ((name, data),)

    told(behaviour, change)


@blind("L-65")
def adds_to_another_message(behaviour: Behaviour) -> None:
    """Deltas name a message that was never created."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = {**data, "id": "msg_" + "0" * 24}
        return ((name, data),)

    told(behaviour, change)


def _delta_texts(behaviour: Behaviour, change: Any) -> None:
    """Have `change` replace the text of each delta: it gets what was said so far, and what is new."""

    def spoil(world: World, run: Run, name: str, data: Any) -> Events:
        if name != "thread.message.delta":
            return ((name, data),)
        said = run.notes.setdefault("said", {})
        data = copy.deepcopy(data)
        text = data["delta"]["content"][0]["text"]
        before, said[data["id"]] = said.get(data["id"], ""), said.get(data["id"], "") + text["value"]
        text["value"] = change(before, text["value"])
        return ((name, data),)

    told(behaviour, spoil)


@blind("L-66")
def repeats_what_was_said(behaviour: Behaviour) -> None:
    """Each delta holds the whole text so far."""
    _delta_texts(behaviour, lambda before, new: before + new)


@blind("L-66")
def trims_deltas(behaviour: Behaviour) -> None:
    """Deltas have no spaces at their ends."""
    _delta_texts(behaviour, lambda before, new: new.strip())


@blind("L-66")
def swallows_the_first_delta(behaviour: Behaviour) -> None:
    """The first delta is empty."""
    _delta_texts(behaviour, lambda before, new: new if before else "")


@blind("L-66")
def drops_a_delta(behaviour: Behaviour) -> None:
    """A message's second delta is not told."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name != "thread.message.delta":
            return ((name, data),)
        run.notes["deltas"] = run.notes.get("deltas", 0) + 1
        return () if run.notes["deltas"] == 2 else ((name, data),)

    told(behaviour, change)


@blind("L-66")
def turns_deltas_around(behaviour: Behaviour) -> None:
    """Every two deltas change places."""
    held: dict[str, tuple[str, Any]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            if run.id in held:
                return (name, data), held.pop(run.id)
            held[run.id] = (name, data)
            return ()
        return (*([held.pop(run.id)] if run.id in held else []), (name, data))

    told(behaviour, change)


@blind("L-66")
def cuts_arguments(behaviour: Behaviour) -> None:
    """The last delta of a function's arguments is not told."""
    held: dict[str, tuple[str, Any]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.step.delta":
            before = held.pop(run.id, None)
            held[run.id] = (name, data)
            return (before,) if before else ()
        before = held.pop(run.id, None)
        return (before, (name, data)) if before and name != "thread.run.requires_action" else ((name, data),)

    told(behaviour, change)


@blind("L-67", level="should")
def completes_steps_before_messages(behaviour: Behaviour) -> None:
    """A message's step is told to be completed before the message."""
    held: dict[str, tuple[str, Any]] = {}

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.completed":
            held[run.id] = (name, data)
            return ()
        return ((name, data), held.pop(run.id)) if run.id in held else ((name, data),)

    told(behaviour, change)


@blind("L-63", level="should")
def never_completes_messages(behaviour: Behaviour) -> None:
    """A stream has no thread.message.completed."""
    _without(behaviour, "thread.message.completed")


@blind("L-68", level="should")
def does_not_tell_what_is_required(behaviour: Behaviour) -> None:
    """A stream stops without thread.run.requires_action."""
    _without(behaviour, "thread.run.requires_action")


@blind("L-69", level="should")
def forgets_the_step_after_outputs(behaviour: Behaviour) -> None:
    """The stream after outputs does not tell that the step is completed."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return () if name == "thread.run.step.completed" and run.status == "requires_action" else ((name, data),)

    told(behaviour, change)


@blind("L-69", level="should")
def begins_anew_after_outputs(behaviour: Behaviour) -> None:
    """The stream after outputs begins with all that was told before."""

    async def submit(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        return replace(answer, start=0) if isinstance(answer, Following) else answer

    around(behaviour, submit, "submit_tool_outputs")


@blind("L-70")
def creates_threads_again(behaviour: Behaviour) -> None:
    """Every stream begins with thread.created."""

    async def run(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        if not isinstance(answer, Following):
            return answer
        thread = call.world.behaviour.thread_object(call.world, answer.thread, "stream")
        return replace(answer, opening=(("thread.created", thread),))

    around(behaviour, run, "create_run")


@blind("L-73")
def always_streams(behaviour: Behaviour) -> None:
    """A run is streamed whether it was asked for or not."""

    async def run(inner: Any, call: Call) -> Any:
        call.body["stream"] = True
        return await inner(call)

    around(behaviour, run, "create_run", "create_thread_and_run")


@blind("L-73")
def streams_when_stream_is_false(behaviour: Behaviour) -> None:
    """A run is streamed whenever stream is given, even as false."""

    async def run(inner: Any, call: Call) -> Any:
        call.body["stream"] = "stream" in call.body
        return await inner(call)

    around(behaviour, run, "create_run", "create_thread_and_run", "submit_tool_outputs")


@blind("L-74", level="should")
def stores_trimmed_answers(behaviour: Behaviour) -> None:
    """A stored answer lacks the full stop that was streamed."""
    inner = behaviour.message_object

    def show(world: World, message: Any, channel: str) -> Any:
        members = inner(world, message, channel)
        if channel == "json" and message.run_id:
            members["content"] = [
                {**part, "text": {**part["text"], "value": part["text"]["value"].rstrip(".")}}
                if "text" in part
                else part
                for part in members["content"]
            ]
        return members

    behaviour.message_object = show


@blind("L-74", level="should")
def streams_other_usage(behaviour: Behaviour) -> None:
    """The usage of a streamed run differs from that of the stored one."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name.startswith("thread.run.") and data.get("usage") and data["object"] == "thread.run":
            spent = data["usage"]
            more = {"prompt_tokens": spent["prompt_tokens"] + 1, "total_tokens": spent["total_tokens"] + 1}
            data = {**data, "usage": {**spent, **more}}
        return ((name, data),)

    told(behaviour, change)


@blind("L-74", level="should")
def streams_other_steps(behaviour: Behaviour) -> None:
    """The steps of a stream have other ids than the stored ones."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name.startswith("thread.run.step."):
            data = {**data, "id": data["id"].replace("step_", "step_x")}
        return ((name, data),)

    told(behaviour, change)


@blind("L-85")
def streams_its_refusals(behaviour: Behaviour) -> None:
    """A request for a stream that is refused is answered 200 with an error member missing its type."""
    refused: list[bool] = []
    check, status, envelope = behaviour.check_body, behaviour.refusal_status, behaviour.envelope

    def examine(schemas: Schemas, operation: Operation, body: Any) -> None:
        refused.clear()
        try:
            check(schemas, operation, body)
        except Refusal:
            refused.extend([True] * (isinstance(body, dict) and body.get("stream") is True))
            raise

    behaviour.check_body = examine
    behaviour.refusal_status = lambda operation, refusal: 200 if refused else status(operation, refusal)
    behaviour.envelope = lambda refusal: {"error": refusal.message} if refused else envelope(refusal)


@blind("message_delta.object.const")
def calls_a_delta_message(behaviour: Behaviour) -> None:
    """The object of a message's delta is "thread.message"."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return ((name, {**data, "object": "thread.message"} if name == "thread.message.delta" else data),)

    told(behaviour, change)


@blind("message_delta.delta.content[].index.required")
def counts_no_parts(behaviour: Behaviour) -> None:
    """The parts of a message's delta have no index."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = copy.deepcopy(data)
            for part in data["delta"]["content"]:
                del part["index"]
        return ((name, data),)

    told(behaviour, change)


@blind("message_delta.delta.content[].text.type")
def flattens_deltas(behaviour: Behaviour) -> None:
    """The text of a delta is a text instead of an object."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = copy.deepcopy(data)
            for part in data["delta"]["content"]:
                part["text"] = part["text"]["value"]
        return ((name, data),)

    told(behaviour, change)


@blind("run_step_delta.delta.step_details.tool_calls[].index.required")
def counts_no_calls(behaviour: Behaviour) -> None:
    """The calls of a step's delta have no index."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.step.delta":
            data = copy.deepcopy(data)
            for call in data["delta"]["step_details"]["tool_calls"]:
                del call["index"]
        return ((name, data),)

    told(behaviour, change)


@blind("message.status.required")
def streams_messages_without_status(behaviour: Behaviour) -> None:
    """The messages of a stream have no status, as those of a JSON answer."""
    inner = behaviour.message_object
    behaviour.message_object = lambda world, message, channel: inner(world, message, "json")


@blind("L-66")
def says_something_else(behaviour: Behaviour) -> None:
    """The final text of a message is not what the deltas said."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.completed":
            data = copy.deepcopy(data)
            for part in data["content"]:
                part["text"]["value"] = part["text"]["value"].upper() + "!"
        return ((name, data),)

    told(behaviour, change)
