"""Runs grouped by tool choice, and their tool calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.complete_list import steps_after_run_end
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import function_names, step_observations_of_run, step_tool_calls
from runs_conformance.model.case import Refuse, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object


@dataclass(frozen=True, eq=False)
class ToolChoiceRuns:
    """The runs of one history that were created with the same tool choice.

    `value` is the choice as requested. `mode` is the choice if it is a string, otherwise the type of the named tool.
    `refused` are the valid requests for such runs that were refused or failed.
    """

    value: JSON
    mode: str
    runs: tuple[RunTimeline, ...]
    refused: tuple[Exchange, ...] = ()

    @property
    def samples(self) -> Mapping[str, tuple[RunTimeline, ...]]:
        """By description: all runs, the runs whose requests contain tools, and the runs that inherit them."""
        own = tuple(run for run in self.runs if run.creation_body.get("tools"))
        inherited = tuple(run for run in self.runs if run not in own)
        return {
            "runs": self.runs,
            "runs with tools in the request": own,
            "runs that use the assistant's tools": inherited,
        }

    @property
    def function(self) -> str | None:
        """The name of the forced function, if the choice names one."""
        name = at(self.value, "/function/name")
        return name if isinstance(name, str) and self.mode == "function" else None

    def kinds_of_tools(self, runs: Iterable[RunTimeline]) -> frozenset[str]:
        """The types of the tools that the choice is about: of the tool that it names, else of all tools of the runs."""
        if self.mode not in ("none", "auto", "required"):
            return frozenset({self.mode})
        return frozenset(kind for run in runs for kind in _types_of_tools(run) if isinstance(kind, str))

    def find_call(self, run: RunTimeline) -> Observation | None:
        """The first observation of a tool call of a run, or None.

        A run that waits for outputs made a call, however its steps are shown.
        """
        waiting = next((each for each in run.observations if each.status == "requires_action"), None)
        return waiting or next(filter(_is_call, step_observations_of_run(run)), None)

    def find_unclear_step(self, run: RunTimeline) -> Observation | None:
        """The first observation of a step of a run that shows neither a call nor a message, and is of an unknown type.

        None if there is no such step.
        """
        types = ("", "message_creation", "tool_calls")
        return next(
            (
                step
                for step in step_observations_of_run(run)
                if step.text("type") not in types and not step_tool_calls(step) and not _names_message(step)
            ),
            None,
        )

    def completed_without_call(self, run: RunTimeline) -> bool:
        """Whether a run completed without a call, although it has a matching tool.

        If the run has tools that the target executes itself, its complete list of steps must show that. An empty list
        shows nothing, since a message would have a step, too.
        """
        is_completed = any(observation.status == "completed" for observation in run.observations)
        tools, types = run.last.get("tools"), _types_of_tools(run)
        has_tool = bool(types) if self.mode in ("none", "required") else self.mode in types
        has_function = self.function is None or self.function in (function_names(tools) or ())
        steps = steps_after_run_end(run.history, run.id)
        is_visible = all(kind == "function" for kind in types) or (steps is not None and bool(steps.items))
        made_no_call = self.find_call(run) is None and self.find_unclear_step(run) is None and not _took_outputs(run)
        return is_completed and has_tool and has_function and is_visible and made_no_call


def _types_of_tools(run: RunTimeline) -> list[JSON]:
    tools = run.last.get("tools")
    return [tool.get("type") for tool in tools if is_object(tool)] if is_array(tools) else []


def _is_call(step: Observation) -> bool:
    """Whether a step records a tool call. A step that names a message created it, whatever its type says."""
    return bool(step_tool_calls(step)) or (step.text("type") == "tool_calls" and not _names_message(step))


def _names_message(step: Observation) -> bool:
    return isinstance(step.get("/step_details/message_creation/message_id"), str)


def _took_outputs(run: RunTimeline) -> bool:
    """Whether outputs of tools were accepted for the run, so that it made a call, wherever that was shown."""
    return any(each.operation == "submit_tool_outputs" and each.accepted for each in run.exchanges)


def runs_by_tool_choice(history: History) -> Iterator[ToolChoiceRuns]:
    """The runs of a history, and the refused requests for runs, grouped by the tool choice in the request."""
    created: dict[str, list[RunTimeline]] = {}
    refused: dict[str, list[Exchange]] = {}
    for run in runs(history):
        if run.creation_body.get("tool_choice") is not None:
            created.setdefault(json.dumps(run.creation_body["tool_choice"], sort_keys=True), []).append(run)
    for exchange in history:
        choice = at(exchange.request.body, "/tool_choice")
        if choice is not ABSENT and choice is not None and _is_refused_run(exchange):
            refused.setdefault(json.dumps(choice, sort_keys=True), []).append(exchange)
    for text in {**created, **refused}:
        value = json.loads(text)
        mode = value.get("type") if is_object(value) else value
        if isinstance(mode, str):
            yield ToolChoiceRuns(value, mode, tuple(created.get(text, ())), tuple(refused.get(text, ())))


def _is_refused_run(exchange: Exchange) -> bool:
    """Whether a request for a run that is not sent to be refused was refused or failed."""
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is None or operation.creates != "run" or not (exchange.refused or (exchange.status or 0) >= 500):
        return False
    step = exchange.step
    return step is None or not (step.role is Role.NEGATIVE or isinstance(step.expectation, Refuse))
