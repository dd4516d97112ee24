"""Mutants of thread locks and of cancellation."""

from __future__ import annotations

import asyncio
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Events, Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.run_machine import advance, schedule, set_status
from runs_conformance.emulator.state import Assistant, Members, Run, Thread

_RACE_S = 0.03


async def _admit(request: RequestContext, thread: Thread) -> None:
    return None


@written_from_spec("active-run-blocks-new-messages")
def adds_messages_to_locked_threads(hooks: Hooks) -> None:
    """Accepts a message while a run is active."""
    hooks.admit_message = _admit


@written_from_spec("active-run-blocks-second-run")
def runs_twice_at_once(hooks: Hooks) -> None:
    """Accepts a second run while one is active."""
    hooks.admit_run = _admit


@mutant(
    "event-name-matches-run-status",
    broad_reason="The second run, its lock and the events of both runs are wrong at once.",
)
def shares_events_within_a_thread(hooks: Hooks) -> None:
    """Accepts a second run while one is active, and has one queue of events for both."""
    hooks.admit_run = _admit
    inner, streamed = hooks.expand_event, dict[str, list[Run]]()

    def expand(server: ServerState, run: Run, name: str, data: Any) -> Events:
        events = inner(server, run, name, data)
        together = streamed.setdefault(run.thread_id, [])
        if run not in together:
            together.append(run)
        for other in together:
            if other is not run and other.status not in TERMINAL:
                other.events.extend(events)
                other.changed.set()
        return events

    hooks.expand_event = expand


@written_from_spec("active-run-blocks-second-run")
def replaces_the_active_run(hooks: Hooks) -> None:
    """A second run cancels the active one."""

    async def admit(request: RequestContext, thread: Thread) -> None:
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                request.server.hooks.finish(request.server, run, "cancelled", request.server.clock.now())

    hooks.admit_run = admit


@written_from_spec("active-run-blocks-second-run", level="must")
def checks_the_lock_too_early(hooks: Hooks) -> None:
    """Checks the lock some time before it stores the run, so two concurrent requests both succeed."""
    inner = hooks.admit_run

    async def admit(request: RequestContext, thread: Thread) -> None:
        await inner(request, thread)
        await asyncio.sleep(_RACE_S)

    hooks.admit_run = admit


@written_from_spec("active-run-blocks-new-messages")
def forgets_the_lock_after_outputs(hooks: Hooks) -> None:
    """Submitting outputs releases the lock."""
    hooks.holds_lock = lambda run: run.status not in TERMINAL and run.round == 0


@written_from_spec("lock-covers-all-active-statuses", level="should")
def locks_only_in_progress(hooks: Hooks) -> None:
    """A thread is locked only while its run is in progress."""
    hooks.holds_lock = lambda run: run.status == "in_progress"


@written_from_spec("lock-covers-all-active-statuses", level="should")
def unlocks_while_waiting(hooks: Hooks) -> None:
    """A thread is not locked while its run waits for outputs."""
    hooks.holds_lock = lambda run: run.status not in TERMINAL and run.status != "requires_action"


@written_from_spec("lock-covers-all-active-statuses", level="should")
def unlocks_while_cancelling(hooks: Hooks) -> None:
    """A thread is not locked while its run is being cancelled."""
    hooks.holds_lock = lambda run: run.status not in TERMINAL and run.status != "cancelling"


@mutant("lock-covers-all-active-statuses", level="should")
def takes_runs_while_cancelling(hooks: Hooks) -> None:
    """A thread takes a second run, but no message, while its run is being cancelled."""
    inner = hooks.admit_run

    async def admit(request: RequestContext, thread: Thread) -> None:
        try:
            await inner(request, thread)
        except api_errors.ApiError:
            if any(run.status not in TERMINAL and run.status != "cancelling" for run in thread.runs.values()):
                raise

    hooks.admit_run = admit


@written_from_spec("end-of-run-releases-lock")
def never_unlocks(hooks: Hooks) -> None:
    """A thread stays locked after its run."""
    hooks.holds_lock = lambda run: True


@written_from_spec("end-of-run-releases-lock")
def stays_locked_after_cancelling(hooks: Hooks) -> None:
    """A thread stays locked after a cancelled run."""
    hooks.holds_lock = lambda run: run.status not in TERMINAL or run.status == "cancelled"


@written_from_spec("end-of-run-releases-lock")
def locks_all_threads(hooks: Hooks) -> None:
    """An active run locks every thread of its owner."""

    async def admit(request: RequestContext, thread: Thread) -> None:
        for other in request.store.threads.values():
            for run in other.runs.values():
                # A run advances only when it is accessed, and no request may access the other thread.
                advance(request.server, other, run, request.server.clock.now())
                if request.server.hooks.holds_lock(run):
                    raise api_errors.run_already_active(thread.id, run.id)

    hooks.admit_run = admit


@written_from_spec("locked-thread-stays-readable", level="should")
def hides_locked_threads(hooks: Hooks) -> None:
    """The messages of a locked thread cannot be listed."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                raise api_errors.bad_request(f"Thread {thread.id} is locked by {run.id}.")
        return await inner(request)

    wrap_handlers(hooks, handle, "list_messages")


@written_from_spec("locked-thread-stays-readable", level="should")
def freezes_locked_threads(hooks: Hooks) -> None:
    """The metadata of a locked thread cannot be modified."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        for run in thread.runs.values():
            if run.status not in TERMINAL:
                raise api_errors.bad_request(f"Thread {thread.id} is locked by {run.id}.")
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_thread")


@written_from_spec("cancel-ends-run-in-progress", level="should")
def never_finishes_cancelling(hooks: Hooks) -> None:
    """A run that is being cancelled stays in cancelling."""

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        run.pending_calls = ()
        set_status(server, run, "cancelling")
        schedule(server, run, [], now)

    hooks.cancel = cancel


@written_from_spec("cancel-ends-run-in-progress", level="should")
def answers_cancels_and_goes_on(hooks: Hooks) -> None:
    """cancel_run returns the run, but does not cancel it."""
    hooks.cancel = lambda server, thread, run, now: None


@written_from_spec("cancel-ends-run-in-progress", level="should")
def refuses_to_cancel(hooks: Hooks) -> None:
    """Cancelling a run in progress is refused."""

    def check(server: ServerState, run: Run) -> None:
        raise api_errors.cannot_cancel(run.status)

    hooks.check_cancel = check


@written_from_spec("cancel-accepted-while-queued-or-waiting", level="should")
def does_not_cancel_what_waits(hooks: Hooks) -> None:
    """Cancelling a run that waits for outputs is refused."""
    inner = hooks.check_cancel

    def check(server: ServerState, run: Run) -> None:
        if run.status == "requires_action":
            raise api_errors.cannot_cancel(run.status)
        inner(server, run)

    hooks.check_cancel = check


@written_from_spec("cancel-refused-after-end", level="should")
def answers_late_cancels(hooks: Hooks) -> None:
    """Cancelling an ended run returns the run."""

    async def cancel(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        run = request.server.hooks.find_run(request, thread, request.path_params["run_id"])
        if run.status in TERMINAL:
            return request.server.hooks.run_object(request.server, run, "json")
        return await inner(request)

    wrap_handlers(hooks, cancel, "cancel_run")


@written_from_spec("cancellation-closes-steps-and-messages", level="should")
def leaves_steps_in_progress(hooks: Hooks) -> None:
    """The steps of a cancelled run stay in progress."""
    inner = hooks.finish

    def finish(server: ServerState, run: Run, status: str, at: float) -> None:
        steps, run.steps = run.steps, [step for step in run.steps if step.status != "in_progress"]
        inner(server, run, status, at)
        run.steps = steps

    hooks.finish = finish


@mutant("cancellation-closes-steps-and-messages", level="should")
def leaves_messages_in_progress(hooks: Hooks) -> None:
    """Messages show their status in every response, and those of a cancelled run stay in progress."""
    finish, show = hooks.finish, hooks.message_object

    def leave_message_open(server: ServerState, run: Run, status: str, at: float) -> None:
        step = run.open_step
        message = step.message if step is not None and status == "cancelled" else None
        if message is not None:
            # A message that is not in progress is not ended with the run.
            message.status = "completed"
        finish(server, run, status, at)
        if message is not None:
            message.status = "in_progress"

    hooks.finish = leave_message_open
    hooks.message_object = lambda server, message, channel: show(server, message, "stream")


@written_from_spec("cancellation-closes-steps-and-messages", level="should")
def removes_cancelled_steps(hooks: Hooks) -> None:
    """A cancelled run loses its steps."""
    inner = hooks.finish

    def finish(server: ServerState, run: Run, status: str, at: float) -> None:
        inner(server, run, status, at)
        if status == "cancelled":
            run.steps.clear()

    hooks.finish = finish


@written_from_spec("cancellation-closes-steps-and-messages", level="should")
def completes_cancelled_steps(hooks: Hooks) -> None:
    """The unfinished steps of a cancelled run are completed."""

    def change(members: dict[str, Any], *_: Any) -> None:
        if members["status"] == "cancelled":
            members.update(status="completed", completed_at=members["cancelled_at"], cancelled_at=None)

    patch_object(hooks, "step", change)


@mutant("end-of-run-releases-lock")
def locks_the_assistant(hooks: Hooks) -> None:
    """An active run locks its assistant, which can run on only one thread at a time."""
    inner = hooks.new_run

    def new(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
        for other in request.store.threads.values():
            for run in other.runs.values():
                if run.assistant_id == assistant.id and run.status not in TERMINAL:
                    raise api_errors.run_already_active(other.id, run.id)
        return inner(request, thread, assistant, body)

    hooks.new_run = new
