"""Mutants of messages, steps, threads and assistants: members are missing, mistyped or misnamed."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.declaration import written_from_spec
from runs_conformance.emulator.patching import patch_object, patch_response, remove_members, visit_objects
from runs_conformance.emulator.serializers import SEARCH_RESULT_CONTENT
from runs_conformance.emulator.state import Members, Message, RunStep


@written_from_spec("message.object.const")
def calls_a_message_message(hooks: Hooks) -> None:
    """A message's object is "message"."""
    patch_object(hooks, "message", lambda message, *_: message.update(object="message"))


@written_from_spec("run_step.object.const")
def calls_a_step_step(hooks: Hooks) -> None:
    """A step's object is "run.step"."""
    patch_object(hooks, "step", lambda step, *_: step.update(object="run.step"))


@written_from_spec("thread.object.const")
def calls_a_thread_threads(hooks: Hooks) -> None:
    """A thread's object is "threads"."""
    patch_object(hooks, "thread", lambda thread, *_: thread.update(object="threads"))


@written_from_spec("message_deleted.object.const")
def calls_a_deleted_message_message(hooks: Hooks) -> None:
    """The object of a message deletion is "thread.message"."""
    patch_response(hooks, lambda _, response: {**response, "object": "thread.message"}, "delete_message")


@written_from_spec("thread_deleted.deleted.type")
def says_deleted_in_words(hooks: Hooks) -> None:
    """The deleted member of a thread deletion is "true"."""
    patch_response(hooks, lambda _, response: {**response, "deleted": "true"}, "delete_thread")


@written_from_spec("message.content.type")
def shows_content_as_text(hooks: Hooks) -> None:
    """The content of a message is a string."""

    def change(members: Members, message: Message, channel: str) -> None:
        if channel == "json":
            members["content"] = message.text

    patch_object(hooks, "message", change)


@written_from_spec("message.content[].text.type")
def flattens_text_parts(hooks: Hooks) -> None:
    """The text of a text part is a string instead of an object."""

    def change(members: Members, *_: Any) -> None:
        members["content"] = [
            {**part, "text": part["text"]["value"]} if "text" in part else part for part in members["content"]
        ]

    patch_object(hooks, "message", change)


@written_from_spec("message.content[].text.annotations.required")
def leaves_annotations_out(hooks: Hooks) -> None:
    """Text parts have no annotations."""

    def change(members: Members, *_: Any) -> None:
        for part in members["content"]:
            part.get("text", {}).pop("annotations", None)

    patch_object(hooks, "message", change)


@written_from_spec("message.attachments.required")
def leaves_attachments_out(hooks: Hooks) -> None:
    """Messages have no attachments."""
    remove_members(hooks, "message", "attachments")


@written_from_spec("message.role.enum")
def calls_the_assistant_a_bot(hooks: Hooks) -> None:
    """The role of an assistant's message is "bot"."""

    def change(members: Members, *_: Any) -> None:
        if members["role"] == "assistant":
            members["role"] = "bot"

    patch_object(hooks, "message", change)


@written_from_spec("message.run_id.required")
def leaves_run_id_out(hooks: Hooks) -> None:
    """A message that belongs to no run has no run_id member."""
    patch_object(hooks, "message", lambda message, *_: message.pop("run_id") if message["run_id"] is None else None)


@written_from_spec("message.created_at.required")
def leaves_creation_out(hooks: Hooks) -> None:
    """The response to create_message has no created_at."""
    patch_response(
        hooks,
        lambda _, response: {name: value for name, value in response.items() if name != "created_at"},
        "create_message",
    )


@written_from_spec("run_step.step_details.tool_calls[].function.output.required")
def leaves_outputs_out(hooks: Hooks) -> None:
    """A function call in a step has no output member before its output is submitted."""

    def change(call: dict[str, Any]) -> None:
        if "arguments" in call and call.get("output", "") is None:
            del call["output"]

    patch_object(hooks, "step", lambda step, *_: visit_objects(step["step_details"], change))


@written_from_spec("run_step.step_details.tool_calls[].code_interpreter.outputs.required")
def leaves_code_outputs_out(hooks: Hooks) -> None:
    """A code interpreter call has no outputs."""

    def change(call: dict[str, Any]) -> None:
        if "input" in call:
            call.pop("outputs", None)

    patch_object(hooks, "step", lambda step, *_: visit_objects(step["step_details"], change))


@written_from_spec("run_step.step_details.type.required")
def leaves_the_type_of_details_out(hooks: Hooks) -> None:
    """The details of a step have no type."""
    patch_object(hooks, "step", lambda step, *_: step["step_details"].pop("type"))


@written_from_spec("run_step.run_id.required")
def leaves_the_run_of_a_step_out(hooks: Hooks) -> None:
    """A step has no run_id."""
    remove_members(hooks, "step", "run_id")


@written_from_spec("run_step.type.enum")
def calls_a_tool_step_tool_call(hooks: Hooks) -> None:
    """The type of a step of tool calls is "tool_call"."""

    def change(members: Members, step: RunStep, _: str) -> None:
        if step.message is None:
            members["type"] = "tool_call"

    patch_object(hooks, "step", change)


@written_from_spec("assistant.tools.required")
def leaves_an_assistants_tools_out(hooks: Hooks) -> None:
    """An assistant without tools has no tools member."""
    patch_object(hooks, "assistant", lambda assistant, *_: assistant.pop("tools") if not assistant["tools"] else None)


@written_from_spec("thread.metadata.required")
def leaves_a_threads_metadata_out(hooks: Hooks) -> None:
    """A thread has no metadata."""
    remove_members(hooks, "thread", "metadata")


@written_from_spec("thread.tool_resources.required")
def leaves_a_threads_resources_out(hooks: Hooks) -> None:
    """A thread has no tool_resources."""
    remove_members(hooks, "thread", "tool_resources")


@written_from_spec("search-results-only-when-included", level="may")
def shows_results_with_content(hooks: Hooks) -> None:
    """Search results always include their content."""
    inner = hooks.step_object

    def show(server: ServerState, step: RunStep, channel: str, include: frozenset[str]) -> Members:
        return inner(server, step, channel, frozenset({SEARCH_RESULT_CONTENT}))

    hooks.step_object = show
