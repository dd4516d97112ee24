"""The Azure edition of the service: other authentication and omitted members. It must be judged by an Azure dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from runs_conformance.emulator.api_errors import ApiError
from runs_conformance.emulator.context import Events, Hooks, ServerState
from runs_conformance.emulator.declaration import variant
from runs_conformance.emulator.patching import patch_events, remove_members
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.emulator.state import Run

_PATH_PREFIX = "/openai"
_OMITTED_MEMBERS = ("max_prompt_tokens", "max_completion_tokens", "truncation_strategy", "incomplete_details")
_SHORTENED_EVENTS = ("thread.run.in_progress", "thread.run.requires_action")


@variant(dialect="azure-openai")
def is_azure(hooks: Hooks) -> None:
    """Takes the key from api-key, needs no beta header, and omits the members that Azure omitted."""
    remove_members(hooks, "run", "parallel_tool_calls", "reasoning_effort")
    patch_events(hooks, _omit_members)
    hooks.check_beta_header = lambda headers: None
    inner, envelope = hooks.authenticate, hooks.error_body

    def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
        return inner(options, {"authorization": f"Bearer {headers.get('api-key', '')}"})

    def azure_error_body(error: ApiError) -> Any:
        if error.http_status == 401:
            return {"error": {"code": "401", "message": error.message}}
        return envelope(error)

    hooks.authenticate, hooks.error_body = authenticate, azure_error_body
    hooks.middleware.append(_strip_path_prefix)


def _omit_members(server: ServerState, run: Run, name: str, data: Any) -> Events:
    if name in _SHORTENED_EVENTS:
        data = {member: value for member, value in data.items() if member not in _OMITTED_MEMBERS}
    return ((name, data),)


def _strip_path_prefix(app: ASGIApp) -> ASGIApp:
    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["path"].replace(_PATH_PREFIX, "", 1)}, receive, send)

    return outer
