"""Bodies with unknown, missing or unheard-of members, taken all the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import Mutant, blind, enter
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around, coerced, keyword, taken
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.validation import Schemas
from runs_conformance.model.source import Level


@blind("create_run.assistant_id.required")
def takes_any_assistant(behaviour: Behaviour) -> None:
    """Runs the newest assistant when none is named."""
    keyword(behaviour, "create_run.assistant_id.required", None)

    async def run(inner: Any, call: Call) -> Any:
        call.body.setdefault("assistant_id", next(reversed(call.store.assistants), "asst_none"))
        return await inner(call)

    around(behaviour, run, "create_run")


@blind("create_message.role.enum")
def accepts_any_role(behaviour: Behaviour) -> None:
    """Takes messages of any role, and stores them as the user's."""
    coerced(behaviour, "role", lambda value: "user" if isinstance(value, str) else value, "create_message")


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
    coerced(
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

    coerced(behaviour, "tools", skip, "create_run")


@blind("create_run.tools[].function.name.required")
def names_functions_itself(behaviour: Behaviour) -> None:
    """Takes functions without a name, and calls them "function"."""

    def name(value: Any) -> Any:
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and isinstance(item.get("function"), dict):
                item["function"].setdefault("name", "function")
        return value

    coerced(behaviour, "tools", name, "create_run")


@blind(
    "create_run.response_format.type.enum",
    broad="Everything that the contract demands of an object there goes unchecked.",
)
def accepts_any_response_format(behaviour: Behaviour) -> None:
    """Takes any object as response_format."""
    coerced(behaviour, "response_format", lambda value: "auto" if isinstance(value, dict) else value, "create_run")


@blind("create_run.response_format.json_schema.required")
def accepts_no_json_schema(behaviour: Behaviour) -> None:
    """Takes a response_format of json_schema that holds no schema."""
    schema = {"name": "answer", "schema": {}}

    def fill(value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == "json_schema":
            return {"json_schema": schema, **value}
        return value

    coerced(behaviour, "response_format", fill, "create_run")


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
    coerced(
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
            return {}

    behaviour.read_body = read


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
