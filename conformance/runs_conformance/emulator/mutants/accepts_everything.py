"""Mutants that accept every body, and that read a malformed one as an empty object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.emulator.api_errors import ApiError, outputs_not_expected
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.state import Members, Run
from runs_conformance.model.json import ABSENT, pointer_tokens

_INVENTED: dict[str, Any] = {"assistant_id": "", "role": "user", "content": "-", "tool_outputs": [], "model": "gpt-4o"}
_MAX_REPAIRS = 100


@mutant("robustness")
def takes_broken_json_for_an_empty_object(hooks: Hooks) -> None:
    """Treats a body that is not JSON as an empty object, like a server whose framework returns None for it."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return inner(operation, raw, content_type)
        except ApiError as error:
            if error.message.startswith("We could not parse"):
                return inner(operation, b"{}", content_type)
            raise

    hooks.read_body = read


@written_from_spec("create_run", broad_reason="No body is validated.")
def accepts_every_body(hooks: Hooks) -> None:
    """Accepts every body, valid or not, but keeps the thread locked while the run is active."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            body = inner(operation, raw, content_type)
        except ApiError:
            body = {}
        return body if body is ABSENT or isinstance(body, dict) else {}

    def check(schemas: Schemas, operation: Operation, body: Any) -> None:
        if operation.body and body is not ABSENT:
            repair_body(schemas.find_violations, schemas.body(operation.name), body)

    def check_submit(server: ServerState, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise outputs_not_expected(run.status)

    hooks.read_body, hooks.validate_body, hooks.check_submit = read, check, check_submit
    wrap_handlers(hooks, run_newest_assistant, "create_run", "create_thread_and_run")


async def run_newest_assistant(inner: Any, request: RequestContext) -> Any:
    """Run the newest assistant if the request names none."""
    if not request.body.get("assistant_id"):
        request.body["assistant_id"] = next(reversed(request.store.assistants), "asst_none")
    return await inner(request)


def repair_body(
    find_violations: Callable[[Schema, Any], list[SchemaViolation]], schema: Schema, value: dict[str, Any]
) -> None:
    """Change a value until it is valid: remove members that violate the schema, invent missing ones."""
    for _ in range(_MAX_REPAIRS):
        violations = find_violations(schema, value)
        if not violations:
            return
        _repair(value, violations[0])
    value.clear()


def _repair(value: dict[str, Any], violation: SchemaViolation) -> None:
    path = pointer_tokens(violation.pointer)
    missing = violation.constraint.endswith(".required")
    member = violation.member or (str(violation.expected) if missing else None)
    if missing and member in _INVENTED:
        _at(value, path)[member] = _INVENTED[member]
    elif violation.constraint.endswith(".additionalProperties"):
        del _at(value, path)[member]
    elif path:
        _remove(_at(value, path[:-1]), path[-1])
    else:
        value.clear()


def _at(value: Any, path: list[str]) -> Any:
    for token in path:
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def _remove(holder: Any, token: str) -> None:
    if isinstance(holder, list):
        del holder[int(token)]
    else:
        del holder[token]
