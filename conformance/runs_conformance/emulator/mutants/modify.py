"""Mutants of modification: it changes too much, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.handlers import get_run
from runs_conformance.emulator.model_actions import ModelAction, StartRun
from runs_conformance.emulator.patching import set_keyword, wrap_handlers
from runs_conformance.emulator.state import Message, Run, Thread


@written_from_spec("modify-run-changes-only-metadata")
def modifies_instructions(hooks: Hooks) -> None:
    """Modifying a run's metadata changes its instructions."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        run = request.store.threads[request.path_params["thread_id"]].runs[request.path_params["run_id"]]
        run.instructions = "modified"
        return {**response, "instructions": "modified"}

    wrap_handlers(hooks, modify, "modify_run")


@written_from_spec("modify-run-changes-only-metadata")
def modifies_the_end(hooks: Hooks) -> None:
    """Modifying a run's metadata changes its completed_at."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        await inner(request)
        run = request.store.threads[request.path_params["thread_id"]].runs[request.path_params["run_id"]]
        run.completed_at = (run.completed_at or request.server.clock.now()) + 5
        return await get_run(request)

    wrap_handlers(hooks, modify, "modify_run")


@written_from_spec("ended-run-can-be-modified", level="should")
def forgets_modifications(hooks: Hooks) -> None:
    """modify_run returns the new metadata, but does not store it."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        run = request.store.threads[request.path_params["thread_id"]].runs[request.path_params["run_id"]]
        before = run.metadata
        response = await inner(request)
        run.metadata = before
        return response

    wrap_handlers(hooks, modify, "modify_run")


@written_from_spec("ended-run-can-be-modified", level="should")
def never_modifies(hooks: Hooks) -> None:
    """modify_run returns the run unchanged."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        return await get_run(request)

    wrap_handlers(hooks, modify, "modify_run")


@written_from_spec("ended-run-can-be-modified", level="should")
def refuses_to_modify(hooks: Hooks) -> None:
    """Modifying an ended run is refused."""

    def check(server: ServerState, run: Run) -> None:
        raise api_errors.cannot_update(run.status)

    hooks.check_modify = check


@mutant("acceptance")
def wants_whole_messages(hooks: Hooks) -> None:
    """modify_message requires role and content."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        for name in ("role", "content"):
            if name not in request.body:
                raise api_errors.missing_parameter(name)
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_message")


@mutant("modify")
def replaces_whole_messages(hooks: Hooks) -> None:
    """Modifying a message's metadata empties its content."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        request.server.hooks.find_message(request, thread, request.path_params["message_id"]).content = []
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_message")


@mutant("modify")
def replaces_whole_threads(hooks: Hooks) -> None:
    """Modifying a thread's metadata takes the files from its tools."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict):
            request.body.setdefault("tool_resources", None)
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_thread")


@mutant("modify", level="should")
def clears_metadata_that_is_not_given(hooks: Hooks) -> None:
    """A modification without metadata empties the metadata."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict):
            request.body.setdefault("metadata", {})
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_assistant", "modify_thread", "modify_run", "modify_message")


@mutant("assistants", level="should")
def keeps_what_is_set_to_null(hooks: Hooks) -> None:
    """A modification of an assistant ignores members that are null."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict):
            request.body = {name: value for name, value in request.body.items() if value is not None}
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_assistant")


@mutant("thread-and-run-creates-messages")
def wants_a_thread_to_run(hooks: Hooks) -> None:
    """create_thread_and_run requires a thread."""

    async def start(inner: Any, request: RequestContext) -> Any:
        if request.body.get("thread") is None:
            raise api_errors.missing_parameter("thread")
        return await inner(request)

    wrap_handlers(hooks, start, "create_thread_and_run")


@mutant("modify")
def modifies_no_answers(hooks: Hooks) -> None:
    """The metadata of a message written by a run cannot be modified."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        if request.server.hooks.find_message(request, thread, request.path_params["message_id"]).run_id is not None:
            raise api_errors.bad_request("Messages of a run cannot be modified.")
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_message")


@mutant("races")
def saves_the_run_as_it_began(hooks: Hooks) -> None:
    """A run can be modified while it is active, but its end restores the metadata that it had when it began to work."""
    perform, finish = hooks.perform, hooks.finish

    def remember(server: ServerState, thread: Thread, run: Run, action: ModelAction, at: float) -> None:
        if isinstance(action, StartRun):
            run.notes["metadata"] = dict(run.metadata)
        perform(server, thread, run, action, at)

    def restore(server: ServerState, run: Run, status: str, at: float) -> None:
        run.metadata = run.notes.pop("metadata", run.metadata)
        finish(server, run, status, at)

    hooks.check_modify = lambda server, run: None
    hooks.perform, hooks.finish = remember, restore


@mutant("identity")
def assigns_the_body_to_the_assistant(hooks: Hooks) -> None:
    """modify_assistant also stores members of the body that no request can set, such as created_at."""
    set_keyword(hooks, "modify_assistant.additionalProperties", None)

    async def modify(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        assistant = request.store.assistants[request.path_params["assistant_id"]]
        assistant.created_at = request.body.get("created_at", assistant.created_at)
        return {**response, "created_at": int(assistant.created_at)}

    wrap_handlers(hooks, modify, "modify_assistant")


@mutant("modify")
def assigns_the_body_to_the_message(hooks: Hooks) -> None:
    """modify_message also stores the role of its body."""
    _assign_member(hooks, "modify_message", "role", lambda thread, path: thread.messages[path["message_id"]])


@mutant("modify-run-changes-only-metadata")
def assigns_the_body_to_the_run(hooks: Hooks) -> None:
    """modify_run also stores the instructions of its body."""
    _assign_member(hooks, "modify_run", "instructions", lambda thread, path: thread.runs[path["run_id"]])


def _assign_member(
    hooks: Hooks, operation: str, name: str, find: Callable[[Thread, Mapping[str, str]], Message | Run]
) -> None:
    """Store a member that the operation must not change, in the object that `find` returns."""
    set_keyword(hooks, f"{operation}.additionalProperties", None)

    async def modify(inner: Any, request: RequestContext) -> Any:
        response = await inner(request)
        owner = find(request.store.threads[request.path_params["thread_id"]], request.path_params)
        setattr(owner, name, request.body.get(name, getattr(owner, name)))
        return {**response, name: getattr(owner, name)}

    wrap_handlers(hooks, modify, operation)
