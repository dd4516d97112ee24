"""Faults in corners: each shows only where two things come together in a body, or with texts that nobody thought of.

The boundary values and the written programs do not come there by themselves; exploring has to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema_violation import Fault
from runs_conformance.emulator.catalogue import corner
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around, shown
from runs_conformance.emulator.refusal import Refusal, bad
from runs_conformance.emulator.state import Members, Message, Thread
from runs_conformance.emulator.validation import Schemas

Excuse = Callable[[Fault, Any], bool]


def _overlooks(behaviour: Behaviour, constraint: str, excuse: Excuse) -> None:
    """Have every operation overlook the faults against one constraint that `excuse` says, where they are all that is
    wrong with a body: operations share what checks the same place.
    """
    inner = behaviour.check_body

    def check(schemas: Schemas, called: Operation, body: Any) -> None:
        if isinstance(body, dict):
            faults = schemas.judge(schemas.body(called.name), body)
            if faults and all(_at_end(fault, called.name, constraint) and excuse(fault, body) for fault in faults):
                _mend(body, faults)
                return
        inner(schemas, called, body)

    behaviour.check_body = check


def _at_end(fault: Fault, operation: str, constraint: str) -> bool:
    """Whether a fault is against this constraint, at the top of a body or at the same place deeper in it."""
    return fault.constraint == f"{operation}.{constraint}" or fault.constraint.endswith(f"[].{constraint}")


def _mend(body: Any, faults: Sequence[Fault]) -> None:
    """Take what is wrong out of a body, so that the rest of the server can work with it."""
    for fault in faults:
        tokens = fault.place.split("/")[1:]
        holder = body
        for token in tokens[:-1]:
            holder = holder[int(token)] if isinstance(holder, list) else holder[token]
        value = holder[int(tokens[-1])] if isinstance(holder, list) else holder.get(tokens[-1])
        if fault.constraint.endswith((".name.pattern", ".maxProperties", ".maxItems", ".maxLength", ".minimum")):
            continue
        if fault.constraint.endswith("content[].type.enum"):
            around_it = body
            for token in tokens[:-2]:
                around_it = around_it[int(token)] if isinstance(around_it, list) else around_it[token]
            around_it.remove(holder)
        elif isinstance(holder, list):
            holder.remove(value)
        else:
            holder.pop(tokens[-1], None)


def _refuses(behaviour: Behaviour, operation: str, wrong: Callable[[Any], bool], status: int = 400) -> None:
    """Have one operation refuse some legal bodies."""

    async def refusing(inner: Any, call: Call) -> Any:
        if isinstance(call.body, dict) and wrong(call.body):
            raise bad("That is not possible.") if status == 400 else Refusal(status, "Something went wrong.")
        return await inner(call)

    around(behaviour, refusing, operation)


def _pairs(body: Any) -> dict[str, Any]:
    pairs = body.get("metadata")
    return pairs if isinstance(pairs, dict) else {}


@corner("metadata")
def refuses_16_pairs_with_an_empty_value(behaviour: Behaviour) -> None:
    """Refuses 16 pairs of metadata when one of their values is empty."""
    for operation in ("create_assistant", "modify_assistant", "create_thread", "modify_thread", "create_message"):
        _refuses(behaviour, operation, lambda body: len(_pairs(body)) == 16 and "" in _pairs(body).values())


@corner("create_message.metadata")
def refuses_a_key_with_a_dot(behaviour: Behaviour) -> None:
    """Refuses a message whose metadata has a key with a dot in it."""
    _refuses(behaviour, "create_message", lambda body: any("." in key for key in _pairs(body)))


@corner("create_thread.metadata")
def fails_on_characters_beyond_the_first_plane(behaviour: Behaviour) -> None:
    """Fails with 500 where a thread's metadata holds an emoji."""
    _refuses(
        behaviour,
        "create_thread",
        lambda body: any(ord(char) > 0xFFFF for pair in _pairs(body).items() for char in "".join(pair)),
        500,
    )


@corner("create_assistant.tools")
def refuses_a_strict_function_beside_file_search(behaviour: Behaviour) -> None:
    """Refuses an assistant that has a strict function and file search together."""

    def wrong(body: Any) -> bool:
        tools = body.get("tools") or []
        strict = any(tool.get("function", {}).get("strict") for tool in tools)
        return strict and any(tool["type"] == "file_search" for tool in tools)

    _refuses(behaviour, "create_assistant", wrong)


@corner("create_run.response_format")
def refuses_a_schema_beside_tools(behaviour: Behaviour) -> None:
    """Refuses a run that has both tools and a response format with a JSON schema."""

    def wrong(body: Any) -> bool:
        wanted = body.get("response_format")
        return bool(body.get("tools")) and isinstance(wanted, dict) and wanted["type"] == "json_schema"

    _refuses(behaviour, "create_run", wrong)


@corner("create_thread_and_run.thread")
def fails_on_an_assistants_message_with_parts(behaviour: Behaviour) -> None:
    """Fails with 500 where a thread to be run begins with a message of the assistant that has a list of parts."""

    def wrong(body: Any) -> bool:
        messages = (body.get("thread") or {}).get("messages") or []
        return any(message["role"] == "assistant" and isinstance(message["content"], list) for message in messages)

    _refuses(behaviour, "create_thread_and_run", wrong, 500)


@corner("metadata")
def takes_any_value_in_the_last_pair(behaviour: Behaviour) -> None:
    """Takes a value of metadata that is no text, in the last of several pairs."""

    def last(fault: Fault, body: Any) -> bool:
        keys = list(_pairs(body))
        return len(keys) > 1 and fault.place == f"/metadata/{keys[-1]}"

    _overlooks(behaviour, "metadata{}.type", last)


@corner("create_assistant.tools[].function.name.pattern")
def checks_the_name_of_the_first_function_only(behaviour: Behaviour) -> None:
    """Takes any name of a function that is not the first tool, of assistants and of runs."""
    _overlooks(behaviour, "tools[].function.name.pattern", lambda fault, body: not fault.place.startswith("/tools/0/"))


@corner("create_message.content[].type.enum")
def checks_the_first_part_only(behaviour: Behaviour) -> None:
    """Takes parts of an unknown type that are not the first of a message, wherever the message is given."""
    _overlooks(behaviour, "content[].type.enum", lambda fault, body: "/content/0/" not in fault.place)


@corner("metadata")
def takes_a_long_value_beside_others(behaviour: Behaviour) -> None:
    """Takes a value of metadata that is too long, beside at least two other pairs."""
    _overlooks(behaviour, "metadata{}.maxLength", lambda fault, body: len(_pairs(body)) >= 3)


@corner("metadata")
def takes_17_pairs_with_an_empty_value(behaviour: Behaviour) -> None:
    """Takes 17 pairs of metadata when one of their values is empty."""
    _overlooks(behaviour, "metadata.maxProperties", lambda fault, body: "" in _pairs(body).values())


@corner("create_message.additionalProperties")
def takes_unknown_members_beside_metadata(behaviour: Behaviour) -> None:
    """Takes unknown members of a body that has more than one pair of metadata."""
    _overlooks(behaviour, "additionalProperties", lambda fault, body: len(_pairs(body)) > 1)


@corner("create_run.max_completion_tokens.minimum")
def takes_few_tokens_beside_a_limit_on_the_prompt(behaviour: Behaviour) -> None:
    """Takes fewer than 256 completion tokens for a run that limits its prompt as well."""
    _overlooks(
        behaviour, "max_completion_tokens.minimum", lambda fault, body: body.get("max_prompt_tokens") is not None
    )


@corner("create_run.temperature.type")
def takes_a_temperature_in_words_beside_top_p(behaviour: Behaviour) -> None:
    """Takes any temperature, of a run or of an assistant, that comes with `top_p`."""
    _overlooks(behaviour, "temperature.type", lambda fault, body: body.get("top_p") is not None)


@corner("assistants")
def cuts_deep_parameters(behaviour: Behaviour) -> None:
    """Keeps the parameters of a function to a depth of two objects."""

    def cut(schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or "properties" not in schema:
            return schema
        inner = {name: cut(member, depth - 1) for name, member in schema["properties"].items()} if depth else {}
        return {**schema, "properties": inner}

    def cutting(members: Members, *_: Any) -> None:
        members["tools"] = [
            {**tool, "function": {**tool["function"], "parameters": cut(tool["function"]["parameters"], 1)}}
            if tool["type"] == "function"
            else tool
            for tool in members["tools"]
        ]

    shown(behaviour, "assistant", cutting)


@corner("messages")
def loses_the_last_of_many_parts(behaviour: Behaviour) -> None:
    """Keeps no more than four parts of a message."""

    inner = behaviour.new_message

    def made(call: Call, thread: Thread, body: Members) -> Message:
        message = inner(call, thread, body)
        message.content = message.content[:4]
        return message

    behaviour.new_message = made


@corner("metadata")
def loses_empty_values_of_many(behaviour: Behaviour) -> None:
    """Keeps no empty values of metadata that has ten pairs or more."""

    def kept(old: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
        made = dict(given or {})
        return {key: value for key, value in made.items() if value} if len(made) >= 10 else made

    behaviour.new_metadata = kept
