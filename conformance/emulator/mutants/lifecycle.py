"""Runs that change when they may not, show the wrong members for their status, or do not do what was asked."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from conformance.contract.lifecycle import TERMINAL
from conformance.emulator.beat import Beat, End
from conformance.emulator.beat import Call as ToolCall
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import blind
from conformance.emulator.script import Situation
from conformance.emulator.spoiling import around, shown
from conformance.emulator.state import Assistant, Members, Run, Thread, Usage
from conformance.emulator.world import Call, World


@blind("L-01", level="should")
def answers_with_another_assistant(behaviour: Behaviour) -> None:
    """A created run is answered with the id of no assistant."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "queued":
            members["assistant_id"] = "asst_000000000000000000000000"

    shown(behaviour, "run", change)


@blind("L-03")
def revives_on_modify(behaviour: Behaviour) -> None:
    """Modifying a run that is over queues it again."""

    async def modify(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        run.status = "queued"
        run.beats = deque([(call.world.clock.now(), End("completed"))])
        return answer

    around(behaviour, modify, "modify_run")


@blind("L-03")
def cancels_what_is_over(behaviour: Behaviour) -> None:
    """Cancelling a completed run makes it cancelled."""
    behaviour.check_cancel = lambda world, run: None


@blind("L-03")
def forgets_that_it_ended(behaviour: Behaviour) -> None:
    """A run that is over is shown in progress again from the third look on."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in TERMINAL:
            run.notes["looks"] = run.notes.get("looks", 0) + 1
            if run.notes["looks"] > 2:
                members["status"] = "in_progress"

    shown(behaviour, "run", change)


@blind("L-03")
def fails_after_completing(behaviour: Behaviour) -> None:
    """A completed run is shown as failed once its messages were listed."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        for run in call.store.threads[call.path["thread_id"]].runs.values():
            if run.status == "completed":
                run.status, run.failed_at, run.completed_at = "failed", run.completed_at, None
                run.last_error = {"code": "server_error", "message": "Sorry, something went wrong."}
        return answer

    around(behaviour, look, "list_messages")


@blind("L-04")
def goes_back_to_queued(behaviour: Behaviour) -> None:
    """A run in progress is shown queued at every second look."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "in_progress":
            run.notes["looks"] = run.notes.get("looks", 0) + 1
            if run.notes["looks"] % 2 == 0:
                members["status"] = "queued"

    shown(behaviour, "run", change)


@blind("L-04")
def waits_again_after_cancelling(behaviour: Behaviour) -> None:
    """A cancelled run that waited for outputs is shown waiting once more before it is cancelled."""
    inner = behaviour.cancel

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        pending = run.pending
        inner(world, thread, run, now)
        if pending:
            run.notes["pending"] = pending

    behaviour.cancel = cancel

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        run = call.store.threads[call.path["thread_id"]].runs[call.path["run_id"]]
        if pending := run.notes.pop("pending", None):
            ghost = replace(run, status="requires_action", pending=pending, cancelled_at=None, usage=None)
            return call.world.behaviour.run_object(call.world, ghost, "json")
        return answer

    around(behaviour, look, "get_run")


@blind("L-05")
def requires_nothing(behaviour: Behaviour) -> None:
    """A run that waits for outputs does not show which."""
    behaviour.required_action = lambda run: None


@blind("L-05")
def keeps_requiring(behaviour: Behaviour) -> None:
    """required_action stays after the outputs were submitted."""
    inner = behaviour.required_action

    def action(run: Run) -> Members | None:
        now = inner(run)
        if now is not None:
            run.notes["action"] = now
        kept: Members | None = run.notes.get("action")
        return kept

    behaviour.required_action = action


@blind("L-05")
def requires_action_early(behaviour: Behaviour) -> None:
    """required_action is set, with no calls, while a run is only in progress."""
    inner = behaviour.required_action
    empty = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": []}}
    behaviour.required_action = lambda run: empty if run.status == "in_progress" else inner(run)


@blind("L-06", level="should")
def requires_no_calls(behaviour: Behaviour) -> None:
    """A run waits for outputs, and names no calls."""
    inner = behaviour.required_action

    def action(run: Run) -> Members | None:
        shown = inner(run)
        if shown is not None:
            shown["submit_tool_outputs"] = {"tool_calls": []}
        return shown

    behaviour.required_action = action


@blind("L-06", level="should")
def gives_all_calls_one_id(behaviour: Behaviour) -> None:
    """All tool calls have the same id."""
    inner = behaviour.new_id
    behaviour.new_id = lambda world, kind: "call_" + "0" * 24 if kind == "tool_call" else inner(world, kind)


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


@blind("L-22")
def counts_before_the_end(behaviour: Behaviour) -> None:
    """A run that is not over has usage, all zeros."""
    inner = behaviour.usage_object
    shown(behaviour, "run", lambda members, *_: members.update(usage=members["usage"] or inner(Usage())))


@blind("L-22", level="should")
def never_counts(behaviour: Behaviour) -> None:
    """A completed run has no usage."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "completed":
            members["usage"] = None

    shown(behaviour, "run", change)


@blind("L-23", level="should")
def adds_up_wrongly(behaviour: Behaviour) -> None:
    """The total of tokens is not the sum of its parts."""
    inner = behaviour.usage_object

    def usage(spent: Usage | None) -> Members | None:
        made = inner(spent)
        if made is not None:
            made["total_tokens"] += 1
        return made

    behaviour.usage_object = usage


@blind("L-23", level="should")
def counts_only_the_last_step(behaviour: Behaviour) -> None:
    """A run's usage is that of its last step."""
    inner = behaviour.finish

    def finish(world: World, run: Run, status: str, at: float) -> None:
        first, run.steps = run.steps[:-1], run.steps[-1:]
        inner(world, run, status, at)
        run.steps = first + run.steps

    behaviour.finish = finish


@blind("L-24", level="should")
def does_not_count_what_was_cancelled(behaviour: Behaviour) -> None:
    """A cancelled run has no usage."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "cancelled":
            members["usage"] = None

    shown(behaviour, "run", change)


@blind("L-54")
def is_always_new(behaviour: Behaviour) -> None:
    """A run's created_at is the time at which it is shown."""
    inner = behaviour.run_object

    def show(world: World, run: Run, channel: str) -> Members:
        run.notes["shown"] = run.notes.get("shown", -1) + 1
        members = inner(world, run, channel)
        return {**members, "created_at": members["created_at"] + run.notes["shown"]}

    behaviour.run_object = show


@blind("L-54")
def forgets_its_thread(behaviour: Behaviour) -> None:
    """A run that is over shows another thread_id."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status in TERMINAL:
            members["thread_id"] = "thread_" + "0" * 24

    shown(behaviour, "run", change)


@blind("L-54")
def renames_itself(behaviour: Behaviour) -> None:
    """A run that is read has another id than the one it was created with."""

    async def look(inner: Any, call: Call) -> Any:
        answer = await inner(call)
        return {**answer, "id": answer["id"][:-1] + ("A" if answer["id"][-1] != "A" else "B")}

    around(behaviour, look, "get_run")


@blind("L-77")
def drops_additional_messages(behaviour: Behaviour) -> None:
    """additional_messages are not added to the thread."""
    inner = behaviour.add_messages

    def add(call: Call, thread: Thread, bodies: list[Members]) -> None:
        if call.operation.name != "create_run":
            inner(call, thread, bodies)

    behaviour.add_messages = add


@blind("L-77")
def turns_additional_messages_around(behaviour: Behaviour) -> None:
    """additional_messages are added in reverse order."""
    inner = behaviour.add_messages
    behaviour.add_messages = lambda call, thread, bodies: inner(
        call, thread, bodies[::-1] if call.operation.name == "create_run" else bodies
    )


@blind("L-77")
def adds_messages_afterwards(behaviour: Behaviour) -> None:
    """additional_messages come after the answer."""
    inner, finish = behaviour.add_messages, behaviour.finish
    waiting: dict[str, tuple[Call, Thread, list[Members]]] = {}

    def add(call: Call, thread: Thread, bodies: list[Members]) -> None:
        if call.operation.name == "create_run":
            waiting[thread.id] = (call, thread, bodies)
        else:
            inner(call, thread, bodies)

    def end(world: World, run: Run, status: str, at: float) -> None:
        finish(world, run, status, at)
        if run.thread_id in waiting:
            inner(*waiting.pop(run.thread_id))

    behaviour.add_messages, behaviour.finish = add, end


@blind("L-78", level="should")
def ignores_the_model(behaviour: Behaviour) -> None:
    """A run's model is the assistant's, whatever the request says."""
    _body_without(behaviour, "model")


@blind("L-78", level="should")
def ignores_instructions(behaviour: Behaviour) -> None:
    """A run's instructions are the assistant's, whatever the request says."""
    _body_without(behaviour, "instructions")


@blind("L-78", level="should")
def ignores_tools(behaviour: Behaviour) -> None:
    """A run's tools are the assistant's, whatever the request says."""
    _body_without(behaviour, "tools")


@blind("L-78", level="should")
def ignores_temperature(behaviour: Behaviour) -> None:
    """A run's temperature is the assistant's, whatever the request says."""
    _body_without(behaviour, "temperature")


@blind("L-78", level="should")
def ignores_response_format(behaviour: Behaviour) -> None:
    """A run's response_format is the assistant's, whatever the request says."""
    _body_without(behaviour, "response_format")


@blind("L-82", level="should")
def ignores_truncation(behaviour: Behaviour) -> None:
    """A run's truncation strategy is always auto."""
    _body_without(behaviour, "truncation_strategy")


@blind("L-46", level="should")
def ignores_metadata(behaviour: Behaviour) -> None:
    """A created run has no metadata, whatever the request says."""
    _body_without(behaviour, "metadata")


def _body_without(behaviour: Behaviour, name: str) -> None:
    inner = behaviour.new_run

    def make(call: Call, thread: Thread, assistant: Assistant, body: Members) -> Run:
        return inner(call, thread, assistant, {key: value for key, value in body.items() if key != name})

    behaviour.new_run = make


@blind("L-78", level="should")
def prefers_the_assistant(behaviour: Behaviour) -> None:
    """The assistant's instructions come before those of the request."""
    inner = behaviour.instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        return assistant.members["instructions"] or inner(assistant, body)

    behaviour.instructions = instructions


@blind("L-78", level="should")
def forgets_the_assistant(behaviour: Behaviour) -> None:
    """A run without instructions of its own has none, though its assistant has."""
    behaviour.instructions = lambda assistant, body: body.get("instructions")


def _settings(behaviour: Behaviour, **changes: Any) -> None:
    inner = behaviour.settings
    behaviour.settings = lambda assistant, body: {**inner(assistant, body), **changes}


@blind("L-82", level="should")
def shows_no_default_choice(behaviour: Behaviour) -> None:
    """A run's tool_choice is null where none was given."""

    def change(members: Members, *_: Any) -> None:
        if members["tool_choice"] == "auto":
            members["tool_choice"] = None

    shown(behaviour, "run", change)


@blind("L-82", level="should")
def is_cold_by_default(behaviour: Behaviour) -> None:
    """A run's temperature is 0 where none was given."""
    inner = behaviour.settings

    def settings(assistant: Assistant, body: Members) -> Members:
        made = inner(assistant, body)
        return {**made, "temperature": 0 if body.get("temperature") is None else made["temperature"]}

    behaviour.settings = settings


@blind("L-82", level="should")
def is_sequential_by_default(behaviour: Behaviour) -> None:
    """A run's parallel_tool_calls is false where it was not given."""
    inner = behaviour.settings

    def settings(assistant: Assistant, body: Members) -> Members:
        return {**inner(assistant, body), "parallel_tool_calls": bool(body.get("parallel_tool_calls"))}

    behaviour.settings = settings


@blind("L-83", level="should")
def forgets_token_limits(behaviour: Behaviour) -> None:
    """A run does not show the token limits that it was given."""
    shown(behaviour, "run", lambda members, *_: members.update(max_prompt_tokens=None, max_completion_tokens=None))


@blind("L-83", level="should")
def invents_token_limits(behaviour: Behaviour) -> None:
    """A run shows token limits that it was not given."""
    shown(behaviour, "run", lambda members, *_: members.update(max_prompt_tokens=members["max_prompt_tokens"] or 4096))


@blind("L-80")
def calls_when_told_not_to(behaviour: Behaviour) -> None:
    """tool_choice none is taken for required."""
    _situation(behaviour, lambda s: replace(s, tool_choice="required") if s.tool_choice == "none" else s)


@blind("L-80")
def does_not_call_when_required(behaviour: Behaviour) -> None:
    """tool_choice required is taken for auto."""
    _situation(behaviour, lambda s: replace(s, tool_choice="auto") if s.tool_choice == "required" else s)


@blind("L-80")
def ignores_the_named_function(behaviour: Behaviour) -> None:
    """A tool choice that names a function is taken for auto."""
    _situation(behaviour, lambda s: replace(s, tool_choice="auto") if isinstance(s.tool_choice, dict) else s)


@blind("L-80")
def calls_another_function(behaviour: Behaviour) -> None:
    """A tool choice that names a function has the last one called."""

    def change(situation: Situation) -> Situation:
        functions = [tool for tool in situation.tools if tool["type"] == "function"]
        if isinstance(situation.tool_choice, dict) and len(functions) > 1:
            return replace(situation, tools=tuple(functions[-1:]), tool_choice="required")
        return situation

    _situation(behaviour, change)


@blind("L-81", level="should")
def calls_in_parallel_regardless(behaviour: Behaviour) -> None:
    """parallel_tool_calls false is not looked at."""
    _situation(behaviour, lambda situation: replace(situation, parallel_tool_calls=True))


def _situation(behaviour: Behaviour, change: Any) -> None:
    inner = behaviour.plan
    behaviour.plan = lambda situation: inner(change(situation))


@blind("L-80")
def misnames_calls(behaviour: Behaviour) -> None:
    """A call of a function has the name of its type."""
    inner = behaviour.plan

    def plan(situation: Situation) -> list[Beat]:
        return [
            replace(beat, name="function") if isinstance(beat, ToolCall) and beat.name else beat
            for beat in inner(situation)
        ]

    behaviour.plan = plan


@blind("L-07")
def never_counts_as_failed(behaviour: Behaviour) -> None:
    """A failed run keeps an empty object as last_error."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.status == "failed":
            members["last_error"] = {}

    shown(behaviour, "run", change)
