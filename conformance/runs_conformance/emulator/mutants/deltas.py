"""Mutants of deltas: they do not add up to the final object."""

from __future__ import annotations

import copy
import re
from itertools import pairwise
from typing import Any

from runs_conformance.emulator.context import Events, Hooks, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_events, visit_objects
from runs_conformance.emulator.state import Run

_WHITESPACE = re.compile(r"\s+")
_BYTES_IN_PIECE = 5
_UTF_16_UNITS_IN_PIECE = 8


@written_from_spec("deltas-between-creation-and-end")
def sends_a_delta_after_the_end(hooks: Hooks) -> None:
    """The last delta of a message is sent after thread.message.completed."""
    delayed: dict[str, tuple[str, Any]] = {}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            previous = delayed.get(data["id"])
            delayed[data["id"]] = (name, data)
            return (previous,) if previous else ()
        if name == "thread.message.completed" and data["id"] in delayed:
            return (name, data), delayed.pop(data["id"])
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("deltas-between-creation-and-end")
def sends_message_created_last(hooks: Hooks) -> None:
    """thread.message.created is sent only when the message is completed."""
    delayed: dict[str, list[tuple[str, Any]]] = {}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name in ("thread.message.created", "thread.message.in_progress"):
            delayed.setdefault(run.id, []).append((name, data))
            return ()
        if name == "thread.message.completed":
            return (*delayed.pop(run.id, ()), (name, data))
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("deltas-between-creation-and-end")
def adds_to_another_message(hooks: Hooks) -> None:
    """Deltas name a message that was never created."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = {**data, "id": "msg_" + "0" * 24}
        return ((name, data),)

    patch_events(hooks, change)


def _delta_texts(hooks: Hooks, change: Any) -> None:
    """Have `change` return the text of each delta; its arguments are the previous text and the new piece."""

    def replace_text(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name != "thread.message.delta":
            return ((name, data),)
        texts = run.notes.setdefault("texts", {})
        data = copy.deepcopy(data)
        text = data["delta"]["content"][0]["text"]
        previous, texts[data["id"]] = texts.get(data["id"], ""), texts.get(data["id"], "") + text["value"]
        text["value"] = change(previous, text["value"])
        return ((name, data),)

    patch_events(hooks, replace_text)


@written_from_spec("deltas-add-up")
def sends_cumulative_deltas(hooks: Hooks) -> None:
    """Each delta contains the whole text so far."""
    _delta_texts(hooks, lambda previous, new: previous + new)


@written_from_spec("deltas-add-up")
def trims_deltas(hooks: Hooks) -> None:
    """The text of deltas is stripped of whitespace."""
    _delta_texts(hooks, lambda previous, new: new.strip())


@mutant("deltas-add-up")
def joins_words_by_spaces(hooks: Hooks) -> None:
    """Deltas have one space in place of a line break or of several spaces."""
    _delta_texts(hooks, lambda previous, new: _WHITESPACE.sub(" ", new))


@mutant("deltas-add-up")
def cuts_deltas_by_bytes(hooks: Hooks) -> None:
    """The text of deltas is cut after every fifth byte, even within a character."""
    _cut_deltas(hooks, "utf-8", _BYTES_IN_PIECE)


@mutant("deltas-add-up")
def cuts_deltas_by_utf_16_units(hooks: Hooks) -> None:
    """The text of deltas is cut after every eighth UTF-16 unit, even between two surrogates."""
    _cut_deltas(hooks, "utf-16-le", 2 * _UTF_16_UNITS_IN_PIECE)


def _cut_deltas(hooks: Hooks, encoding: str, size: int) -> None:
    """Cut the text of deltas after every `size` bytes of the encoding; half a character becomes U+FFFD."""

    def cut(previous: str, new: str) -> str:
        start, text = len(previous.encode(encoding)), (previous + new).encode(encoding)
        ends = [*(end for end in range(start + 1, len(text)) if end % size == 0), len(text)]
        pieces = (text[begin:end] for begin, end in pairwise((start, *ends)))
        return "".join(piece.decode(encoding, errors="replace") for piece in pieces)

    _delta_texts(hooks, cut)


@written_from_spec("deltas-add-up")
def empties_the_first_delta(hooks: Hooks) -> None:
    """The first delta is empty."""
    _delta_texts(hooks, lambda previous, new: new if previous else "")


@written_from_spec("deltas-add-up")
def drops_a_delta(hooks: Hooks) -> None:
    """The second delta of a message is missing."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name != "thread.message.delta":
            return ((name, data),)
        run.notes["deltas"] = run.notes.get("deltas", 0) + 1
        return () if run.notes["deltas"] == 2 else ((name, data),)

    patch_events(hooks, change)


@written_from_spec("deltas-add-up")
def swaps_deltas(hooks: Hooks) -> None:
    """Every two deltas are swapped."""
    delayed: dict[str, tuple[str, Any]] = {}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            if run.id in delayed:
                return (name, data), delayed.pop(run.id)
            delayed[run.id] = (name, data)
            return ()
        return (*([delayed.pop(run.id)] if run.id in delayed else []), (name, data))

    patch_events(hooks, change)


@written_from_spec("deltas-add-up")
def cuts_arguments(hooks: Hooks) -> None:
    """The last delta of a function's arguments is missing."""
    delayed: dict[str, tuple[str, Any]] = {}

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.step.delta":
            previous = delayed.pop(run.id, None)
            delayed[run.id] = (name, data)
            return (previous,) if previous else ()
        previous = delayed.pop(run.id, None)
        return (previous, (name, data)) if previous and name != "thread.run.requires_action" else ((name, data),)

    patch_events(hooks, change)


@written_from_spec("stored-object-matches-stream", level="should")
def stores_trimmed_answers(hooks: Hooks) -> None:
    """The stored answer lacks the final full stop of the streamed one."""
    inner = hooks.message_object

    def show(server: ServerState, message: Any, channel: str) -> Any:
        members = inner(server, message, channel)
        if channel == "json" and message.run_id:
            members["content"] = [
                {**part, "text": {**part["text"], "value": part["text"]["value"].rstrip(".")}}
                if "text" in part
                else part
                for part in members["content"]
            ]
        return members

    hooks.message_object = show


@written_from_spec("message_delta.object.const")
def calls_a_delta_message(hooks: Hooks) -> None:
    """The object of a message delta is "thread.message"."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return ((name, {**data, "object": "thread.message"} if name == "thread.message.delta" else data),)

    patch_events(hooks, change)


@written_from_spec("message_delta.delta.content[].index.required")
def counts_no_parts(hooks: Hooks) -> None:
    """The parts of a message delta have no index."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = copy.deepcopy(data)
            for part in data["delta"]["content"]:
                del part["index"]
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("message_delta.delta.content[].text.type")
def flattens_deltas(hooks: Hooks) -> None:
    """The text of a delta is a string instead of an object."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.delta":
            data = copy.deepcopy(data)
            for part in data["delta"]["content"]:
                part["text"] = part["text"]["value"]
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("run_step_delta.delta.step_details.tool_calls[].index.required")
def counts_no_calls(hooks: Hooks) -> None:
    """The tool calls of a step delta have no index."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.step.delta":
            data = copy.deepcopy(data)
            for call in data["delta"]["step_details"]["tool_calls"]:
                del call["index"]
        return ((name, data),)

    patch_events(hooks, change)


@written_from_spec("deltas-add-up")
def stores_another_text_than_streamed(hooks: Hooks) -> None:
    """The final text of a message differs from its deltas."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.message.completed":
            data = copy.deepcopy(data)
            for part in data["content"]:
                part["text"]["value"] = part["text"]["value"].upper() + "!"
        return ((name, data),)

    patch_events(hooks, change)


@mutant("deltas-between-creation-and-end")
def tells_what_code_printed_too_late(hooks: Hooks) -> None:
    """The output of executed code is sent after its step has ended."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        calls = data["delta"]["step_details"]["tool_calls"] if name == "thread.run.step.delta" else ()
        if any("input" not in call.get("code_interpreter", {"input": ""}) for call in calls):
            run.notes["printed"] = data
            return ()
        late = run.notes.pop("printed", None) if name == "thread.run.step.completed" else None
        return ((name, data), *((("thread.run.step.delta", late),) if late else ()))

    patch_events(hooks, change)


@mutant("deltas-add-up", level="should")
def streams_calls_under_other_ids(hooks: Hooks) -> None:
    """The tool calls in step deltas have other ids than those in required_action."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        if name == "thread.run.step.delta":
            data = copy.deepcopy(data)
            visit_objects(data["delta"], lambda call: call.update(id=call["id"][::-1]) if "id" in call else None)
        return ((name, data),)

    patch_events(hooks, change)


@mutant("deltas-add-up", level="should")
def streams_no_function_calls(hooks: Hooks) -> None:
    """Function calls have no deltas; they first appear in required_action."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        calls = data["delta"]["step_details"]["tool_calls"] if name == "thread.run.step.delta" else ()
        return () if any(call["type"] == "function" for call in calls) else ((name, data),)

    patch_events(hooks, change)


@mutant("cancellation-closes-steps-and-messages", level="should")
def takes_back_what_it_cuts(hooks: Hooks) -> None:
    """An incomplete message ends without the text that was streamed."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return ((name, {**data, "content": []} if name == "thread.message.incomplete" else data),)

    patch_events(hooks, change)
