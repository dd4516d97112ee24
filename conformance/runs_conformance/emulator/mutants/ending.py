"""Runs that end without saying why or when."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import World
from runs_conformance.emulator.fake_model import Situation
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import Beat, End
from runs_conformance.emulator.patching import shown
from runs_conformance.emulator.run_machine import schedule
from runs_conformance.emulator.state import Members, Run, Thread


@blind("L-07")
def fails_without_a_reason(behaviour: Behaviour) -> None:
    """A failed run has no last_error."""
    shown(behaviour, "run", lambda members, *_: members.update(last_error=None))


@blind("L-07")
def completes_with_an_error(behaviour: Behaviour) -> None:
    """A completed run has a last_error."""
    error = {"code": "server_error", "message": ""}

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["last_error"] = error

    shown(behaviour, "run", change)


@blind("L-08")
def fails_without_a_time(behaviour: Behaviour) -> None:
    """A failed run has no failed_at."""
    shown(behaviour, "run", lambda members, *_: members.update(failed_at=None))


@blind("L-08")
def stamps_failures_as_completions(behaviour: Behaviour) -> None:
    """A failed run has completed_at instead of failed_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "failed":
            members.update(completed_at=members["failed_at"], failed_at=None)

    shown(behaviour, "run", change)


@blind("L-09")
def does_not_say_why_incomplete(behaviour: Behaviour) -> None:
    """An incomplete run has no incomplete_details."""
    shown(behaviour, "run", lambda members, *_: members.update(incomplete_details=None))


@blind("L-09")
def details_what_is_complete(behaviour: Behaviour) -> None:
    """A completed run has incomplete_details."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["incomplete_details"] = {"reason": "max_completion_tokens"}

    shown(behaviour, "run", change)


@blind("ending")
def completes_over_the_limit(behaviour: Behaviour) -> None:
    """A run that used up its completion tokens is completed all the same."""
    inner = behaviour.plan

    def plan(situation: Situation) -> list[Beat]:
        return [
            End("completed") if isinstance(beat, End) and beat.status == "incomplete" else beat
            for beat in inner(situation)
        ]

    behaviour.plan = plan


@blind("ending")
def ignores_token_limits(behaviour: Behaviour) -> None:
    """A run writes on past its max_completion_tokens."""
    inner = behaviour.plan
    behaviour.plan = lambda situation: inner(replace(situation, max_completion_tokens=None, max_prompt_tokens=None))


@blind("L-07")
def never_counts_as_failed(behaviour: Behaviour) -> None:
    """A failed run keeps an empty object as last_error."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "failed":
            members["last_error"] = {}

    shown(behaviour, "run", change)


@mutant("L-07", level="should")
def shows_errors_while_trying_again(behaviour: Behaviour) -> None:
    """A run in progress shows the error of an attempt that is repeated."""
    error = {"code": "rate_limit_exceeded", "message": "The model was busy."}

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            members["last_error"] = error

    shown(behaviour, "run", change)


@mutant("L-07", level="should")
def numbers_the_looks_at_an_error(behaviour: Behaviour) -> None:
    """The message of a failed run's error names the request that shows it."""
    inner = behaviour.run_object

    def show(world: World, run: Run, channel: str) -> Members:
        members = inner(world, run, channel)
        if error := members["last_error"]:
            members["last_error"] = {**error, "message": f"{error['message']} (request {world.seq()})"}
        return members

    behaviour.run_object = show


@mutant("L-31", level="should")
def fails_what_is_cancelled_while_it_waits(behaviour: Behaviour) -> None:
    """A run that is cancelled while it waits for outputs ends failed, as if the cancellation were an error."""
    inner = behaviour.cancel

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        waits = run.status == "requires_action"
        inner(world, thread, run, now)
        if waits:
            schedule(world, run, [End("failed")], now)

    behaviour.cancel = cancel
