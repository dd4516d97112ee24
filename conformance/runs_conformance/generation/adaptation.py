"""Adapts the steps of programs to the request forms that a target accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runs_conformance.model.case import Concurrent, Move, Step
from runs_conformance.model.program import ProgramContext

_RUN_CREATIONS = frozenset({"create_run", "create_thread_and_run"})


def adapt(move: Move, context: ProgramContext) -> Move:
    """Give steps the members and the form of messages that the target needs, unless they test just these."""
    if isinstance(move, Concurrent):
        return Concurrent(tuple(adapt_step(step, context) for step in move.steps))
    return adapt_step(move, context)


def adapt_step(step: Step, context: ProgramContext) -> Step:
    """One step in the form that the target accepts; the same step if that is the form it has."""
    body = step.body
    if step.raw is not None or not isinstance(body, Mapping):
        return step
    forms = context.request_forms
    adapted: Mapping[str, Any] = body
    if step.operation in _RUN_CREATIONS and forms.run_members:
        adapted = {**adapted, **{k: v for k, v in forms.run_members.items() if _may_add(step, adapted, k)}}
    if step.operation == "create_assistant" and forms.assistant_members:
        adapted = {**adapted, **{k: v for k, v in forms.assistant_members.items() if _may_add(step, adapted, k)}}
    if forms.message_content == "parts":
        adapted = _with_parts(step, adapted)
    if not context.streams and adapted.get("stream") is True and not tests_streaming(step):
        adapted = {name: value for name, value in adapted.items() if name != "stream"}
        return replace(step, body=adapted, stream=False)
    return step if adapted is body else replace(step, body=adapted)


def without_additions(context: ProgramContext) -> ProgramContext:
    """A context whose steps get no members and no other form of messages.

    Recorded steps have them already, except those that showed that the target needs them.
    """
    forms = replace(context.request_forms, assistant_members={}, run_members={}, message_content="text")
    return replace(context, request_forms=forms)


def tests_streaming(step: Step) -> bool:
    """Whether a step tests the member `stream` itself, so that it is pointless without it."""
    return step.mutation is not None and step.mutation.place == "body" and step.mutation.pointer == "/stream"


def requests_stream(step: Step) -> bool:
    """Whether a step asks for an event stream."""
    return isinstance(step.body, Mapping) and step.body.get("stream") is True and step.raw is None


def _may_add(step: Step, body: Mapping[str, Any], member: str) -> bool:
    """Whether a member may be added: the step neither has it nor tests its absence."""
    mutated = step.mutation.pointer.split("/")[1:2] if step.mutation is not None else []
    return member not in body and mutated != [member]


def _with_parts(step: Step, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace the texts of messages by arrays with one part, except where the step tests the content."""
    if step.mutation is not None and "content" in step.mutation.pointer:
        return body
    if step.operation == "create_message":
        return _message_with_parts(body)
    for name in ("messages", "additional_messages"):
        if isinstance(body.get(name), list):
            body = {
                **body,
                name: [_message_with_parts(each) if isinstance(each, Mapping) else each for each in body[name]],
            }
    if isinstance(body.get("thread"), Mapping):
        body = {**body, "thread": _with_parts(step, body["thread"])}
    return body


def _message_with_parts(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(message.get("content"), str):
        return message
    return {**message, "content": [{"type": "text", "text": message["content"]}]}
