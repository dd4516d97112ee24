"""The state of one emulator, the context of one request, and the hooks that decide how the emulator behaves.

Each hook is a callable with a default (see `default`). A mutant or variant is a function that receives fresh hooks and
replaces some of them, usually with a callable that calls the original and alters its result.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.types import ASGIApp

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.list_pages import ListPage
from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.emulator.state import Assistant, Members, Message, Run, RunStep, Store, Thread
from runs_conformance.emulator.tokens import TokenUsage

Events: TypeAlias = Iterable[tuple[str, Any]]
"""Server-sent events as pairs of name and data."""


@dataclass(slots=True)
class ServerState:
    """The state of one emulator. `random` is used for ids only; everything else is deterministic.

    Mutants and variants keep their own state in `notes`.
    """

    options: EmulatorOptions
    hooks: Hooks
    clock: Clock = field(default_factory=Clock)
    stores: dict[str, Store] = field(default_factory=dict)
    random: random.Random = field(default_factory=random.Random)
    notes: dict[str, Any] = field(default_factory=dict)
    _seq: int = 0

    def seq(self) -> int:
        """The next sequence number; it orders objects by creation."""
        self._seq += 1
        return self._seq

    def continue_after(self, seq: int) -> None:
        """Use only later sequence numbers than this one."""
        self._seq = max(self._seq, seq)


@dataclass(slots=True)
class RequestContext:
    """One parsed request: its operation, path parameters, query and body, and the store of its tenant."""

    server: ServerState
    operation: Operation
    store: Store
    path_params: dict[str, str]
    query: dict[str, Any]
    body: Any


@dataclass(frozen=True, slots=True)
class EventStreamResponse:
    """A response that is an event stream: `opening_events`, then the run's events from index `start` on."""

    thread: Thread
    run: Run
    start: int
    opening_events: tuple[tuple[str, Any], ...] = ()


HandlerResponse: TypeAlias = Members | EventStreamResponse
Handler: TypeAlias = Callable[[RequestContext], Awaitable[HandlerResponse]]


@dataclass(slots=True, kw_only=True)
class Hooks:
    """Every decision of an emulator that a mutant or variant can replace."""

    # Requests
    authenticate: Callable[[EmulatorOptions, Mapping[str, str]], str]
    check_beta_header: Callable[[Mapping[str, str]], None]
    store_for_tenant: Callable[[ServerState, str], Store]
    read_body: Callable[[Operation, bytes, str | None], Any]
    validate_body: Callable[[Schemas, Operation, Any], None]
    read_query: Callable[[Schemas, Operation, Sequence[tuple[str, str]]], dict[str, Any]]
    schemas: Schemas
    handlers: dict[str, Handler]

    # Responses
    success_status: Callable[[Operation], int]
    error_status: Callable[[Operation | None, ApiError], int]
    error_body: Callable[[ApiError], Any]
    response_body: Callable[[RequestContext, Any], Any]
    encode_json: Callable[[Any], bytes]
    response_headers: Callable[[ServerState], dict[str, str]]
    json_content_type: str
    stream_content_type: str
    encode_event: Callable[[str, Any], bytes]
    opening_events: Callable[[ServerState, Run, Events], Events]
    closing_events: Callable[[ServerState, Run], Events]
    middleware: list[Callable[[ASGIApp], ASGIApp]] = field(default_factory=list)

    # Lookup and lists
    check_id: Callable[[str, str], None]
    find_assistant: Callable[[RequestContext, str], Assistant]
    find_assistant_to_run: Callable[[RequestContext, str], Assistant]
    find_thread: Callable[[RequestContext, str], Thread]
    find_message: Callable[[RequestContext, Thread, str], Message]
    find_run: Callable[[RequestContext, Thread, str], Run]
    find_step: Callable[[RequestContext, Run, str], RunStep]
    thread_messages: Callable[[Thread, str | None], list[Message]]
    sort_items: Callable[[Iterable[Any], str], list[Any]]
    paginate: Callable[[Sequence[Any], dict[str, Any]], ListPage[Any]]

    # Serialization
    timestamp: Callable[[float], Any]
    assistant_object: Callable[[ServerState, Assistant], Members]
    thread_object: Callable[[ServerState, Thread, str], Members]
    message_object: Callable[[ServerState, Message, str], Members]
    run_object: Callable[[ServerState, Run, str], Members]
    step_object: Callable[[ServerState, RunStep, str, frozenset[str]], Members]
    required_action: Callable[[Run], Members | None]
    usage_object: Callable[[TokenUsage | None], Members | None]
    deletion_object: Callable[[str, str], Members]
    list_object: Callable[[list[Members], bool], Members]

    # Creation and deletion
    new_id: Callable[[ServerState, str], str]
    new_metadata: Callable[[dict[str, str], dict[str, str] | None], dict[str, str]]
    new_message: Callable[[RequestContext, Thread, Members], Message]
    add_messages: Callable[[RequestContext, Thread, list[Members]], None]
    new_run: Callable[[RequestContext, Thread, Assistant, Members], Run]
    run_instructions: Callable[[Assistant, Members], str | None]
    run_settings: Callable[[Assistant, Members], Members]
    remove_thread: Callable[[RequestContext, Thread], None]
    remove_message: Callable[[Thread, Message], None]

    # Runs
    holds_lock: Callable[[Run], bool]
    admit_run: Callable[[RequestContext, Thread], Awaitable[None]]
    admit_message: Callable[[RequestContext, Thread], Awaitable[None]]
    admit_outputs: Callable[[RequestContext, Run], Awaitable[None]]
    check_runnable: Callable[[Thread, Assistant, Members], None]
    plan: Callable[[ModelInput], list[ModelAction]]
    perform: Callable[[ServerState, Thread, Run, ModelAction, float], None]
    finish: Callable[[ServerState, Run, str, float], None]
    expire: Callable[[ServerState, Thread, Run, float], None]
    check_cancel: Callable[[ServerState, Run], None]
    cancel: Callable[[ServerState, Thread, Run, float], None]
    check_submit: Callable[[ServerState, Run, list[Members]], None]
    submit: Callable[[ServerState, Thread, Run, list[Members], float], None]
    check_modify: Callable[[ServerState, Run], None]
    expand_event: Callable[[ServerState, Run, str, Any], Events]
