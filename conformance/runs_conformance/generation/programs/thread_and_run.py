"""Programs in which one request creates a thread and its run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.evidence.refusal_reason import named_members
from runs_conformance.generation.programs.all_operations import UNKNOWN_IDS
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    finish_tool_calls,
    prepare_caller,
    read_everything,
    require,
    send_without_refused,
)
from runs_conformance.generation.programs.overrides import all_overrides
from runs_conformance.generation.programs.responses import has_id, response_object, status
from runs_conformance.generation.programs.steps import (
    assistant,
    at_root,
    dangling_reference,
    edition_includes,
    file_id,
    forced_call,
    function_tool,
    message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
)
from runs_conformance.model.case import REFUSES_BODY, DanglingReference, Mutation, Ref, Role, Step
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.program import ProgramContext, StepGenerator

_THREAD = Ref("run", "/thread_id")

_TOO_MUCH_METADATA: dict[str, JSON] = {f"key {number}": "value" for number in range(17)}


def _create_thread_and_run(name: str = "run", **members: Any) -> Step:
    body = {"assistant_id": Ref("assistant"), **members}
    return at_root("create_thread_and_run", body, name=name, stream=members.get("stream") is True)


def _new_thread(context: ProgramContext, purpose: str = "plain", *files: str) -> dict[str, Any]:
    introduction: Any = "My name is Ada."
    if edition_includes(context, "2024-05-09"):
        introduction = [{"type": "text", "text": "My name is"}, {"type": "text", "text": "Ada."}]
    attachments = [{"file_id": file, "tools": [{"type": "code_interpreter"}]} for file in files]
    return {
        "messages": [
            {"role": "user", "content": introduction, **({"attachments": attachments} if files else {})},
            {"role": "assistant", "content": "Hello Ada."},
            {"role": "user", "content": prompt(context, purpose), "metadata": {"last": "yes"}},
        ],
        "metadata": {"colour": "green"},
        "tool_resources": {"code_interpreter": {"file_ids": list(files)}},
    }


def _finish_and_read(response: Exchange) -> Fragment:
    """Poll a run to its end and read it and the thread that it names; returns whether that was possible."""
    if not isinstance(response_object(response).get("thread_id"), str):
        return False
    if not (yield from finish_tool_calls(thread=_THREAD)):
        return False
    yield on_thread("get_thread", _THREAD)
    yield from read_everything(thread=_THREAD)
    yield page("list_messages", _THREAD, order="asc")
    return True


@program("lifecycle", "create_and_run", runs=1, requests=27)
def thread_and_run(context: ProgramContext) -> StepGenerator:
    """A thread with messages and a run that overrides every setting are created by one request, and polled.

    The run calls no tool although it has the code interpreter and is asked to compute. The thread and one of its
    messages have a file for it, if the target accepts one.
    """
    if not (yield from require(assistant(context, temperature=0.7))):
        return
    overrides = {**all_overrides(context), "tools": [function_tool(), {"type": "code_interpreter"}]}
    file = file_id(context)
    step = _create_thread_and_run(thread=_new_thread(context, "code", *([file] if file else [])), **overrides)
    created = yield from send_without_refused(step)
    if file and created.refused and ("thread" in named_members(created) or file in refusal_text(created)):
        step = _create_thread_and_run(thread=_new_thread(context, "code"), **overrides)
        created = yield from send_without_refused(step)
    yield from _finish_and_read(created)


@program("lifecycle", "create_and_run", runs=1, requests=20)
def thread_and_run_streamed(context: ProgramContext) -> StepGenerator:
    """A thread and a streamed run are created by one request, and read. Two more requests for a stream are invalid.

    One has an unknown assistant, the other one too much metadata.
    """
    if not (yield from require(assistant(context))):
        return
    created: Exchange = yield _create_thread_and_run(thread=_new_thread(context), stream=True)
    yield from _finish_and_read(created)
    unknown = dangling_reference(_create_thread_and_run("", stream=True), DanglingReference.UNKNOWN)
    yield replace(
        unknown,
        body={"assistant_id": UNKNOWN_IDS["assistant_id"], "stream": True},
        mutation=Mutation("/assistant_id", "x-references", ABSENT, UNKNOWN_IDS["assistant_id"]),
    )
    refused: Exchange = yield replace(
        _create_thread_and_run("broken", metadata=_TOO_MUCH_METADATA, stream=True),
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/metadata", "maxProperties", ABSENT, _TOO_MUCH_METADATA),
    )
    if refused.accepted:
        yield from cancel_and_wait("broken", Ref("broken", "/thread_id"))


@program("lifecycle", "create_and_run", runs=1, requests=26)
def run_on_an_empty_thread(context: ProgramContext) -> StepGenerator:
    """A run is created without a thread, for an assistant with instructions, and waits for tool outputs.

    It gets an empty thread without the metadata of the run, which accepts no message and no run while the run waits.
    """
    if not ((yield from require(assistant(context))) and (yield from prepare_caller(context))):
        return
    forced = {**forced_call(context, tools=[function_tool()]), "metadata": {"belongs": "to the run"}}
    created: Exchange = yield _create_thread_and_run(**forced)
    if created.refused:
        # The refusal may concern the model and not the missing thread.
        created = yield _create_thread_and_run(thread=_new_thread(context), **forced)
    if not has_id(created):
        return
    response: Exchange = yield poll(thread=_THREAD, name="waiting")
    if status(response) == "requires_action":
        yield message("Not now.", _THREAD)
        second: Exchange = yield run("second", _THREAD)
        if second.accepted:
            yield on_run("get_run", thread=_THREAD)
            yield from cancel_and_wait("second", _THREAD)
    yield from _finish_and_read(created)
