"""Mutants of messages, threads and metadata: the stored value differs from the sent one."""

from __future__ import annotations

import unicodedata
from typing import Any

from runs_conformance.emulator import api_errors
from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import patch_object, wrap_handlers
from runs_conformance.emulator.state import Members, Message, Thread

_PIECE_BYTES = 64 * 1024


def _patch_message(hooks: Hooks, change: Any) -> None:
    """Have `change` mutate each message that a request adds before it is stored."""
    inner = hooks.new_message

    def make(request: RequestContext, thread: Thread, body: Members) -> Message:
        message = inner(request, thread, body)
        change(message)
        return message

    hooks.new_message = make


def _patch_text(hooks: Hooks, change: Any) -> None:
    def apply(message: Message) -> None:
        for part in message.content:
            if part["type"] == "text":
                part["text"]["value"] = change(part["text"]["value"])

    _patch_message(hooks, apply)


@written_from_spec("messages")
def trims_messages(hooks: Hooks) -> None:
    """The text of a message is stripped of whitespace."""
    _patch_text(hooks, str.strip)


@written_from_spec("messages")
def stores_ascii_only(hooks: Hooks) -> None:
    """Characters that are not ASCII are stored as question marks."""
    _patch_text(hooks, lambda text: text.encode("ascii", "replace").decode())


@written_from_spec("messages", level="should")
def composes_characters(hooks: Hooks) -> None:
    """The text of a message is stored in Unicode normalization form C."""
    _patch_text(hooks, lambda text: unicodedata.normalize("NFC", text))


@written_from_spec("messages")
def cuts_messages(hooks: Hooks) -> None:
    """The text of a message is truncated to 4096 characters."""
    _patch_text(hooks, lambda text: text[:4096])


@mutant("messages")
def decodes_texts_in_pieces(hooks: Hooks) -> None:
    """A text is decoded in pieces of 64 KiB, and a character on the border of two pieces is lost."""

    def decode(text: str) -> str:
        content = text.encode()
        pieces = (content[start : start + _PIECE_BYTES] for start in range(0, len(content), _PIECE_BYTES))
        return "".join(piece.decode(errors="replace") for piece in pieces)

    _patch_text(hooks, decode)


@written_from_spec("messages")
def keeps_one_part(hooks: Hooks) -> None:
    """Of several content parts only the first is stored."""
    _patch_message(hooks, lambda message: message.content.__delitem__(slice(1, None)))


@written_from_spec("messages")
def turns_parts_around(hooks: Hooks) -> None:
    """Several content parts are stored in reverse order."""
    _patch_message(hooks, lambda message: message.content.reverse())


@written_from_spec("messages")
def stores_every_role_as_user(hooks: Hooks) -> None:
    """An assistant message that a client adds is stored with role user."""
    _patch_message(hooks, lambda message: setattr(message, "role", "user"))


@written_from_spec("messages", level="should")
def drops_attachments(hooks: Hooks) -> None:
    """A message's attachments are not stored."""
    _patch_message(hooks, lambda message: message.attachments.clear())


@mutant("additional-messages-are-added-first", level="should")
def drops_attachments_of_additional_messages(hooks: Hooks) -> None:
    """The attachments of messages that are sent with a run are not stored."""
    inner = hooks.add_messages

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        is_run = isinstance(request.body, dict) and "assistant_id" in request.body
        inner(request, thread, [{**body, "attachments": []} for body in bodies] if is_run else bodies)

    hooks.add_messages = add


@mutant("messages", level="should")
def drops_attachments_of_first_messages(hooks: Hooks) -> None:
    """The attachments of messages that are sent with a new thread are not stored."""
    inner = hooks.add_messages

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        is_thread = isinstance(request.body, dict) and "assistant_id" not in request.body
        inner(request, thread, [{**body, "attachments": []} for body in bodies] if is_thread else bodies)

    hooks.add_messages = add


@mutant("messages", level="should")
def drops_attachments_of_threads_with_runs(hooks: Hooks) -> None:
    """The attachments of messages that are sent with a new thread and its run are not stored."""
    inner = hooks.add_messages

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        is_joint = request.operation.name == "create_thread_and_run"
        inner(request, thread, [{**body, "attachments": []} for body in bodies] if is_joint else bodies)

    hooks.add_messages = add


@written_from_spec("metadata-is-echoed", level="should")
def drops_metadata_of_messages(hooks: Hooks) -> None:
    """A message's metadata is not stored."""
    _patch_message(hooks, lambda message: message.metadata.clear())


@written_from_spec("client-messages-have-no-run")
def gives_messages_a_run(hooks: Hooks) -> None:
    """A message that a client adds has a run_id."""
    _patch_message(hooks, lambda message: setattr(message, "run_id", "run_" + "0" * 24))


@written_from_spec("client-messages-have-no-run", level="should")
def gives_messages_an_assistant(hooks: Hooks) -> None:
    """A message that a client adds has an assistant_id."""
    _patch_message(hooks, lambda message: setattr(message, "assistant_id", "asst_" + "0" * 24))


@written_from_spec("message-has-step-and-names-run", level="should")
def forgets_who_wrote(hooks: Hooks) -> None:
    """A message written by a run has no run_id."""
    patch_object(hooks, "message", lambda message, *_: message.update(run_id=None))


@written_from_spec("message-has-step-and-names-run", level="should")
def forgets_which_assistant_wrote(hooks: Hooks) -> None:
    """A message written by a run has no assistant_id."""
    patch_object(hooks, "message", lambda message, *_: message.update(assistant_id=None))


@written_from_spec("thread-and-run-creates-messages")
def drops_the_messages_of_a_thread(hooks: Hooks) -> None:
    """create_thread_and_run drops the messages of the thread."""
    inner = hooks.add_messages
    hooks.add_messages = lambda request, thread, bodies: inner(
        request, thread, [] if request.operation.name == "create_thread_and_run" else bodies
    )
    hooks.check_runnable = lambda thread, assistant, body: None


@mutant("thread-and-run-creates-messages")
def adds_a_message_of_its_own(hooks: Hooks) -> None:
    """create_thread_and_run adds a user message of the server's own to a thread without messages."""
    inner, added = hooks.add_messages, [{"role": "user", "content": "Please answer."}]
    hooks.add_messages = lambda request, thread, bodies: inner(
        request, thread, bodies or (added if request.operation.name == "create_thread_and_run" else [])
    )


@written_from_spec("thread-and-run-creates-messages")
def runs_in_an_old_thread(hooks: Hooks) -> None:
    """create_thread_and_run uses the newest existing thread."""

    async def run(inner: Any, request: RequestContext) -> Any:
        before = list(request.store.threads.values())
        response = await inner(request)
        if before and isinstance(response, dict):
            new_thread = request.store.threads.pop(response["thread_id"])
            old = before[-1]
            for run in new_thread.runs.values():
                run.thread_id = old.id
            old.runs.update(new_thread.runs)
            old.messages.update(new_thread.messages)
            response["thread_id"] = old.id
        return response

    wrap_handlers(hooks, run, "create_thread_and_run")


@written_from_spec("thread-and-run-creates-messages", level="should")
def turns_messages_around(hooks: Hooks) -> None:
    """The messages of a created thread are stored in reverse order."""
    inner = hooks.add_messages
    hooks.add_messages = lambda request, thread, bodies: inner(
        request, thread, bodies if request.operation.name == "create_run" else bodies[::-1]
    )


@written_from_spec("metadata-is-echoed", level="should")
def shows_no_metadata_as_null(hooks: Hooks) -> None:
    """The empty metadata of a run is null."""
    patch_object(hooks, "run", lambda run, *_: run.update(metadata=run["metadata"] or None))


@written_from_spec("metadata-is-echoed", level="should")
def writes_keys_small(hooks: Hooks) -> None:
    """Metadata keys are stored in lower case."""
    _patch_metadata(hooks, lambda new: {name.lower(): value for name, value in new.items()})


@written_from_spec("metadata-is-echoed", level="should")
def drops_empty_values(hooks: Hooks) -> None:
    """Metadata pairs with an empty value are dropped."""
    _patch_metadata(hooks, lambda new: {name: value for name, value in new.items() if value})


@written_from_spec("metadata-is-echoed", level="should")
def keeps_8_pairs(hooks: Hooks) -> None:
    """Only the first eight metadata pairs are stored."""
    _patch_metadata(hooks, lambda new: dict(list(new.items())[:8]))


@written_from_spec("metadata-is-echoed", level="should")
def cuts_values(hooks: Hooks) -> None:
    """Metadata values are truncated to 255 characters."""
    _patch_metadata(hooks, lambda new: {name: value[:255] for name, value in new.items()})


def _patch_metadata(hooks: Hooks, change: Any) -> None:
    inner = hooks.new_metadata
    hooks.new_metadata = lambda old, new: change(inner(old, new))


@written_from_spec("metadata")
def never_modifies_threads(hooks: Hooks) -> None:
    """modify_thread returns the thread unchanged."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        request.body.pop("metadata", None)
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_thread")


@written_from_spec("metadata")
def never_modifies_messages(hooks: Hooks) -> None:
    """modify_message returns the new metadata, but does not store it."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        thread = request.server.hooks.find_thread(request, request.path_params["thread_id"])
        message = request.server.hooks.find_message(request, thread, request.path_params["message_id"])
        before = message.metadata
        response = await inner(request)
        message.metadata = before
        return response

    wrap_handlers(hooks, modify, "modify_message")


@written_from_spec("modify", level="should")
def modifies_assistants_away(hooks: Hooks) -> None:
    """modify_assistant resets the members that the request omits."""

    async def modify(inner: Any, request: RequestContext) -> Any:
        for name in ("name", "description", "instructions", "tools", "temperature", "top_p"):
            request.body.setdefault(name, [] if name == "tools" else None)
        return await inner(request)

    wrap_handlers(hooks, modify, "modify_assistant")


@written_from_spec("identity")
def writes_into_another_thread(hooks: Hooks) -> None:
    """A message written by a run has another thread_id."""

    def change(members: Members, message: Message, channel: str) -> None:
        if message.run_id:
            members["thread_id"] = "thread_" + "0" * 24

    patch_object(hooks, "message", change)


@mutant("acceptance")
def shows_what_users_said_only(hooks: Hooks) -> None:
    """A message written by a run is listed, but get_message does not find it."""
    inner = hooks.find_message

    def find(request: RequestContext, thread: Thread, id_: str) -> Message:
        message = inner(request, thread, id_)
        if message.role == "assistant":
            raise api_errors.not_found("message", id_)
        return message

    hooks.find_message = find


@mutant("additional-messages-are-added-first")
def dates_additional_messages_ahead(hooks: Hooks) -> None:
    """created_at of additional messages is when the run would expire."""
    inner = hooks.add_messages

    def add(request: RequestContext, thread: Thread, bodies: list[Members]) -> None:
        before = set(thread.messages)
        inner(request, thread, bodies)
        for id_ in thread.messages.keys() - before if request.operation.name == "create_run" else ():
            thread.messages[id_].created_at += request.server.options.expires_s

    hooks.add_messages = add


@mutant("ids")
def keeps_equal_messages_once(hooks: Hooks) -> None:
    """Responds with the thread's last message if the new one has the same role and text."""

    async def create(inner: Any, request: RequestContext) -> Any:
        thread = request.store.threads.get(request.path_params["thread_id"])
        last = list(thread.messages.values())[-1:] if thread else []
        if last and last[0].role == request.body["role"] and last[0].text == request.body["content"]:
            return request.server.hooks.message_object(request.server, last[0], "json")
        return await inner(request)

    wrap_handlers(hooks, create, "create_message")
