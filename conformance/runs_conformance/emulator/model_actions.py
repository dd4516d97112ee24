"""The actions of a run: what the fake model does, one thing at a time.

An action is data. The run machine performs it when it is due, so polls, lists and open streams all observe the same
sequence. `pause` is its delay after the previous action, in units of the emulator's `step_ms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def write_message(deltas: Iterable[AppendText], usage: TokenUsage, reason: str | None = None) -> list[ModelAction]:
    """A message of these deltas; with a `reason` it ends incomplete."""
    return [OpenMessage(), *deltas, CloseMessage(usage, reason)]


def call_functions(calls: Iterable[tuple[str, Sequence[str]]]) -> list[ModelAction]:
    """A step that calls functions: the name of each, and its arguments in pieces."""
    actions: list[ModelAction] = [OpenToolCallStep()]
    for index, (name, pieces) in enumerate(calls):
        actions.append(AddToolCall("function", name))
        actions += [AppendInput(index, piece) for piece in pieces]
    return actions


def run_code(pieces: Iterable[str], logs: str | None, usage: TokenUsage) -> list[ModelAction]:
    """A step of the code interpreter, with the code in pieces."""
    inputs = [AppendInput(0, piece) for piece in pieces]
    outputs = [] if logs is None else [AddLogs(0, logs)]
    return [OpenToolCallStep(), AddToolCall("code_interpreter"), *inputs, *outputs, CloseToolCallStep(usage)]


def search_files(results: Iterable[Any], usage: TokenUsage) -> list[ModelAction]:
    """A step of the file search."""
    found = AddSearchResults(0, tuple(results))
    return [OpenToolCallStep(), AddToolCall("file_search"), found, CloseToolCallStep(usage)]


def search_result(file_id: str, file_name: str, text: str, score: float = 0.75) -> dict[str, Any]:
    """A result of the file search, with the text that was found."""
    content = [{"type": "text", "text": text}]
    return {"file_id": file_id, "file_name": file_name, "score": score, "content": content}
