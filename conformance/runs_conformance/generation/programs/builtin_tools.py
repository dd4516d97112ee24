"""Programs about the tools that the server itself executes: code interpreter and file search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.contract.operation import query_name
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Fragment, finish_tool_calls, read_everything, require
from runs_conformance.generation.programs.responses import has_id, item_count
from runs_conformance.generation.programs.steps import (
    assistant,
    edition_includes,
    on_run,
    on_step,
    page,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Ref
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_INCLUDE, _CONTENT = query_name("include"), "step_details.tool_calls[*].file_search.results[*].content"


@program("lifecycle", "steps", runs=1, requests=15)
def code_interpreter(context: ProgramContext) -> StepGenerator:
    """A streamed run is forced to use the code interpreter, and its steps are read."""
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "code")))):
        return
    if (yield from _start_run(context, "code_interpreter", stream=True)):
        yield on_run("get_run")
        yield from read_everything()


@program("lifecycle", "steps", runs=1, requests=25)
def file_search(context: ProgramContext) -> StepGenerator:
    """A run is forced to search files, and its steps are read with and without the content of the results."""
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "search")))):
        return
    query = ((_INCLUDE, _CONTENT),) if edition_includes(context, "2024-08-28") else ()
    if not ((yield from _start_run(context, "file_search", query)) and (yield from finish_tool_calls())):
        return
    yield from read_everything()
    if edition_includes(context, "2024-08-28"):
        steps: Exchange = yield page("list_run_steps", name="included", include=_CONTENT)
        for index in range(min(item_count(steps), 2)):
            yield on_step(Ref("included", f"/data/{index}/id"), query=((_INCLUDE, _CONTENT),))


def _start_run(context: ProgramContext, tool: str, query: tuple[tuple[str, str], ...] = (), **members: Any) -> Fragment:
    """Create a run that must use a tool; returns whether it was created.

    A target that does not take the tool's name is asked to use any tool; there is no other. If it takes neither, only
    the user message asks for the tool.
    """
    choices: list[Any] = [{"type": tool}, *(["required"] if edition_includes(context, "2024-04-29") else [])]
    for choice in choices:
        if has_id((yield replace(run(tools=[{"type": tool}], tool_choice=choice, **members), query=query))):
            return True
    return (yield from require(replace(run(tools=[{"type": tool}], tool_choice="auto", **members), query=query)))
