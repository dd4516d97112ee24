"""Mutants of required_action and tool_choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import AddToolCall as ToolCall
from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.patching import patch_object
from runs_conformance.emulator.state import Assistant, Members, Run, Thread


@written_from_spec("required-action-iff-requires-action")
def requires_nothing(hooks: Hooks) -> None:
    """A run that waits for outputs has no required_action."""
    hooks.required_action = lambda run: None


@written_from_spec("required-action-iff-requires-action")
def keeps_requiring(hooks: Hooks) -> None:
    """required_action remains after the outputs were submitted."""
    inner = hooks.required_action

    def action(run: Run) -> Members | None:
        current = inner(run)
        if current is not None:
            run.notes["action"] = current
        previous: Members | None = run.notes.get("action")
        return previous

    hooks.required_action = action


@written_from_spec("required-action-iff-requires-action")
def requires_action_early(hooks: Hooks) -> None:
    """required_action is set, without calls, while a run is in progress."""
    inner = hooks.required_action
    empty = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": []}}
    hooks.required_action = lambda run: empty if run.status == "in_progress" else inner(run)


@written_from_spec("tool-call-ids-unique-within-run", level="should")
def requires_no_calls(hooks: Hooks) -> None:
    """The required_action of a waiting run lists no calls."""
    inner = hooks.required_action

    def action(run: Run) -> Members | None:
        required = inner(run)
        if required is not None:
            required["submit_tool_outputs"] = {"tool_calls": []}
        return required

    hooks.required_action = action


@written_from_spec("tool-call-ids-unique-within-run", level="should")
def gives_all_calls_one_id(hooks: Hooks) -> None:
    """All tool calls have the same id."""
    inner = hooks.new_id
    hooks.new_id = lambda server, kind: "call_" + "0" * 24 if kind == "tool_call" else inner(server, kind)


@written_from_spec("tool-choice-is-obeyed")
def treats_tool_choice_none_as_required(hooks: Hooks) -> None:
    """Treats tool_choice none as required."""
    _patch_model_input(hooks, lambda s: replace(s, tool_choice="required") if s.tool_choice == "none" else s)


@written_from_spec("tool-choice-is-obeyed")
def does_not_call_when_required(hooks: Hooks) -> None:
    """Treats tool_choice required as auto."""
    _patch_model_input(hooks, lambda s: replace(s, tool_choice="auto") if s.tool_choice == "required" else s)


@written_from_spec("tool-choice-is-obeyed")
def ignores_the_named_function(hooks: Hooks) -> None:
    """Treats a tool_choice that names a function as auto."""
    _patch_model_input(hooks, lambda s: replace(s, tool_choice="auto") if isinstance(s.tool_choice, dict) else s)


@written_from_spec("tool-choice-is-obeyed")
def calls_another_function(hooks: Hooks) -> None:
    """A tool_choice that names a function calls the last function instead."""

    def change(model_input: ModelInput) -> ModelInput:
        functions = [tool for tool in model_input.tools if tool["type"] == "function"]
        if isinstance(model_input.tool_choice, dict) and len(functions) > 1:
            return replace(model_input, tools=tuple(functions[-1:]), tool_choice="required")
        return model_input

    _patch_model_input(hooks, change)


@mutant("tool-choice-is-obeyed")
def never_uses_builtin_tools(hooks: Hooks) -> None:
    """The model never uses the code interpreter or the file search, even if the tool choice names one of them."""

    def change(model_input: ModelInput) -> ModelInput:
        functions = tuple(tool for tool in model_input.tools if tool["type"] == "function")
        choice = model_input.tool_choice
        is_builtin = isinstance(choice, dict) and choice["type"] != "function"
        return replace(model_input, tools=functions, tool_choice="auto" if is_builtin else choice)

    _patch_model_input(hooks, change)


@mutant("no-parallel-calls-when-disabled", level="should")
def calls_in_parallel_unless_it_must_call(hooks: Hooks) -> None:
    """A run that must call a function makes one call, and one that may calls all at once, whatever the setting."""

    def change(model_input: ModelInput) -> ModelInput:
        return replace(model_input, parallel_tool_calls=model_input.tool_choice == "auto")

    _patch_model_input(hooks, change)


@written_from_spec("no-parallel-calls-when-disabled", level="should")
def calls_in_parallel_regardless(hooks: Hooks) -> None:
    """Ignores parallel_tool_calls false."""
    _patch_model_input(hooks, lambda model_input: replace(model_input, parallel_tool_calls=True))


def _patch_model_input(hooks: Hooks, change: Any) -> None:
    inner = hooks.plan
    hooks.plan = lambda model_input: inner(change(model_input))


@written_from_spec("tool-choice-is-obeyed")
def misnames_calls(hooks: Hooks) -> None:
    """A function call has its type as its name."""
    inner = hooks.plan

    def plan(model_input: ModelInput) -> list[ModelAction]:
        return [
            replace(action, name="function") if isinstance(action, ToolCall) and action.name else action
            for action in inner(model_input)
        ]

    hooks.plan = plan


@written_from_spec("tool-choice-is-obeyed")
def forces_only_tools_of_the_request(hooks: Hooks) -> None:
    """A tool_choice is obeyed for tools of the request; if the run uses the assistant's, it is treated as auto."""
    inner = hooks.new_run

    def new(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
        run = inner(request, thread, assistant, body)
        run.notes["tool_choice"] = run.settings["tool_choice"]
        if not body.get("tools"):
            run.settings["tool_choice"] = "auto"
        return run

    hooks.new_run = new
    patch_object(hooks, "run", lambda members, run, _: members.update(tool_choice=run.notes["tool_choice"]))


@mutant("tool-choice-is-obeyed")
def uses_the_assistants_tools_only(hooks: Hooks) -> None:
    """A run shows the tools of its request, but the model is offered the assistant's."""
    inner = hooks.new_run

    def new(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
        run = inner(request, thread, assistant, body)
        run.notes["tools"] = run.tools
        run.tools = list(assistant.members["tools"])
        return run

    hooks.new_run = new
    patch_object(hooks, "run", lambda members, run, _: members.update(tools=run.notes["tools"]))
