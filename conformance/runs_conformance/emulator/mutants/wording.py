"""Faults in corners that are made of texts: such as look like something else, or are written in a way of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runs_conformance.emulator.catalogue import corner
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.state import Members, Message, Thread


def _stores(behaviour: Behaviour, keep: Callable[[str, str], dict[str, str]]) -> None:
    """Have every object store its pairs of metadata in another way."""
    inner = behaviour.new_metadata

    def kept(old: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
        made = inner(old, given)
        return {name: text for key, value in made.items() for name, text in keep(key, value).items()}

    behaviour.new_metadata = kept


def _rewrites(behaviour: Behaviour, rewrite: Callable[[str], str]) -> None:
    """Have every message store its texts in another way."""
    inner = behaviour.new_message

    def made(call: Call, thread: Thread, body: Members) -> Message:
        message = inner(call, thread, body)
        for part in message.content:
            if part["type"] == "text":
                part["text"] = {**part["text"], "value": rewrite(part["text"]["value"])}
        return message

    behaviour.new_message = made


@corner("metadata")
def folds_the_case_of_keys(behaviour: Behaviour) -> None:
    """Stores keys of metadata in small letters where they have a letter beyond ASCII."""
    _stores(behaviour, lambda key, value: {key if key.isascii() else key.lower(): value})


@corner("metadata")
def loses_keys_that_mean_something_to_it(behaviour: Behaviour) -> None:
    """Keeps no pair of metadata whose key is a member of every object of its own language."""
    _stores(behaviour, lambda key, value: {} if key in ("__proto__", "constructor", "toString") else {key: value})


@corner("metadata")
def takes_null_in_words_for_nothing(behaviour: Behaviour) -> None:
    """Stores the text `null` in metadata as an empty one."""
    _stores(behaviour, lambda key, value: {key: "" if value == "null" else value})


@corner("metadata")
def makes_every_space_the_same(behaviour: Behaviour) -> None:
    """Stores spaces that do not break, and separators of lines, in metadata as plain spaces."""
    _stores(behaviour, lambda key, value: {key: value.replace("\u00a0", " ").replace("\u2028", " ")})


@corner("messages")
def straightens_the_quotes_of_a_message(behaviour: Behaviour) -> None:
    """Stores typographic quotation marks in a message's text as plain ones."""
    _rewrites(behaviour, lambda text: text.replace("“", '"').replace("”", '"'))


@corner("messages")
def ends_lines_at_every_separator(behaviour: Behaviour) -> None:
    """Stores the line separator of Unicode in a message's text as a line feed."""
    _rewrites(behaviour, lambda text: text.replace("\u2028", "\n"))


@corner("assistants")
def shortens_the_dashes_of_instructions(behaviour: Behaviour) -> None:
    """Stores dashes in the instructions of an assistant as hyphens."""

    async def created(inner: Any, call: Call) -> Any:
        if isinstance(call.body, dict) and isinstance(call.body.get("instructions"), str):
            call.body["instructions"] = call.body["instructions"].replace("—", "-")
        return await inner(call)

    around(behaviour, created, "create_assistant", "modify_assistant")


@corner("assistants")
def spells_out_the_ellipses_of_names(behaviour: Behaviour) -> None:
    """Stores an ellipsis in the name or description of an assistant as three full stops."""

    async def created(inner: Any, call: Call) -> Any:
        for name in ("name", "description"):
            if isinstance(call.body, dict) and isinstance(call.body.get(name), str):
                call.body[name] = call.body[name].replace("…", "...")
        return await inner(call)

    around(behaviour, created, "create_assistant", "modify_assistant")


@corner("metadata")
def takes_what_is_empty_as_json_for_nothing(behaviour: Behaviour) -> None:
    """Stores the texts `{}` and `[]` in metadata as empty ones."""
    _stores(behaviour, lambda key, value: {key: "" if value in ("{}", "[]") else value})


@corner("metadata")
def takes_undefined_for_nothing(behaviour: Behaviour) -> None:
    """Stores the texts `undefined` and `NaN` in metadata as empty ones."""
    _stores(behaviour, lambda key, value: {key: "" if value in ("undefined", "NaN") else value})


@corner("metadata")
def expands_the_tabs_of_values(behaviour: Behaviour) -> None:
    """Stores tabs in metadata as spaces."""
    _stores(behaviour, lambda key, value: {key: value.expandtabs(4)})


@corner("messages")
def spells_out_the_sharp_s(behaviour: Behaviour) -> None:
    """Stores the letter ß in a message's text as two letters."""
    _rewrites(behaviour, lambda text: text.replace("ß", "ss"))


@corner("metadata")
def drops_what_joins_emoji(behaviour: Behaviour) -> None:
    """Drops the character that makes one sign of several emoji from the values of metadata."""
    _stores(behaviour, lambda key, value: {key: value.replace("\u200d", "")})
