"""Mutants of types: values of the wrong type are accepted, or a permitted null is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from runs_conformance.emulator.api_errors import bad_request
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import (
    patch_request_body,
    patch_request_member,
    set_keyword,
    wrap_handlers,
)


def _to_int(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value


@written_from_spec("create_run.max_prompt_tokens.type")
def reads_integers_from_strings(hooks: Hooks) -> None:
    """Accepts "256" as 256."""
    patch_request_member(hooks, "max_prompt_tokens", _to_int, "create_run")


@written_from_spec("create_run.max_completion_tokens.type")
def cuts_off_fractions(hooks: Hooks) -> None:
    """Accepts 256.5 as 256."""
    truncate: Callable[[Any], Any] = lambda value: int(value) if isinstance(value, float) else value  # noqa: E731
    patch_request_member(hooks, "max_completion_tokens", truncate, "create_run")


@written_from_spec("create_run.temperature.type")
def reads_numbers_from_strings(hooks: Hooks) -> None:
    """Accepts "1" as 1."""

    def read(value: Any) -> Any:
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value

    patch_request_member(hooks, "temperature", read, "create_run")


@written_from_spec("create_run.truncation_strategy.last_messages.type")
def reads_true_as_one(hooks: Hooks) -> None:
    """Accepts true as 1."""

    def read(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("last_messages"), bool):
            return {**value, "last_messages": int(value["last_messages"])}
        return value

    patch_request_member(hooks, "truncation_strategy", read, "create_run")


@written_from_spec("create_run.parallel_tool_calls.type")
def reads_booleans_loosely(hooks: Hooks) -> None:
    """Accepts "yes", 0 and similar values as booleans."""
    patch_request_member(
        hooks, "parallel_tool_calls", lambda value: value if value is None else bool(value), "create_run"
    )


@written_from_spec("create_run.stream.type")
def reads_stream_from_strings(hooks: Hooks) -> None:
    """Accepts "true" as true for stream."""
    patch_request_member(
        hooks, "stream", lambda value: value == "true" if isinstance(value, str) else value, "create_run"
    )


@written_from_spec("create_run.metadata{}.type")
def turns_metadata_into_text(hooks: Hooks) -> None:
    """Accepts numbers and booleans in metadata, and stores them as strings."""

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: str(item) if isinstance(item, (int, float)) else item for name, item in value.items()}

    patch_request_member(hooks, "metadata", read, "create_run")


@written_from_spec("modify_run.metadata{}.type")
def stores_metadata_of_any_type(hooks: Hooks) -> None:
    """Accepts and stores metadata values of any type."""
    set_keyword(hooks, "modify_run.metadata{}.type", ["string", "number", "boolean", "object", "array", "null"])


@written_from_spec("create_run.tools.type")
def takes_one_tool_for_a_list(hooks: Hooks) -> None:
    """Accepts a single tool instead of a list."""
    patch_request_member(hooks, "tools", lambda value: [value] if isinstance(value, dict) else value, "create_run")


@written_from_spec("create_message.content.type")
def turns_content_into_text(hooks: Hooks) -> None:
    """Accepts a number, null or an object as content, and stores it as text."""
    patch_request_member(
        hooks,
        "content",
        lambda value: value if isinstance(value, (str, list)) else json.dumps(value),
        "create_message",
    )


@written_from_spec("submit_tool_outputs.tool_outputs[].output.type")
def turns_outputs_into_text(hooks: Hooks) -> None:
    """Accepts outputs that are not strings, and stores their JSON."""

    def read(value: Any) -> Any:
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and "output" in item and not isinstance(item["output"], str):
                item["output"] = json.dumps(item["output"])
        return value

    patch_request_member(hooks, "tool_outputs", read, "submit_tool_outputs")


@written_from_spec("create_run.assistant_id.type")
def takes_null_for_the_assistant(hooks: Hooks) -> None:
    """Accepts null and numbers as assistant_id, and uses the newest assistant."""
    set_keyword(hooks, "create_run.assistant_id.type", ["string", "null", "integer"])

    async def run(inner: Any, request: RequestContext) -> Any:
        if not isinstance(request.body.get("assistant_id"), str):
            request.body["assistant_id"] = next(reversed(request.store.assistants), "asst_none")
        return await inner(request)

    wrap_handlers(hooks, run, "create_run")


@mutant("create_message.content[].image_url.type")
def wants_image_urls_as_text(hooks: Hooks) -> None:
    """The image_url of a part of a message is a string, not an object."""

    def change(body: Any) -> None:
        for part in body["content"] if isinstance(body.get("content"), list) else ():
            if isinstance(part, dict) and isinstance(part.get("image_url"), dict):
                raise bad_request("Invalid type for 'content[0].image_url': expected a string, but got an object.")
            if isinstance(part, dict) and isinstance(part.get("image_url"), str):
                part["image_url"] = {"url": part["image_url"]}

    patch_request_body(hooks, change, "create_message")


@mutant("create_run.tool_choice.type.enum")
def takes_no_function_by_name(hooks: Hooks) -> None:
    """A tool choice that names a function is refused."""

    def change(choice: Any) -> Any:
        if isinstance(choice, dict) and choice.get("type") == "function":
            raise bad_request("Invalid value for 'tool_choice': expected a string.", "tool_choice")
        return choice

    patch_request_member(hooks, "tool_choice", change, "create_run")


@mutant("create_message.attachments[].tools[].type.enum")
def attaches_files_to_functions(hooks: Hooks) -> None:
    """The tools of an attachment may be functions, which must be complete as everywhere else."""

    def read(attachments: Any) -> Any:
        for attachment in attachments if isinstance(attachments, list) else ():
            for tool in attachment.get("tools") or () if isinstance(attachment, dict) else ():
                if isinstance(tool, dict) and tool.get("type") == "function":
                    if not isinstance(tool.get("function"), dict):
                        missing = "attachments[0].tools[0].function"
                        raise bad_request(f"Missing required parameter: '{missing}'.", missing)
                    tool["type"] = "code_interpreter"
        return attachments

    patch_request_member(hooks, "attachments", read, "create_message")


@mutant("modify_assistant.response_format.json_schema.schema.type")
def takes_null_for_schemas(hooks: Hooks) -> None:
    """The schema of a response format may be null, which counts as none, in every operation."""

    def read(value: Any) -> Any:
        named = value.get("json_schema") if isinstance(value, dict) else None
        if isinstance(named, dict) and named.get("schema", {}) is None:
            del named["schema"]
        return value

    patch_request_member(hooks, "response_format", read)


@mutant("create_thread_and_run.tools[].function.parameters.type")
def takes_null_for_parameters(hooks: Hooks) -> None:
    """The parameters of a function may be null, which counts as none, in every operation."""

    def read(tools: Any) -> Any:
        for tool in tools if isinstance(tools, list) else ():
            function = tool.get("function") if isinstance(tool, dict) else None
            if isinstance(function, dict) and function.get("parameters", {}) is None:
                del function["parameters"]
        return tools

    patch_request_member(hooks, "tools", read)
