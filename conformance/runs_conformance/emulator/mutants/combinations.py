"""Defects of combinations of values, which only fuzzing reaches.

Each needs two values in one body, or an unusual text, that neither boundary values nor programs contain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.emulator.api_errors import ApiError, bad_request
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import fuzzing_only, mutant
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.state import Members, Message, Thread

Excuse = Callable[[SchemaViolation, Any], bool]


def _ignore_violations(hooks: Hooks, constraint: str, excuse: Excuse) -> None:
    """Have all operations accept bodies whose only violations are of one constraint and satisfy `excuse`."""
    inner = hooks.validate_body

    def check(schemas: Schemas, operation: Operation, body: Any) -> None:
        if isinstance(body, dict):
            violations = schemas.find_violations(schemas.body(operation.name), body)
            if violations and all(
                _matches_constraint(violation, operation.name, constraint) and excuse(violation, body)
                for violation in violations
            ):
                _remove_invalid_values(body, violations)
                return
        inner(schemas, operation, body)

    hooks.validate_body = check


def _matches_constraint(violation: SchemaViolation, operation: str, constraint: str) -> bool:
    """Whether a violation is of this constraint, at the top of a body or deeper at the same place."""
    return violation.constraint == f"{operation}.{constraint}" or violation.constraint.endswith(f"[].{constraint}")


def _remove_invalid_values(body: Any, violations: Sequence[SchemaViolation]) -> None:
    """Remove the invalid values from a body, so that the handlers can process it."""
    for violation in violations:
        tokens = violation.place.split("/")[1:]
        holder = body
        for token in tokens[:-1]:
            holder = holder[int(token)] if isinstance(holder, list) else holder[token]
        value = holder[int(tokens[-1])] if isinstance(holder, list) else holder.get(tokens[-1])
        if violation.constraint.endswith((".name.pattern", ".maxProperties", ".maxItems", ".maxLength", ".minimum")):
            continue
        if violation.constraint.endswith("content[].type.enum"):
            around_it = body
            for token in tokens[:-2]:
                around_it = around_it[int(token)] if isinstance(around_it, list) else around_it[token]
            around_it.remove(holder)
        elif isinstance(holder, list):
            holder.remove(value)
        else:
            holder.pop(tokens[-1], None)


def _refuse_if(hooks: Hooks, operation: str, is_refused: Callable[[Any], bool], status: int = 400) -> None:
    """Have one operation refuse some valid bodies."""

    async def refuse(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict) and is_refused(request.body):
            raise bad_request("That is not possible.") if status == 400 else ApiError(status, "Something went wrong.")
        return await inner(request)

    wrap_handlers(hooks, refuse, operation)


def _metadata_pairs(body: Any) -> dict[str, Any]:
    pairs = body.get("metadata")
    return pairs if isinstance(pairs, dict) else {}


@fuzzing_only("metadata")
def refuses_16_pairs_with_an_empty_value(hooks: Hooks) -> None:
    """Refuses 16 metadata pairs if one of their values is empty."""
    for operation in ("create_assistant", "modify_assistant", "create_thread", "modify_thread", "create_message"):
        _refuse_if(
            hooks, operation, lambda body: len(_metadata_pairs(body)) == 16 and "" in _metadata_pairs(body).values()
        )


@fuzzing_only("create_message.metadata")
def refuses_a_key_with_a_dot(hooks: Hooks) -> None:
    """Refuses a message with a dot in a metadata key."""
    _refuse_if(hooks, "create_message", lambda body: any("." in key for key in _metadata_pairs(body)))


@fuzzing_only("create_thread.metadata")
def fails_on_characters_beyond_the_first_plane(hooks: Hooks) -> None:
    """Fails with 500 if a thread's metadata contains an emoji."""
    _refuse_if(
        hooks,
        "create_thread",
        lambda body: any(ord(char) > 0xFFFF for pair in _metadata_pairs(body).items() for char in "".join(pair)),
        500,
    )


@fuzzing_only("create_assistant.tools")
def refuses_a_strict_function_beside_file_search(hooks: Hooks) -> None:
    """Refuses an assistant that has both a strict function and file search."""

    def is_refused(body: Any) -> bool:
        tools = body.get("tools") or []
        strict = any(tool.get("function", {}).get("strict") for tool in tools)
        return strict and any(tool["type"] == "file_search" for tool in tools)

    _refuse_if(hooks, "create_assistant", is_refused)


@fuzzing_only("create_run.response_format")
def refuses_a_schema_beside_tools(hooks: Hooks) -> None:
    """Refuses a run that has both tools and a response format with a JSON schema."""

    def is_refused(body: Any) -> bool:
        response_format = body.get("response_format")
        return (
            bool(body.get("tools")) and isinstance(response_format, dict) and response_format["type"] == "json_schema"
        )

    _refuse_if(hooks, "create_run", is_refused)


@fuzzing_only("create_thread_and_run.thread")
def fails_on_an_assistants_message_with_parts(hooks: Hooks) -> None:
    """create_thread_and_run fails with 500 if an initial assistant message has a list of parts."""

    def is_refused(body: Any) -> bool:
        messages = (body.get("thread") or {}).get("messages") or []
        return any(message["role"] == "assistant" and isinstance(message["content"], list) for message in messages)

    _refuse_if(hooks, "create_thread_and_run", is_refused, 500)


@fuzzing_only("metadata")
def takes_any_value_in_the_last_pair(hooks: Hooks) -> None:
    """Accepts a metadata value that is not a string in the last of several pairs."""

    def last(violation: SchemaViolation, body: Any) -> bool:
        keys = list(_metadata_pairs(body))
        return len(keys) > 1 and violation.place == f"/metadata/{keys[-1]}"

    _ignore_violations(hooks, "metadata{}.type", last)


@fuzzing_only("create_assistant.tools[].function.name.pattern")
def checks_the_name_of_the_first_function_only(hooks: Hooks) -> None:
    """Accepts any function name in tools other than the first, of assistants and of runs."""
    _ignore_violations(
        hooks, "tools[].function.name.pattern", lambda violation, body: not violation.place.startswith("/tools/0/")
    )


@fuzzing_only("create_message.content[].type.enum")
def checks_the_first_part_only(hooks: Hooks) -> None:
    """Accepts content parts of an unknown type after the first part of a message."""
    _ignore_violations(hooks, "content[].type.enum", lambda violation, body: "/content/0/" not in violation.place)


@mutant("create_assistant.tools[].type.enum", broad_reason="every operation with tools shares the check")
def checks_the_first_tool_only(hooks: Hooks) -> None:
    """Accepts tools of an unknown type after the first one, of assistants and of runs."""
    _ignore_violations(hooks, "tools[].type.enum", lambda violation, body: not violation.place.startswith("/tools/0/"))


@fuzzing_only("metadata")
def takes_a_long_value_beside_others(hooks: Hooks) -> None:
    """Accepts a metadata value that is too long if there are at least two other pairs."""
    _ignore_violations(hooks, "metadata{}.maxLength", lambda violation, body: len(_metadata_pairs(body)) >= 3)


@fuzzing_only("metadata")
def takes_17_pairs_with_an_empty_value(hooks: Hooks) -> None:
    """Accepts 17 metadata pairs if one of their values is empty."""
    _ignore_violations(hooks, "metadata.maxProperties", lambda violation, body: "" in _metadata_pairs(body).values())


@fuzzing_only("create_message.additionalProperties")
def takes_unknown_members_beside_metadata(hooks: Hooks) -> None:
    """Accepts unknown members if the body has more than one metadata pair."""
    _ignore_violations(hooks, "additionalProperties", lambda violation, body: len(_metadata_pairs(body)) > 1)


@fuzzing_only("create_run.max_completion_tokens.minimum")
def takes_few_tokens_beside_a_limit_on_the_prompt(hooks: Hooks) -> None:
    """Accepts max_completion_tokens below 256 if max_prompt_tokens is set as well."""
    _ignore_violations(
        hooks, "max_completion_tokens.minimum", lambda violation, body: body.get("max_prompt_tokens") is not None
    )


@fuzzing_only("create_run.temperature.type")
def takes_a_temperature_in_words_beside_top_p(hooks: Hooks) -> None:
    """Accepts any type of temperature, of a run or an assistant, if `top_p` is set as well."""
    _ignore_violations(hooks, "temperature.type", lambda violation, body: body.get("top_p") is not None)


@fuzzing_only("assistants")
def cuts_deep_parameters(hooks: Hooks) -> None:
    """Stores function parameters only to a depth of two objects."""

    def truncate(schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or "properties" not in schema:
            return schema
        inner = {name: truncate(member, depth - 1) for name, member in schema["properties"].items()} if depth else {}
        return {**schema, "properties": inner}

    def cut_parameters(members: Members, *_: Any) -> None:
        members["tools"] = [
            {**tool, "function": {**tool["function"], "parameters": truncate(tool["function"]["parameters"], 1)}}
            if tool["type"] == "function"
            else tool
            for tool in members["tools"]
        ]

    patch_object(hooks, "assistant", cut_parameters)


@fuzzing_only("messages")
def loses_the_last_of_many_parts(hooks: Hooks) -> None:
    """Stores at most four parts of a message."""

    inner = hooks.new_message

    def create(request: RequestContext, thread: Thread, body: Members) -> Message:
        message = inner(request, thread, body)
        message.content = message.content[:4]
        return message

    hooks.new_message = create


@fuzzing_only("metadata")
def loses_empty_values_of_many(hooks: Hooks) -> None:
    """Drops empty values from metadata with ten pairs or more."""

    def replace_metadata(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
        pairs = dict(new or {})
        return {key: value for key, value in pairs.items() if value} if len(pairs) >= 10 else pairs

    hooks.new_metadata = replace_metadata
