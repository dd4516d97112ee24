"""Other ids, other answers to what does not exist, other cursors, and refusals that the service was seen to make."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import variant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.factories import add_messages, new_message
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.listing import Page
from runs_conformance.emulator.patching import keyword, taken
from runs_conformance.emulator.refusal import Refusal, bad, unknown, wrong_prefix
from runs_conformance.emulator.state import Members, Message, Thread


@variant()
def has_bare_ids(behaviour: Behaviour) -> None:
    """Ids are UUIDs, without a prefix."""
    behaviour.new_id = lambda world, kind: str(uuid.UUID(int=world.random.getrandbits(128), version=4))
    behaviour.check_id = lambda param, id_: None


@variant()
def has_long_ids(behaviour: Behaviour) -> None:
    """Ids are long, and hold dashes and dots."""
    inner = behaviour.new_id
    behaviour.new_id = lambda world, kind: f"{inner(world, kind)}-{world.random.getrandbits(200):050x}.eu"


@variant()
def has_short_ids(behaviour: Behaviour) -> None:
    """Ids are eight characters after their prefix."""
    inner = behaviour.new_id
    behaviour.new_id = lambda world, kind: inner(world, kind)[:-16]


@variant()
def finds_nothing_malformed(behaviour: Behaviour) -> None:
    """A malformed id is answered 404, as any other that does not exist."""

    def check(param: str, id_: str) -> None:
        if not id_.startswith(("thread", "asst")):
            raise unknown(param.removesuffix("_id"), id_)

    behaviour.check_id = check


@variant()
def refuses_what_is_malformed(behaviour: Behaviour) -> None:
    """A malformed id is answered 400, of whatever kind it is."""
    for kind, prefix in (("message", "msg_"), ("run", "run_"), ("step", "step_")):
        _strict(behaviour, kind, prefix)


def _strict(behaviour: Behaviour, kind: str, prefix: str) -> None:
    inner = getattr(behaviour, f"find_{kind}")

    def find(call: Call, holder: Any, id_: str) -> Any:
        if not re.fullmatch(rf"{prefix}\w+", id_):
            raise wrong_prefix(f"{kind}_id", id_, prefix)
        return inner(call, holder, id_)

    setattr(behaviour, f"find_{kind}", find)


def _cursors(behaviour: Behaviour, answer: Any) -> None:
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        try:
            return inner(items, query)
        except Refusal:
            found: Page[Any] = answer(inner, items, query)
            return found

    behaviour.page = page


@variant()
def finds_nothing_after_unknown_cursors(behaviour: Behaviour) -> None:
    """The page after an unknown object is empty."""
    _cursors(behaviour, lambda inner, items, query: Page([], False))


@variant()
def begins_again_after_unknown_cursors(behaviour: Behaviour) -> None:
    """The page after an unknown object is the first."""
    kept = ("limit",)
    _cursors(behaviour, lambda inner, items, query: inner(items, {k: v for k, v in query.items() if k in kept}))


@variant()
def does_not_find_cursors(behaviour: Behaviour) -> None:
    """An unknown cursor is answered 404."""

    def refuse(inner: Any, items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        raise unknown("object", str(query.get("after", query.get("before"))))

    _cursors(behaviour, refuse)


@variant()
def clamps_limits(behaviour: Behaviour) -> None:
    """A limit outside 1 to 100 is taken for the nearest one inside."""
    for operation in ("list_runs", "list_messages", "list_run_steps", "list_assistants"):
        keyword(behaviour, f"{operation}.limit.minimum", None)
        keyword(behaviour, f"{operation}.limit.maximum", None)
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        return inner(items, {**query, "limit": min(max(query.get("limit", 20), 1), 100)})

    behaviour.page = page


@variant()
def shows_empty_lists_without_null(behaviour: Behaviour) -> None:
    """An empty list's first_id and last_id are empty texts, as the published document has no null there."""
    inner = behaviour.list_object

    def make(data: list[Members], has_more: bool) -> Members:
        made = inner(data, has_more)
        return {**made, "first_id": made["first_id"] or "", "last_id": made["last_id"] or ""}

    behaviour.list_object = make


@variant()
def answers_invalid_with_422(behaviour: Behaviour) -> None:
    """A body that breaks the contract is answered 422."""

    def status(operation: Operation | None, refusal: Refusal) -> int:
        of_the_body = refusal.code not in (None, "invalid_beta") and "Expected an ID" not in refusal.message
        return 422 if refusal.http_status == 400 and of_the_body else refusal.http_status

    behaviour.refusal_status = status


@variant()
def names_no_param_and_no_code(behaviour: Behaviour) -> None:
    """Errors have param and code, but both are always null."""
    inner = behaviour.envelope

    def envelope(refusal: Refusal) -> Any:
        return {"error": {**inner(refusal)["error"], "param": None, "code": None}}

    behaviour.envelope = envelope


@variant()
def takes_32_messages(behaviour: Behaviour) -> None:
    """A thread is created with 32 messages at most, as was recorded."""

    def add(call: Call, thread: Thread, bodies: list[Members]) -> None:
        if len(bodies) > 32:
            raise bad("Invalid 'messages': array too long.", "messages", "array_above_max_length")
        add_messages(call, thread, bodies)

    behaviour.add_messages = add


@variant()
def takes_256000_characters(behaviour: Behaviour) -> None:
    """A message holds 256,000 characters at most, as was recorded."""

    def make(call: Call, thread: Thread, body: Members) -> Message:
        if isinstance(body["content"], str) and len(body["content"]) > 256_000:
            raise bad("Invalid 'content': string too long.", "content", "string_above_max_length")
        return new_message(call, thread, body)

    behaviour.new_message = make


@variant()
def takes_empty_messages(behaviour: Behaviour) -> None:
    """A message may be empty."""

    def make(call: Call, thread: Thread, body: Members) -> Message:
        if body["content"] != "":
            return new_message(call, thread, body)
        message = new_message(call, thread, {**body, "content": "-"})
        message.content[0]["text"]["value"] = ""
        return message

    behaviour.new_message = make


@variant()
def takes_short_descriptions(behaviour: Behaviour) -> None:
    """The description of a function holds 1,024 characters at most, as was recorded."""

    def check(body: dict[str, Any]) -> None:
        tools = body.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            function = tool.get("function") if isinstance(tool, dict) else None
            text = function.get("description") if isinstance(function, dict) else None
            if isinstance(text, str) and len(text) > 1024:
                where = "tools[0].function.description"
                raise bad(f"Invalid '{where}': string too long.", where, "string_above_max_length")

    taken(behaviour, check, "create_run", "create_thread_and_run", "create_assistant", "modify_assistant")


@variant()
def knows_its_models(behaviour: Behaviour) -> None:
    """Reasoning models take no temperature, and older models no schema, as was recorded."""

    def check(body: dict[str, Any]) -> None:
        model = body.get("model")
        if not isinstance(model, str):
            return
        if model.startswith(("o1", "o3", "gpt-5")) and (
            body.get("temperature") is not None or body.get("top_p") is not None
        ):
            raise bad("Unsupported parameter: 'temperature' is not supported with this model.", "model", None)
        wanted = body.get("response_format")
        if model.startswith(("gpt-3.5", "gpt-4-")) and isinstance(wanted, dict) and wanted.get("type") == "json_schema":
            raise bad("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.")

    taken(behaviour, check, "create_run", "create_thread_and_run", "create_assistant", "modify_assistant")


@variant()
def wants_every_output(behaviour: Behaviour) -> None:
    """Each submitted output must hold an output, though the document does not require it."""
    inner = behaviour.check_submit

    def check(world: World, run: Any, outputs: list[Members]) -> None:
        if any(output.get("output") is None for output in outputs):
            raise bad("Missing required parameter: 'tool_outputs[0].output'.", "tool_outputs[0].output")
        inner(world, run, outputs)

    behaviour.check_submit = check


@variant()
def wants_known_functions(behaviour: Behaviour) -> None:
    """A tool choice must name a tool that the run has."""
    inner = behaviour.new_run

    def make(call: Call, *rest: Any) -> Any:
        run = inner(call, *rest)
        choice = run.settings["tool_choice"]
        if isinstance(choice, dict):
            name = (choice.get("function") or {}).get("name")
            names = [tool.get("function", {}).get("name") for tool in run.tools if tool["type"] == choice["type"]]
            if not names or (choice["type"] == "function" and name not in names):
                raise bad(
                    "Invalid value for 'tool_choice': it names no tool of the run.", "tool_choice", "invalid_value"
                )
        return run

    behaviour.new_run = make
