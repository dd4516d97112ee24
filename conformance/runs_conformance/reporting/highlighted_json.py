"""JSON for people, with some of its members highlighted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from runs_conformance.model.json import JSON, is_array, is_object, json_pointer

MAX_LINES = 160
"""Lines shown of a value; highlighted members are shown in any case."""

MAX_SCALAR_LENGTH = 400
"""Characters shown of one scalar."""


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A piece of the text, and whether it is highlighted."""

    text: str
    highlighted: bool = False


@dataclass(slots=True)
class _Writer:
    pointers: Collection[str]
    spans: list[TextSpan] = field(default_factory=list)

    def write(self, text: str, highlighted: bool) -> None:
        if self.spans and self.spans[-1].highlighted == highlighted:
            text = self.spans.pop().text + text
        self.spans.append(TextSpan(text, highlighted))

    def write_value(self, value: JSON, path: tuple[str | int, ...], depth: int, highlighted: bool) -> None:
        if is_object(value) and value:
            members = [(f"{_scalar(name)}: ", name, member) for name, member in value.items()]
            self._write_container(members, "{}", path, depth, highlighted)
        elif is_array(value) and value:
            self._write_container(
                [("", number, item) for number, item in enumerate(value)], "[]", path, depth, highlighted
            )
        else:
            self.write("{}" if is_object(value) else "[]" if is_array(value) else _scalar(value), highlighted)

    def _write_container(
        self,
        members: Sequence[tuple[str, str | int, JSON]],
        brackets: str,
        path: tuple[str | int, ...],
        depth: int,
        highlighted: bool,
    ) -> None:
        indent = "\n" + "  " * (depth + 1)
        self.write(brackets[0], highlighted)
        for number, (lead, name, member) in enumerate(members):
            member_path = (*path, name)
            member_highlighted = highlighted or json_pointer(*member_path) in self.pointers
            self.write(indent, highlighted)
            self.write(lead, member_highlighted)
            self.write_value(member, member_path, depth + 1, member_highlighted)
            if number < len(members) - 1:
                self.write(",", highlighted)
        self.write("\n" + "  " * depth + brackets[1], highlighted)


def highlight(value: JSON, pointers: Collection[str] = ()) -> list[TextSpan]:
    """Format a value on several lines, highlighting the members at these JSON Pointers.

    Long passages without highlights are shortened.
    """
    writer = _Writer(pointers)
    writer.write_value(value, (), 0, "" in pointers)
    return list(_shorten(writer.spans))


def _shorten(pieces: list[TextSpan]) -> Iterator[TextSpan]:
    """Reduce long spans to their beginning and end if the text exceeds `MAX_LINES`."""
    lines = sum(piece.text.count("\n") for piece in pieces)
    if lines <= MAX_LINES:
        yield from pieces
        return
    limit = max(8, MAX_LINES // len(pieces))
    for piece in pieces:
        parts = piece.text.split("\n")
        if len(parts) <= limit:
            yield piece
            continue
        hidden = len(parts) - limit
        shown_lines = [*parts[: limit // 2], f"… {hidden} lines …", *parts[len(parts) - limit // 2 :]]
        yield TextSpan("\n".join(shown_lines), piece.highlighted)


def _scalar(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return (
        text
        if len(text) <= MAX_SCALAR_LENGTH
        else f"{text[: MAX_SCALAR_LENGTH // 2]}…{text[-20:]} ({len(text)} characters)"
    )
