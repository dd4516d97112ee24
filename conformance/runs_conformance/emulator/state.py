"""Stored objects of one tenant: assistants, threads, messages, runs and steps."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.tokens import TokenUsage

Members = dict[str, Any]


@dataclass(slots=True)
class Assistant:
    """An assistant; `members` are those that a request can set."""

    id: str
    seq: int
    created_at: float
    members: Members


@dataclass(slots=True)
class Message:
    """A message. Its status appears only in streams, as in the real service."""

    id: str
    seq: int
    created_at: float
    thread_id: str
    role: str
    content: list[Members]
    attachments: list[Members] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    assistant_id: str | None = None
    run_id: str | None = None
    status: str = "completed"
    incomplete_reason: str | None = None
    completed_at: float | None = None
    incomplete_at: float | None = None

    @property
    def text(self) -> str:
        """The concatenated text parts."""
        return "".join(part["text"]["value"] for part in self.content if part["type"] == "text")


@dataclass(slots=True)
class RunStep:
    """A run step: the creation of a message, or a round of tool calls.

    `expires_at` is reset to None when the run ends. `tokens_used` becomes `usage` when the step is completed.
    """

    id: str
    seq: int
    created_at: float
    run_id: str
    assistant_id: str
    thread_id: str
    type: str
    expires_at: float | None
    message: Message | None = None
    calls: list[Members] = field(default_factory=list)
    status: str = "in_progress"
    cancelled_at: float | None = None
    completed_at: float | None = None
    failed_at: float | None = None
    last_error: Members | None = None
    usage: TokenUsage | None = None
    tokens_used: TokenUsage = field(default_factory=TokenUsage)


@dataclass(slots=True)
class Run:
    """A run. `settings` are the members that the request or a default sets once.

    `actions` are the pending actions of the fake model with the times they are due. `pending_calls` are the tool calls
    that wait for outputs. `failure` is the error of a run that is about to fail. `round` counts the submissions. Events
    are recorded only while the run `is_streamed`. Mutants and variants keep their own state in `notes`.
    """

    id: str
    seq: int
    created_at: float
    thread_id: str
    assistant_id: str
    model: str
    instructions: str | None
    tools: list[Members]
    metadata: dict[str, str]
    settings: Members
    expires_at: float
    status: str = "queued"
    started_at: float | None = None
    cancelled_at: float | None = None
    failed_at: float | None = None
    completed_at: float | None = None
    pending_calls: tuple[Members, ...] = ()
    last_error: Members | None = None
    failure: Members | None = None
    incomplete_reason: str | None = None
    usage: TokenUsage | None = None
    steps: list[RunStep] = field(default_factory=list)
    include: frozenset[str] = frozenset()
    round: int = 0
    outputs: list[str] = field(default_factory=list)
    actions: deque[tuple[float, ModelAction]] = field(default_factory=deque)
    is_streamed: bool = False
    is_deleted: bool = False
    events: list[tuple[str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    notes: Members = field(default_factory=dict)

    @property
    def open_step(self) -> RunStep | None:
        """The step in progress."""
        return next((step for step in reversed(self.steps) if step.status == "in_progress"), None)


@dataclass(slots=True)
class Thread:
    """A thread with its messages and runs in order of creation."""

    id: str
    seq: int
    created_at: float
    metadata: dict[str, str]
    tool_resources: Members
    messages: dict[str, Message] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)


@dataclass(slots=True)
class Store:
    """All objects of one tenant, by id. Files and vector stores are those of `neighbours`."""

    assistants: dict[str, Assistant] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    files: dict[str, Members] = field(default_factory=dict)
    vector_stores: dict[str, Members] = field(default_factory=dict)
