"""Mutants of ended runs: the reason or the time is missing or wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import bad_request
from runs_conformance.emulator.context import Events, Hooks, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import EndRun, ModelAction
from runs_conformance.emulator.patching import patch_events, patch_object
from runs_conformance.emulator.run_machine import schedule
from runs_conformance.emulator.state import Members, Message, Run, Thread


@written_from_spec("failed-run-has-last-error")
def fails_without_a_reason(hooks: Hooks) -> None:
    """A failed run has no last_error."""
    patch_object(hooks, "run", lambda members, *_: members.update(last_error=None))


@written_from_spec("failed-run-has-last-error")
def completes_with_an_error(hooks: Hooks) -> None:
    """A completed run has a last_error."""
    error = {"code": "server_error", "message": ""}

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["last_error"] = error

    patch_object(hooks, "run", change)


@written_from_spec("failed-run-has-failed-at")
def fails_without_a_time(hooks: Hooks) -> None:
    """A failed run has no failed_at."""
    patch_object(hooks, "run", lambda members, *_: members.update(failed_at=None))


@written_from_spec("failed-run-has-failed-at")
def stamps_failures_as_completions(hooks: Hooks) -> None:
    """A failed run has completed_at instead of failed_at."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "failed":
            members.update(completed_at=members["failed_at"], failed_at=None)

    patch_object(hooks, "run", change)


@written_from_spec("incomplete-run-says-why")
def does_not_say_why_incomplete(hooks: Hooks) -> None:
    """An incomplete run has no incomplete_details."""
    patch_object(hooks, "run", lambda members, *_: members.update(incomplete_details=None))


@written_from_spec("incomplete-run-says-why")
def details_what_is_complete(hooks: Hooks) -> None:
    """A completed run has incomplete_details."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["incomplete_details"] = {"reason": "max_completion_tokens"}

    patch_object(hooks, "run", change)


@written_from_spec("ending")
def completes_over_the_limit(hooks: Hooks) -> None:
    """A run that used up its completion tokens ends completed."""
    inner = hooks.plan

    def plan(model_input: ModelInput) -> list[ModelAction]:
        return [
            EndRun("completed") if isinstance(action, EndRun) and action.status == "incomplete" else action
            for action in inner(model_input)
        ]

    hooks.plan = plan


@written_from_spec("ending")
def ignores_token_limits(hooks: Hooks) -> None:
    """A run exceeds its max_completion_tokens."""
    inner = hooks.plan
    hooks.plan = lambda model_input: inner(replace(model_input, max_completion_tokens=None, max_prompt_tokens=None))


@mutant("ending", level="should")
def completes_the_message_that_is_cut(hooks: Hooks) -> None:
    """A message that the token limit truncates ends completed."""

    def change(members: Members, message: Message, _: str) -> None:
        if message.incomplete_reason == "max_tokens" and "status" in members:
            members.update(
                status="completed",
                incomplete_details=None,
                completed_at=members["incomplete_at"],
                incomplete_at=None,
            )

    def rename(server: ServerState, run: Run, name: str, data: Any) -> Events:
        is_cut = name == "thread.message.incomplete" and data["status"] == "completed"
        return (("thread.message.completed" if is_cut else name, data),)

    patch_object(hooks, "message", change)
    patch_events(hooks, rename)


@written_from_spec("failed-run-has-last-error")
def never_counts_as_failed(hooks: Hooks) -> None:
    """The last_error of a failed run is an empty object."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "failed":
            members["last_error"] = {}

    patch_object(hooks, "run", change)


@mutant("failed-run-has-last-error", level="should")
def shows_errors_while_trying_again(hooks: Hooks) -> None:
    """A run in progress shows the error of a failed attempt that is being retried."""
    error = {"code": "rate_limit_exceeded", "message": "The model was busy."}

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            members["last_error"] = error

    patch_object(hooks, "run", change)


@mutant("failed-run-has-last-error", level="should")
def counts_reads_in_error_messages(hooks: Hooks) -> None:
    """The error message of a failed run contains the number of the request."""
    inner = hooks.run_object

    def show(server: ServerState, run: Run, channel: str) -> Members:
        members = inner(server, run, channel)
        if error := members["last_error"]:
            members["last_error"] = {**error, "message": f"{error['message']} (request {server.seq()})"}
        return members

    hooks.run_object = show


@mutant("cancel-ends-run-in-progress", level="should")
def fails_what_is_cancelled_while_it_waits(hooks: Hooks) -> None:
    """A run that is cancelled while it waits for outputs ends failed."""
    inner = hooks.cancel

    def cancel(server: ServerState, thread: Thread, run: Run, now: float) -> None:
        waits = run.status == "requires_action"
        inner(server, thread, run, now)
        if waits:
            schedule(server, run, [EndRun("failed")], now)

    hooks.cancel = cancel


@mutant("cancel-ends-run-in-progress")
def parses_the_body_that_cancellations_lack(hooks: Hooks) -> None:
    """cancel_run responds with 400 to a request that declares JSON and has no body."""
    inner = hooks.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        if operation.name == "cancel_run" and not raw and (content_type or "").startswith("application/json"):
            raise bad_request("We could not parse the JSON body of your request.")
        return inner(operation, raw, content_type)

    hooks.read_body = read
