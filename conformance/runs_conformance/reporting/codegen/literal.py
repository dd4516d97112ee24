"""Values as Python source, with references to the results of earlier steps."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runs_conformance.model.case import Ref
from runs_conformance.model.json import is_array, is_object, pointer_tokens
from runs_conformance.model.long_text import MAX_PLAIN_LENGTH, split_repeats
from runs_conformance.reporting.codegen.response_values import pointer_in_response

_PLAIN_TEXT = re.compile(r"[A-Za-z0-9_ .-]+\Z")
_PLAIN_MEMBER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
WIDTH = 100
"""Source up to this length stays on one line."""

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with the result of a step: an object of the official client, or parsed JSON.

    `items_at` is the place of the items in a list of another form than documented.
    """

    name: str
    is_client_object: bool
    items_at: str | None = None

    def value_at(self, pointer: str) -> str:
        """The source of the value at a JSON Pointer."""
        source = self.name
        for token in pointer_tokens(pointer_in_response(pointer, self.items_at)):
            if token.isascii() and token.isdecimal():
                source += f"[{int(token)}]"
            elif self.is_client_object and _PLAIN_MEMBER.match(token) and not keyword.iskeyword(token):
                source += f".{token}"
            else:
                source += f"['{token}']" if _PLAIN_TEXT.match(token) else f"[{quote_text(token)}]"
        return source


def literal(value: object, variables: Mapping[str, Variable], depth: int = 0) -> str:
    """The source of a JSON value that may contain references, at an indentation depth."""
    if isinstance(value, Ref):
        return reference(value, variables)
    if isinstance(value, str):
        return _text_literal(value)
    if is_object(value):
        members = [f"{_text_literal(str(name))}: {{}}" for name in value]
        return _container(
            "{", "}", members, list(value.values()), lambda inner, deep: literal(inner, variables, deep), depth
        )
    if is_array(value):
        return _container(
            "[", "]", ["{}"] * len(value), list(value), lambda inner, deep: literal(inner, variables, deep), depth
        )
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)


def reference(ref: Ref, variables: Mapping[str, Variable]) -> str:
    """The source of a reference. Raises KeyError if no earlier step has a variable."""
    return variables[ref.step].value_at(ref.pointer)


def arguments(named: Mapping[str, str], positional: list[str], depth: int, prefix: int) -> str:
    """The source of a call's arguments, in parentheses. The values are source already; `prefix` is the number of
    characters before them on the line.
    """
    each = [*positional, *(f"{name}={value}" for name, value in named.items())]
    whole = ", ".join(each)
    if len(whole) + depth * len(INDENT) + prefix <= WIDTH and "\n" not in whole:
        return f"({whole})"
    pad = INDENT * (depth + 1)
    return "(\n" + "".join(f"{pad}{one},\n" for one in each) + INDENT * depth + ")"


def _container(
    opens: str, closes: str, frames: list[str], values: list[object], inner: Callable[[object, int], str], depth: int
) -> str:
    items = [_item(frame, inner(value, depth + 1)) for frame, value in zip(frames, values, strict=True)]
    whole = opens + ", ".join(items) + closes
    if len(whole) + depth * len(INDENT) <= WIDTH and "\n" not in whole:
        return whole
    pad = INDENT * (depth + 1)
    return opens + "\n" + "".join(f"{pad}{item},\n" for item in items) + INDENT * depth + closes


def _item(frame: str, value: str) -> str:
    return frame.removesuffix("{}") + value


def _text_literal(text: str) -> str:
    """A string as ASCII source; long ones as a product of their repeated parts."""
    if len(text) <= MAX_PLAIN_LENGTH // 5:
        return quote_text(text)
    return " + ".join(
        f"{quote_text(part)} * {times}" if times > 1 else quote_text(part) for part, times in split_repeats(text)
    )


def quote_text(text: str) -> str:
    """A string in double quotes, with control and non-ASCII characters escaped."""
    return '"' + "".join(map(_escape, text)) + '"'


_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 32 <= code < 127:
        return char
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
