"""Messages, threads and metadata that are not stored as they were sent."""

from __future__ import annotations

import unicodedata
from typing import Any

from runs_conformance.emulator import refusal
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around, shown
from runs_conformance.emulator.state import Members, Message, Thread


def _stored(behaviour: Behaviour, change: Any) -> None:
    """Have `change` alter each message that a request adds, before it is stored."""
    inner = behaviour.new_message

    def make(call: Call, thread: Thread, body: Members) -> Message:
        message = inner(call, thread, body)
        change(message)
        return message

    behaviour.new_message = make


def _texts(behaviour: Behaviour, change: Any) -> None:
    def apply(message: Message) -> None:
        for part in message.content:
            if part["type"] == "text":
                part["text"]["value"] = change(part["text"]["value"])

    _stored(behaviour, apply)


@blind("messages")
def trims_messages(behaviour: Behaviour) -> None:
    """The spaces around a message's text are not stored."""
    _texts(behaviour, str.strip)


@blind("messages")
def stores_ascii_only(behaviour: Behaviour) -> None:
    """Characters that are not ASCII are stored as question marks."""
    _texts(behaviour, lambda text: text.encode("ascii", "replace").decode())


@blind("messages", level="should")
def composes_characters(behaviour: Behaviour) -> None:
    """A message's text is stored in Unicode's composed form."""
    _texts(behaviour, lambda text: unicodedata.normalize("NFC", text))


@blind("messages")
def cuts_messages(behaviour: Behaviour) -> None:
    """A message's text is cut at 4096 characters."""
    _texts(behaviour, lambda text: text[:4096])


@blind("messages")
def keeps_one_part(behaviour: Behaviour) -> None:
    """Of several content parts only the first is stored."""
    _stored(behaviour, lambda message: message.content.__delitem__(slice(1, None)))


@blind("messages")
def turns_parts_around(behaviour: Behaviour) -> None:
    """Several content parts are stored in reverse order."""
    _stored(behaviour, lambda message: message.content.reverse())


@blind("messages")
def stores_every_role_as_user(behaviour: Behaviour) -> None:
    """An assistant's message that a client adds is stored as the user's."""
    _stored(behaviour, lambda message: setattr(message, "role", "user"))


@blind("messages", level="should")
def drops_attachments(behaviour: Behaviour) -> None:
    """A message's attachments are not stored."""
    _stored(behaviour, lambda message: message.attachments.clear())


@blind("L-46", level="should")
def drops_metadata_of_messages(behaviour: Behaviour) -> None:
    """A message's metadata is not stored."""
    _stored(behaviour, lambda message: message.metadata.clear())


@blind("L-59")
def gives_messages_a_run(behaviour: Behaviour) -> None:
    """A message that a client adds names a run."""
    _stored(behaviour, lambda message: setattr(message, "run_id", "run_" + "0" * 24))


@blind("L-59", level="should")
def gives_messages_an_assistant(behaviour: Behaviour) -> None:
    """A message that a client adds names an assistant."""
    _stored(behaviour, lambda message: setattr(message, "assistant_id", "asst_" + "0" * 24))


@blind("L-58", level="should")
def forgets_who_wrote(behaviour: Behaviour) -> None:
    """A message that a run wrote does not name the run."""
    shown(behaviour, "message", lambda message, *_: message.update(run_id=None))


@blind("L-58", level="should")
def forgets_which_assistant_wrote(behaviour: Behaviour) -> None:
    """A message that a run wrote does not name the assistant."""
    shown(behaviour, "message", lambda message, *_: message.update(assistant_id=None))


@blind("L-75")
def drops_the_messages_of_a_thread(behaviour: Behaviour) -> None:
    """A thread that is created and run has none of its messages."""
    inner = behaviour.add_messages
    behaviour.add_messages = lambda call, thread, bodies: inner(
        call, thread, [] if call.operation.name == "create_thread_and_run" else bodies
    )
    behaviour.check_runnable = lambda thread, assistant, body: None


@blind("L-75")
def runs_in_an_old_thread(behaviour: Behaviour) -> None:
    """A thread that is created and run is the newest that exists."""

    async def run(inner: Any, call: Call) -> Any:
        before = list(call.store.threads.values())
        answer = await inner(call)
        if before and isinstance(answer, dict):
            made = call.store.threads.pop(answer["thread_id"])
            old = before[-1]
            for run in made.runs.values():
                run.thread_id = old.id
            old.runs.update(made.runs)
            old.messages.update(made.messages)
            answer["thread_id"] = old.id
        return answer

    around(behaviour, run, "create_thread_and_run")


@blind("L-75", level="should")
def turns_messages_around(behaviour: Behaviour) -> None:
    """The messages of a created thread are stored in reverse order."""
    inner = behaviour.add_messages
    behaviour.add_messages = lambda call, thread, bodies: inner(
        call, thread, bodies if call.operation.name == "create_run" else bodies[::-1]
    )


@blind("L-46", level="should")
def shows_no_metadata_as_null(behaviour: Behaviour) -> None:
    """A run without metadata shows null."""
    shown(behaviour, "run", lambda run, *_: run.update(metadata=run["metadata"] or None))


@blind("L-46", level="should")
def writes_keys_small(behaviour: Behaviour) -> None:
    """The keys of metadata are stored in small letters."""
    _metadata(behaviour, lambda new: {name.lower(): value for name, value in new.items()})


@blind("L-46", level="should")
def drops_empty_values(behaviour: Behaviour) -> None:
    """Metadata with an empty value is not stored."""
    _metadata(behaviour, lambda new: {name: value for name, value in new.items() if value})


@blind("L-46", level="should")
def keeps_8_pairs(behaviour: Behaviour) -> None:
    """Of metadata only the first eight pairs are stored."""
    _metadata(behaviour, lambda new: dict(list(new.items())[:8]))


@blind("L-46", level="should")
def cuts_values(behaviour: Behaviour) -> None:
    """The values of metadata are cut at 255 characters."""
    _metadata(behaviour, lambda new: {name: value[:255] for name, value in new.items()})


def _metadata(behaviour: Behaviour, change: Any) -> None:
    inner = behaviour.new_metadata
    behaviour.new_metadata = lambda old, given: change(inner(old, given))


@blind("metadata")
def never_modifies_threads(behaviour: Behaviour) -> None:
    """Modifying a thread is answered with the thread as it is."""

    async def modify(inner: Any, call: Call) -> Any:
        call.body.pop("metadata", None)
        return await inner(call)

    around(behaviour, modify, "modify_thread")


@blind("metadata")
def never_modifies_messages(behaviour: Behaviour) -> None:
    """Modifying a message is answered as if it had happened, but is not stored."""

    async def modify(inner: Any, call: Call) -> Any:
        thread = call.world.behaviour.find_thread(call, call.path["thread_id"])
        message = call.world.behaviour.find_message(call, thread, call.path["message_id"])
        before = message.metadata
        answer = await inner(call)
        message.metadata = before
        return answer

    around(behaviour, modify, "modify_message")


@blind("modify", level="should")
def modifies_assistants_away(behaviour: Behaviour) -> None:
    """Modifying an assistant resets what the request does not name."""

    async def modify(inner: Any, call: Call) -> Any:
        for name in ("name", "description", "instructions", "tools", "temperature", "top_p"):
            call.body.setdefault(name, [] if name == "tools" else None)
        return await inner(call)

    around(behaviour, modify, "modify_assistant")


@blind("identity")
def writes_into_another_thread(behaviour: Behaviour) -> None:
    """A message that a run wrote names another thread than the one it is in."""

    def change(members: Members, message: Message, channel: str) -> None:
        if message.run_id:
            members["thread_id"] = "thread_" + "0" * 24

    shown(behaviour, "message", change)


@mutant("acceptance")
def shows_what_users_said_only(behaviour: Behaviour) -> None:
    """A message that a run wrote is listed, but not found by its id."""
    inner = behaviour.find_message

    def find(call: Call, thread: Thread, id_: str) -> Message:
        message = inner(call, thread, id_)
        if message.role == "assistant":
            raise refusal.unknown("message", id_)
        return message

    behaviour.find_message = find


@mutant("L-77")
def dates_additional_messages_ahead(behaviour: Behaviour) -> None:
    """The additional messages of a run are dated by its expiry."""
    inner = behaviour.add_messages

    def add(call: Call, thread: Thread, bodies: list[Members]) -> None:
        before = set(thread.messages)
        inner(call, thread, bodies)
        for id_ in thread.messages.keys() - before if call.operation.name == "create_run" else ():
            thread.messages[id_].created_at += call.world.options.expires_s

    behaviour.add_messages = add


@mutant("ids")
def keeps_equal_messages_once(behaviour: Behaviour) -> None:
    """A message that says the same as the last one of its thread is answered with that one."""

    async def create(inner: Any, call: Call) -> Any:
        thread = call.store.threads.get(call.path["thread_id"])
        last = list(thread.messages.values())[-1:] if thread else []
        if last and last[0].role == call.body["role"] and last[0].text == call.body["content"]:
            return call.world.behaviour.message_object(call.world, last[0], "json")
        return await inner(call)

    around(behaviour, create, "create_message")
