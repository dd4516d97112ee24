"""Scripts that decide what runs do next, instead of the fake model."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import (
    AddToolCall,
    AppendInput,
    AppendText,
    AwaitOutputs,
    CloseMessage,
    EndRun,
    ModelAction,
    OpenMessage,
    OpenToolCallStep,
    StartRun,
)
from runs_conformance.emulator.state import Run
from runs_conformance.emulator.tokens import TokenUsage, tokenize

ScriptedTurn = Callable[[ModelInput], list[ModelAction]]
"""The actions of a run from its start, or from its tool outputs, until it waits or ends."""


@dataclass(frozen=True, slots=True)
class FailRun(EndRun):
    """End the run failed with this error."""

    code: str = "server_error"
    message: str = ""


@dataclass(slots=True)
class RunScript:
    """A queue of turns for the next runs. When it is empty, the fake model decides."""

    turns: deque[ScriptedTurn] = field(default_factory=deque)

    def install(self, hooks: Hooks) -> None:
        """Let this script decide what the runs of an emulator do."""
        plan_by_model, perform_action, serialize_run = hooks.plan, hooks.perform, hooks.run_object

        def plan(model_input: ModelInput) -> list[ModelAction]:
            try:
                turn = self.turns.popleft()
            except IndexError:
                return plan_by_model(model_input)
            return turn(model_input)

        def perform(server: Any, thread: Any, run: Run, action: ModelAction, at: float) -> None:
            if isinstance(action, FailRun):
                run.notes["error"] = {"code": action.code, "message": action.message}
            perform_action(server, thread, run, action, at)

        def run_object(server: Any, run: Run, channel: str) -> dict[str, Any]:
            members = serialize_run(server, run, channel)
            error = run.notes.get("error")
            return {**members, "last_error": dict(error)} if error and members.get("last_error") else members

        hooks.plan, hooks.perform, hooks.run_object = plan, perform, run_object


def answer(text: str) -> ScriptedTurn:
    """Answer with this text and complete the run."""

    def turn(model_input: ModelInput) -> list[ModelAction]:
        pieces = tokenize(text)
        usage = TokenUsage(model_input.prompt_tokens, len(pieces))
        return [StartRun(), OpenMessage(), *map(AppendText, pieces), CloseMessage(usage), EndRun("completed")]

    return turn


def call_functions(calls: Sequence[tuple[str, Mapping[str, Any] | str]]) -> ScriptedTurn:
    """Call these functions and wait for their outputs. Arguments given as text are sent unchanged."""

    def turn(model_input: ModelInput) -> list[ModelAction]:
        actions: list[ModelAction] = [StartRun(), OpenToolCallStep()]
        for index, (name, arguments) in enumerate(calls):
            text = arguments if isinstance(arguments, str) else json.dumps(dict(arguments))
            half = len(text) // 2
            actions += [
                AddToolCall("function", name),
                AppendInput(index, text[:half]),
                AppendInput(index, text[half:]),
            ]
        return [*actions, AwaitOutputs(TokenUsage(model_input.prompt_tokens, 8 * len(calls)))]

    return turn


def fail(code: str, message: str) -> ScriptedTurn:
    """Fail in the middle of the answer."""
    return lambda model_input: [
        StartRun(),
        OpenMessage(),
        AppendText("I"),
        FailRun("failed", code=code, message=message),
    ]


def cut_off(text: str, reason: str) -> ScriptedTurn:
    """End the run incomplete after this part of the answer."""
    message_reason = "max_tokens" if reason == "max_completion_tokens" else reason

    def turn(model_input: ModelInput) -> list[ModelAction]:
        usage = TokenUsage(model_input.prompt_tokens, len(tokenize(text)))
        return [
            StartRun(),
            OpenMessage(),
            AppendText(text),
            CloseMessage(usage, message_reason),
            EndRun("incomplete", reason),
        ]

    return turn


def hang() -> ScriptedTurn:
    """Stay in progress until the run is cancelled or expires."""
    return lambda model_input: [StartRun()]
