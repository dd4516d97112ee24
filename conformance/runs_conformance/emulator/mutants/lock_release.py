"""Mutants of locks that can be bypassed or outlive their run, and of cancellation that reaches the wrong run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.state import Run, Thread


@mutant("active-run-blocks-new-messages")
def unlocks_when_modified(hooks: Hooks) -> None:
    """Modifying a locked thread or its run releases the lock."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        request.server.notes.setdefault("unlocked", set()).add(request.path_params["thread_id"])
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_thread", "modify_run")
    _admit_if(hooks, lambda request, thread: thread.id in request.server.notes.get("unlocked", ()))


@mutant("active-run-blocks-second-run")
def locks_each_assistant_by_itself(hooks: Hooks) -> None:
    """A second run can start while one of another assistant is active."""
    _admit_if(hooks, _of_another_assistant)


@mutant("active-run-blocks-second-run")
def streams_past_the_lock(hooks: Hooks) -> None:
    """A streamed second run can start while one is active."""
    _admit_if(hooks, lambda request, thread: bool(request.body.get("stream")))


@mutant("active-run-blocks-new-messages")
def locks_no_thread_that_came_with_its_run(hooks: Hooks) -> None:
    """A thread from create_thread_and_run accepts messages while its run is active."""
    _remember_threads_of_runs(hooks)
    _admit_if(hooks, _came_with_its_run)


@mutant("active-run-blocks-second-run")
def starts_runs_on_a_thread_that_came_with_its_run(hooks: Hooks) -> None:
    """A thread from create_thread_and_run accepts a second run while its run is active, but no message."""
    _remember_threads_of_runs(hooks)
    hooks.admit_run = _bypassing(hooks.admit_run, _came_with_its_run)


def _remember_threads_of_runs(hooks: Hooks) -> None:
    async def create(inner: Any, request: RequestContext) -> Any:
        known = set(request.store.threads)
        response = await inner(request)
        request.server.notes.setdefault("together", set()).update(set(request.store.threads) - known)
        return response

    wrap_handlers(hooks, create, "create_thread_and_run")


def _came_with_its_run(request: RequestContext, thread: Thread) -> bool:
    return thread.id in request.server.notes.get("together", ())


@mutant("end-of-run-releases-lock")
def locks_for_a_run_that_is_refused(hooks: Hooks) -> None:
    """A run refused for its unknown assistant leaves its thread locked."""

    async def create(inner: Any, request: RequestContext) -> Any:
        try:
            return await inner(request)
        except api_errors.ApiError:
            if request.body["assistant_id"] not in request.store.assistants:
                request.server.notes.setdefault("stuck", set()).add(request.path_params["thread_id"])
            raise

    admit_message = hooks.admit_message

    async def admit(request: RequestContext, thread: Thread) -> None:
        if thread.id in request.server.notes.get("stuck", ()):
            raise api_errors.bad_request(f"Can't add messages to {thread.id} while a run is active.")
        await admit_message(request, thread)

    wrap_handlers(hooks, create, "create_run")
    hooks.admit_message = admit


@mutant("end-of-run-releases-lock")
def stays_locked_after_failing(hooks: Hooks) -> None:
    """A thread stays locked after a failed run."""
    hooks.holds_lock = lambda run: run.status not in TERMINAL or run.status == "failed"


@mutant("transitions-follow-the-graph")
def cancels_whatever_is_active(hooks: Hooks) -> None:
    """Cancelling an ended run is refused, but cancels the active run of its thread."""

    async def cancel(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        for other in thread.runs.values():
            if run.status in TERMINAL and other.status not in TERMINAL and other.status != "cancelling":
                request.server.hooks.cancel(request.server, thread, other, request.server.clock.now())
        return await inner(request)

    wrap_handlers(hooks, cancel, "cancel_run")


@mutant("cancel-accepted-while-queued-or-waiting", level="should")
def cancels_nothing_that_was_streamed(hooks: Hooks) -> None:
    """Cancelling a streamed run is refused."""
    inner = hooks.check_cancel

    def check(server: ServerState, run: Run) -> None:
        if run.is_streamed:
            raise api_errors.cannot_cancel(run.status)
        inner(server, run)

    hooks.check_cancel = check


def _of_another_assistant(request: RequestContext, thread: Thread) -> bool:
    active = {run.assistant_id for run in thread.runs.values() if run.status not in TERMINAL}
    return request.operation.name == "create_run" and request.body["assistant_id"] not in active


def _admit_if(hooks: Hooks, is_admitted: Callable[[RequestContext, Thread], bool]) -> None:
    """Admit messages and runs to a locked thread if `passes` holds."""
    for name in ("admit_message", "admit_run"):
        setattr(hooks, name, _bypassing(getattr(hooks, name), is_admitted))


def _bypassing(
    inner: Callable[[RequestContext, Thread], Awaitable[None]], is_admitted: Callable[[RequestContext, Thread], bool]
) -> Callable[[RequestContext, Thread], Awaitable[None]]:
    async def admit(request: RequestContext, thread: Thread) -> None:
        if not is_admitted(request, thread):
            await inner(request, thread)

    return admit
