"""Programs about the tools that the server itself carries out: code interpreter and file search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.contract.operation import query_name
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import aftermath, finished, ready
from runs_conformance.generation.programs.responses import items
from runs_conformance.generation.programs.steps import assistant, on_run, on_step, page, prompt, run, since, thread
from runs_conformance.model.case import Ref
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting

_CODE: dict[str, Any] = {"tools": [{"type": "code_interpreter"}], "tool_choice": {"type": "code_interpreter"}}
_SEARCH: dict[str, Any] = {"tools": [{"type": "file_search"}], "tool_choice": {"type": "file_search"}}
_INCLUDE, _CONTENT = query_name("include"), "step_details.tool_calls[*].file_search.results[*].content"


@program("lifecycle", "steps", runs=1, requests=14)
def code_interpreter(setting: Setting) -> Play:
    """A streamed run is made to run code, and its steps are read."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "code")))):
        return
    if (yield from ready(run(stream=True, **_CODE))):
        yield on_run("get_run")
        yield from aftermath()


@program("lifecycle", "steps", runs=1, requests=24)
def file_search(setting: Setting) -> Play:
    """A run is made to search files; its steps are read with the content of the results and without."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "search")))):
        return
    started = run(**_SEARCH)
    if since(setting, "2024-08-28"):
        started = replace(started, query=((_INCLUDE, _CONTENT),))
    if not (yield from ready(started)):
        return
    if not (yield from finished()):
        return
    yield from aftermath()
    if since(setting, "2024-08-28"):
        steps: Exchange = yield page("list_run_steps", name="included", include=_CONTENT)
        for index in range(min(items(steps), 2)):
            yield on_step(Ref("included", f"/data/{index}/id"), query=((_INCLUDE, _CONTENT),))
