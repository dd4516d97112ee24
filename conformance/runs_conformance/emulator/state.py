"""What the emulator remembers: assistants, threads, messages, runs and steps of one tenant."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runs_conformance.emulator.model_actions import Beat

Members = dict[str, Any]


@dataclass(slots=True)
class Usage:
    """Tokens spent."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion)


@dataclass(slots=True)
class Assistant:
    """An assistant; `members` are those that a request can set."""

    id: str
    seq: int
    created_at: float
    members: Members


@dataclass(slots=True)
class Message:
    """A message. Its status is shown in streams only, as the service did."""

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
        """All of its text parts in one."""
        return "".join(part["text"]["value"] for part in self.content if part["type"] == "text")


@dataclass(slots=True)
class Step:
    """A run step: the creation of a message, or a round of tool calls. `expires_at` goes when the run is over."""

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
    usage: Usage | None = None
    spent: Usage = field(default_factory=Usage)


@dataclass(slots=True)
class Run:
    """A run. `settings` are the members that the request or a default sets and that never change.

    `beats` is what the pretend model will still do and when; `pending` are the calls that wait for outputs; `round`
    counts the submissions. Events are only written while somebody follows.
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
    pending: tuple[Members, ...] = ()
    last_error: Members | None = None
    incomplete_reason: str | None = None
    usage: Usage | None = None
    steps: list[Step] = field(default_factory=list)
    include: frozenset[str] = frozenset()
    round: int = 0
    outputs: list[str] = field(default_factory=list)
    beats: deque[tuple[float, Beat]] = field(default_factory=deque)
    followed: bool = False
    events: list[tuple[str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    notes: Members = field(default_factory=dict)

    @property
    def open_step(self) -> Step | None:
        """The step that is still in progress."""
        return next((step for step in reversed(self.steps) if step.status == "in_progress"), None)


@dataclass(slots=True)
class Thread:
    """A thread with its messages and runs in the order of their creation."""

    id: str
    seq: int
    created_at: float
    metadata: dict[str, str]
    tool_resources: Members
    messages: dict[str, Message] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)


@dataclass(slots=True)
class Store:
    """Everything that belongs to one tenant."""

    assistants: dict[str, Assistant] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
