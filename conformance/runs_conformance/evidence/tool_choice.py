"""Runs that were told which tools to call, and whether they did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.evidence.complete_list import steps_after_the_end
from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.evidence.tool_call import calls_of, names_of_functions, steps_of
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at, is_array, is_object


@dataclass(frozen=True, eq=False)
class Choice:
    """The runs of one history that were created with the same tool choice. `word` is the choice, or the type of the
    tool that it names.
    """

    shown: JSON
    word: str
    runs: tuple[RunLine, ...]

    @property
    def function(self) -> str | None:
        """The name of the function that it names, if it names one."""
        name = at(self.shown, "/function/name")
        return name if isinstance(name, str) and self.word == "function" else None

    def called(self, run: RunLine) -> Sighting | None:
        """Where a run showed that it called a tool, if it did."""
        for seen in run.sightings:
            if seen.status == "requires_action" and calls_of(seen):
                return seen
        return next((step for step in steps_of(run) if step.text("type") == "tool_calls"), None)

    def ended_without_a_call(self, run: RunLine) -> bool:
        """Whether a run that has such a tool completed, and nothing shows a call: not even all its steps, where the
        tool may be one of the target's own.
        """
        completed = any(seen.status == "completed" for seen in run.sightings)
        tools = run.last.get("tools")
        types = [tool.get("type") for tool in tools if is_object(tool)] if is_array(tools) else []
        offered = bool(types) if self.word == "required" else self.word == "none" or self.word in types
        named = self.function is None or self.function in (names_of_functions(tools) or ())
        seen = all(kind == "function" for kind in types) or steps_after_the_end(run.history, run.id) is not None
        return completed and offered and named and seen and self.called(run) is None


def forced_choices(history: History) -> Iterator[Choice]:
    """The tool choices that runs of a history were created with, each with its runs."""
    grouped: dict[str, list[RunLine]] = {}
    for run in runs(history):
        if run.asked.get("tool_choice") is not None:
            grouped.setdefault(json.dumps(run.asked["tool_choice"], sort_keys=True), []).append(run)
    for text, found in grouped.items():
        shown = json.loads(text)
        word = shown.get("type") if is_object(shown) else shown
        if isinstance(word, str):
            yield Choice(shown, word, tuple(found))
