"""Other ids, cursors, responses to unknown ids, and refusals that the service was observed to make."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError, bad_request, malformed_id, not_found
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import variant
from runs_conformance.emulator.factories import add_messages, new_message
from runs_conformance.emulator.list_pages import ListPage
from runs_conformance.emulator.patching import patch_request_body, set_keyword
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.state import Members, Message, Thread


@variant()
def has_bare_ids(hooks: Hooks) -> None:
    """Ids are UUIDs, without a prefix."""
    hooks.new_id = lambda server, kind: str(uuid.UUID(int=server.random.getrandbits(128), version=4))
    hooks.check_id = lambda param, id_: None


@variant()
def has_uuids_after_prefixes(hooks: Hooks) -> None:
    """Ids are UUIDs after a prefix; refusals name the active run by such an id."""
    inner = hooks.new_id

    def new_id(server: ServerState, kind: str) -> str:
        prefix = inner(server, kind).rpartition("_")[0]
        return f"{prefix}_{uuid.UUID(int=server.random.getrandbits(128), version=4)}"

    hooks.new_id = new_id


@variant()
def has_long_ids(hooks: Hooks) -> None:
    """Ids are long and contain dashes and dots."""
    inner = hooks.new_id
    hooks.new_id = lambda server, kind: f"{inner(server, kind)}-{server.random.getrandbits(200):050x}.eu"


@variant()
def has_short_ids(hooks: Hooks) -> None:
    """Ids have eight characters after their prefix."""
    inner = hooks.new_id
    hooks.new_id = lambda server, kind: inner(server, kind)[:-16]


@variant()
def finds_nothing_malformed(hooks: Hooks) -> None:
    """A malformed id gets 404, like an unknown one."""

    def check(param: str, id_: str) -> None:
        if not id_.startswith(("thread", "asst")):
            raise not_found(param.removesuffix("_id"), id_)

    hooks.check_id = check


@variant()
def refuses_what_is_malformed(hooks: Hooks) -> None:
    """A malformed id of any kind gets 400."""
    for kind, prefix in (("message", "msg_"), ("run", "run_"), ("step", "step_")):
        _require_prefix(hooks, kind, prefix)


def _require_prefix(hooks: Hooks, kind: str, prefix: str) -> None:
    inner = getattr(hooks, f"find_{kind}")

    def find(request: RequestContext, holder: Any, id_: str) -> Any:
        if not re.fullmatch(rf"{prefix}\w+", id_):
            raise malformed_id(f"{kind}_id", id_, prefix)
        return inner(request, holder, id_)

    setattr(hooks, f"find_{kind}", find)


def _patch_unknown_cursors(hooks: Hooks, response: Any) -> None:
    inner = hooks.paginate

    def page(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        try:
            return inner(items, query)
        except ApiError:
            fallback: ListPage[Any] = response(inner, items, query)
            return fallback

    hooks.paginate = page


@variant()
def finds_nothing_after_unknown_cursors(hooks: Hooks) -> None:
    """The page after an unknown cursor is empty."""
    _patch_unknown_cursors(hooks, lambda inner, items, query: ListPage([], False))


@variant()
def begins_again_after_unknown_cursors(hooks: Hooks) -> None:
    """The page after an unknown cursor is the first."""
    kept_names = ("limit",)
    _patch_unknown_cursors(
        hooks, lambda inner, items, query: inner(items, {k: v for k, v in query.items() if k in kept_names})
    )


@variant()
def does_not_find_cursors(hooks: Hooks) -> None:
    """An unknown cursor gets 404."""

    def refuse(inner: Any, items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        raise not_found("object", str(query.get("after", query.get("before"))))

    _patch_unknown_cursors(hooks, refuse)


@variant()
def clamps_limits(hooks: Hooks) -> None:
    """A limit outside 1 to 100 is clamped."""
    for operation in ("list_runs", "list_messages", "list_run_steps", "list_assistants"):
        set_keyword(hooks, f"{operation}.limit.minimum", None)
        set_keyword(hooks, f"{operation}.limit.maximum", None)
    inner = hooks.paginate

    def page(items: Sequence[Any], query: dict[str, Any]) -> ListPage[Any]:
        return inner(items, {**query, "limit": min(max(query.get("limit", 20), 1), 100)})

    hooks.paginate = page


@variant()
def shows_empty_lists_without_null(hooks: Hooks) -> None:
    """first_id and last_id of an empty list are empty strings, because the published document has no null there."""
    inner = hooks.list_object

    def make(data: list[Members], has_more: bool) -> Members:
        original = inner(data, has_more)
        return {**original, "first_id": original["first_id"] or "", "last_id": original["last_id"] or ""}

    hooks.list_object = make


@variant()
def answers_invalid_with_422(hooks: Hooks) -> None:
    """An invalid body gets 422."""

    def status(operation: Operation | None, error: ApiError) -> int:
        of_the_body = error.code not in (None, "invalid_beta") and "Expected an ID" not in error.message
        return 422 if error.http_status == 400 and of_the_body else error.http_status

    hooks.error_status = status


@variant()
def names_no_param_and_no_code(hooks: Hooks) -> None:
    """The param and code of errors are always null."""
    inner = hooks.error_body

    def envelope(error: ApiError) -> Any:
        return {"error": {**inner(error)["error"], "param": None, "code": None}}

    hooks.error_body = envelope


@variant()
def takes_32_messages(hooks: Hooks) -> None:
    """create_thread accepts at most 32 messages, as was observed."""

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        if len(bodies) > 32:
            raise bad_request("Invalid 'messages': array too long.", "messages", "array_above_max_length")
        add_messages(request, thread, bodies)

    hooks.add_messages = add


@variant()
def takes_256000_characters(hooks: Hooks) -> None:
    """A message has at most 256,000 characters, as was observed."""

    def make(request: RequestContext, thread: Thread, body: Members) -> Message:
        if isinstance(body["content"], str) and len(body["content"]) > 256_000:
            raise bad_request("Invalid 'content': string too long.", "content", "string_above_max_length")
        return new_message(request, thread, body)

    hooks.new_message = make


@variant()
def takes_empty_messages(hooks: Hooks) -> None:
    """A message may be empty."""

    def make(request: RequestContext, thread: Thread, body: Members) -> Message:
        if body["content"] != "":
            return new_message(request, thread, body)
        message = new_message(request, thread, {**body, "content": "-"})
        message.content[0]["text"]["value"] = ""
        return message

    hooks.new_message = make


@variant()
def takes_short_descriptions(hooks: Hooks) -> None:
    """The description of a function has at most 1,024 characters, as was observed."""

    def check(body: dict[str, Any]) -> None:
        tools = body.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            function = tool.get("function") if isinstance(tool, dict) else None
            text = function.get("description") if isinstance(function, dict) else None
            if isinstance(text, str) and len(text) > 1024:
                where = "tools[0].function.description"
                raise bad_request(f"Invalid '{where}': string too long.", where, "string_above_max_length")

    patch_request_body(hooks, check, "create_run", "create_thread_and_run", "create_assistant", "modify_assistant")


@variant()
def knows_its_models(hooks: Hooks) -> None:
    """Reasoning models accept no temperature, and older models no JSON schema, as was observed."""

    def check(body: dict[str, Any]) -> None:
        model = body.get("model")
        if not isinstance(model, str):
            return
        if model.startswith(("o1", "o3", "gpt-5")) and (
            body.get("temperature") is not None or body.get("top_p") is not None
        ):
            raise bad_request("Unsupported parameter: 'temperature' is not supported with this model.", "model", None)
        response_format = body.get("response_format")
        if (
            model.startswith(("gpt-3.5", "gpt-4-"))
            and isinstance(response_format, dict)
            and response_format.get("type") == "json_schema"
        ):
            raise bad_request(
                "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
            )

    patch_request_body(hooks, check, "create_run", "create_thread_and_run", "create_assistant", "modify_assistant")


@variant()
def wants_every_output(hooks: Hooks) -> None:
    """Each submitted output must have an output member, though the published document does not require it."""
    inner = hooks.check_submit

    def check(server: ServerState, run: Any, outputs: list[Members]) -> None:
        if any(output.get("output") is None for output in outputs):
            raise bad_request("Missing required parameter: 'tool_outputs[0].output'.", "tool_outputs[0].output")
        inner(server, run, outputs)

    hooks.check_submit = check


@variant(accepts_any_file_id=False)
def wants_known_files(hooks: Hooks) -> None:
    """A file or vector store that does not exist is not found."""
    inner = hooks.validate_body

    def check(schemas: Schemas, operation: Operation, body: Any) -> None:
        inner(schemas, operation, body)
        for id_ in _file_ids(body):
            raise ApiError(404, f"No such file or vector store: '{id_}'.")

    hooks.validate_body = check


def _file_ids(value: Any) -> Iterator[str]:
    """The ids of files and vector stores in a body. Nothing of the emulator's own uploads them."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("file_id", "file_ids", "vector_store_ids"):
                yield from [member] if isinstance(member, str) else member or ()
            elif name != "metadata":
                yield from _file_ids(member)
    elif isinstance(value, list):
        for item in value:
            yield from _file_ids(item)


@variant()
def wants_known_functions(hooks: Hooks) -> None:
    """A tool_choice must name a tool of the run."""
    inner = hooks.new_run

    def make(request: RequestContext, *rest: Any) -> Any:
        run = inner(request, *rest)
        choice = run.settings["tool_choice"]
        if isinstance(choice, dict):
            name = (choice.get("function") or {}).get("name")
            names = [tool.get("function", {}).get("name") for tool in run.tools if tool["type"] == choice["type"]]
            if not names or (choice["type"] == "function" and name not in names):
                raise bad_request(
                    "Invalid value for 'tool_choice': it names no tool of the run.", "tool_choice", "invalid_value"
                )
        return run

    hooks.new_run = make
