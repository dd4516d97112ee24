"""Requests of the wrong type or with wrong members, taken as if they were right; and right ones refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from conformance.contract.operation import Operation
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import Mutant, blind, enter
from conformance.emulator.mutants.constraints import refuse_null
from conformance.emulator.refusal import Refusal
from conformance.emulator.spoiling import around, keyword, taken
from conformance.emulator.validation import Schemas
from conformance.emulator.world import Call
from conformance.model.json import ABSENT
from conformance.model.source import Level


def _coerce(behaviour: Behaviour, member: str, change: Callable[[Any], Any], *operations: str) -> None:
    def apply(body: dict[str, Any]) -> None:
        if member in body:
            body[member] = change(body[member])

    taken(behaviour, apply, *operations)


def _to_int(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value


@blind("create_run.max_prompt_tokens.type")
def reads_integers_from_strings(behaviour: Behaviour) -> None:
    """Takes "256" for 256."""
    _coerce(behaviour, "max_prompt_tokens", _to_int, "create_run")


@blind("create_run.max_completion_tokens.type")
def cuts_off_fractions(behaviour: Behaviour) -> None:
    """Takes 256.5 for 256."""
    cut: Callable[[Any], Any] = lambda value: int(value) if isinstance(value, float) else value  # noqa: E731
    _coerce(behaviour, "max_completion_tokens", cut, "create_run")


@blind("create_run.temperature.type")
def reads_numbers_from_strings(behaviour: Behaviour) -> None:
    """Takes "1" for 1."""

    def read(value: Any) -> Any:
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value

    _coerce(behaviour, "temperature", read, "create_run")


@blind("create_run.truncation_strategy.last_messages.type")
def reads_true_as_one(behaviour: Behaviour) -> None:
    """Takes true for 1."""

    def read(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("last_messages"), bool):
            return {**value, "last_messages": int(value["last_messages"])}
        return value

    _coerce(behaviour, "truncation_strategy", read, "create_run")


@blind("create_run.parallel_tool_calls.type")
def reads_booleans_loosely(behaviour: Behaviour) -> None:
    """Takes "yes", 0 and the like for booleans."""
    _coerce(behaviour, "parallel_tool_calls", lambda value: value if value is None else bool(value), "create_run")


@blind("create_run.stream.type")
def reads_stream_from_strings(behaviour: Behaviour) -> None:
    """Takes "true" for true where a stream is asked for."""
    _coerce(behaviour, "stream", lambda value: value == "true" if isinstance(value, str) else value, "create_run")


@blind("create_run.metadata{}.type")
def turns_metadata_into_text(behaviour: Behaviour) -> None:
    """Takes numbers and booleans in metadata, and stores their text."""

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: str(item) if isinstance(item, (int, float)) else item for name, item in value.items()}

    _coerce(behaviour, "metadata", read, "create_run")


@blind("modify_run.metadata{}.type")
def stores_metadata_of_any_type(behaviour: Behaviour) -> None:
    """Takes metadata values of any type and stores them as they are."""
    keyword(behaviour, "modify_run.metadata{}.type", ["string", "number", "boolean", "object", "array", "null"])


@blind("create_run.tools.type")
def takes_one_tool_for_a_list(behaviour: Behaviour) -> None:
    """Takes a single tool where a list of tools is expected."""
    _coerce(behaviour, "tools", lambda value: [value] if isinstance(value, dict) else value, "create_run")


@blind("create_message.content.type")
def turns_content_into_text(behaviour: Behaviour) -> None:
    """Takes a number, null or an object as content, and stores its text."""
    _coerce(
        behaviour,
        "content",
        lambda value: value if isinstance(value, (str, list)) else json.dumps(value),
        "create_message",
    )


@blind("submit_tool_outputs.tool_outputs[].output.type")
def turns_outputs_into_text(behaviour: Behaviour) -> None:
    """Takes outputs that are not strings, and stores their JSON."""

    def read(value: Any) -> Any:
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and "output" in item and not isinstance(item["output"], str):
                item["output"] = json.dumps(item["output"])
        return value

    _coerce(behaviour, "tool_outputs", read, "submit_tool_outputs")


@blind("create_run.assistant_id.type")
def takes_null_for_the_assistant(behaviour: Behaviour) -> None:
    """Takes null and numbers as assistant_id, and uses the newest assistant."""
    keyword(behaviour, "create_run.assistant_id.type", ["string", "null", "integer"])

    async def run(inner: Any, call: Call) -> Any:
        if not isinstance(call.body.get("assistant_id"), str):
            call.body["assistant_id"] = next(reversed(call.store.assistants), "asst_none")
        return await inner(call)

    around(behaviour, run, "create_run")


@blind("create_run.assistant_id.required")
def takes_any_assistant(behaviour: Behaviour) -> None:
    """Runs the newest assistant when none is named."""
    keyword(behaviour, "create_run.assistant_id.required", None)

    async def run(inner: Any, call: Call) -> Any:
        call.body.setdefault("assistant_id", next(reversed(call.store.assistants), "asst_none"))
        return await inner(call)

    around(behaviour, run, "create_run")


for _name, _constraint in (
    ("refuses_null_metadata", "create_run.metadata.type"),
    ("refuses_null_instructions", "create_run.instructions.type"),
    ("refuses_null_temperature", "create_run.temperature.type"),
    ("refuses_null_tools", "create_run.tools.type"),
    ("refuses_null_messages", "create_run.additional_messages.type"),
    ("refuses_null_tool_choice", "create_run.tool_choice.type"),
    ("refuses_null_attachments", "create_message.attachments.type"),
    ("refuses_null_stream", "submit_tool_outputs.stream.type"),
    ("refuses_null_token_limit", "create_run.max_completion_tokens.type"),
):
    _member = _constraint.split(".")[1]
    _alter = partial(refuse_null, constraint=_constraint)
    enter(Mutant(_name, _constraint, Level.MUST, f"Refuses null for {_member}.", _alter, blind=True))


for _name, _constraint in (
    ("ignores_unknown_members", "create_run.additionalProperties"),
    ("ignores_unknown_members_of_messages", "create_message.additionalProperties"),
    ("ignores_unknown_members_of_threads", "create_thread.additionalProperties"),
    ("ignores_unknown_members_of_assistants", "create_assistant.additionalProperties"),
    ("ignores_unknown_members_of_outputs", "submit_tool_outputs.additionalProperties"),
    ("ignores_unknown_members_at_once", "create_thread_and_run.additionalProperties"),
    ("ignores_unknown_members_when_modifying", "modify_run.additionalProperties"),
):
    _alter = partial(keyword, constraint=_constraint, value=None)
    enter(Mutant(_name, _constraint, Level.MUST, "Drops members that it does not know.", _alter, blind=True))


@blind("create_message.role.enum")
def accepts_any_role(behaviour: Behaviour) -> None:
    """Takes messages of any role, and stores them as the user's."""
    _coerce(behaviour, "role", lambda value: "user" if isinstance(value, str) else value, "create_message")


@blind("create_message.role.required")
def supposes_a_role(behaviour: Behaviour) -> None:
    """Takes messages without a role for the user's."""
    taken(behaviour, lambda body: body.setdefault("role", "user"), "create_message")


@blind("create_message.content.required")
def supposes_content(behaviour: Behaviour) -> None:
    """Takes messages without content."""
    taken(behaviour, lambda body: body.setdefault("content", "-"), "create_message")


@blind("create_run.tool_choice.enum")
def accepts_any_tool_choice(behaviour: Behaviour) -> None:
    """Takes any text as tool_choice, and treats what it does not know as auto."""
    known = ("none", "auto", "required")
    _coerce(
        behaviour,
        "tool_choice",
        lambda value: "auto" if isinstance(value, str) and value not in known else value,
        "create_run",
    )


@blind("create_run.tools[].type.enum")
def skips_unknown_tools(behaviour: Behaviour) -> None:
    """Leaves out tools of a type that it does not know."""
    known = ("function", "code_interpreter", "file_search", None)

    def skip(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [item for item in value if not isinstance(item, dict) or item.get("type") in known]

    _coerce(behaviour, "tools", skip, "create_run")


@blind("create_run.tools[].function.name.required")
def names_functions_itself(behaviour: Behaviour) -> None:
    """Takes functions without a name, and calls them "function"."""

    def name(value: Any) -> Any:
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and isinstance(item.get("function"), dict):
                item["function"].setdefault("name", "function")
        return value

    _coerce(behaviour, "tools", name, "create_run")


@blind("create_run.response_format.type.enum")
def accepts_any_response_format(behaviour: Behaviour) -> None:
    """Takes any object as response_format."""
    _coerce(behaviour, "response_format", lambda value: "auto" if isinstance(value, dict) else value, "create_run")


@blind("create_run.response_format.json_schema.required")
def accepts_no_json_schema(behaviour: Behaviour) -> None:
    """Takes a response_format of json_schema that holds no schema."""
    schema = {"name": "answer", "schema": {}}

    def fill(value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == "json_schema":
            return {"json_schema": schema, **value}
        return value

    _coerce(behaviour, "response_format", fill, "create_run")


@blind("create_run.reasoning_effort.enum")
def accepts_any_effort(behaviour: Behaviour) -> None:
    """Takes any text as reasoning_effort."""
    keyword(behaviour, "create_run.reasoning_effort.enum", None)


@blind("create_run.truncation_strategy.type.enum")
def accepts_any_truncation(behaviour: Behaviour) -> None:
    """Takes any type of truncation strategy."""
    keyword(behaviour, "create_run.truncation_strategy.type.enum", None)


@blind("create_thread_and_run.thread.type")
def accepts_no_thread_object(behaviour: Behaviour) -> None:
    """Takes anything as the thread to create, and creates an empty one with a greeting."""
    greeting = {"messages": [{"role": "user", "content": "Hello"}]}
    _coerce(
        behaviour,
        "thread",
        lambda value: value if isinstance(value, dict) or value is None else greeting,
        "create_thread_and_run",
    )


@blind("list_runs.order.enum", level="should")
def accepts_any_order(behaviour: Behaviour) -> None:
    """Takes any text as order, and lists newest first."""
    keyword(behaviour, "list_runs.order.enum", None)


@blind("list_messages.limit.type", level="should")
def accepts_any_limit(behaviour: Behaviour) -> None:
    """Takes a limit that is no integer, and uses the default."""
    inner = behaviour.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        kept = [(name, text) for name, text in pairs if name != "limit" or text.lstrip("-").isdecimal()]
        return inner(schemas, operation, kept)

    behaviour.read_query = read


@blind("create_run.include[].enum")
def accepts_any_include(behaviour: Behaviour) -> None:
    """Takes any value of include[]."""
    keyword(behaviour, "create_run.include[].enum", None)


@blind("create_run.type")
def reads_arrays_as_objects(behaviour: Behaviour) -> None:
    """Takes a body that is no object for an empty one, and runs the newest assistant."""
    inner = behaviour.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = inner(operation, raw, content_type)
        return body if isinstance(body, dict) or operation.name != "create_run" else {}

    behaviour.read_body = read
    takes_any_assistant(behaviour)


@blind("modify_run.type")
def modifies_without_an_object(behaviour: Behaviour) -> None:
    """Takes a body that is no object for an empty one when a run is modified."""
    inner = behaviour.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = inner(operation, raw, content_type)
        return body if isinstance(body, dict) or operation.name != "modify_run" else {}

    behaviour.read_body = read


@blind("robustness")
def reads_broken_json(behaviour: Behaviour) -> None:
    """Takes a body that is not JSON for an empty one."""
    inner = behaviour.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return inner(operation, raw, content_type)
        except Refusal:
            return {} if operation.name in ("create_thread", "modify_thread", "modify_message") else ABSENT

    behaviour.read_body = read
