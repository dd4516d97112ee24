"""The seams: every decision that a mutant or a variant may replace.

A behaviour is a bag of callables, each with the plain answer as its default. A mutant is a function that is given a
fresh behaviour and replaces one of them, usually by one that calls the old one and spoils its answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from runs_conformance.contract.operation import Operation
    from runs_conformance.emulator.context import Call, World
    from runs_conformance.emulator.fake_model import Situation
    from runs_conformance.emulator.listing import Page
    from runs_conformance.emulator.model_actions import Beat
    from runs_conformance.emulator.operations import Handler
    from runs_conformance.emulator.options import Options
    from runs_conformance.emulator.refusal import Refusal
    from runs_conformance.emulator.state import Assistant, Members, Message, Run, Step, Store, Thread, Usage
    from runs_conformance.emulator.validation import Schemas

Events: TypeAlias = Iterable[tuple[str, Any]]


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """Every decision of an emulator."""

    # Coming in
    authenticate: Callable[[Options, Mapping[str, str]], str]
    check_beta: Callable[[Mapping[str, str]], None]
    store_of: Callable[[World, str], Store]
    read_body: Callable[[Operation, bytes, str | None], Any]
    check_body: Callable[[Schemas, Operation, Any], None]
    read_query: Callable[[Schemas, Operation, Sequence[tuple[str, str]]], dict[str, Any]]
    schemas: Schemas
    handlers: dict[str, Handler]

    # Going out
    success: Callable[[Operation], int]
    refusal_status: Callable[[Operation | None, Refusal], int]
    envelope: Callable[[Refusal], Any]
    finished: Callable[[Call, Any], Any]
    encode: Callable[[Any], bytes]
    headers: Callable[[World], dict[str, str]]
    json_type: str
    stream_type: str
    frame: Callable[[str, Any], bytes]
    opening: Callable[[World, Run, Events], Events]
    ending: Callable[[World, Run], Events]
    wrappers: list[Callable[[ASGIApp], ASGIApp]] = field(default_factory=list)

    # Finding
    check_id: Callable[[str, str], None]
    find_assistant: Callable[[Call, str], Assistant]
    find_assistant_to_run: Callable[[Call, str], Assistant]
    find_thread: Callable[[Call, str], Thread]
    find_message: Callable[[Call, Thread, str], Message]
    find_run: Callable[[Call, Thread, str], Run]
    find_step: Callable[[Call, Run, str], Step]
    messages_of: Callable[[Thread, str | None], list[Message]]
    ordered: Callable[[Iterable[Any], str], list[Any]]
    page: Callable[[Sequence[Any], dict[str, Any]], Page[Any]]

    # Showing
    stamp: Callable[[float], Any]
    assistant_object: Callable[[World, Assistant], Members]
    thread_object: Callable[[World, Thread, str], Members]
    message_object: Callable[[World, Message, str], Members]
    run_object: Callable[[World, Run, str], Members]
    step_object: Callable[[World, Step, str, frozenset[str]], Members]
    required_action: Callable[[Run], Members | None]
    usage_object: Callable[[Usage | None], Members | None]
    deletion_object: Callable[[str, str], Members]
    list_object: Callable[[list[Members], bool], Members]

    # Making and removing
    new_id: Callable[[World, str], str]
    new_metadata: Callable[[dict[str, str], dict[str, str] | None], dict[str, str]]
    new_message: Callable[[Call, Thread, Members], Message]
    add_messages: Callable[[Call, Thread, list[Members]], None]
    new_run: Callable[[Call, Thread, Assistant, Members], Run]
    instructions: Callable[[Assistant, Members], str | None]
    settings: Callable[[Assistant, Members], Members]
    remove_thread: Callable[[Call, Thread], None]
    remove_message: Callable[[Thread, Message], None]

    # Running
    holds_lock: Callable[[Run], bool]
    admit_run: Callable[[Call, Thread], Awaitable[None]]
    admit_message: Callable[[Call, Thread], Awaitable[None]]
    admit_outputs: Callable[[Call, Run], Awaitable[None]]
    check_runnable: Callable[[Thread, Assistant, Members], None]
    plan: Callable[[Situation], list[Beat]]
    perform: Callable[[World, Thread, Run, Beat, float], None]
    finish: Callable[[World, Run, str, float], None]
    expire: Callable[[World, Thread, Run, float], None]
    check_cancel: Callable[[World, Run], None]
    cancel: Callable[[World, Thread, Run, float], None]
    check_submit: Callable[[World, Run, list[Members]], None]
    submit: Callable[[World, Thread, Run, list[Members], float], None]
    check_modify: Callable[[World, Run], None]
    events: Callable[[World, Run, str, Any], Events]


def plain(edition: str) -> Behaviour:
    """The behaviour of the reference server."""
    from runs_conformance.emulator import (
        access,
        context,
        factories,
        fake_model,
        http_responses,
        listing,
        lookup,
        objects,
        operations,
        request_body,
        run_machine,
        validation,
    )

    return Behaviour(
        authenticate=access.authenticate,
        check_beta=access.check_beta,
        store_of=context.store_of,
        read_body=request_body.read_body,
        check_body=validation.check_body,
        read_query=validation.read_query,
        schemas=validation.Schemas(edition),
        handlers=operations.handlers(),
        success=http_responses.success,
        refusal_status=http_responses.refusal_status,
        envelope=http_responses.envelope,
        finished=http_responses.finished,
        encode=http_responses.encode,
        headers=http_responses.headers,
        json_type="application/json",
        stream_type="text/event-stream; charset=utf-8",
        frame=http_responses.frame,
        opening=http_responses.opening,
        ending=http_responses.ending,
        check_id=lookup.check_id,
        find_assistant=lookup.find_assistant,
        find_assistant_to_run=lookup.find_assistant_to_run,
        find_thread=lookup.find_thread,
        find_message=lookup.find_message,
        find_run=lookup.find_run,
        find_step=lookup.find_step,
        messages_of=factories.messages_of,
        ordered=listing.ordered,
        page=listing.page,
        stamp=objects.stamp,
        assistant_object=objects.assistant_object,
        thread_object=objects.thread_object,
        message_object=objects.message_object,
        run_object=objects.run_object,
        step_object=objects.step_object,
        required_action=objects.required_action,
        usage_object=objects.usage_object,
        deletion_object=objects.deletion_object,
        list_object=objects.list_object,
        new_id=context.new_id,
        new_metadata=factories.new_metadata,
        new_message=factories.new_message,
        add_messages=factories.add_messages,
        new_run=factories.new_run,
        instructions=factories.instructions,
        settings=factories.settings,
        remove_thread=factories.remove_thread,
        remove_message=factories.remove_message,
        holds_lock=factories.holds_lock,
        admit_run=factories.admit_run,
        admit_message=factories.admit_message,
        admit_outputs=factories.admit_outputs,
        check_runnable=factories.check_runnable,
        plan=fake_model.plan,
        perform=run_machine.perform,
        finish=run_machine.finish,
        expire=run_machine.expire,
        check_cancel=run_machine.check_cancel,
        cancel=run_machine.cancel,
        check_submit=run_machine.check_submit,
        submit=run_machine.submit,
        check_modify=run_machine.check_modify,
        events=http_responses.events,
    )
