"""Programs about the messages that a run brings with it."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import finished, ready
from runs_conformance.generation.programs.responses import items
from runs_conformance.generation.programs.steps import assistant, on_message, on_run, page, prompt, run, since, thread
from runs_conformance.model.case import Ref
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting


@program("lifecycle", "messages", runs=1, requests=23)
def additional_messages(setting: Setting) -> Play:
    """A run adds messages of both roles to its thread, in their order and before its answer."""
    if not (yield from ready(assistant(setting), thread(setting, text="I have a question."))):
        return
    added: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Go ahead."},
        {"role": "user", "content": "First: what is a run?", "metadata": {"place": "second"}},
        {"role": "user", "content": prompt(setting)},
    ]
    if since(setting, "2024-05-09"):
        parts = [{"type": "text", "text": "Part one."}, {"type": "text", "text": "Part two."}]
        added.insert(2, {"role": "user", "content": parts, "metadata": {"place": "third"}})
    step = run(additional_messages=added, additional_instructions="Answer in few words.")
    if not (yield from ready(step)):
        return
    yield on_run("get_run")
    if not (yield from finished()):
        return
    answer: Exchange = yield page("list_messages", name="answer", run_id=Ref("run"))
    if count := items(answer):
        # The next older message is the caller's, and on no page of the run's.
        yield page("list_messages", run_id=Ref("run"), limit=1, after=Ref("answer", f"/data/{count - 1}/id"))
    messages: Exchange = yield page("list_messages", name="messages", order="asc")
    for index in range(items(messages)):
        yield on_message("get_message", Ref("messages", f"/data/{index}/id"))
    yield page("list_runs")
