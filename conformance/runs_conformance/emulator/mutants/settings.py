"""Mutants of settings: requested values are ignored, and defaults are missing."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.state import Assistant, Members, Run, Thread


@written_from_spec("additional-messages-are-added-first")
def drops_additional_messages(hooks: Hooks) -> None:
    """additional_messages are not added to the thread."""
    inner = hooks.add_messages

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        if request.operation.name != "create_run":
            inner(request, thread, bodies)

    hooks.add_messages = add


@written_from_spec("additional-messages-are-added-first", level="should")
def turns_additional_messages_around(hooks: Hooks) -> None:
    """additional_messages are added in reverse order."""
    inner = hooks.add_messages
    hooks.add_messages = lambda request, thread, bodies: inner(
        request, thread, bodies[::-1] if request.operation.name == "create_run" else bodies
    )


@written_from_spec("additional-messages-are-added-first")
def adds_messages_afterwards(hooks: Hooks) -> None:
    """additional_messages are added after the answer."""
    inner, finish = hooks.add_messages, hooks.finish
    postponed: dict[str, tuple[RequestContext, Thread, list[Members]]] = {}

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        if request.operation.name == "create_run":
            postponed[thread.id] = (request, thread, bodies)
        else:
            inner(request, thread, bodies)

    def end(server: ServerState, run: Run, status: str, at: float) -> None:
        finish(server, run, status, at)
        if run.thread_id in postponed:
            inner(*postponed.pop(run.thread_id))

    hooks.add_messages, hooks.finish = add, end


@written_from_spec("settings", level="should")
def ignores_the_model(hooks: Hooks) -> None:
    """The model of a run is always the assistant's."""
    _body_without(hooks, "model")


@mutant("settings")
def ignores_the_model_beside_a_thread(hooks: Hooks) -> None:
    """The model of a run that create_thread_and_run creates is always the assistant's."""
    inner = hooks.new_run

    def make(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
        is_ignored = request.operation.name == "create_thread_and_run"
        return inner(request, thread, assistant, {**body, "model": None} if is_ignored else body)

    hooks.new_run = make


@written_from_spec("settings", level="should")
def ignores_instructions(hooks: Hooks) -> None:
    """The instructions of a run are always the assistant's."""
    _body_without(hooks, "instructions")


@mutant("settings", level="should")
def trims_instructions(hooks: Hooks) -> None:
    """A run shows its instructions without the white space at both ends."""
    inner = hooks.run_instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        text = inner(assistant, body)
        return text.strip() if text and body.get("instructions") else text

    hooks.run_instructions = instructions


@mutant("settings", level="should")
def takes_empty_instructions_for_none(hooks: Hooks) -> None:
    """A run whose request has empty instructions inherits the assistant's."""
    inner = hooks.run_instructions
    hooks.run_instructions = lambda assistant, body: inner(
        assistant, {**body, "instructions": body.get("instructions") or None}
    )


@written_from_spec("settings", level="should")
def ignores_tools(hooks: Hooks) -> None:
    """The tools of a run are always the assistant's."""
    _body_without(hooks, "tools")


@written_from_spec("settings", level="should")
def ignores_temperature(hooks: Hooks) -> None:
    """The temperature of a run is always the assistant's."""
    _body_without(hooks, "temperature")


@written_from_spec("settings", level="should")
def ignores_response_format(hooks: Hooks) -> None:
    """The response_format of a run is always the assistant's."""
    _body_without(hooks, "response_format")


@written_from_spec("settings", level="should")
def ignores_truncation(hooks: Hooks) -> None:
    """The truncation strategy of a run is always auto."""
    _body_without(hooks, "truncation_strategy")


@written_from_spec("metadata-is-echoed", level="should")
def ignores_metadata(hooks: Hooks) -> None:
    """The metadata of a created run is always empty."""
    _body_without(hooks, "metadata")


def _body_without(hooks: Hooks, name: str) -> None:
    inner = hooks.new_run

    def make(request: RequestContext, thread: Thread, assistant: Assistant, body: Members) -> Run:
        return inner(request, thread, assistant, {key: value for key, value in body.items() if key != name})

    hooks.new_run = make


@written_from_spec("settings", level="should")
def prefers_the_assistant(hooks: Hooks) -> None:
    """The assistant's instructions override those of the request."""
    inner = hooks.run_instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        return assistant.members["instructions"] or inner(assistant, body)

    hooks.run_instructions = instructions


@written_from_spec("settings", level="should")
def forgets_the_assistant(hooks: Hooks) -> None:
    """A run does not inherit the instructions of its assistant."""
    hooks.run_instructions = lambda assistant, body: body.get("instructions")


@written_from_spec("settings", level="should")
def shows_no_default_choice(hooks: Hooks) -> None:
    """The default tool_choice of a run is null."""

    def change(members: Members, *_: Any) -> None:
        if members["tool_choice"] == "auto":
            members["tool_choice"] = None

    patch_object(hooks, "run", change)


@written_from_spec("settings", level="should")
def is_cold_by_default(hooks: Hooks) -> None:
    """The default temperature of a run is 0."""
    inner = hooks.run_settings

    def settings(assistant: Assistant, body: Members) -> Members:
        values = inner(assistant, body)
        return {**values, "temperature": 0 if body.get("temperature") is None else values["temperature"]}

    hooks.run_settings = settings


@written_from_spec("settings", level="should")
def is_sequential_by_default(hooks: Hooks) -> None:
    """The default parallel_tool_calls of a run is false."""
    inner = hooks.run_settings

    def settings(assistant: Assistant, body: Members) -> Members:
        return {**inner(assistant, body), "parallel_tool_calls": bool(body.get("parallel_tool_calls"))}

    hooks.run_settings = settings


@written_from_spec("token-limits-are-echoed", level="should")
def forgets_token_limits(hooks: Hooks) -> None:
    """A run does not show its token limits."""
    patch_object(hooks, "run", lambda members, *_: members.update(max_prompt_tokens=None, max_completion_tokens=None))


@written_from_spec("token-limits-are-echoed", level="should")
def invents_token_limits(hooks: Hooks) -> None:
    """A run shows token limits that were not set."""
    patch_object(
        hooks, "run", lambda members, *_: members.update(max_prompt_tokens=members["max_prompt_tokens"] or 4096)
    )


@mutant("additional-messages-are-added-first", level="should")
def puts_additional_instructions_first(hooks: Hooks) -> None:
    """Additional instructions come before the base instructions."""
    inner = hooks.run_instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        more: str | None = body.get("additional_instructions")
        base = inner(assistant, {**body, "additional_instructions": None})
        return f"{more}\n{base}" if more and base else base or more

    hooks.run_instructions = instructions


@mutant("additional-instructions-visibility", level="should")
def appends_instructions_to_null(hooks: Hooks) -> None:
    """Additional instructions come after the word null if the assistant has no instructions."""
    inner = hooks.run_instructions

    def instructions(assistant: Assistant, body: Members) -> str | None:
        more: str | None = body.get("additional_instructions")
        base = inner(assistant, {**body, "additional_instructions": None})
        return f"null\n{more}" if more and base is None else inner(assistant, body)

    hooks.run_instructions = instructions


@mutant("stored-object-matches-stream", level="should")
def streams_runs_without_metadata(hooks: Hooks) -> None:
    """Streamed runs have no metadata."""

    def change(members: Members, run: Run, channel: str) -> None:
        if channel == "stream":
            members["metadata"] = {}

    patch_object(hooks, "run", change)


@mutant("settings")
def ignores_top_p(hooks: Hooks) -> None:
    """The top_p of a run is always the assistant's."""
    _body_without(hooks, "top_p")


def _always_shows(hooks: Hooks, name: str, value: Any) -> None:
    def change(members: Members, *_: Any) -> None:
        if name in members:
            members[name] = value

    patch_object(hooks, "run", change)


@mutant("settings")
def always_shows_parallel_calls(hooks: Hooks) -> None:
    """parallel_tool_calls of a run is always true."""
    _always_shows(hooks, "parallel_tool_calls", True)


@mutant("settings", level="should")
def always_shows_a_free_choice(hooks: Hooks) -> None:
    """tool_choice of a run is always auto."""
    _always_shows(hooks, "tool_choice", "auto")


@mutant("settings", level="should")
def shows_no_effort(hooks: Hooks) -> None:
    """reasoning_effort of a run is always null."""
    _always_shows(hooks, "reasoning_effort", None)


@mutant("acceptance", level="should")
def takes_one_token_limit_at_a_time(hooks: Hooks) -> None:
    """Refuses a run that has both token limits."""

    async def start(inner: Any, request: RequestContext) -> Any:
        limits = ("max_prompt_tokens", "max_completion_tokens")
        if isinstance(request.body, dict) and all(request.body.get(limit) is not None for limit in limits):
            raise api_errors.bad_request("One token limit at a time.", limits[0])
        return await inner(request)

    wrap_handlers(hooks, start, "create_run", "create_thread_and_run")


def _run_needs(hooks: Hooks, *names: str) -> None:
    """Refuse a run without these members."""

    async def start(inner: Any, request: RequestContext) -> Any:
        for name in names:
            if isinstance(request.body, dict) and not request.body.get(name):
                raise api_errors.missing_parameter(name)
        return await inner(request)

    wrap_handlers(hooks, start, "create_run", "create_thread_and_run")


@mutant("acceptance")
def wants_model_and_instructions_of_runs(hooks: Hooks) -> None:
    """create_run and create_thread_and_run require model and instructions."""
    _run_needs(hooks, "model", "instructions")


@mutant("acceptance")
def wants_names_of_assistants(hooks: Hooks) -> None:
    """create_assistant requires a name."""

    async def create(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict) and not request.body.get("name"):
            raise api_errors.missing_parameter("name")
        return await inner(request)

    wrap_handlers(hooks, create, "create_assistant")


@mutant("settings", level="should")
def rounds_numbers(hooks: Hooks) -> None:
    """Runs show the temperature and top_p with two digits after the point."""

    def change(members: Members, run: Run, _: str) -> None:
        for name in ("temperature", "top_p"):
            if isinstance(members.get(name), float):
                members[name] = round(members[name], 2)

    patch_object(hooks, "run", change)
