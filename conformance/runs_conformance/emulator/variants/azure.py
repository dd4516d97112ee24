"""The service's Azure edition: other ways in, and members that it leaves out. To be judged by an azure dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from runs_conformance.emulator.catalogue import variant
from runs_conformance.emulator.context import World
from runs_conformance.emulator.hooks import Behaviour, Events
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.patching import told, without
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.state import Run

_FOLDER = "/openai"
_LEFT_OUT = ("max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "incomplete_details")
_LATER = ("thread.run.in_progress", "thread.run.requires_action")


@variant(dialect="azure-openai")
def is_azure(behaviour: Behaviour) -> None:
    """Takes the key as api-key and needs no beta header; leaves out what Azure left out."""
    without(behaviour, "run", "parallel_tool_calls", "reasoning_effort")
    told(behaviour, _shortened)
    behaviour.check_beta = lambda headers: None
    inner, envelope = behaviour.authenticate, behaviour.envelope

    def authenticate(options: Options, headers: Mapping[str, str]) -> str:
        return inner(options, {"authorization": f"Bearer {headers.get('api-key', '')}"})

    def shown(refusal: Refusal) -> Any:
        if refusal.http_status == 401:
            return {"error": {"code": "401", "message": refusal.message}}
        return envelope(refusal)

    behaviour.authenticate, behaviour.envelope = authenticate, shown
    behaviour.wrappers.append(_without_folder)


def _shortened(world: World, run: Run, name: str, data: Any) -> Events:
    if name in _LATER:
        data = {member: value for member, value in data.items() if member not in _LEFT_OUT}
    return ((name, data),)


def _without_folder(app: ASGIApp) -> ASGIApp:
    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["path"].replace(_FOLDER, "", 1)}, receive, send)

    return outer
