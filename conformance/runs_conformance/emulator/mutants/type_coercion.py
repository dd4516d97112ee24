"""Values of the wrong type, taken as if they were right; and null, refused where it is legal."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from runs_conformance.emulator.catalogue import Mutant, blind, enter
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.mutants.constraints import refuse_null
from runs_conformance.emulator.patching import around, coerced, keyword
from runs_conformance.model.source import Level


def _to_int(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value


@blind("create_run.max_prompt_tokens.type")
def reads_integers_from_strings(behaviour: Behaviour) -> None:
    """Takes "256" for 256."""
    coerced(behaviour, "max_prompt_tokens", _to_int, "create_run")


@blind("create_run.max_completion_tokens.type")
def cuts_off_fractions(behaviour: Behaviour) -> None:
    """Takes 256.5 for 256."""
    cut: Callable[[Any], Any] = lambda value: int(value) if isinstance(value, float) else value  # noqa: E731
    coerced(behaviour, "max_completion_tokens", cut, "create_run")


@blind("create_run.temperature.type")
def reads_numbers_from_strings(behaviour: Behaviour) -> None:
    """Takes "1" for 1."""

    def read(value: Any) -> Any:
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value

    coerced(behaviour, "temperature", read, "create_run")


@blind("create_run.truncation_strategy.last_messages.type")
def reads_true_as_one(behaviour: Behaviour) -> None:
    """Takes true for 1."""

    def read(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("last_messages"), bool):
            return {**value, "last_messages": int(value["last_messages"])}
        return value

    coerced(behaviour, "truncation_strategy", read, "create_run")


@blind("create_run.parallel_tool_calls.type")
def reads_booleans_loosely(behaviour: Behaviour) -> None:
    """Takes "yes", 0 and the like for booleans."""
    coerced(behaviour, "parallel_tool_calls", lambda value: value if value is None else bool(value), "create_run")


@blind("create_run.stream.type")
def reads_stream_from_strings(behaviour: Behaviour) -> None:
    """Takes "true" for true where a stream is asked for."""
    coerced(behaviour, "stream", lambda value: value == "true" if isinstance(value, str) else value, "create_run")


@blind("create_run.metadata{}.type")
def turns_metadata_into_text(behaviour: Behaviour) -> None:
    """Takes numbers and booleans in metadata, and stores their text."""

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: str(item) if isinstance(item, (int, float)) else item for name, item in value.items()}

    coerced(behaviour, "metadata", read, "create_run")


@blind("modify_run.metadata{}.type")
def stores_metadata_of_any_type(behaviour: Behaviour) -> None:
    """Takes metadata values of any type and stores them as they are."""
    keyword(behaviour, "modify_run.metadata{}.type", ["string", "number", "boolean", "object", "array", "null"])


@blind("create_run.tools.type")
def takes_one_tool_for_a_list(behaviour: Behaviour) -> None:
    """Takes a single tool where a list of tools is expected."""
    coerced(behaviour, "tools", lambda value: [value] if isinstance(value, dict) else value, "create_run")


@blind("create_message.content.type")
def turns_content_into_text(behaviour: Behaviour) -> None:
    """Takes a number, null or an object as content, and stores its text."""
    coerced(
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

    coerced(behaviour, "tool_outputs", read, "submit_tool_outputs")


@blind("create_run.assistant_id.type")
def takes_null_for_the_assistant(behaviour: Behaviour) -> None:
    """Takes null and numbers as assistant_id, and uses the newest assistant."""
    keyword(behaviour, "create_run.assistant_id.type", ["string", "null", "integer"])

    async def run(inner: Any, call: Call) -> Any:
        if not isinstance(call.body.get("assistant_id"), str):
            call.body["assistant_id"] = next(reversed(call.store.assistants), "asst_none")
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
