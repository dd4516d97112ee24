"""Programs about the tools that the server itself executes: code interpreter and file search."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from runs_conformance.contract.operation import query_name
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import finish_tool_calls, read_everything, require, wait_for_end
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
from runs_conformance.model.case import Instruction, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at
from runs_conformance.model.list_body import listed_items
from runs_conformance.model.program import ProgramContext, StepGenerator

_INCLUDE, _CONTENT = query_name("include"), "step_details.tool_calls[*].file_search.results[*].content"


@program("lifecycle", "steps", runs=1, requests=15)
def code_interpreter(context: ProgramContext) -> StepGenerator:
    """A streamed run is forced to use the code interpreter, and its steps are read."""
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "code")))):
        return
    created = yield from _start_run(context, "code_interpreter", stream=True)
    if created is not None:
        yield on_run("get_run")
        steps = yield from read_everything()
        yield from _try_again_without_call(created, steps)


@program("lifecycle", "steps", runs=1, requests=25)
def file_search(context: ProgramContext) -> StepGenerator:
    """A streamed run is forced to search files, and its steps are read with and without the content of the results."""
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "search")))):
        return
    query = ((_INCLUDE, _CONTENT),) if edition_includes(context, "2024-08-28") else ()
    created = yield from _start_run(context, "file_search", query, stream=True)
    if created is None or not (yield from finish_tool_calls()):
        return
    listed = yield from read_everything()
    if edition_includes(context, "2024-08-28"):
        steps: Exchange = yield page("list_run_steps", name="included", include=_CONTENT)
        for index in range(min(item_count(steps), 2)):
            yield on_step(Ref("included", f"/data/{index}/id"), query=((_INCLUDE, _CONTENT),))
    yield from _try_again_without_call(created, listed)


def _start_run(
    context: ProgramContext, tool: str, query: tuple[tuple[str, str], ...] = (), **members: Any
) -> Generator[Instruction, Any, Step | None]:
    """Create a run that must use a tool; returns the step that created it, or None.

    A target that does not take the tool's name is asked to use any tool; there is no other. If it takes neither, only
    the user message asks for the tool.
    """
    choices: list[Any] = [{"type": tool}, *(["required"] if edition_includes(context, "2024-04-29") else [])]
    for choice in choices:
        step = replace(run(tools=[{"type": tool}], tool_choice=choice, **members), query=query)
        if has_id((yield step)):
            return step
    step = replace(run(tools=[{"type": tool}], tool_choice="auto", **members), query=query)
    return step if (yield from require(step)) else None


def _try_again_without_call(created: Step, steps: Exchange) -> StepGenerator:
    """Repeat a run that had to use a tool but only wrote a message, which may have been the model's chance failure."""
    body = created.body if isinstance(created.body, Mapping) else {}
    types = [at(step, "/type") for step in listed_items(steps.body)[1]] if steps.accepted else []
    if not types or {*types} != {"message_creation"} or body.get("tool_choice") == "auto":
        return
    members = {name: body[name] for name in ("tools", "tool_choice")}
    if (yield from require(run("again", **members))) and (yield from wait_for_end("again")):
        yield page("list_run_steps", "again")
