"""Mutants of streams: wrong framing, unrequested streams, and missing streams."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Events, EventStreamResponse, Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_events, wrap_handlers
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.state import Run


@written_from_spec("stream-ends-with-done")
def never_says_done(hooks: Hooks) -> None:
    """A stream ends without done."""
    hooks.closing_events = lambda server, run: ()


@written_from_spec("stream-ends-with-done")
def says_done_in_json(hooks: Hooks) -> None:
    """The data of done is an empty object."""
    hooks.closing_events = lambda server, run: (("done", {}),)


@written_from_spec("stream-ends-with-done")
def names_done_message(hooks: Hooks) -> None:
    """[DONE] is the data of an event named message."""
    hooks.closing_events = lambda server, run: (("message", "[DONE]"),)


@written_from_spec("stream-ends-with-done")
def breaks_off_while_waiting(hooks: Hooks) -> None:
    """A stream that ends in requires_action has no done."""
    inner = hooks.closing_events
    hooks.closing_events = lambda server, run: () if run.status == "requires_action" else inner(server, run)


@written_from_spec("stream-is-sse-with-json", level="should")
def answers_streams_in_json(hooks: Hooks) -> None:
    """Requests with stream true get JSON."""

    async def response(inner: Any, request: RequestContext) -> Any:
        result = await inner(request)
        return (
            request.server.hooks.run_object(request.server, result.run, "json")
            if isinstance(result, EventStreamResponse)
            else result
        )

    wrap_handlers(hooks, response, "create_run", "create_thread_and_run", "submit_tool_outputs")


@written_from_spec("stream-is-sse-with-json", level="should")
def streams_as_plain_json(hooks: Hooks) -> None:
    """The content type of a stream is application/json."""
    hooks.stream_content_type = "application/json"


@written_from_spec("stream-is-sse-with-json", level="should")
def streams_without_names(hooks: Hooks) -> None:
    """Events have no name."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: inner(name, data).partition(b"\n")[2]


@written_from_spec("stream-is-sse-with-json", level="should")
def breaks_data_into_lines(hooks: Hooks) -> None:
    """The data of an event has several lines, but only the first has the data field name."""
    hooks.encode_event = lambda name, data: (
        f"event: {name}\ndata: {data if isinstance(data, str) else json.dumps(data, indent=1)}\n\n".encode()
    )


@written_from_spec("stream-is-sse-with-json", level="should")
def writes_python_data(hooks: Hooks) -> None:
    """The data of an event is Python's repr instead of JSON."""
    hooks.encode_event = lambda name, data: f"event: {name}\ndata: {data}\n\n".encode()


@written_from_spec("no-stream-means-json")
def always_streams(hooks: Hooks) -> None:
    """A run is always streamed."""

    async def run(inner: Any, request: RequestContext) -> Any:
        request.body["stream"] = True
        return await inner(request)

    wrap_handlers(hooks, run, "create_run", "create_thread_and_run")


@written_from_spec("no-stream-means-json")
def streams_when_stream_is_false(hooks: Hooks) -> None:
    """A run is streamed if stream is present, even as false."""

    async def run(inner: Any, request: RequestContext) -> Any:
        request.body["stream"] = "stream" in request.body
        return await inner(request)

    wrap_handlers(hooks, run, "create_run", "create_thread_and_run", "submit_tool_outputs")


@written_from_spec(
    "errors-have-envelope",
    broad_reason="The error with status 200 is read as a run without any member.",
)
def streams_its_refusals(hooks: Hooks) -> None:
    """A refused request with stream true gets 200, with an error member that is a string."""
    refusals: list[bool] = []
    check, status, envelope = hooks.validate_body, hooks.error_status, hooks.error_body

    def validate(schemas: Schemas, operation: Operation, body: Any) -> None:
        refusals.clear()
        try:
            check(schemas, operation, body)
        except ApiError:
            refusals.extend([True] * (isinstance(body, dict) and body.get("stream") is True))
            raise

    hooks.validate_body = validate
    hooks.error_status = lambda operation, error: 200 if refusals else status(operation, error)
    hooks.error_body = lambda error: {"error": error.message} if refusals else envelope(error)


@mutant("stream-ends-with-done")
def talks_on_after_done(hooks: Hooks) -> None:
    """An event with the usage follows done."""
    inner = hooks.closing_events
    hooks.closing_events = lambda server, run: (*inner(server, run), ("usage", hooks.usage_object(run.usage) or {}))


@mutant("stream-is-sse-with-json", level="should")
def ends_without_an_empty_line(hooks: Hooks) -> None:
    """The last event of a stream is not terminated by an empty line."""
    inner = hooks.encode_event
    hooks.encode_event = lambda name, data: inner(name, data)[:-1] if name == "done" else inner(name, data)


@mutant("error-event-shape", level="may")
def breaks_off_without_a_word(hooks: Hooks) -> None:
    """A stream whose run fails ends with an empty error event."""

    def change(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return (("error", {}),) if name == "thread.run.failed" else ((name, data),)

    patch_events(hooks, change)


@mutant("errors-have-envelope", level="should")
def refuses_in_events(hooks: Hooks) -> None:
    """An invalid request with stream true gets a stream that contains the error."""
    refusals: list[bool] = []
    check, encode, headers = hooks.validate_body, hooks.encode_json, hooks.response_headers

    def validate(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except ApiError:
            refusals.extend([True] * (isinstance(body, dict) and body.get("stream") is True))
            raise

    def encode_as_events(value: Any) -> bytes:
        return hooks.encode_event("error", value) + hooks.encode_event("done", "[DONE]") if refusals else encode(value)

    def stream_headers(server: ServerState) -> dict[str, str]:
        streams = {"content-type": hooks.stream_content_type} if refusals else {}
        refusals.clear()
        return headers(server) | streams

    hooks.validate_body, hooks.encode_json, hooks.response_headers = validate, encode_as_events, stream_headers


@mutant("errors-have-envelope", level="should")
def streams_refusals_as_success(hooks: Hooks) -> None:
    """A request with stream true that is refused for any reason gets HTTP 200 and a stream that contains the error."""
    _stream_refusals(hooks, lambda operation: True, lambda: b"")


@mutant("errors-have-envelope", level="should")
def streams_a_thread_before_its_refusal(hooks: Hooks) -> None:
    """A refused create_thread_and_run with stream true gets HTTP 200, the event of a new thread, and the error."""

    def show_new_thread() -> bytes:
        thread = {"id": f"thread_{secrets.token_hex(12)}", "object": "thread", "created_at": int(time.time())}
        return hooks.encode_event("thread.created", {**thread, "metadata": {}, "tool_resources": {}})

    _stream_refusals(hooks, lambda operation: operation.name == "create_thread_and_run", show_new_thread)


def _stream_refusals(
    hooks: Hooks, is_affected: Callable[[Operation], bool], encode_opening: Callable[[], bytes]
) -> None:
    """Have refusals of streams come as streams of an error, with status 200, after an opening."""
    streams: ContextVar[bool] = ContextVar("streams", default=False)
    refused: ContextVar[bool] = ContextVar("refused", default=False)
    read, status, encode, headers = hooks.read_body, hooks.error_status, hooks.encode_json, hooks.response_headers

    def read_body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        body = read(operation, raw, content_type)
        streams.set(isinstance(body, dict) and body.get("stream") is True and is_affected(operation))
        return body

    def report_success(operation: Operation | None, error: ApiError) -> int:
        refused.set(streams.get())
        return 200 if streams.get() else status(operation, error)

    def encode_as_events(value: Any) -> bytes:
        if not refused.get():
            return encode(value)
        return encode_opening() + hooks.encode_event("error", value) + hooks.encode_event("done", "[DONE]")

    def stream_headers(server: ServerState) -> dict[str, str]:
        return headers(server) | ({"content-type": hooks.stream_content_type} if refused.get() else {})

    hooks.read_body, hooks.error_status = read_body, report_success
    hooks.encode_json, hooks.response_headers = encode_as_events, stream_headers
