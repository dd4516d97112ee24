"""Messages, steps, threads and assistants that are shown with members missing, mistyped or misnamed."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.objects import CONTENT_OF_RESULTS
from runs_conformance.emulator.patching import answered, each, shown, without
from runs_conformance.emulator.state import Members, Message, Step


@blind("message.object.const")
def calls_a_message_message(behaviour: Behaviour) -> None:
    """A message's object is "message"."""
    shown(behaviour, "message", lambda message, *_: message.update(object="message"))


@blind("run_step.object.const")
def calls_a_step_step(behaviour: Behaviour) -> None:
    """A step's object is "run.step"."""
    shown(behaviour, "step", lambda step, *_: step.update(object="run.step"))


@blind("thread.object.const")
def calls_a_thread_threads(behaviour: Behaviour) -> None:
    """A thread's object is "threads"."""
    shown(behaviour, "thread", lambda thread, *_: thread.update(object="threads"))


@blind("message_deleted.object.const")
def calls_a_deleted_message_message(behaviour: Behaviour) -> None:
    """The deletion of a message is answered with object "thread.message"."""
    answered(behaviour, lambda _, answer: {**answer, "object": "thread.message"}, "delete_message")


@blind("thread_deleted.deleted.type")
def says_deleted_in_words(behaviour: Behaviour) -> None:
    """The deletion of a thread is answered with deleted "true"."""
    answered(behaviour, lambda _, answer: {**answer, "deleted": "true"}, "delete_thread")


@blind("message.content.type")
def shows_content_as_text(behaviour: Behaviour) -> None:
    """A message's content is a text."""

    def change(members: Members, message: Message, channel: str) -> None:
        if channel == "json":
            members["content"] = message.text

    shown(behaviour, "message", change)


@blind("message.content[].text.type")
def flattens_text_parts(behaviour: Behaviour) -> None:
    """The text of a text part is a text instead of an object."""

    def change(members: Members, *_: Any) -> None:
        members["content"] = [
            {**part, "text": part["text"]["value"]} if "text" in part else part for part in members["content"]
        ]

    shown(behaviour, "message", change)


@blind("message.content[].text.annotations.required")
def leaves_annotations_out(behaviour: Behaviour) -> None:
    """Text parts have no annotations."""

    def change(members: Members, *_: Any) -> None:
        for part in members["content"]:
            part.get("text", {}).pop("annotations", None)

    shown(behaviour, "message", change)


@blind("message.attachments.required")
def leaves_attachments_out(behaviour: Behaviour) -> None:
    """Messages have no attachments member."""
    without(behaviour, "message", "attachments")


@blind("message.role.enum")
def calls_the_assistant_a_bot(behaviour: Behaviour) -> None:
    """The role of an assistant's message is "bot"."""

    def change(members: Members, *_: Any) -> None:
        if members["role"] == "assistant":
            members["role"] = "bot"

    shown(behaviour, "message", change)


@blind("message.run_id.required")
def leaves_run_id_out(behaviour: Behaviour) -> None:
    """A message that belongs to no run has no run_id member."""
    shown(behaviour, "message", lambda message, *_: message.pop("run_id") if message["run_id"] is None else None)


@blind("message.created_at.required")
def leaves_creation_out(behaviour: Behaviour) -> None:
    """A created message is answered without created_at."""
    answered(
        behaviour,
        lambda _, answer: {name: value for name, value in answer.items() if name != "created_at"},
        "create_message",
    )


@blind("run_step.step_details.tool_calls[].function.output.required")
def leaves_outputs_out(behaviour: Behaviour) -> None:
    """A function call in a step has no output member until there is one."""

    def change(call: dict[str, Any]) -> None:
        if "arguments" in call and call.get("output", "") is None:
            del call["output"]

    shown(behaviour, "step", lambda step, *_: each(step["step_details"], change))


@blind("run_step.step_details.tool_calls[].code_interpreter.outputs.required")
def leaves_code_outputs_out(behaviour: Behaviour) -> None:
    """A code interpreter's call shows no outputs."""

    def change(call: dict[str, Any]) -> None:
        if "input" in call:
            call.pop("outputs", None)

    shown(behaviour, "step", lambda step, *_: each(step["step_details"], change))


@blind("run_step.step_details.type.required")
def leaves_the_type_of_details_out(behaviour: Behaviour) -> None:
    """A step's details have no type."""
    shown(behaviour, "step", lambda step, *_: step["step_details"].pop("type"))


@blind("run_step.run_id.required")
def leaves_the_run_of_a_step_out(behaviour: Behaviour) -> None:
    """A step does not name its run."""
    without(behaviour, "step", "run_id")


@blind("run_step.type.enum")
def calls_a_tool_step_tool_call(behaviour: Behaviour) -> None:
    """A step of tool calls has the type "tool_call"."""

    def change(members: Members, step: Step, _: str) -> None:
        if step.message is None:
            members["type"] = "tool_call"

    shown(behaviour, "step", change)


@blind("assistant.tools.required")
def leaves_an_assistants_tools_out(behaviour: Behaviour) -> None:
    """An assistant without tools has no tools member."""
    shown(behaviour, "assistant", lambda assistant, *_: assistant.pop("tools") if not assistant["tools"] else None)


@blind("thread.metadata.required")
def leaves_a_threads_metadata_out(behaviour: Behaviour) -> None:
    """A thread has no metadata member."""
    without(behaviour, "thread", "metadata")


@blind("thread.tool_resources.required")
def leaves_a_threads_resources_out(behaviour: Behaviour) -> None:
    """A thread has no tool_resources member."""
    without(behaviour, "thread", "tool_resources")


@blind("L-89", level="may")
def shows_results_with_content(behaviour: Behaviour) -> None:
    """Search results hold their content whether it was asked for or not."""
    inner = behaviour.step_object

    def show(world: World, step: Step, channel: str, include: frozenset[str]) -> Members:
        return inner(world, step, channel, frozenset({CONTENT_OF_RESULTS}))

    behaviour.step_object = show
