"""Models that behave differently from the fake model, as real ones do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.declaration import variant
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import AppendText, CloseMessage, EndRun, ModelAction, OpenMessage, StartRun
from runs_conformance.emulator.patching import patch_object
from runs_conformance.emulator.state import Members
from runs_conformance.emulator.tokens import TokenUsage


def _patch_plan(hooks: Hooks, change: Callable[[list[ModelAction]], list[ModelAction]]) -> None:
    """Have `change` return the actions of the model."""
    inner = hooks.plan
    hooks.plan = lambda model_input: change(inner(model_input))


def _patch_model_input(hooks: Hooks, change: Callable[[ModelInput], ModelInput]) -> None:
    inner = hooks.plan
    hooks.plan = lambda model_input: inner(change(model_input))


@variant()
def calls_one_at_a_time(hooks: Hooks) -> None:
    """The model never calls functions in parallel."""
    _patch_model_input(hooks, lambda model_input: replace(model_input, parallel_tool_calls=False))


@variant()
def calls_only_when_forced(hooks: Hooks) -> None:
    """The model calls tools only if it has to."""
    _patch_model_input(hooks, lambda s: replace(s, tool_choice="none") if s.tool_choice == "auto" else s)


@variant()
def calls_whatever_there_is(hooks: Hooks) -> None:
    """The model calls tools whenever it may."""
    _patch_model_input(hooks, lambda s: replace(s, tool_choice="required") if s.tool_choice == "auto" else s)


@variant()
def calls_twice(hooks: Hooks) -> None:
    """The model calls its functions a second time after their outputs."""
    _patch_model_input(hooks, lambda model_input: replace(model_input, text=f"{model_input.text} twice"))


@variant()
def is_silent(hooks: Hooks) -> None:
    """The model's answers are empty."""

    def change(actions: list[ModelAction]) -> list[ModelAction]:
        remaining = [action for action in actions if not isinstance(action, AppendText)]
        return [
            replace(action, usage=TokenUsage(action.usage.prompt, 0)) if isinstance(action, CloseMessage) else action
            for action in remaining
        ]

    _patch_plan(hooks, change)


@variant()
def writes_no_message(hooks: Hooks) -> None:
    """The model ends its runs without a message."""
    _patch_plan(
        hooks,
        lambda actions: [
            action for action in actions if not isinstance(action, (OpenMessage, AppendText, CloseMessage))
        ],
    )


@variant()
def writes_two_messages(hooks: Hooks) -> None:
    """The model answers in two messages."""

    def change(actions: list[ModelAction]) -> list[ModelAction]:
        message_actions = [action for action in actions if isinstance(action, (OpenMessage, AppendText, CloseMessage))]
        return [*actions[:-1], *message_actions, actions[-1]] if actions[-1] == EndRun("completed") else actions

    _patch_plan(hooks, change)


@variant()
def speaks_in_letters(hooks: Hooks) -> None:
    """Each delta contains one character."""

    def change(actions: list[ModelAction]) -> list[ModelAction]:
        letters: list[ModelAction] = []
        for action in actions:
            if isinstance(action, AppendText) and len(action.text) < 60:
                letters += [AppendText(letter, pause=action.pause / len(action.text)) for letter in action.text]
            else:
                letters.append(action)
        return letters

    _patch_plan(hooks, change)


@variant()
def speaks_all_at_once(hooks: Hooks) -> None:
    """A message has a single delta."""

    def change(actions: list[ModelAction]) -> list[ModelAction]:
        text = "".join(action.text for action in actions if isinstance(action, AppendText))
        remaining: list[ModelAction] = []
        for action in actions:
            if isinstance(action, OpenMessage):
                remaining += [action, AppendText(text)] if text else [action]
            elif not isinstance(action, AppendText):
                remaining.append(action)
        return remaining

    _patch_plan(hooks, change)


@variant()
def speaks_in_emoji(hooks: Hooks) -> None:
    """Each delta contains a character outside the basic plane."""

    def change(actions: list[ModelAction]) -> list[ModelAction]:
        return [
            AppendText(f"{action.text}\U0001f600") if isinstance(action, AppendText) else action for action in actions
        ]

    _patch_plan(hooks, change)


@variant()
def fails_now_and_then(hooks: Hooks) -> None:
    """Every eleventh turn of the model fails."""
    inner = hooks.plan
    turns: list[None] = []

    def plan(model_input: ModelInput) -> list[ModelAction]:
        turns.append(None)
        return [StartRun(), EndRun("failed")] if len(turns) % 11 == 0 else inner(model_input)

    hooks.plan = plan


@variant()
def counts_no_tokens(hooks: Hooks) -> None:
    """All usage is zero."""
    inner = hooks.usage_object
    hooks.usage_object = lambda usage: inner(None if usage is None else TokenUsage())


@variant()
def shows_dated_models(hooks: Hooks) -> None:
    """Assistants and runs show the dated name of the model that was requested."""

    def change(members: Members, *_: Any) -> None:
        members["model"] += "-2024-08-06" if members.get("model") and "2024" not in members["model"] else ""

    for kind in ("assistant", "run"):
        patch_object(hooks, kind, change)


@variant()
def serves_one_model(hooks: Hooks) -> None:
    """Every run shows the only model that the server has, whichever was requested."""
    patch_object(hooks, "run", lambda members, *_: members.update(model="served-model"))
