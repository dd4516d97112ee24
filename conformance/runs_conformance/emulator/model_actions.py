"""The actions of a run: what the fake model does, one thing at a time.

An action is data. The run machine performs it when it is due, so polls, lists and open streams all observe the same
sequence. `pause` is its delay after the previous action, in units of the emulator's `step_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from runs_conformance.emulator.tokens import TokenUsage


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start the run, or resume it after tool outputs."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class OpenToolCallStep:
    """Open a step for tool calls, without any yet."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class AddToolCall:
    """Add a tool call to the open step."""

    type: str
    name: str = ""
    pause: float = 1


@dataclass(frozen=True, slots=True)
class AppendInput:
    """Append to the function arguments, or to the code, of the call at `index`."""

    index: int
    text: str
    pause: float = 1


@dataclass(frozen=True, slots=True)
class AddLogs:
    """Add the output of executed code."""

    index: int
    text: str
    pause: float = 1


@dataclass(frozen=True, slots=True)
class AddSearchResults:
    """Add the results of a file search."""

    index: int
    results: tuple[Any, ...]
    pause: float = 1


@dataclass(frozen=True, slots=True)
class CloseToolCallStep:
    """Complete the open step of tool calls."""

    usage: TokenUsage
    pause: float = 1


@dataclass(frozen=True, slots=True)
class AwaitOutputs:
    """Wait for the outputs of the functions called in the open step."""

    usage: TokenUsage
    pause: float = 1


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """Open a step with an empty message."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class AppendText:
    """Append text to the open message."""

    text: str
    pause: float = 1
    annotations: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseMessage:
    """Complete the open message, or end it incomplete for `reason`."""

    usage: TokenUsage
    reason: str | None = None
    pause: float = 1


@dataclass(frozen=True, slots=True)
class EndRun:
    """End the run. `reason` is that of an incomplete run."""

    status: str
    reason: str | None = None
    pause: float = 1


@dataclass(frozen=True, slots=True)
class FinishCancelling:
    """End a run that is being cancelled."""

    pause: float = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for this number of seconds."""

    seconds: float
    pause: float = 0


ModelAction: TypeAlias = (
    StartRun
    | OpenToolCallStep
    | AddToolCall
    | AppendInput
    | AddLogs
    | AddSearchResults
    | CloseToolCallStep
    | AwaitOutputs
    | OpenMessage
    | AppendText
    | CloseMessage
    | EndRun
    | FinishCancelling
    | Wait
)
