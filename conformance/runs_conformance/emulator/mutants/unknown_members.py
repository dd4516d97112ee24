"""Mutants that accept bodies with unknown, missing or unsupported members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import written_from_spec
from runs_conformance.emulator.patching import patch_request_member, set_keyword, wrap_handlers
from runs_conformance.emulator.request_validation import Schemas


def _run_newest_assistant(hooks: Hooks) -> None:
    """Run the newest assistant if assistant_id is missing."""
    set_keyword(hooks, "create_run.assistant_id.required", None)

    async def run(inner: Any, request: RequestContext) -> Any:
        request.body.setdefault("assistant_id", next(reversed(request.store.assistants), "asst_none"))
        return await inner(request)

    wrap_handlers(hooks, run, "create_run")


@written_from_spec("create_message.role.enum")
def accepts_any_role(hooks: Hooks) -> None:
    """Accepts messages with any role, and stores them with role user."""
    patch_request_member(hooks, "role", lambda value: "user" if isinstance(value, str) else value, "create_message")


@written_from_spec(
    "create_run.response_format.type.enum",
    broad_reason="No constraint of the object is checked.",
)
def accepts_any_response_format(hooks: Hooks) -> None:
    """Accepts any object as response_format."""
    patch_request_member(
        hooks, "response_format", lambda value: "auto" if isinstance(value, dict) else value, "create_run"
    )


@written_from_spec("create_run.truncation_strategy.type.enum")
def accepts_any_truncation(hooks: Hooks) -> None:
    """Accepts any type of truncation strategy."""
    set_keyword(hooks, "create_run.truncation_strategy.type.enum", None)


@written_from_spec("list_messages.limit.type", level="should")
def accepts_any_limit(hooks: Hooks) -> None:
    """Accepts a limit that is not an integer, and uses the default."""
    inner = hooks.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        valid = [(name, text) for name, text in pairs if name != "limit" or text.lstrip("-").isdecimal()]
        return inner(schemas, operation, valid)

    hooks.read_query = read


@written_from_spec("create_run.type")
def reads_arrays_as_objects(hooks: Hooks) -> None:
    """Treats a create_run body that is not an object as empty, and runs the newest assistant."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = inner(operation, raw, content_type)
        return body if isinstance(body, dict) or operation.name != "create_run" else {}

    hooks.read_body = read
    _run_newest_assistant(hooks)


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
