"""Programs in which requests are invalid at one place, and their other changes must not take effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.all_operations import UNKNOWN_IDS
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import cancel_and_wait, require
from runs_conformance.generation.programs.responses import has_id
from runs_conformance.generation.programs.steps import (
    assistant,
    dangling_reference,
    message,
    on_assistant,
    on_message,
    on_thread,
    page,
    run,
    thread,
)
from runs_conformance.model.case import REFUSES_BODY, DanglingReference, Either, Mutation, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import ProgramContext, StepGenerator

_ORIGINAL: dict[str, Any] = {"metadata": {"kept": "yes"}}

_LONG_AGO = 1_700_000_000

_WRONG = ("a temperature", "metadata", "an assistant")
"""The faults in the requests of runs. Each brings a message of its own: a target may accept one of them."""


def _additional(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def with_invalid_member(step: Step, pointer: str, keyword: str, became: Any) -> Step:
    """Add an invalid member to the step's body, so that it violates the contract at that place."""
    body = dict(step.body) if isinstance(step.body, dict) else {}
    parent, _, name = pointer[1:].rpartition("/")
    if parent:
        body[parent] = {**body.get(parent, {}), name: became}
    else:
        body[name] = became
    mutation = Mutation(pointer, keyword, ABSENT, became)
    return replace(step, body=body, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)


@program("lifecycle", "validation", requests=29)
def refused_without_a_trace(context: ProgramContext) -> StepGenerator:
    """Creations and modifications that are invalid at exactly one place are sent, and all objects are read afterwards.

    The refused requests must leave nothing behind: no run, no message and no change. At last, modifications contain
    members of responses that no request can set.
    """
    if not (yield from require(assistant(context, name="Before", **_ORIGINAL), thread(context, **_ORIGINAL))):
        return
    if not (yield from require(message("Kept.", name="message", **_ORIGINAL))):
        return
    refused: dict[str, Any] = {"metadata": {"kept": "no", "new": "pair"}}
    temperature, metadata, unknown = (_additional(f"Brought along with {what}, but refused.") for what in _WRONG)
    yield page("list_messages", order="asc")
    for step in (
        with_invalid_member(run("run", additional_messages=temperature), "/temperature", "maximum", 3),
        with_invalid_member(run("run", **refused, additional_messages=metadata), "/metadata/number", "type", 9),
    ):
        created: Exchange = yield step
        if has_id(created) and not (yield from cancel_and_wait()):
            return
    unknown_assistant = {"assistant_id": "asst_" + "0" * 24, "additional_messages": unknown}
    yield dangling_reference(on_thread("create_run", body=unknown_assistant), DanglingReference.UNKNOWN)
    yield with_invalid_member(message("Sent, but refused.", **refused), "/metadata/number", "type", 9)
    yield with_invalid_member(message("Also refused."), "/unknown", "additionalProperties", True)
    yield with_invalid_member(on_thread("modify_thread", body=refused), "/metadata/number", "type", 9)
    yield with_invalid_member(on_message("modify_message", body=refused), "/metadata/number", "type", 9)
    if not context.use.get("assistant"):
        changed = {"name": "After", "instructions": "Changed, but refused.", **refused}
        yield with_invalid_member(on_assistant("modify_assistant", body=changed), "/temperature", "maximum", 3)
    yield page("list_runs")
    yield page("list_messages", order="asc")
    yield on_thread("get_thread")
    yield on_message("get_message")
    yield on_assistant("get_assistant")
    in_time: Exchange = yield message("Sent in time.", name="in_time")
    yield with_fixed_members(on_thread("modify_thread"), id=UNKNOWN_IDS["thread_id"], created_at=_LONG_AGO)
    if not context.use.get("assistant"):
        yield with_fixed_members(on_assistant("modify_assistant"), id=UNKNOWN_IDS["assistant_id"], created_at=_LONG_AGO)
    if not has_id(in_time):
        return
    content = [{"type": "text", "text": {"value": "Rewritten.", "annotations": []}}]
    rewritten = {"role": "assistant", "content": content, "status": "incomplete"}
    yield with_fixed_members(on_message("modify_message", "in_time"), **rewritten)


def with_fixed_members(step: Step, **members: Any) -> Step:
    """Send other values of members that no request can set, as a client does that returns an object as it found it."""
    either = Either("a target may ignore members that no request can set")
    return replace(step, body=members, role=Role.NEGATIVE, expectation=either)
