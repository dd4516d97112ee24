"""Values as Python source, with references to what earlier steps gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runs_conformance.model.case import Ref
from runs_conformance.model.json import is_array, is_object, parts
from runs_conformance.model.long_text import LONGEST, pieces

WIDTH = 100
"""What is shorter stands on one line."""

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Held:
    """A variable that holds what a step gave: an object of the official client, or parsed JSON."""

    name: str
    is_object: bool

    def at(self, pointer: str) -> str:
        """The source of the value at a JSON Pointer."""
        source = self.name
        for token in parts(pointer):
            if token.isdecimal():
                source += f"[{token}]"
            elif self.is_object and token.isidentifier():
                source += f".{token}"
            else:
                source += f"[{token!r}]"
        return source


def source(value: object, held: Mapping[str, Held], depth: int = 0) -> str:
    """The source of a JSON value that may hold references, at a depth of indentation."""
    if isinstance(value, Ref):
        return reference(value, held)
    if isinstance(value, str):
        return _text(value)
    if is_object(value):
        members = [f"{_text(str(name))}: {{}}" for name in value]
        return _many("{", "}", members, list(value.values()), lambda inner, deep: source(inner, held, deep), depth)
    if is_array(value):
        return _many("[", "]", ["{}"] * len(value), list(value), lambda inner, deep: source(inner, held, deep), depth)
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)


def reference(ref: Ref, held: Mapping[str, Held]) -> str:
    """The source of what a reference points to. Raises KeyError where no step before gave it."""
    return held[ref.step].at(ref.pointer)


def arguments(given: Mapping[str, str], positional: list[str], depth: int, before: int) -> str:
    """The source of a call's arguments, in brackets; the values are source already. So many characters stand before
    them on the line.
    """
    each = [*positional, *(f"{name}={value}" for name, value in given.items())]
    whole = ", ".join(each)
    if len(whole) + depth * len(INDENT) + before <= WIDTH and "\n" not in whole:
        return f"({whole})"
    pad = INDENT * (depth + 1)
    return "(\n" + "".join(f"{pad}{one},\n" for one in each) + INDENT * depth + ")"


def _many(
    opens: str, closes: str, frames: list[str], values: list[object], inner: Callable[[object, int], str], depth: int
) -> str:
    items = [_framed(frame, inner(value, depth + 1)) for frame, value in zip(frames, values, strict=True)]
    whole = opens + ", ".join(items) + closes
    if len(whole) + depth * len(INDENT) <= WIDTH and "\n" not in whole:
        return whole
    pad = INDENT * (depth + 1)
    return opens + "\n" + "".join(f"{pad}{item},\n" for item in items) + INDENT * depth + closes


def _framed(frame: str, value: str) -> str:
    return frame.removesuffix("{}") + value


def _text(text: str) -> str:
    """A text as source: long ones as the parts that they repeat, in ASCII so that nothing on the way changes them."""
    if len(text) <= LONGEST // 5:
        return quoted(text)
    return " + ".join(f"{quoted(part)} * {times}" if times > 1 else quoted(part) for part, times in pieces(text))


def quoted(text: str) -> str:
    """A text in double quotes, control characters and everything beyond ASCII escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 32 <= code < 127:
        return char
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
