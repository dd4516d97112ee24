"""Deltas that do not add up to what is told in the end."""

from __future__ import annotations

import copy
from typing import Any

from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour, Events
from runs_conformance.emulator.patching import each, told
from runs_conformance.emulator.state import Run


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


@mutant("L-65")
def tells_what_code_printed_too_late(behaviour: Behaviour) -> None:
    """What the code of a step printed is told after the step has ended."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        calls = data["delta"]["step_details"]["tool_calls"] if name == "thread.run.step.delta" else ()
        if any("input" not in call.get("code_interpreter", {"input": ""}) for call in calls):
            run.notes["printed"] = data
            return ()
        late = run.notes.pop("printed", None) if name == "thread.run.step.completed" else None
        return ((name, data), *((("thread.run.step.delta", late),) if late else ()))

    told(behaviour, change)


@mutant("L-66", level="should")
def streams_calls_under_other_ids(behaviour: Behaviour) -> None:
    """The deltas of a step name its calls by other ids than the run that waits for them."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.step.delta":
            data = copy.deepcopy(data)
            each(data["delta"], lambda call: call.update(id=call["id"][::-1]) if "id" in call else None)
        return ((name, data),)

    told(behaviour, change)


@mutant("L-66", level="should")
def streams_no_function_calls(behaviour: Behaviour) -> None:
    """No delta tells of a function call; the run that waits for it is the first to show it."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        calls = data["delta"]["step_details"]["tool_calls"] if name == "thread.run.step.delta" else ()
        return () if any(call["type"] == "function" for call in calls) else ((name, data),)

    told(behaviour, change)


@mutant("L-35", level="should")
def takes_back_what_it_cuts(behaviour: Behaviour) -> None:
    """A message that is cut short ends without the text that was streamed of it."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return ((name, {**data, "content": []} if name == "thread.message.incomplete" else data),)

    told(behaviour, change)
