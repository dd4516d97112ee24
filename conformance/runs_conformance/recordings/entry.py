"""One recorded request and its answer, as every format can give it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

MAX_BYTES = 4 * 1024 * 1024
Pairs = tuple[tuple[str, str], ...]


class Malformed(Exception):  # noqa: N818 -- it says what the entry is
    """A recorded entry does not have the shape of its format; the text says what is wrong."""


_KEYS = frozenset({"authorization", "api-key", "x-api-key", "ocp-apim-subscription-key", "openai-project"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a format holds of one exchange. `where` is its place in the file, counted from one.

    `status` is None where no answer came. `recorded` and `seconds` are when it began (Unix time) and how long it
    took, where the format says so; `unsaved` says that the answer had a body that the recorder did not keep.
    """

    where: int
    method: str
    url: str
    headers: Pairs = ()
    content: bytes = b""
    status: int | None = None
    answer_headers: Pairs = ()
    answer: bytes = b""
    recorded: float | None = None
    seconds: float | None = None
    unsaved: bool = False

    @property
    def key(self) -> Pairs:
        """The header fields that say whose objects a request sees; they must reach no report."""
        carried = ((name.lower(), value) for name, value in self.headers)
        return tuple(sorted((name, value) for name, value in carried if name in _KEYS and value))


def members(value: Any, what: str) -> Mapping[str, Any]:
    """The value, known to be an object. Raises Malformed where it is none."""
    if not isinstance(value, Mapping):
        raise Malformed(f"{what} is not an object")
    return value


def text(value: Any, what: str) -> str:
    """The value, known to be a text. Raises Malformed where it is none."""
    if not isinstance(value, str):
        raise Malformed(f"{what} is not a text")
    return value


def number(value: Any, what: str) -> int:
    """The value as a whole number. Raises Malformed where it is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"{what} is not a number") from None


def header_pairs(value: Any) -> Pairs:
    """Header fields of any notation: an object of texts or lists of texts, or a list of pairs or of `name`/`value`
    objects.
    """
    if isinstance(value, Mapping):
        return tuple((str(name), one) for name, many in value.items() for one in _texts(many))
    if not isinstance(value, (list, tuple)):
        return ()
    found: list[tuple[str, str]] = []
    for field in value:
        if isinstance(field, Mapping) and "name" in field:
            found.extend((str(field["name"]), one) for one in _texts(field.get("value")))
        elif isinstance(field, (list, tuple)) and len(field) == 2:
            found.extend((_plain(field[0]), one) for one in _texts(field[1]))
    return tuple(found)


def content(value: Any) -> bytes:
    """A body of any notation: text, bytes, nothing, or an object.

    The object holds the body as `string` or `base64_string`; one that has neither is the JSON body itself.
    """
    if isinstance(value, Mapping):
        if value.get("base64_string") is not None:
            return from_base64(value["base64_string"])
        if value and "string" not in value:
            return as_json(value)
        value = value.get("string")
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise Malformed("a body is neither text nor bytes")


def as_json(value: Any) -> bytes:
    """The JSON text of a body that was kept as data. Raises Malformed where it is none, or is without end."""
    pieces, size = [], 0
    try:
        for piece in json.JSONEncoder().iterencode(value):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise Malformed("a body is too large")
    except (TypeError, ValueError, RecursionError):
        raise Malformed("a body cannot be JSON") from None
    return "".join(pieces).encode()


def from_base64(value: Any) -> bytes:
    """The bytes that base64 stands for. Raises Malformed where it is none."""
    try:
        return base64.b64decode(value)
    except (TypeError, ValueError, binascii.Error):
        raise Malformed("a body is not base64") from None


def unix_time(value: object) -> float | None:
    """The Unix time that an HTTP date, an ISO date or a number stands for; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or not value.strip():
        return None
    for read in (_iso, parsedate_to_datetime):
        try:
            found = read(value.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _iso(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return [] if value is None else [_plain(value)]


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value) if isinstance(value, (str, int, float)) else ""
