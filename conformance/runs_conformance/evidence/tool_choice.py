"""Runs that were told which tools to call, and whether they did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.evidence.complete_list import steps_after_run_end
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.evidence.tool_call import function_names, pending_calls, step_observations_of_run
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at, is_array, is_object


@dataclass(frozen=True, eq=False)
class ToolChoiceRuns:
    """The runs of one history that were created with the same tool choice. `word` is the choice, or the type of the
    tool that it names.
    """

    value: JSON
    mode: str
    runs: tuple[RunTimeline, ...]

    @property
    def function(self) -> str | None:
        """The name of the function that it names, if it names one."""
        name = at(self.value, "/function/name")
        return name if isinstance(name, str) and self.mode == "function" else None

    def find_call(self, run: RunTimeline) -> Observation | None:
        """Where a run showed that it called a tool, if it did."""
        for seen in run.observations:
            if seen.status == "requires_action" and pending_calls(seen):
                return seen
        return next((step for step in step_observations_of_run(run) if step.text("type") == "tool_calls"), None)

    def completed_without_call(self, run: RunTimeline) -> bool:
        """Whether a run that has such a tool completed, and nothing shows a call: not even all its steps, where the
        tool may be one of the target's own.
        """
        completed = any(seen.status == "completed" for seen in run.observations)
        tools = run.last.get("tools")
        types = [tool.get("type") for tool in tools if is_object(tool)] if is_array(tools) else []
        offered = bool(types) if self.mode == "required" else self.mode == "none" or self.mode in types
        named = self.function is None or self.function in (function_names(tools) or ())
        seen = all(kind == "function" for kind in types) or steps_after_run_end(run.history, run.id) is not None
        return completed and offered and named and seen and self.find_call(run) is None


def runs_by_tool_choice(history: History) -> Iterator[ToolChoiceRuns]:
    """The tool choices that runs of a history were created with, each with its runs."""
    grouped: dict[str, list[RunTimeline]] = {}
    for run in runs(history):
        if run.creation_body.get("tool_choice") is not None:
            grouped.setdefault(json.dumps(run.creation_body["tool_choice"], sort_keys=True), []).append(run)
    for text, found in grouped.items():
        shown = json.loads(text)
        word = shown.get("type") if is_object(shown) else shown
        if isinstance(word, str):
            yield ToolChoiceRuns(shown, word, tuple(found))
