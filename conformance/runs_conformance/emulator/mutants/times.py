"""Mutants of timestamps and of expiry."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_object
from runs_conformance.emulator.state import Assistant, Members, Run, Thread


@written_from_spec("completed-run-has-completed-at")
def completes_without_a_time(hooks: Hooks) -> None:
    """A completed run has no completed_at."""
    patch_object(hooks, "run", lambda members, *_: members.update(completed_at=None))


@written_from_spec("completed-run-has-completed-at")
def stamps_every_end(hooks: Hooks) -> None:
    """A completed run also has failed_at and cancelled_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members.update(failed_at=members["completed_at"], cancelled_at=members["completed_at"])

    patch_object(hooks, "run", change)


@written_from_spec("cancelled-run-has-cancelled-at")
def cancels_without_a_time(hooks: Hooks) -> None:
    """A cancelled run has no cancelled_at."""
    patch_object(hooks, "run", lambda members, *_: members.update(cancelled_at=None))


@written_from_spec("cancelled-at-only-once-cancelled", level="should")
def stamps_cancelling(hooks: Hooks) -> None:
    """A run that is being cancelled has cancelled_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "cancelling":
            members["cancelled_at"] = members["created_at"]

    patch_object(hooks, "run", change)


@written_from_spec("active-run-expires-after-ten-minutes", level="should")
def lives_a_day(hooks: Hooks) -> None:
    """A run expires a day after its creation."""

    def change(members: Members, *_: Any) -> None:
        if members["expires_at"]:
            members["expires_at"] = members["created_at"] + 86_400

    patch_object(hooks, "run", change)


@written_from_spec("active-run-expires-after-ten-minutes", level="should")
def expires_never(hooks: Hooks) -> None:
    """An active run has no expires_at."""
    patch_object(hooks, "run", lambda members, *_: members.update(expires_at=None))


@written_from_spec("run-without-outputs-expires", expires_s=1)
def waits_for_ever(hooks: Hooks) -> None:
    """A run that waits for outputs does not expire at its expires_at."""
    hooks.expire = lambda server, thread, run, at: None


@written_from_spec("run-without-outputs-expires", expires_s=1)
def completes_instead_of_expiring(hooks: Hooks) -> None:
    """A run that waits for outputs completes at its expires_at."""
    hooks.expire = lambda server, thread, run, at: server.hooks.finish(server, run, "completed", at)


@written_from_spec("started-at-set-from-in-progress", level="should")
def never_starts(hooks: Hooks) -> None:
    """Runs never have started_at."""
    patch_object(hooks, "run", lambda members, *_: members.update(started_at=None))


@written_from_spec("started-at-set-from-in-progress", level="should")
def starts_when_created(hooks: Hooks) -> None:
    """A queued run has started_at."""
    patch_object(
        hooks, "run", lambda members, *_: members.update(started_at=members["started_at"] or members["created_at"])
    )


@written_from_spec("timestamps-are-ordered-seconds", level="should")
def ends_before_it_began(hooks: Hooks) -> None:
    """completed_at of a run is an hour before its creation."""

    def change(members: Members, *_: Any) -> None:
        if members["completed_at"]:
            members["completed_at"] -= 3600

    patch_object(hooks, "run", change)


@mutant("times", level="should")
def writes_times_as_floats(hooks: Hooks) -> None:
    """Times are whole seconds, written with a decimal point."""
    hooks.timestamp = lambda at: float(int(at))


@written_from_spec("timestamps-are-ordered-seconds", level="should")
def writes_milliseconds(hooks: Hooks) -> None:
    """Times are in milliseconds."""
    hooks.timestamp = lambda at: int(at * 1000)


@mutant("completed-run-has-completed-at")
def stamps_what_is_not_completed(hooks: Hooks) -> None:
    """A run in progress has completed_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            members["completed_at"] = members["created_at"]

    patch_object(hooks, "run", change)


@mutant("active-run-expires-after-ten-minutes", level="should")
def gives_more_time_for_outputs(hooks: Hooks) -> None:
    """Submitting outputs extends the lifetime of a run by a minute."""
    inner = hooks.submit

    def submit(server: ServerState, thread: Thread, run: Run, outputs: list[dict[str, Any]], now: float) -> None:
        run.expires_at += 60
        inner(server, thread, run, outputs, now)

    hooks.submit = submit


@mutant("expires-at-null-after-end", level="should")
def expires_what_has_ended(hooks: Hooks) -> None:
    """An ended run keeps its expires_at."""
    patch_object(hooks, "run", lambda members, run, _: members.update(expires_at=int(run.expires_at)))


@mutant("slow-run-expires", level="should", expires_s=8)
def expires_too_early(hooks: Hooks) -> None:
    """A run that waits for outputs expires six seconds before its expires_at."""
    inner = hooks.run_object

    def new(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
        run = create(request, thread, assistant, body)
        run.expires_at -= 6
        return run

    def show(server: ServerState, run: Run, channel: str) -> Members:
        members = inner(server, run, channel)
        return {**members, "expires_at": members["expires_at"] and members["expires_at"] + 6}

    create = hooks.new_run
    hooks.new_run, hooks.run_object = new, show


@mutant("timestamps-are-ordered-seconds", level="should")
def completes_in_the_future(hooks: Hooks) -> None:
    """completed_at of a run is its expiry time."""

    def change(members: Members, run: Run, _: str) -> None:
        if members["completed_at"]:
            members["completed_at"] = int(run.expires_at)

    patch_object(hooks, "run", change)
