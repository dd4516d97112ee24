"""JSON values as types, and what stands for a member that is not there."""

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
    """The one value of this type, `ABSENT`, stands for a member, body or answer that is not there. `null` is there."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT


def is_object(value: object) -> TypeGuard[Mapping[str, JSON]]:
    """Whether a parsed value is a JSON object."""
    # Nearly all are dicts, and asking an abstract class costs several times as much.
    return isinstance(value, dict) or isinstance(value, Mapping)  # noqa: SIM101


def is_array(value: object) -> TypeGuard[Sequence[JSON]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, list) or (isinstance(value, Sequence) and not isinstance(value, (str, bytes)))


def is_integer(value: object) -> TypeGuard[int | float]:
    """Whether a parsed value is an integer as JSON Schema counts them: `1.0` is one, `true` is not."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def at(value: JSON | Absent, pointer: str) -> JSON | Absent:
    """The value that a JSON Pointer (RFC 6901) names, or `ABSENT` where the way ends earlier."""
    for token in _tokens(pointer):
        if is_object(value):
            value = value.get(token, ABSENT)
        elif is_array(value):
            value = value[int(token)] if token.isdecimal() and int(token) < len(value) else ABSENT
        else:
            return ABSENT
    return value


def pointer_tokens(pointer: str) -> list[str]:
    """The reference tokens of a JSON Pointer, unescaped; none for the whole document."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


@lru_cache(maxsize=1024)
def _tokens(pointer: str) -> tuple[str, ...]:
    return tuple(pointer_tokens(pointer))


def json_pointer(*tokens: str | int) -> str:
    """The JSON Pointer made of these reference tokens."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def json_equal(left: object, right: object) -> bool:
    """Whether two JSON values are equal as JSON counts: `1` and `1.0` are, `1` and `true` are not, key order is
    nothing.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_object(left) and is_object(right):
        return left.keys() == right.keys() and all(json_equal(left[key], right[key]) for key in left)
    if is_array(left) and is_array(right):
        return len(left) == len(right) and all(json_equal(a, b) for a, b in zip(left, right, strict=True))
    return left == right
