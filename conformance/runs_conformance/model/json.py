"""JSON values: types, JSON Pointers, comparison, and `ABSENT` for a missing member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

if TYPE_CHECKING:
    JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
else:
    JSON = object


class Absent(Enum):
    """The type of `ABSENT`, which stands for a missing member, body or response. `null` is not missing."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT


# Nearly all values have the types that a parser returns; a check against an abstract class takes much longer.
SCALAR_TYPES = frozenset({str, int, bool, float, type(None)})
"""The types of the values that a parser returns for what is neither an object nor an array."""
_NO_OBJECTS = SCALAR_TYPES | {list, tuple}
_NO_ARRAYS = SCALAR_TYPES | {dict}


def is_object(value: object) -> TypeGuard[Mapping[str, JSON]]:
    """Whether a parsed value is a JSON object."""
    kind = type(value)
    return kind is dict or (kind not in _NO_OBJECTS and isinstance(value, Mapping))


def is_array(value: object) -> TypeGuard[Sequence[JSON]]:
    """Whether a parsed value is a JSON array."""
    kind = type(value)
    if kind is list:
        return True
    return kind not in _NO_ARRAYS and isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def is_integer(value: object) -> TypeGuard[int | float]:
    """Whether a parsed value is an integer in the sense of JSON Schema: `1.0` is, `true` is not."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def at(value: JSON | Absent, pointer: str) -> JSON | Absent:
    """The value at a JSON Pointer (RFC 6901), or `ABSENT` if the pointer does not resolve."""
    for token in _tokens(pointer):
        if is_object(value):
            value = value.get(token, ABSENT)
        elif is_array(value):
            value = value[int(token)] if token.isdecimal() and int(token) < len(value) else ABSENT
        else:
            return ABSENT
    return value


def pointer_tokens(pointer: str) -> list[str]:
    """The unescaped reference tokens of a JSON Pointer; empty for the whole document."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


@lru_cache(maxsize=1024)
def _tokens(pointer: str) -> tuple[str, ...]:
    return tuple(pointer_tokens(pointer))


def replace_at(value: JSON, path: Sequence[str | int], replacement: JSON | Absent) -> JSON:
    """The JSON value with another one at a path; ABSENT removes the one there."""
    if not path:
        assert not isinstance(replacement, Absent)
        return replacement
    step, below = path[0], path[1:]
    if is_array(value):
        place = int(step)
        return [replace_at(item, below, replacement) if index == place else item for index, item in enumerate(value)]
    assert is_object(value)
    if below:
        return {**value, str(step): replace_at(value[str(step)], below, replacement)}
    if isinstance(replacement, Absent):
        return {name: member for name, member in value.items() if name != step}
    return {**value, str(step): replacement}


def json_pointer(*tokens: str | int) -> str:
    """The JSON Pointer that consists of these reference tokens."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def spell_pointer(pointer: str) -> str:
    """A JSON Pointer in dotted notation: `/tool_outputs/0/output` becomes `tool_outputs[0].output`."""
    path = ""
    for token in pointer_tokens(pointer):
        path += f"[{token}]" if token.isdecimal() else f".{token}" if path else token
    return path


def is_blank(value: JSON | Absent) -> bool:
    """Whether a text is absent, null or empty. Which of the three a server sends is left open."""
    return value is None or isinstance(value, Absent) or value == ""


def json_equal(left: object, right: object) -> bool:
    """Whether two JSON values are equal. `1` equals `1.0` but not `true`; the order of members is irrelevant."""
    kind = type(left)
    if kind is type(right) and kind in SCALAR_TYPES:
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(json_equal(left[key], right[key]) for key in left)
    if is_array(left) and is_array(right):
        return len(left) == len(right) and all(json_equal(a, b) for a, b in zip(left, right, strict=True))
    return left == right


def equal_but_for_nulls(left: object, right: object) -> bool:
    """Whether two JSON values are equal if a member that is null counts as missing, at any depth."""
    if is_object(left) and is_object(right):
        return all(equal_but_for_nulls(left.get(key), right.get(key)) for key in {*left, *right})
    if is_array(left) and is_array(right):
        return len(left) == len(right) and all(equal_but_for_nulls(a, b) for a, b in zip(left, right, strict=True))
    return json_equal(left, right)


def contains(value: JSON | Absent, subset: JSON) -> bool:
    """Whether a value contains everything in `subset`, and at most adds to it.

    Members that `subset` lacks or has as null may be added at any depth: function tools come back with `strict` and
    `parameters`, a truncation strategy with `last_messages`. An empty object in `subset` matches any value, since
    servers replace it by its meaning: `response_format` of `{}` by `auto`. Arrays must have the same length.
    """
    if subset is None:
        return True
    if is_object(subset):
        if not subset:
            return not isinstance(value, Absent)
        return is_object(value) and all(contains(value.get(name, ABSENT), member) for name, member in subset.items())
    if is_array(subset):
        return (
            is_array(value)
            and len(value) == len(subset)
            and all(contains(item, other) for item, other in zip(value, subset, strict=True))
        )
    return not isinstance(value, Absent) and json_equal(value, subset)
