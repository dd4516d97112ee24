"""What a request asks for, and does not get; and defaults that are not shown."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around, shown
from runs_conformance.emulator.state import Assistant, Members, Run, Thread


@blind("L-77")
def drops_additional_messages(behaviour: Behaviour) -> None:
    """additional_messages are not added to the thread."""
    inner = behaviour.add_messages

    def add(call: Call, thread: Thread, bodies: list[Members]) -> None:
        if call.operation.name != "create_run":
            inner(call, thread, bodies)

    behaviour.add_messages = add


@blind("L-77", level="should")
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


@blind("settings", level="should")
def ignores_the_model(behaviour: Behaviour) -> None:
    """A run's model is the assistant's, whatever the request says."""
    _body_without(behaviour, "model")


@blind("settings", level="should")
def ignores_instructions(behaviour: Behaviour) -> None:
    """A run's instructions are the assistant's, whatever the request says."""
    _body_without(behaviour, "instructions")


@blind("settings", level="should")
def ignores_tools(behaviour: Behaviour) -> None:
    """A run's tools are the assistant's, whatever the request says."""
    _body_without(behaviour, "tools")


@blind("settings", level="should")
def ignores_temperature(behaviour: Behaviour) -> None:
    """A run's temperature is the assistant's, whatever the request says."""
    _body_without(behaviour, "temperature")


@blind("settings", level="should")
def ignores_response_format(behaviour: Behaviour) -> None:
    """A run's response_format is the assistant's, whatever the request says."""
    _body_without(behaviour, "response_format")


@blind("settings", level="should")
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


@blind("settings", level="should")
def prefers_the_assistant(behaviour: Behaviour) -> None:
    """The assistant's instructions come before those of the request."""
    inner = behaviour.instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        return assistant.members["instructions"] or inner(assistant, body)

    behaviour.instructions = instructions


@blind("settings", level="should")
def forgets_the_assistant(behaviour: Behaviour) -> None:
    """A run without instructions of its own has none, though its assistant has."""
    behaviour.instructions = lambda assistant, body: body.get("instructions")


@blind("settings", level="should")
def shows_no_default_choice(behaviour: Behaviour) -> None:
    """A run's tool_choice is null where none was given."""

    def change(members: Members, *_: Any) -> None:
        if members["tool_choice"] == "auto":
            members["tool_choice"] = None

    shown(behaviour, "run", change)


@blind("settings", level="should")
def is_cold_by_default(behaviour: Behaviour) -> None:
    """A run's temperature is 0 where none was given."""
    inner = behaviour.settings

    def settings(assistant: Assistant, body: Members) -> Members:
        made = inner(assistant, body)
        return {**made, "temperature": 0 if body.get("temperature") is None else made["temperature"]}

    behaviour.settings = settings


@blind("settings", level="should")
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


@mutant("L-77", level="should")
def puts_additional_instructions_first(behaviour: Behaviour) -> None:
    """Additional instructions stand before the instructions that they add to."""
    inner = behaviour.instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        more: str | None = body.get("additional_instructions")
        base = inner(assistant, {**body, "additional_instructions": None})
        return f"{more}\n{base}" if more and base else base or more

    behaviour.instructions = instructions


@mutant("L-74", level="should")
def streams_runs_without_metadata(behaviour: Behaviour) -> None:
    """The runs that events carry have no metadata, whatever was given."""

    def change(members: Members, run: Run, channel: str) -> None:
        if channel == "stream":
            members["metadata"] = {}

    shown(behaviour, "run", change)


@mutant("settings")
def ignores_top_p(behaviour: Behaviour) -> None:
    """A run's top_p is the assistant's, whatever the request says."""
    _body_without(behaviour, "top_p")


def _always_shows(behaviour: Behaviour, name: str, value: Any) -> None:
    def change(members: Members, *_: Any) -> None:
        if name in members:
            members[name] = value

    shown(behaviour, "run", change)


@mutant("settings")
def always_shows_parallel_calls(behaviour: Behaviour) -> None:
    """A run shows that it may call in parallel, also where it may not."""
    _always_shows(behaviour, "parallel_tool_calls", True)


@mutant("settings", level="should")
def always_shows_a_free_choice(behaviour: Behaviour) -> None:
    """A run shows that the model chooses among the tools, also where a choice was made for it."""
    _always_shows(behaviour, "tool_choice", "auto")


@mutant("settings", level="should")
def shows_no_effort(behaviour: Behaviour) -> None:
    """A run does not show the reasoning effort that was asked for."""
    _always_shows(behaviour, "reasoning_effort", None)


@mutant("acceptance", level="should")
def takes_one_token_limit_at_a_time(behaviour: Behaviour) -> None:
    """A run is refused where both token limits are given, each of which is taken alone."""

    async def start(inner: Any, call: Call) -> Any:
        limits = ("max_prompt_tokens", "max_completion_tokens")
        if isinstance(call.body, dict) and all(call.body.get(limit) is not None for limit in limits):
            raise refusal.bad("One token limit at a time.", limits[0])
        return await inner(call)

    around(behaviour, start, "create_run", "create_thread_and_run")
