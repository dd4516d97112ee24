"""JSON written for people, with some of its places marked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from runs_conformance.model.json import JSON, is_array, is_object, pointer

MOST_LINES = 160
"""So many lines of a value are shown; what is marked is shown all the same."""

LONGEST = 400
"""So many characters of one text are shown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text, and whether it is marked."""

    text: str
    marked: bool = False


@dataclass(slots=True)
class _Writer:
    places: Collection[str]
    pieces: list[Piece] = field(default_factory=list)

    def write(self, text: str, marked: bool) -> None:
        if self.pieces and self.pieces[-1].marked == marked:
            text = self.pieces.pop().text + text
        self.pieces.append(Piece(text, marked))

    def value(self, value: JSON, way: tuple[str | int, ...], depth: int, marked: bool) -> None:
        if is_object(value) and value:
            members = [(f"{_scalar(name)}: ", name, member) for name, member in value.items()]
            self._many(members, "{}", way, depth, marked)
        elif is_array(value) and value:
            self._many([("", number, item) for number, item in enumerate(value)], "[]", way, depth, marked)
        else:
            self.write("{}" if is_object(value) else "[]" if is_array(value) else _scalar(value), marked)

    def _many(
        self,
        members: Sequence[tuple[str, str | int, JSON]],
        brackets: str,
        way: tuple[str | int, ...],
        depth: int,
        marked: bool,
    ) -> None:
        inside = "\n" + "  " * (depth + 1)
        self.write(brackets[0], marked)
        for number, (lead, name, member) in enumerate(members):
            here = (*way, name)
            mine = marked or pointer(*here) in self.places
            self.write(inside, marked)
            self.write(lead, mine)
            self.value(member, here, depth + 1, mine)
            if number < len(members) - 1:
                self.write(",", marked)
        self.write("\n" + "  " * depth + brackets[1], marked)


def marked(value: JSON, places: Collection[str] = ()) -> list[Piece]:
    """The value on many lines, the members at these JSON Pointers marked; what is far from them may be left out."""
    writer = _Writer(places)
    writer.value(value, (), 0, "" in places)
    return list(_fewer(writer.pieces))


def _fewer(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces, but of unmarked text that is too long only the beginning and the end."""
    lines = sum(piece.text.count("\n") for piece in pieces)
    if lines <= MOST_LINES:
        yield from pieces
        return
    most = max(8, MOST_LINES // len(pieces))
    for piece in pieces:
        parts = piece.text.split("\n")
        if len(parts) <= most:
            yield piece
            continue
        hidden = len(parts) - most
        kept = [*parts[: most // 2], f"… {hidden} lines …", *parts[len(parts) - most // 2 :]]
        yield Piece("\n".join(kept), piece.marked)


def _scalar(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-20:]} ({len(text)} characters)"
