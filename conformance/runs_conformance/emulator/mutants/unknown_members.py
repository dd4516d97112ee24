"""Mutants that accept bodies with unknown, missing or unsupported members."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import Mutant, register, written_from_spec
from runs_conformance.emulator.patching import patch_request_body, patch_request_member, set_keyword, wrap_handlers
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.model.source import Level


@written_from_spec("create_run.assistant_id.required")
def takes_any_assistant(hooks: Hooks) -> None:
    """Runs the newest assistant if assistant_id is missing."""
    set_keyword(hooks, "create_run.assistant_id.required", None)

    async def run(inner: Any, request: RequestContext) -> Any:
        request.body.setdefault("assistant_id", next(reversed(request.store.assistants), "asst_none"))
        return await inner(request)

    wrap_handlers(hooks, run, "create_run")


@written_from_spec("create_message.role.enum")
def accepts_any_role(hooks: Hooks) -> None:
    """Accepts messages with any role, and stores them with role user."""
    patch_request_member(hooks, "role", lambda value: "user" if isinstance(value, str) else value, "create_message")


@written_from_spec("create_message.role.required")
def supposes_a_role(hooks: Hooks) -> None:
    """Accepts messages without a role as those of the user."""
    patch_request_body(hooks, lambda body: body.setdefault("role", "user"), "create_message")


@written_from_spec("create_message.content.required")
def supposes_content(hooks: Hooks) -> None:
    """Accepts messages without content."""
    patch_request_body(hooks, lambda body: body.setdefault("content", "-"), "create_message")


@written_from_spec("create_run.tool_choice.enum")
def accepts_any_tool_choice(hooks: Hooks) -> None:
    """Accepts any string as tool_choice, and treats unknown ones as auto."""
    known = ("none", "auto", "required")
    patch_request_member(
        hooks,
        "tool_choice",
        lambda value: "auto" if isinstance(value, str) and value not in known else value,
        "create_run",
    )


@written_from_spec("create_run.tools[].type.enum")
def skips_unknown_tools(hooks: Hooks) -> None:
    """Ignores tools of an unknown type."""
    known = ("function", "code_interpreter", "file_search", None)

    def skip(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [item for item in value if not isinstance(item, dict) or item.get("type") in known]

    patch_request_member(hooks, "tools", skip, "create_run")


@written_from_spec("create_run.tools[].function.name.required")
def names_functions_itself(hooks: Hooks) -> None:
    """Accepts functions without a name, and names them "function"."""

    def name(value: Any) -> Any:
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and isinstance(item.get("function"), dict):
                item["function"].setdefault("name", "function")
        return value

    patch_request_member(hooks, "tools", name, "create_run")


@written_from_spec(
    "create_run.response_format.type.enum",
    broad_reason="No constraint of the object is checked.",
)
def accepts_any_response_format(hooks: Hooks) -> None:
    """Accepts any object as response_format."""
    patch_request_member(
        hooks, "response_format", lambda value: "auto" if isinstance(value, dict) else value, "create_run"
    )


@written_from_spec("create_run.response_format.json_schema.required")
def accepts_no_json_schema(hooks: Hooks) -> None:
    """Accepts a response_format of type json_schema without a schema."""
    schema = {"name": "answer", "schema": {}}

    def fill(value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == "json_schema":
            return {"json_schema": schema, **value}
        return value

    patch_request_member(hooks, "response_format", fill, "create_run")


@written_from_spec("create_run.reasoning_effort.enum")
def accepts_any_effort(hooks: Hooks) -> None:
    """Accepts any string as reasoning_effort."""
    set_keyword(hooks, "create_run.reasoning_effort.enum", None)


@written_from_spec("create_run.truncation_strategy.type.enum")
def accepts_any_truncation(hooks: Hooks) -> None:
    """Accepts any type of truncation strategy."""
    set_keyword(hooks, "create_run.truncation_strategy.type.enum", None)


@written_from_spec("create_thread_and_run.thread.type")
def accepts_no_thread_object(hooks: Hooks) -> None:
    """Accepts any value as the thread to create, and creates one with a greeting."""
    greeting = {"messages": [{"role": "user", "content": "Hello"}]}
    patch_request_member(
        hooks,
        "thread",
        lambda value: value if isinstance(value, dict) or value is None else greeting,
        "create_thread_and_run",
    )


@written_from_spec("list_runs.order.enum", level="should")
def accepts_any_order(hooks: Hooks) -> None:
    """Accepts any string as order, and lists newest first."""
    set_keyword(hooks, "list_runs.order.enum", None)


@written_from_spec("list_messages.limit.type", level="should")
def accepts_any_limit(hooks: Hooks) -> None:
    """Accepts a limit that is not an integer, and uses the default."""
    inner = hooks.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        valid = [(name, text) for name, text in pairs if name != "limit" or text.lstrip("-").isdecimal()]
        return inner(schemas, operation, valid)

    hooks.read_query = read


@written_from_spec("create_run.include[].enum")
def accepts_any_include(hooks: Hooks) -> None:
    """Accepts any value of include[]."""
    set_keyword(hooks, "create_run.include[].enum", None)


@written_from_spec("create_run.type")
def reads_arrays_as_objects(hooks: Hooks) -> None:
    """Treats a create_run body that is not an object as empty, and runs the newest assistant."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = inner(operation, raw, content_type)
        return body if isinstance(body, dict) or operation.name != "create_run" else {}

    hooks.read_body = read
    takes_any_assistant(hooks)


@written_from_spec("modify_run.type")
def modifies_without_an_object(hooks: Hooks) -> None:
    """Treats a modify_run body that is not an object as empty."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = inner(operation, raw, content_type)
        return body if isinstance(body, dict) or operation.name != "modify_run" else {}

    hooks.read_body = read


@written_from_spec("robustness")
def reads_broken_json(hooks: Hooks) -> None:
    """Treats invalid JSON as an empty object."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return inner(operation, raw, content_type)
        except ApiError:
            return {}

    hooks.read_body = read


for _name, _constraint in (
    ("ignores_unknown_members", "create_run.additionalProperties"),
    ("ignores_unknown_members_of_messages", "create_message.additionalProperties"),
    ("ignores_unknown_members_of_threads", "create_thread.additionalProperties"),
    ("ignores_unknown_members_of_assistants", "create_assistant.additionalProperties"),
    ("ignores_unknown_members_of_outputs", "submit_tool_outputs.additionalProperties"),
    ("ignores_unknown_members_at_once", "create_thread_and_run.additionalProperties"),
    ("ignores_unknown_members_when_modifying", "modify_run.additionalProperties"),
):
    _alter = partial(set_keyword, constraint=_constraint, value=None)
    register(Mutant(_name, _constraint, Level.MUST, "Ignores unknown members.", _alter, written_from_spec=True))
