"""Programs about the additional messages of a run."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import finish_tool_calls, give_up, require, send_until_accepted
from runs_conformance.generation.programs.responses import has_id, item_count
from runs_conformance.generation.programs.steps import (
    assistant,
    attachments,
    edition_includes,
    on_message,
    page,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Ref
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import ProgramContext, StepGenerator


@program("lifecycle", "messages", runs=1, requests=23)
def additional_messages(context: ProgramContext) -> StepGenerator:
    """A run is created with additional messages of both roles.

    They join its thread in their order and before its answer. Its additional instructions are its only ones.
    """
    if not (yield from require(assistant(context, instructions=ABSENT), thread(context, text="I have a question."))):
        return
    additional: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Go ahead."},
        {"role": "user", "content": "First: what is a run?", "metadata": {"place": "second"}},
        {"role": "user", "content": prompt(context)},
    ]
    if edition_includes(context, "2024-05-09"):
        parts = [{"type": "text", "text": "Part one."}, {"type": "text", "text": "Part two."}]
        additional.insert(2, {"role": "user", "content": parts, "metadata": {"place": "third"}})
    with_file = [additional[0], {**additional[1], **attachments(context)}, *additional[2:]]
    members = {"additional_instructions": "Answer in few words."}
    created = yield from send_until_accepted(
        run(additional_messages=with_file, **members), run(additional_messages=additional, **members)
    )
    if not has_id(created):
        yield from give_up("a successful response that shows an id")
        return
    if not (yield from finish_tool_calls()):
        return
    answer: Exchange = yield page("list_messages", name="answer", run_id=Ref("run"))
    if count := item_count(answer):
        # The older messages are the caller's, and belong on no page of the run's messages.
        yield page("list_messages", run_id=Ref("run"), order="desc", after=Ref("answer", f"/data/{count - 1}/id"))
    messages: Exchange = yield page("list_messages", name="messages", order="asc")
    for index in range(item_count(messages)):
        yield on_message("get_message", Ref("messages", f"/data/{index}/id"))
    yield page("list_runs")
