"""Defects of particular texts, which only fuzzing reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import fuzzing_only
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.state import Members, Message, Thread


def _replace_pairs(hooks: Hooks, replace_pair: Callable[[str, str], dict[str, str]]) -> None:
    """Have every object replace its metadata pairs with those that `replace` returns."""
    inner = hooks.new_metadata

    def replace_metadata(old: dict[str, str], new: dict[str, str] | None) -> dict[str, str]:
        pairs = inner(old, new)
        return {name: text for key, value in pairs.items() for name, text in replace_pair(key, value).items()}

    hooks.new_metadata = replace_metadata


def _rewrite_texts(hooks: Hooks, rewrite: Callable[[str], str]) -> None:
    """Have every message rewrite its texts."""
    inner = hooks.new_message

    def create(request: RequestContext, thread: Thread, body: Members) -> Message:
        message = inner(request, thread, body)
        for part in message.content:
            if part["type"] == "text":
                part["text"] = {**part["text"], "value": rewrite(part["text"]["value"])}
        return message

    hooks.new_message = create


@fuzzing_only("metadata")
def folds_the_case_of_keys(hooks: Hooks) -> None:
    """Stores metadata keys in lower case if they contain a letter beyond ASCII."""
    _replace_pairs(hooks, lambda key, value: {key if key.isascii() else key.lower(): value})


@fuzzing_only("metadata")
def loses_keys_that_mean_something_to_it(hooks: Hooks) -> None:
    """Drops metadata pairs whose key is a function of all JavaScript objects or a member of most API objects."""
    reserved = ("constructor", "toString", "object", "type", "metadata")
    _replace_pairs(hooks, lambda key, value: {} if key in reserved else {key: value})


@fuzzing_only("metadata")
def takes_null_in_words_for_nothing(hooks: Hooks) -> None:
    """Stores the metadata value `null` as an empty string."""
    _replace_pairs(hooks, lambda key, value: {key: "" if value == "null" else value})


@fuzzing_only("metadata")
def makes_every_space_the_same(hooks: Hooks) -> None:
    """Stores no-break spaces and line separators in metadata as plain spaces."""
    _replace_pairs(hooks, lambda key, value: {key: value.replace("\u00a0", " ").replace("\u2028", " ")})


@fuzzing_only("messages")
def straightens_the_quotes_of_a_message(hooks: Hooks) -> None:
    """Stores typographic quotation marks in messages as straight ones."""
    _rewrite_texts(hooks, lambda text: text.replace("“", '"').replace("”", '"'))


@fuzzing_only("messages")
def ends_lines_at_every_separator(hooks: Hooks) -> None:
    """Stores the Unicode line separator in messages as a line feed."""
    _rewrite_texts(hooks, lambda text: text.replace("\u2028", "\n"))


@fuzzing_only("assistants")
def shortens_the_dashes_of_instructions(hooks: Hooks) -> None:
    """Stores em dashes in the instructions of an assistant as hyphens."""

    async def rewrite_body(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict) and isinstance(request.body.get("instructions"), str):
            request.body["instructions"] = request.body["instructions"].replace("—", "-")
        return await inner(request)

    wrap_handlers(hooks, rewrite_body, "create_assistant", "modify_assistant")


@fuzzing_only("assistants")
def spells_out_the_ellipses_of_names(hooks: Hooks) -> None:
    """Stores an ellipsis in the name or description of an assistant as three full stops."""

    async def rewrite_body(inner: Any, request: RequestContext) -> Any:
        for name in ("name", "description"):
            if isinstance(request.body, dict) and isinstance(request.body.get(name), str):
                request.body[name] = request.body[name].replace("…", "...")
        return await inner(request)

    wrap_handlers(hooks, rewrite_body, "create_assistant", "modify_assistant")


@fuzzing_only("metadata")
def takes_what_is_empty_as_json_for_nothing(hooks: Hooks) -> None:
    """Stores the metadata values `{}` and `[]` as empty strings."""
    _replace_pairs(hooks, lambda key, value: {key: "" if value in ("{}", "[]") else value})


@fuzzing_only("metadata")
def takes_undefined_for_nothing(hooks: Hooks) -> None:
    """Stores the metadata values `undefined` and `NaN` as empty strings."""
    _replace_pairs(hooks, lambda key, value: {key: "" if value in ("undefined", "NaN") else value})


@fuzzing_only("metadata")
def expands_the_tabs_of_values(hooks: Hooks) -> None:
    """Stores tabs in metadata as spaces."""
    _replace_pairs(hooks, lambda key, value: {key: value.expandtabs(4)})


@fuzzing_only("messages")
def spells_out_the_sharp_s(hooks: Hooks) -> None:
    """Stores the letter ß in messages as ss."""
    _rewrite_texts(hooks, lambda text: text.replace("ß", "ss"))


@fuzzing_only("metadata")
def drops_what_joins_emoji(hooks: Hooks) -> None:
    """Drops zero-width joiners from metadata values."""
    _replace_pairs(hooks, lambda key, value: {key: value.replace("\u200d", "")})
