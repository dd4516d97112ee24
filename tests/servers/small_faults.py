"""Small faults of real servers, each in an emulator that has no other, and the requirements that show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette

from runs_conformance.emulator.api_errors import ApiError, bad_request
from runs_conformance.emulator.app import build_with_hooks
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.servers.rewriting import KEY

_CRASH = ApiError(500, "Something went wrong.")


def modification_needs_model(hooks: Hooks) -> None:
    """Refuses every modification of an assistant that has no model."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        if "model" not in request.body:
            raise bad_request("model required", "model")
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_assistant")


def crashes_on_unknown_calls(hooks: Hooks) -> None:
    """Answers outputs of unknown calls with 500, and refuses the tool choice that names a function."""

    async def submit(inner: Any, request: RequestContext) -> Any:
        run = request.store.threads[request.path_params["thread_id"]].runs[request.path_params["run_id"]]
        known = {call["id"] for call in run.pending_calls}
        if any(output.get("tool_call_id") not in known for output in request.body.get("tool_outputs") or []):
            raise _CRASH
        return await inner(request)

    async def create(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body.get("tool_choice"), dict):
            raise bad_request("Invalid tool_choice.", "tool_choice")
        return await inner(request)

    wrap_handlers(hooks, submit, "submit_tool_outputs")
    wrap_handlers(hooks, create, "create_run", "create_thread_and_run")


def stores_no_modification(hooks: Hooks) -> None:
    """Answers every modification with the object as it was."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        request.body.clear()
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_assistant", "modify_thread", "modify_message", "modify_run")


Fault = Callable[[Hooks], None]

FAULTS: Mapping[Fault, tuple[str, ...]] = {
    modification_needs_model: ("acceptance.smallest_request_is_accepted", "modify_assistant.metadata.*"),
    crashes_on_unknown_calls: ("errors.requests_do_not_break_the_server", "tools.*"),
    stores_no_modification: ("metadata.is_kept",),
}
"""Each fault with a requirement that fails because of it, and others whose programs must run for that."""


def build(fault: Fault) -> Starlette:
    """An emulator with one fault."""
    options = EmulatorOptions(step_ms=2, keys=(KEY,))
    hooks = default_hooks(options.edition)
    fault(hooks)
    return build_with_hooks(options, hooks)
