"""Streams that are framed in another way, come unasked, or do not come."""

from __future__ import annotations

import json
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour, Events
from runs_conformance.emulator.operations import Following
from runs_conformance.emulator.patching import around, told
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.state import Run
from runs_conformance.emulator.validation import Schemas


@blind("L-62")
def never_says_done(behaviour: Behaviour) -> None:
    """A stream ends without done."""
    behaviour.ending = lambda world, run: ()


@blind("L-62")
def says_done_in_json(behaviour: Behaviour) -> None:
    """The data of done is an empty object."""
    behaviour.ending = lambda world, run: (("done", {}),)


@blind("L-62")
def names_done_message(behaviour: Behaviour) -> None:
    """[DONE] comes as the data of an event called message."""
    behaviour.ending = lambda world, run: (("message", "[DONE]"),)


@blind("L-62")
def breaks_off_while_waiting(behaviour: Behaviour) -> None:
    """A stream that stops because outputs are required ends without done."""
    inner = behaviour.ending
    behaviour.ending = lambda world, run: () if run.status == "requires_action" else inner(world, run)


@blind("L-64", level="should")
def answers_streams_in_json(behaviour: Behaviour) -> None:
    """A run that is to be streamed is answered as JSON."""

    async def answer(inner: Any, call: Call) -> Any:
        made = await inner(call)
        return call.world.behaviour.run_object(call.world, made.run, "json") if isinstance(made, Following) else made

    around(behaviour, answer, "create_run", "create_thread_and_run", "submit_tool_outputs")


@blind("L-64", level="should")
def streams_as_plain_json(behaviour: Behaviour) -> None:
    """A stream's content type is application/json."""
    behaviour.stream_type = "application/json"


@blind("L-64", level="should")
def streams_without_names(behaviour: Behaviour) -> None:
    """Events have no name, only data."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: inner(name, data).partition(b"\n")[2]


@blind("L-64", level="should")
def breaks_data_into_lines(behaviour: Behaviour) -> None:
    """The data of an event is written over several lines of which only the first is marked as data."""
    behaviour.frame = lambda name, data: (
        f"event: {name}\ndata: {data if isinstance(data, str) else json.dumps(data, indent=1)}\n\n".encode()
    )


@blind("L-64", level="should")
def writes_python_data(behaviour: Behaviour) -> None:
    """The data of an event is what Python prints, not JSON."""
    behaviour.frame = lambda name, data: f"event: {name}\ndata: {data}\n\n".encode()


@blind("L-73")
def always_streams(behaviour: Behaviour) -> None:
    """A run is streamed whether it was asked for or not."""

    async def run(inner: Any, call: Call) -> Any:
        call.body["stream"] = True
        return await inner(call)

    around(behaviour, run, "create_run", "create_thread_and_run")


@blind("L-73")
def streams_when_stream_is_false(behaviour: Behaviour) -> None:
    """A run is streamed whenever stream is given, even as false."""

    async def run(inner: Any, call: Call) -> Any:
        call.body["stream"] = "stream" in call.body
        return await inner(call)

    around(behaviour, run, "create_run", "create_thread_and_run", "submit_tool_outputs")


@blind("L-85", broad="The error that is answered with 200 is read as a run, of which every member is missing.")
def streams_its_refusals(behaviour: Behaviour) -> None:
    """A request for a stream that is refused is answered 200 with an error member missing its type."""
    refused: list[bool] = []
    check, status, envelope = behaviour.check_body, behaviour.refusal_status, behaviour.envelope

    def examine(schemas: Schemas, operation: Operation, body: Any) -> None:
        refused.clear()
        try:
            check(schemas, operation, body)
        except Refusal:
            refused.extend([True] * (isinstance(body, dict) and body.get("stream") is True))
            raise

    behaviour.check_body = examine
    behaviour.refusal_status = lambda operation, refusal: 200 if refused else status(operation, refusal)
    behaviour.envelope = lambda refusal: {"error": refusal.message} if refused else envelope(refusal)


@mutant("L-62")
def talks_on_after_done(behaviour: Behaviour) -> None:
    """What a run used up is told after done."""
    inner = behaviour.ending
    behaviour.ending = lambda world, run: (*inner(world, run), ("usage", behaviour.usage_object(run.usage) or {}))


@mutant("L-64", level="should")
def ends_without_an_empty_line(behaviour: Behaviour) -> None:
    """No empty line ends the last event of a stream."""
    inner = behaviour.frame
    behaviour.frame = lambda name, data: inner(name, data)[:-1] if name == "done" else inner(name, data)


@mutant("L-71", level="may")
def breaks_off_without_a_word(behaviour: Behaviour) -> None:
    """A stream whose run fails breaks off with an error event that says nothing."""

    def change(world: World, run: Run, name: str, data: Any) -> Events:
        return (("error", {}),) if name == "thread.run.failed" else ((name, data),)

    told(behaviour, change)


@mutant("L-85", level="should")
def refuses_in_events(behaviour: Behaviour) -> None:
    """A request for a stream that breaks its schema is refused by a stream with an error in it."""
    refused: list[bool] = []
    check, encode, headers = behaviour.check_body, behaviour.encode, behaviour.headers

    def examine(schemas: Schemas, operation: Operation, body: Any) -> None:
        try:
            check(schemas, operation, body)
        except Refusal:
            refused.extend([True] * (isinstance(body, dict) and body.get("stream") is True))
            raise

    def encoded(value: Any) -> bytes:
        return behaviour.frame("error", value) + behaviour.frame("done", "[DONE]") if refused else encode(value)

    def typed(world: World) -> dict[str, str]:
        streams = {"content-type": behaviour.stream_type} if refused else {}
        refused.clear()
        return headers(world) | streams

    behaviour.check_body, behaviour.encode, behaviour.headers = examine, encoded, typed
