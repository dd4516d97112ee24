"""The beats of a run: what the pretend model does, one thing at a time.

A beat is data. The machine applies it when it is due, so a poll, a list and an open stream all see the same course of
events. `pause` is how long it comes after the beat before it, in units of the emulator's step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from runs_conformance.emulator.state import Usage


@dataclass(frozen=True, slots=True)
class Begin:
    """The run starts to work, or works on after a submission."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class OpenTools:
    """A step of tool calls begins, empty."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call appears in the open step."""

    type: str
    name: str = ""
    pause: float = 1


@dataclass(frozen=True, slots=True)
class Input:
    """More of the arguments of a function, or of the code to run, in the call at `index`."""

    index: int
    text: str
    pause: float = 1


@dataclass(frozen=True, slots=True)
class Logs:
    """What the code that was run printed."""

    index: int
    text: str
    pause: float = 1


@dataclass(frozen=True, slots=True)
class Found:
    """What a file search found."""

    index: int
    results: tuple[Any, ...]
    pause: float = 1


@dataclass(frozen=True, slots=True)
class CloseTools:
    """The open step of tool calls is done."""

    usage: Usage
    pause: float = 1


@dataclass(frozen=True, slots=True)
class Await:
    """The run waits for the outputs of the functions called in the open step."""

    usage: Usage
    pause: float = 1


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """The answer begins: a step, and in it an empty message."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class Say:
    """More of the answer's text."""

    text: str
    pause: float = 1


@dataclass(frozen=True, slots=True)
class CloseMessage:
    """The answer is done, or cut off for a reason."""

    usage: Usage
    reason: str | None = None
    pause: float = 1


@dataclass(frozen=True, slots=True)
class End:
    """The run ends. `reason` is that of an incomplete run."""

    status: str
    reason: str | None = None
    pause: float = 1


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A cancellation takes effect."""

    pause: float = 1


Beat: TypeAlias = (
    Begin
    | OpenTools
    | Call
    | Input
    | Logs
    | Found
    | CloseTools
    | Await
    | OpenMessage
    | Say
    | CloseMessage
    | End
    | Cancelled
)
