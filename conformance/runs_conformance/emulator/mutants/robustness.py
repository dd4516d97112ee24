"""Requests that break the server, and refusals that leave a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.state import Thread
from runs_conformance.emulator.validation import Schemas

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


@blind("robustness", broad="Every operation that takes a body breaks on one that is a list.")
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


@mutant("robustness", level="may")
def takes_nothing_for_an_empty_object(behaviour: Behaviour) -> None:
    """A request without a body is carried out as if it were an empty object."""
    inner = behaviour.read_body
    behaviour.read_body = lambda operation, raw, kind: inner(
        operation, b"{}" if operation.body_required and not raw else raw, kind or "application/json"
    )


@mutant("robustness", level="should")
def knows_json_by_one_name(behaviour: Behaviour) -> None:
    """A body is read only under exactly application/json, without a charset and in small letters."""
    inner = behaviour.read_body
    behaviour.read_body = lambda operation, raw, kind: inner(
        operation, raw, kind if kind == "application/json" else "text/plain"
    )


@mutant("robustness", level="may")
def reads_json_under_any_name(behaviour: Behaviour) -> None:
    """A body is read as JSON whatever its content type."""
    inner = behaviour.read_body
    behaviour.read_body = lambda operation, raw, _: inner(operation, raw, "application/json")


@mutant("traces")
def changes_assistants_before_refusing(behaviour: Behaviour) -> None:
    """An assistant's modification that is refused is carried out as far as it is valid."""
    check = behaviour.check_body
    refused: list[Refusal] = []

    def examine(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except Refusal as refusal:
            if operation.name != "modify_assistant" or not isinstance(body, dict):
                raise
            valid = {name: value for name, value in body.items() if _is_valid(check, schemas, operation, name, value)}
            body.clear()
            body.update(valid)
            refused.append(refusal)

    async def modify(inner: Any, call: Call) -> Any:
        why = refused.pop() if refused else None
        answer = await inner(call)
        if why is not None:
            raise why
        return answer

    behaviour.check_body = examine
    around(behaviour, modify, "modify_assistant")


def _is_valid(check: Any, schemas: Schemas, operation: Operation, name: str, value: Any) -> bool:
    try:
        check(schemas, operation, {name: value})
    except Refusal:
        return False
    return True
