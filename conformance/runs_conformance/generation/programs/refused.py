"""Programs in which requests are refused for one broken place, and nothing may be left of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import ended, ready
from runs_conformance.generation.programs.responses import made
from runs_conformance.generation.programs.steps import (
    assistant,
    message,
    on_assistant,
    on_message,
    on_thread,
    page,
    run,
    thread,
    vain,
)
from runs_conformance.model.case import REFUSES_BODY, Mutation, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import UNKNOWN_ID

_KEPT: dict[str, Any] = {"metadata": {"kept": "yes"}}


def broken(step: Step, pointer: str, keyword: str, became: Any) -> Step:
    """The step as one that breaks the contract at one place of its body, where it had nothing before."""
    body = dict(step.body) if isinstance(step.body, dict) else {}
    where, _, name = pointer[1:].rpartition("/")
    if where:
        body[where] = {**body.get(where, {}), name: became}
    else:
        body[name] = became
    mutation = Mutation(pointer, keyword, ABSENT, became)
    return replace(step, body=body, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=mutation)


@program("lifecycle", "validation", requests=26)
def refused_without_a_trace(setting: Setting) -> Play:
    """What is refused for one broken place leaves nothing behind: no run, no message, and nothing changed."""
    if not (yield from ready(assistant(setting, name="Before", **_KEPT), thread(setting, **_KEPT))):
        return
    if not (yield from ready(message("Kept.", name="message", **_KEPT))):
        return
    lost: dict[str, Any] = {"metadata": {"kept": "no", "new": "pair"}}
    added = [{"role": "user", "content": "Brought along in vain."}]
    yield page("list_messages", order="asc")
    for bad in (
        broken(run("run", additional_messages=added), "/temperature", "maximum", 3),
        broken(run("run", **lost, additional_messages=added), "/metadata/number", "type", 9),
    ):
        started: Exchange = yield bad
        if made(started) and not (yield from ended()):
            return
    nobody = {"assistant_id": "asst_" + "0" * 24, "additional_messages": added}
    yield vain(on_thread("create_run", body=nobody), UNKNOWN_ID)
    yield broken(message("Sent in vain.", **lost), "/metadata/number", "type", 9)
    yield broken(message("Also in vain."), "/unknown", "additionalProperties", True)
    yield broken(on_thread("modify_thread", body=lost), "/metadata/number", "type", 9)
    yield broken(on_message("modify_message", body=lost), "/metadata/number", "type", 9)
    if not setting.given.get("assistant"):
        changed = {"name": "After", "instructions": "Changed in vain.", **lost}
        yield broken(on_assistant("modify_assistant", body=changed), "/temperature", "maximum", 3)
    yield page("list_runs")
    yield page("list_messages", order="asc")
    yield on_thread("get_thread")
    yield on_message("get_message")
    yield on_assistant("get_assistant")
    yield message("Sent in time.")
