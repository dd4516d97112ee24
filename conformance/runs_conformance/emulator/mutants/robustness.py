"""Mutants that fail on malformed or extreme requests, or that apply refused ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.state import Members, Thread

_SERVER_ERROR = ApiError(500, "The server had an error while processing your request.", None, None, "server_error")


def _fail_if(hooks: Hooks, is_fatal: Any) -> None:
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        if is_fatal(raw, content_type):
            raise _SERVER_ERROR
        return inner(operation, raw, content_type)

    hooks.read_body = read


@written_from_spec("robustness")
def breaks_on_bad_json(hooks: Hooks) -> None:
    """Responds to invalid JSON with 500."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return inner(operation, raw, content_type)
        except ApiError as error:
            raise _SERVER_ERROR if error.message.startswith("We could not parse") else error from None

    hooks.read_body = read


@written_from_spec("robustness")
def breaks_on_bad_utf8(hooks: Hooks) -> None:
    """Responds to invalid UTF-8 with 500."""

    def is_fatal(raw: bytes, content_type: str | None) -> bool:
        try:
            raw.decode()
        except UnicodeDecodeError:
            return True
        return False

    _fail_if(hooks, is_fatal)


@written_from_spec("robustness")
def breaks_on_depth(hooks: Hooks) -> None:
    """Responds to a deeply nested body with 500."""
    _fail_if(hooks, lambda raw, _: raw.count(b"[") > 100 or raw.count(b"{") > 100)


@written_from_spec("robustness")
def breaks_on_zero(hooks: Hooks) -> None:
    """Responds to a NUL character with 500, like a server whose database cannot store it."""
    _fail_if(hooks, lambda raw, _: b"\\u0000" in raw)


@written_from_spec("robustness")
def breaks_on_half_a_character(hooks: Hooks) -> None:
    """Responds to a lone surrogate with 500."""

    def is_fatal(raw: bytes, content_type: str | None) -> bool:
        lower = raw.lower()
        return (b"\\ud8" in lower and b"\\udc" not in lower) or (b"\\udc00" in lower and b"\\ud8" not in lower)

    _fail_if(hooks, is_fatal)


@written_from_spec("robustness")
def breaks_on_length(hooks: Hooks) -> None:
    """Responds to a body of more than 512 KB with 500."""
    _fail_if(hooks, lambda raw, _: len(raw) > 512 * 1024)


@written_from_spec("robustness")
def breaks_without_a_content_type(hooks: Hooks) -> None:
    """Responds to an unexpected content type with 500."""
    _fail_if(hooks, lambda raw, kind: bool(raw) and not (kind or "").startswith("application/json"))


@written_from_spec("robustness", broad_reason="Every operation with a body fails if the body is a list.")
def breaks_on_arrays(hooks: Hooks) -> None:
    """Responds to a body that is not an object with 500."""
    inner = hooks.validate_body

    def check(schemas: Schemas, operation: Operation, body: Any) -> None:
        if isinstance(body, (list, str, int)):
            raise _SERVER_ERROR
        inner(schemas, operation, body)

    hooks.validate_body = check


@written_from_spec("robustness")
def breaks_on_long_ids(hooks: Hooks) -> None:
    """Responds to a very long id with 500."""
    inner = hooks.find_thread

    def find(request: RequestContext, id_: str) -> Thread:
        if len(id_) > 200:
            raise _SERVER_ERROR
        return inner(request, id_)

    hooks.find_thread = find


@mutant("error.error.required")
def leaves_long_ids_to_its_router(hooks: Hooks) -> None:
    """Responds to a path with an id of more than 100 characters with the 414 of the web framework."""
    inner, error_body = hooks.find_thread, hooks.error_body
    too_long = ApiError(414, "A part of the path is too long.", None, None)

    def find(request: RequestContext, id_: str) -> Thread:
        if len(id_) > 100:
            raise too_long
        return inner(request, id_)

    def body(error: ApiError) -> Any:
        return {"statusCode": 414, "message": error.message} if error is too_long else error_body(error)

    hooks.find_thread, hooks.error_body = find, body


@written_from_spec("robustness")
def breaks_on_odd_limits(hooks: Hooks) -> None:
    """Responds to a limit that is not a number with 500."""
    inner = hooks.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        if any(name == "limit" and not text.lstrip("-").isdecimal() for name, text in pairs):
            raise _SERVER_ERROR
        return inner(schemas, operation, pairs)

    hooks.read_query = read


@written_from_spec("traces")
def adds_messages_before_refusing(hooks: Hooks) -> None:
    """A run refused for its assistant leaves its additional messages in the thread."""

    async def run(inner: Any, request: RequestContext) -> Any:
        thread = request.store.threads.get(request.path_params["thread_id"])
        known = request.store.assistants.get(request.body["assistant_id"])
        if thread is not None and known is None:
            request.server.hooks.add_messages(request, thread, request.body.get("additional_messages") or [])
        return await inner(request)

    wrap_handlers(hooks, run, "create_run")


@written_from_spec("traces")
def starts_what_it_refuses(hooks: Hooks) -> None:
    """An invalid create_run is refused, but starts a run."""
    _handle_before_refusing(
        hooks,
        "create_run",
        lambda schemas, operation, body: {"assistant_id": body["assistant_id"]} if "assistant_id" in body else None,
    )


def _handle_before_refusing(
    hooks: Hooks, name: str, valid_part: Callable[[Schemas, Operation, Members], Members | None]
) -> None:
    """Handle the valid part of an invalid body, then refuse it; at once if there is no valid part."""
    errors: list[ApiError] = []
    check = hooks.validate_body

    def validate(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except ApiError as error:
            is_concerned = operation.name == name and isinstance(body, dict)
            valid = valid_part(schemas, operation, body) if is_concerned else None
            if valid is None:
                raise
            body.clear()
            body.update(valid)
            errors.append(error)

    async def handle(inner: Any, request: RequestContext) -> Any:
        error_to_raise = errors.pop() if errors else None
        response = await inner(request)
        if error_to_raise is not None:
            raise error_to_raise
        return response

    hooks.validate_body = validate
    wrap_handlers(hooks, handle, name)


@written_from_spec("traces")
def stores_what_it_refuses(hooks: Hooks) -> None:
    """Invalid metadata is refused, but its valid part is stored."""
    check = hooks.validate_body
    errors: list[tuple[ApiError, dict[str, str]]] = []

    def validate(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except ApiError as error:
            metadata = body.get("metadata") if isinstance(body, dict) else None
            if operation.name not in ("modify_thread", "modify_run") or not isinstance(metadata, dict):
                raise
            errors.append((error, {name: str(value)[:512] for name, value in list(metadata.items())[:16]}))
            body.clear()

    async def modify(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        if errors:
            error_to_raise, valid = errors.pop()
            thread = request.store.threads[request.path_params["thread_id"]]
            (thread.runs[request.path_params["run_id"]] if "run_id" in request.path_params else thread).metadata = valid
            raise error_to_raise
        return response

    hooks.validate_body = validate
    wrap_handlers(hooks, modify, "modify_thread", "modify_run")


@mutant("robustness", level="may")
def takes_nothing_for_an_empty_object(hooks: Hooks) -> None:
    """Treats a missing body as an empty object."""
    inner = hooks.read_body
    hooks.read_body = lambda operation, raw, kind: inner(
        operation, b"{}" if operation.body_required and not raw else raw, kind or "application/json"
    )


@mutant("robustness", level="should")
def knows_json_by_one_name(hooks: Hooks) -> None:
    """Accepts only the exact content type application/json, in lower case and without a charset."""
    inner = hooks.read_body
    hooks.read_body = lambda operation, raw, kind: inner(
        operation, raw, kind if kind == "application/json" else "text/plain"
    )


@mutant("robustness", level="may")
def reads_json_under_any_name(hooks: Hooks) -> None:
    """Accepts JSON with any content type."""
    inner = hooks.read_body
    hooks.read_body = lambda operation, raw, _: inner(operation, raw, "application/json")


@mutant("traces")
def changes_assistants_before_refusing(hooks: Hooks) -> None:
    """An invalid modify_assistant is refused, but its valid members are stored."""
    check = hooks.validate_body

    def valid_members(schemas: Schemas, operation: Operation, body: Members) -> Members:
        return {name: value for name, value in body.items() if _is_valid(check, schemas, operation, name, value)}

    _handle_before_refusing(hooks, "modify_assistant", valid_members)


def _is_valid(check: Any, schemas: Schemas, operation: Operation, name: str, value: Any) -> bool:
    try:
        check(schemas, operation, {name: value})
    except ApiError:
        return False
    return True


@written_from_spec("robustness")
def reads_not_a_number(hooks: Hooks) -> None:
    """Reads NaN and Infinity as numbers, as the JSON module of Python does."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        for name in (b"-Infinity", b"Infinity", b"NaN"):
            raw = raw.replace(b": " + name, b": 1")
        return inner(operation, raw, content_type)

    hooks.read_body = read


@mutant("acceptance", broad_reason="A setup step that is refused at random breaks whatever follows it.")
def refuses_every_fifth_thread(hooks: Hooks) -> None:
    """Every fifth valid request to create a thread is refused."""
    count = 0

    async def create(inner: Any, request: RequestContext) -> Any:
        nonlocal count
        count += 1
        if count % 5 == 0:
            raise ApiError(400, "The thread could not be created.")
        return await inner(request)

    wrap_handlers(hooks, create, "create_thread")
