"""Mutants of error responses: other envelopes, other HTTP statuses, or no error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.state import Thread


def _replace_error(hooks: Hooks, change: Any) -> None:
    """Have `change` return the `error` member."""
    inner = hooks.error_body
    hooks.error_body = lambda error: {"error": change(inner(error)["error"])}


def _replace_status(hooks: Hooks, status: int, *statuses: int) -> None:
    """Replace some HTTP statuses of errors with another."""
    inner = hooks.error_status

    def choose(operation: Operation | None, error: ApiError) -> int:
        original = inner(operation, error)
        return status if original in statuses else original

    hooks.error_status = choose


@written_from_spec("error")
def answers_like_a_framework(hooks: Hooks) -> None:
    """Responds to an invalid body with 422 and a list of details, the default of web frameworks."""
    _replace_status(hooks, 422, 400)
    hooks.error_body = lambda error: {
        "detail": [{"type": error.code or "value_error", "loc": ["body", error.param], "msg": error.message}]
    }


@written_from_spec("error")
def answers_detail(hooks: Hooks) -> None:
    """Responds to an unknown id with a detail member instead of an error."""
    inner = hooks.error_body
    hooks.error_body = lambda error: {"detail": "Not Found"} if error.http_status == 404 else inner(error)


@mutant("errors-have-envelope", level="should")
def writes_none_in_words(hooks: Hooks) -> None:
    """An error without a parameter or code has the text `None` there."""
    _replace_error(
        hooks, lambda error: {**error, **{name: str(error[name]) for name in ("param", "code") if name in error}}
    )


@written_from_spec("errors-have-envelope")
def answers_errors_in_plain_text(hooks: Hooks) -> None:
    """Errors are plain text."""
    inner = hooks.encode_json
    hooks.error_body = lambda error: error.message
    hooks.encode_json = lambda value: value.encode() if isinstance(value, str) else inner(value)


@written_from_spec("error")
def answers_errors_as_text(hooks: Hooks) -> None:
    """The error member is a string."""
    hooks.error_body = lambda error: {"error": error.message}


@written_from_spec("error")
def answers_errors_without_envelope(hooks: Hooks) -> None:
    """The members of an error are at the top of the body."""
    inner = hooks.error_body
    hooks.error_body = lambda error: inner(error)["error"]


@written_from_spec("error.error.param.required")
def leaves_param_out(hooks: Hooks) -> None:
    """An error has no param member."""
    _replace_error(hooks, lambda error: {name: value for name, value in error.items() if name != "param"})


@written_from_spec("error.error.code.required")
def leaves_code_out(hooks: Hooks) -> None:
    """An error without a code has no code member."""
    _replace_error(hooks, lambda error: {k: v for k, v in error.items() if k != "code" or v is not None})


@written_from_spec("error.error.type.required")
def leaves_type_out(hooks: Hooks) -> None:
    """An error has no type."""
    _replace_error(hooks, lambda error: {name: value for name, value in error.items() if name != "type"})


@written_from_spec("error.error.message.type")
def sends_null_error_messages(hooks: Hooks) -> None:
    """An error's message is null."""
    _replace_error(hooks, lambda error: {**error, "message": None})


@written_from_spec("error.error.code.type")
def numbers_errors(hooks: Hooks) -> None:
    """An error's code is a number."""
    _replace_error(hooks, lambda error: {**error, "code": 400})


@written_from_spec("error.error.message.type")
def lists_messages(hooks: Hooks) -> None:
    """An error's message is a list of messages."""
    _replace_error(hooks, lambda error: {**error, "message": [error["message"]]})


@written_from_spec("refusals", level="should")
def never_names_the_param(hooks: Hooks) -> None:
    """An error's param is always null."""
    _replace_error(hooks, lambda error: {**error, "param": None})


@written_from_spec("refusals", level="should")
def blames_another_param(hooks: Hooks) -> None:
    """An error's param is always "body"."""
    _replace_error(hooks, lambda error: {**error, "param": error["param"] and "body"})


@written_from_spec("refusals", level="should")
def refuses_with_422(hooks: Hooks) -> None:
    """Responds to invalid requests with 422."""
    _replace_status(hooks, 422, 400)


@written_from_spec(
    "refusals",
    broad_reason="Every required refusal looks like an acceptance, and its body like an invalid object.",
)
def refuses_with_200(hooks: Hooks) -> None:
    """Responds with 200 to failed requests, with the error in the body."""
    _replace_status(hooks, 200, 400, 404)


@written_from_spec("errors", broad_reason="Every refusal of an invalid body is a server error.")
def refuses_with_500(hooks: Hooks) -> None:
    """Responds to invalid requests with 500."""
    _replace_status(hooks, 500, 400)


@written_from_spec("errors")
def creates_with_201(hooks: Hooks) -> None:
    """Responds with 201 to creations."""
    hooks.success_status = lambda operation: 201 if operation.creates else 200


@written_from_spec("errors")
def runs_with_202(hooks: Hooks) -> None:
    """Responds with 202 to create_run and cancel_run."""
    hooks.success_status = lambda operation: 202 if operation.name in ("create_run", "cancel_run") else 200


@written_from_spec("errors")
def breaks_on_unknown_ids(hooks: Hooks) -> None:
    """Responds to unknown ids with 500."""
    _replace_status(hooks, 500, 404)


@written_from_spec(
    "unknown-object-is-404",
    level="should",
    broad_reason="Every rule that requests an unknown or deleted object sees a success.",
)
def answers_unknown_with_nothing(hooks: Hooks) -> None:
    """Responds to unknown ids with 200 and null."""
    _replace_status(hooks, 200, 404)
    inner = hooks.error_body
    hooks.error_body = lambda error: None if error.http_status == 404 else inner(error)


@written_from_spec(
    "unknown-object-is-404",
    level="should",
    broad_reason="Requesting a deleted thread, or one of another key, recreates it empty.",
)
def creates_threads_on_demand(hooks: Hooks) -> None:
    """Creates a thread when an unknown id is requested."""
    inner = hooks.find_thread

    def find(request: RequestContext, id_: str) -> Thread:
        if id_ not in request.store.threads:
            now = request.server.clock.now()
            request.store.threads[id_] = Thread(id_, request.server.seq(), now, {}, {})
        return request.store.threads[id_] if not id_.startswith("thread") else inner(request, id_)

    hooks.find_thread = find


@written_from_spec("unknown-object-is-404", level="should")
def lists_unknown_threads_as_empty(hooks: Hooks) -> None:
    """Responds to list requests for an unknown thread with an empty page."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        if request.path_params["thread_id"] not in request.store.threads:
            return request.server.hooks.list_object([], False)
        return await inner(request)

    wrap_handlers(hooks, handle, "list_messages", "list_runs")


@written_from_spec(
    "unknown-object-is-404",
    level="should",
    broad_reason="Deleting an object twice, or one of another key, succeeds as well.",
)
def deletes_what_is_unknown(hooks: Hooks) -> None:
    """Deleting an unknown id succeeds."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        try:
            return await inner(request)
        except ApiError:
            kind = request.operation.name.removeprefix("delete_")
            return request.server.hooks.deletion_object(kind, request.path_params[f"{kind}_id"])

    wrap_handlers(hooks, delete, "delete_thread", "delete_message", "delete_assistant")


@written_from_spec("errors")
def runs_unknown_assistants(hooks: Hooks) -> None:
    """Responds to create_run with an unknown assistant with 500."""
    inner = hooks.find_assistant_to_run

    def find(request: RequestContext, id_: str) -> Any:
        if id_ not in request.store.assistants:
            raise ApiError(500, "Internal Server Error", None, None, "server_error")
        return inner(request, id_)

    hooks.find_assistant_to_run = find


@mutant("unknown-object-is-404", level="should")
def names_errors_by_their_status(hooks: Hooks) -> None:
    """The type of an error is the name of its HTTP status."""
    names = {400: "bad_request", 401: "unauthorized", 404: "not_found"}
    _replace_type(hooks, lambda error: names.get(error.http_status, error.type))


def _replace_type(hooks: Hooks, type_of: Callable[[ApiError], str]) -> None:
    inner = hooks.error_body
    hooks.error_body = lambda error: inner(replace(error, type=type_of(error)))


@mutant("errors", level="should")
def shows_stack_traces(hooks: Hooks) -> None:
    """The error for invalid JSON contains the stack trace of the parser."""
    inner = hooks.error_body
    stack = 'Traceback (most recent call last):\n  File "/srv/app/api.py", line 41, in parse\n'

    def envelope(error: ApiError) -> Any:
        broken = error.message.startswith("We could not parse")
        return inner(replace(error, message=stack + error.message) if broken else error)

    hooks.error_body = envelope


@mutant("refusals", level="should")
def answers_locks_with_409(hooks: Hooks) -> None:
    """Responds to a message or run on a locked thread with 409."""
    inner = hooks.error_status

    def status(operation: Operation | None, error: ApiError) -> int:
        locked = "already has an active run" in error.message or "while a run" in error.message
        return 409 if locked else inner(operation, error)

    hooks.error_status = status


@mutant("refusals")
def answers_unknown_roles_with_404(hooks: Hooks) -> None:
    """Responds to a message with an unknown role with 404."""
    inner = hooks.error_status

    def status(operation: Operation | None, error: ApiError) -> int:
        role = operation is not None and operation.name == "create_message" and error.param == "role"
        return 404 if role and error.code == "invalid_value" else inner(operation, error)

    hooks.error_status = status
