"""Stamps that are missing, too many, or do not fit together; and runs that do not expire."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import shown
from runs_conformance.emulator.state import Assistant, Members, Run, Thread


@blind("L-11")
def completes_without_a_time(behaviour: Behaviour) -> None:
    """A completed run has no completed_at."""
    shown(behaviour, "run", lambda members, *_: members.update(completed_at=None))


@blind("L-11")
def stamps_every_end(behaviour: Behaviour) -> None:
    """A completed run has failed_at and cancelled_at as well."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members.update(failed_at=members["completed_at"], cancelled_at=members["completed_at"])

    shown(behaviour, "run", change)


@blind("L-12")
def cancels_without_a_time(behaviour: Behaviour) -> None:
    """A cancelled run has no cancelled_at."""
    shown(behaviour, "run", lambda members, *_: members.update(cancelled_at=None))


@blind("L-13", level="should")
def stamps_cancelling(behaviour: Behaviour) -> None:
    """A run that is being cancelled has cancelled_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "cancelling":
            members["cancelled_at"] = members["created_at"]

    shown(behaviour, "run", change)


@blind("L-14", level="should")
def lives_a_day(behaviour: Behaviour) -> None:
    """A run expires a day after its creation."""

    def change(members: Members, *_: Any) -> None:
        if members["expires_at"]:
            members["expires_at"] = members["created_at"] + 86_400

    shown(behaviour, "run", change)


@blind("L-14", level="should")
def expires_never(behaviour: Behaviour) -> None:
    """A run shows no expires_at while it is active."""
    shown(behaviour, "run", lambda members, *_: members.update(expires_at=None))


@blind("L-16", expires_s=1)
def waits_for_ever(behaviour: Behaviour) -> None:
    """A run whose outputs do not come waits past its expires_at."""
    behaviour.expire = lambda world, thread, run, at: None


@blind("L-16", expires_s=1)
def completes_instead_of_expiring(behaviour: Behaviour) -> None:
    """A run whose outputs do not come completes at its expires_at."""
    behaviour.expire = lambda world, thread, run, at: world.behaviour.finish(world, run, "completed", at)


@blind("L-19", level="should")
def never_starts(behaviour: Behaviour) -> None:
    """No run ever has started_at."""
    shown(behaviour, "run", lambda members, *_: members.update(started_at=None))


@blind("L-19", level="should")
def starts_when_created(behaviour: Behaviour) -> None:
    """A queued run has started_at already."""
    shown(
        behaviour, "run", lambda members, *_: members.update(started_at=members["started_at"] or members["created_at"])
    )


@blind("L-21", level="should")
def ends_before_it_began(behaviour: Behaviour) -> None:
    """A run completes an hour before it was created."""

    def change(members: Members, *_: Any) -> None:
        if members["completed_at"]:
            members["completed_at"] -= 3600

    shown(behaviour, "run", change)


@blind("L-21", level="should")
def writes_milliseconds(behaviour: Behaviour) -> None:
    """Times are in milliseconds."""
    behaviour.stamp = lambda at: int(at * 1000)


@mutant("L-11")
def stamps_what_is_not_completed(behaviour: Behaviour) -> None:
    """A run in progress has completed_at already."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            members["completed_at"] = members["created_at"]

    shown(behaviour, "run", change)


@mutant("L-14", level="should")
def gives_more_time_for_outputs(behaviour: Behaviour) -> None:
    """A run whose outputs came lives a minute longer."""
    inner = behaviour.submit

    def submit(world: World, thread: Thread, run: Run, outputs: list[dict[str, Any]], now: float) -> None:
        run.expires_at += 60
        inner(world, thread, run, outputs, now)

    behaviour.submit = submit


@mutant("L-15", level="may")
def expires_what_has_ended(behaviour: Behaviour) -> None:
    """A run that has ended keeps its expires_at."""
    shown(behaviour, "run", lambda members, run, _: members.update(expires_at=int(run.expires_at)))


@mutant("L-17", level="should", expires_s=8)
def expires_too_early(behaviour: Behaviour) -> None:
    """A run that waits for outputs expires six seconds before its expires_at."""
    inner = behaviour.run_object

    def new(call: Call, thread: Thread, assistant: Assistant, body: Members) -> Run:
        run = made(call, thread, assistant, body)
        run.expires_at -= 6
        return run

    def show(world: World, run: Run, channel: str) -> Members:
        members = inner(world, run, channel)
        return {**members, "expires_at": members["expires_at"] and members["expires_at"] + 6}

    made = behaviour.new_run
    behaviour.new_run, behaviour.run_object = new, show


@mutant("L-21", level="should")
def completes_in_the_future(behaviour: Behaviour) -> None:
    """A run was completed when it would have expired."""

    def change(members: Members, run: Run, _: str) -> None:
        if members["completed_at"]:
            members["completed_at"] = int(run.expires_at)

    shown(behaviour, "run", change)
