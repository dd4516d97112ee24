"""What a run requires of its client, shown wrongly; and tool choices that are not obeyed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.fake_model import Situation
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import Beat
from runs_conformance.emulator.model_actions import Call as ToolCall
from runs_conformance.emulator.state import Members, Run


@blind("L-05")
def requires_nothing(behaviour: Behaviour) -> None:
    """A run that waits for outputs does not show which."""
    behaviour.required_action = lambda run: None


@blind("L-05")
def keeps_requiring(behaviour: Behaviour) -> None:
    """required_action stays after the outputs were submitted."""
    inner = behaviour.required_action

    def action(run: Run) -> Members | None:
        now = inner(run)
        if now is not None:
            run.notes["action"] = now
        kept: Members | None = run.notes.get("action")
        return kept

    behaviour.required_action = action


@blind("L-05")
def requires_action_early(behaviour: Behaviour) -> None:
    """required_action is set, with no calls, while a run is only in progress."""
    inner = behaviour.required_action
    empty = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": []}}
    behaviour.required_action = lambda run: empty if run.status == "in_progress" else inner(run)


@blind("L-06", level="should")
def requires_no_calls(behaviour: Behaviour) -> None:
    """A run waits for outputs, and names no calls."""
    inner = behaviour.required_action

    def action(run: Run) -> Members | None:
        shown = inner(run)
        if shown is not None:
            shown["submit_tool_outputs"] = {"tool_calls": []}
        return shown

    behaviour.required_action = action


@blind("L-06", level="should")
def gives_all_calls_one_id(behaviour: Behaviour) -> None:
    """All tool calls have the same id."""
    inner = behaviour.new_id
    behaviour.new_id = lambda world, kind: "call_" + "0" * 24 if kind == "tool_call" else inner(world, kind)


@blind("L-80")
def calls_when_told_not_to(behaviour: Behaviour) -> None:
    """tool_choice none is taken for required."""
    _situation(behaviour, lambda s: replace(s, tool_choice="required") if s.tool_choice == "none" else s)


@blind("L-80")
def does_not_call_when_required(behaviour: Behaviour) -> None:
    """tool_choice required is taken for auto."""
    _situation(behaviour, lambda s: replace(s, tool_choice="auto") if s.tool_choice == "required" else s)


@blind("L-80")
def ignores_the_named_function(behaviour: Behaviour) -> None:
    """A tool choice that names a function is taken for auto."""
    _situation(behaviour, lambda s: replace(s, tool_choice="auto") if isinstance(s.tool_choice, dict) else s)


@blind("L-80")
def calls_another_function(behaviour: Behaviour) -> None:
    """A tool choice that names a function has the last one called."""

    def change(situation: Situation) -> Situation:
        functions = [tool for tool in situation.tools if tool["type"] == "function"]
        if isinstance(situation.tool_choice, dict) and len(functions) > 1:
            return replace(situation, tools=tuple(functions[-1:]), tool_choice="required")
        return situation

    _situation(behaviour, change)


@blind("L-81", level="should")
def calls_in_parallel_regardless(behaviour: Behaviour) -> None:
    """parallel_tool_calls false is not looked at."""
    _situation(behaviour, lambda situation: replace(situation, parallel_tool_calls=True))


def _situation(behaviour: Behaviour, change: Any) -> None:
    inner = behaviour.plan
    behaviour.plan = lambda situation: inner(change(situation))


@blind("L-80")
def misnames_calls(behaviour: Behaviour) -> None:
    """A call of a function has the name of its type."""
    inner = behaviour.plan

    def plan(situation: Situation) -> list[Beat]:
        return [
            replace(beat, name="function") if isinstance(beat, ToolCall) and beat.name else beat
            for beat in inner(situation)
        ]

    behaviour.plan = plan
