"""Refusals in another envelope, with another HTTP status, or not at all; and requests that break the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.contract.operation import Operation
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import blind
from conformance.emulator.refusal import Refusal
from conformance.emulator.spoiling import around
from conformance.emulator.state import Thread
from conformance.emulator.validation import Schemas
from conformance.emulator.world import Call


def _reworded(behaviour: Behaviour, change: Any) -> None:
    """Have `change` replace the `error` member."""
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: {"error": change(inner(refusal)["error"])}


def _answered_with(behaviour: Behaviour, status: int, *found: int) -> None:
    """Answer refusals of some HTTP statuses with another."""
    inner = behaviour.refusal_status

    def choose(operation: Operation | None, refusal: Refusal) -> int:
        usual = inner(operation, refusal)
        return status if usual in found else usual

    behaviour.refusal_status = choose


@blind("L-85")
def answers_like_a_framework(behaviour: Behaviour) -> None:
    """An invalid body is answered 422 with a list of details, as web frameworks do by default."""
    _answered_with(behaviour, 422, 400)
    behaviour.envelope = lambda refusal: {
        "detail": [{"type": refusal.code or "value_error", "loc": ["body", refusal.param], "msg": refusal.message}]
    }


@blind("L-85")
def answers_detail(behaviour: Behaviour) -> None:
    """Something unknown is answered with a detail member instead of an error."""
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: {"detail": "Not Found"} if refusal.http_status == 404 else inner(refusal)


@blind("L-85")
def answers_errors_in_plain_text(behaviour: Behaviour) -> None:
    """Refusals are plain text."""
    inner = behaviour.encode
    behaviour.envelope = lambda refusal: refusal.message
    behaviour.encode = lambda value: value.encode() if isinstance(value, str) else inner(value)


@blind("L-85")
def answers_errors_as_text(behaviour: Behaviour) -> None:
    """The error member is a text."""
    behaviour.envelope = lambda refusal: {"error": refusal.message}


@blind("L-85")
def answers_errors_without_envelope(behaviour: Behaviour) -> None:
    """The members of an error stand in the body itself."""
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: inner(refusal)["error"]


@blind("error.error.param.required")
def leaves_param_out(behaviour: Behaviour) -> None:
    """An error has no param member."""
    _reworded(behaviour, lambda error: {name: value for name, value in error.items() if name != "param"})


@blind("error.error.code.required")
def leaves_code_out(behaviour: Behaviour) -> None:
    """An error without a code has no code member."""
    _reworded(behaviour, lambda error: {k: v for k, v in error.items() if k != "code" or v is not None})


@blind("error.error.type.required")
def leaves_type_out(behaviour: Behaviour) -> None:
    """An error has no type."""
    _reworded(behaviour, lambda error: {name: value for name, value in error.items() if name != "type"})


@blind("error.error.message.type")
def says_nothing(behaviour: Behaviour) -> None:
    """An error's message is null."""
    _reworded(behaviour, lambda error: {**error, "message": None})


@blind("error.error.code.type")
def numbers_errors(behaviour: Behaviour) -> None:
    """An error's code is a number."""
    _reworded(behaviour, lambda error: {**error, "code": 400})


@blind("error.error.message.type")
def lists_messages(behaviour: Behaviour) -> None:
    """An error's message is a list of messages."""
    _reworded(behaviour, lambda error: {**error, "message": [error["message"]]})


@blind("refusals", level="should")
def never_names_the_param(behaviour: Behaviour) -> None:
    """An error's param is always null."""
    _reworded(behaviour, lambda error: {**error, "param": None})


@blind("refusals", level="should")
def blames_another_param(behaviour: Behaviour) -> None:
    """An error's param is always "body"."""
    _reworded(behaviour, lambda error: {**error, "param": error["param"] and "body"})


@blind("refusals", level="should")
def refuses_with_422(behaviour: Behaviour) -> None:
    """An invalid request is answered 422."""
    _answered_with(behaviour, 422, 400)


@blind("refusals")
def refuses_with_200(behaviour: Behaviour) -> None:
    """Refusals are answered 200, with the error in the body."""
    _answered_with(behaviour, 200, 400, 404)


@blind("errors")
def refuses_with_500(behaviour: Behaviour) -> None:
    """An invalid request is answered 500."""
    _answered_with(behaviour, 500, 400)


@blind("errors")
def creates_with_201(behaviour: Behaviour) -> None:
    """What was created is answered 201."""
    behaviour.success = lambda operation: 201 if operation.creates else 200


@blind("errors")
def runs_with_202(behaviour: Behaviour) -> None:
    """A run that was started or cancelled is answered 202."""
    behaviour.success = lambda operation: 202 if operation.name in ("create_run", "cancel_run") else 200


@blind("L-84", level="should")
def breaks_on_unknown_ids(behaviour: Behaviour) -> None:
    """What does not exist is answered 500."""
    _answered_with(behaviour, 500, 404)


@blind("L-84", level="should")
def answers_unknown_with_nothing(behaviour: Behaviour) -> None:
    """What does not exist is answered 200 and null."""
    _answered_with(behaviour, 200, 404)
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: None if refusal.http_status == 404 else inner(refusal)


@blind("L-84", level="should")
def creates_threads_on_demand(behaviour: Behaviour) -> None:
    """A thread that does not exist is created when it is asked for."""
    inner = behaviour.find_thread

    def find(call: Call, id_: str) -> Thread:
        if id_ not in call.store.threads:
            now = call.world.clock.now()
            call.store.threads[id_] = Thread(id_, call.world.seq(), now, {}, {})
        return call.store.threads[id_] if not id_.startswith("thread") else inner(call, id_)

    behaviour.find_thread = find


@blind("L-84", level="should")
def lists_unknown_threads_as_empty(behaviour: Behaviour) -> None:
    """The lists of a thread that does not exist are empty."""

    async def look(inner: Any, call: Call) -> Any:
        if call.path["thread_id"] not in call.store.threads:
            return call.world.behaviour.list_object([], False)
        return await inner(call)

    around(behaviour, look, "list_messages", "list_runs")


@blind("L-84", level="should")
def deletes_what_is_unknown(behaviour: Behaviour) -> None:
    """Deleting what does not exist succeeds."""

    async def delete(inner: Any, call: Call) -> Any:
        try:
            return await inner(call)
        except Refusal:
            kind = call.operation.name.removeprefix("delete_")
            return call.world.behaviour.deletion_object(kind, call.path[f"{kind}_id"])

    around(behaviour, delete, "delete_thread", "delete_message", "delete_assistant")


@blind("L-84", level="should")
def runs_unknown_assistants(behaviour: Behaviour) -> None:
    """A run of an assistant that does not exist is answered 500."""
    inner = behaviour.find_assistant_to_run

    def find(call: Call, id_: str) -> Any:
        if id_ not in call.store.assistants:
            raise Refusal(500, "Internal Server Error", None, None, "server_error")
        return inner(call, id_)

    behaviour.find_assistant_to_run = find


_BROKEN = Refusal(500, "The server had an error while processing your request.", None, None, "server_error")


def _breaks_on(behaviour: Behaviour, breaks: Any) -> None:
    inner = behaviour.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        if breaks(raw, content_type):
            raise _BROKEN
        return inner(operation, raw, content_type)

    behaviour.read_body = read


@blind("robustness")
def breaks_on_bad_json(behaviour: Behaviour) -> None:
    """A body that is not JSON is answered 500."""
    inner = behaviour.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            return inner(operation, raw, content_type)
        except Refusal as refusal:
            raise _BROKEN if refusal.message.startswith("We could not parse") else refusal from None

    behaviour.read_body = read


@blind("robustness")
def breaks_on_bad_utf8(behaviour: Behaviour) -> None:
    """A body that is not UTF-8 is answered 500."""

    def breaks(raw: bytes, content_type: str | None) -> bool:
        try:
            raw.decode()
        except UnicodeDecodeError:
            return True
        return False

    _breaks_on(behaviour, breaks)


@blind("robustness")
def breaks_on_depth(behaviour: Behaviour) -> None:
    """A deeply nested body is answered 500."""
    _breaks_on(behaviour, lambda raw, _: raw.count(b"[") > 100 or raw.count(b"{") > 100)


@blind("robustness")
def breaks_on_zero(behaviour: Behaviour) -> None:
    """A text with a NUL character is answered 500, as databases do that cannot store it."""
    _breaks_on(behaviour, lambda raw, _: b"\\u0000" in raw)


@blind("robustness")
def breaks_on_half_a_character(behaviour: Behaviour) -> None:
    """A text with half of a surrogate pair is answered 500."""

    def breaks(raw: bytes, content_type: str | None) -> bool:
        lower = raw.lower()
        return (b"\\ud8" in lower and b"\\udc" not in lower) or (b"\\udc00" in lower and b"\\ud8" not in lower)

    _breaks_on(behaviour, breaks)


@blind("robustness")
def breaks_on_length(behaviour: Behaviour) -> None:
    """A body of more than 512 KB is answered 500."""
    _breaks_on(behaviour, lambda raw, _: len(raw) > 512 * 1024)


@blind("robustness")
def breaks_without_a_content_type(behaviour: Behaviour) -> None:
    """A body of another content type is answered 500."""
    _breaks_on(behaviour, lambda raw, kind: bool(raw) and not (kind or "").startswith("application/json"))


@blind("robustness")
def breaks_on_arrays(behaviour: Behaviour) -> None:
    """A body that is no object is answered 500."""
    inner = behaviour.check_body

    def check(schemas: Schemas, operation: Operation, body: Any) -> None:
        if isinstance(body, (list, str, int)):
            raise _BROKEN
        inner(schemas, operation, body)

    behaviour.check_body = check


@blind("robustness")
def breaks_on_long_ids(behaviour: Behaviour) -> None:
    """A very long id is answered 500."""
    inner = behaviour.find_thread

    def find(call: Call, id_: str) -> Thread:
        if len(id_) > 200:
            raise _BROKEN
        return inner(call, id_)

    behaviour.find_thread = find


@blind("robustness")
def breaks_on_odd_limits(behaviour: Behaviour) -> None:
    """A limit that is no number is answered 500."""
    inner = behaviour.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        if any(name == "limit" and not text.lstrip("-").isdecimal() for name, text in pairs):
            raise _BROKEN
        return inner(schemas, operation, pairs)

    behaviour.read_query = read


@blind("traces")
def adds_messages_before_refusing(behaviour: Behaviour) -> None:
    """A run that is refused because of its assistant leaves its additional messages in the thread."""

    async def run(inner: Any, call: Call) -> Any:
        thread = call.store.threads.get(call.path["thread_id"])
        known = call.store.assistants.get(call.body["assistant_id"])
        if thread is not None and known is None:
            call.world.behaviour.add_messages(call, thread, call.body.get("additional_messages") or [])
        return await inner(call)

    around(behaviour, run, "create_run")


@blind("traces")
def starts_what_it_refuses(behaviour: Behaviour) -> None:
    """An invalid request for a run is refused, and the run started all the same."""
    refused: list[Refusal] = []
    check = behaviour.check_body

    def examine(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except Refusal as refusal:
            if operation.name != "create_run" or not isinstance(body, dict) or "assistant_id" not in body:
                raise
            assistant = body["assistant_id"]
            body.clear()
            body["assistant_id"] = assistant
            refused.append(refusal)

    async def run(inner: Any, call: Call) -> Any:
        why = refused.pop() if refused else None
        answer = await inner(call)
        if why is not None:
            raise why
        return answer

    behaviour.check_body = examine
    around(behaviour, run, "create_run")


@blind("traces")
def stores_what_it_refuses(behaviour: Behaviour) -> None:
    """Metadata that is refused on a thread is stored as far as it is valid."""
    check = behaviour.check_body
    refused: list[tuple[Refusal, dict[str, str]]] = []

    def examine(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except Refusal as refusal:
            given = body.get("metadata") if isinstance(body, dict) else None
            if operation.name not in ("modify_thread", "modify_run") or not isinstance(given, dict):
                raise
            refused.append((refusal, {name: str(value)[:512] for name, value in list(given.items())[:16]}))
            body.clear()

    async def modify(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        if refused:
            why, kept = refused.pop()
            thread = call.store.threads[call.path["thread_id"]]
            (thread.runs[call.path["run_id"]] if "run_id" in call.path else thread).metadata = kept
            raise why
        return answer

    behaviour.check_body = examine
    around(behaviour, modify, "modify_thread", "modify_run")
