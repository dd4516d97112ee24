"""One recorded request with its response, independent of the file format."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from runs_conformance.wire.redaction import is_key_header

MAX_BYTES = 4 * 1024 * 1024
HeaderList = tuple[tuple[str, str], ...]


class MalformedEntryError(Exception):
    """A recorded entry violates its format; the message says how."""


_PROJECT_HEADER = "openai-project"
"""Not secret, but it selects objects as a key does."""


# Not frozen: of a large recording millions are made, and setting the members of a frozen object takes twice as long.
@dataclass(slots=True, kw_only=True)
class RecordedEntry:
    """One exchange as a file format stores it. `sequence_number` is its position in the file, from 1.

    `status` is None if there was no response. `started_at` (Unix time) and `seconds` (duration) are set if the format
    stores them; `has_exact_times` says that both are precise enough to order exchanges by.

    The rest says what the recorder states about completeness. `request_size` and `response_size` are the sizes of the
    decoded bodies, None if unknown. `body_not_saved` says that the response had a body that the recorder dropped,
    `failure` that the request failed on the client's side, `is_cached` that a cache of the client answered it.
    `response_only` says that nothing but the response and its operation is known: path, query, body, status and headers
    are made up, and nothing may be concluded from them.
    """

    sequence_number: int
    method: str
    url: str
    headers: HeaderList = ()
    content: bytes = b""
    status: int | None = None
    response_headers: HeaderList = ()
    response_content: bytes = b""
    started_at: float | None = None
    seconds: float | None = None
    has_exact_times: bool = False
    request_size: int | None = None
    response_size: int | None = None
    body_not_saved: bool = False
    response_only: bool = False
    failure: str = ""
    is_cached: bool = False

    @property
    def key(self) -> HeaderList:
        """The headers that select whose objects a request sees; they are secret and must not reach a report."""
        carried = [(key, value) for name, value in self.headers if (key := _selecting_name(name)) and value]
        return tuple(sorted(carried))

    def header(self, name: str) -> str:
        """The value of the last request header of this name (in lower case); an empty string if there is none."""
        return _last_value(self.headers, name)


@lru_cache(maxsize=1024)
def _selecting_name(name: str) -> str:
    """The name of a header in lower case if its value selects whose objects a request sees, else an empty string."""
    lower = name.lower()
    return lower if is_key_header(lower) or lower == _PROJECT_HEADER else ""


def _last_value(headers: HeaderList, name: str) -> str:
    length, found = len(name), ""
    for each, value in headers:
        if len(each) == length and each.lower() == name:  # Comparing lengths first spares most of the work.
            found = value
    return found


def has_header(headers: HeaderList, name: str) -> bool:
    """Whether there is a header of this name (in lower case)."""
    length = len(name)
    for each, _ in headers:  # noqa: SIM110 - `any` takes twice as long
        if len(each) == length and each.lower() == name:
            return True
    return False


def key_values(headers: HeaderList, key_header: str = "") -> tuple[str, ...]:
    """The values of headers that carry a key, without a scheme such as `Bearer`.

    `key_header` names one more such header.
    """
    values = [
        value.strip() for name, value in headers if is_key_header(name) or name.lower() == key_header.lower() != ""
    ]
    return tuple(dict.fromkeys(_without_scheme(value) for value in values if value))


def _without_scheme(value: str) -> str:
    words = value.split(None, 2)
    return words[1] if len(words) == 2 and words[0].isalpha() else value


def require_object(value: Any, description: str) -> Mapping[str, Any]:
    """The value as an object. Raises MalformedEntryError if it is not one."""
    if type(value) is not dict and not isinstance(value, Mapping):
        raise MalformedEntryError(f"{description} is not an object")
    return value


def require_text(value: Any, description: str) -> str:
    """The value as a string. Raises MalformedEntryError if it is not one."""
    if not isinstance(value, str):
        raise MalformedEntryError(f"{description} is not a string")
    return value


def require_int(value: Any, description: str) -> int:
    """The value as an integer. Raises MalformedEntryError if it is not one."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise MalformedEntryError(f"{description} is not a number") from None


def parse_headers(value: Any) -> HeaderList:
    """Parse headers in any notation: an object of strings or lists of strings, or a list of pairs or of
    `name`/`value` objects.
    """
    if isinstance(value, Mapping):
        return tuple((str(name), one) for name, many in value.items() for one in _header_values(many))
    if not isinstance(value, (list, tuple)):
        return ()
    try:  # The usual form, many times as fast as looking at each field.
        pairs = [
            (name, text)
            for field in value
            if type(name := field["name"]) is str and type(text := field["value"]) is str
        ]
        if len(pairs) == len(value):
            return tuple(pairs)
    except (KeyError, TypeError, IndexError):
        pass
    found: list[tuple[str, str]] = []
    for field in value:
        if isinstance(field, Mapping) and "name" in field:
            found.extend((str(field["name"]), one) for one in _header_values(field.get("value")))
        elif isinstance(field, (list, tuple)) and len(field) == 2:
            found.extend((_header_text(field[0]), one) for one in _header_values(field[1]))
    return tuple(found)


def parse_body(value: Any) -> bytes:
    """Parse a body in any notation: string, bytes, null, or an object.

    An object holds the body in `string` or `base64_string`; an object with neither is the JSON body itself.
    """
    if type(value) is str:
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, Mapping):
        if value.get("base64_string") is not None:
            return decode_base64(value["base64_string"])
        if value and "string" not in value:
            return encode_json(value)
        value = value.get("string")
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise MalformedEntryError("a body is neither text nor bytes")


def holds_variables(body: bytes) -> bool:
    """Whether a body that an API client stores holds names of variables, such as `{{model}}`, in place of what was
    sent.
    """
    return re.search(rb"\{\{[^{}\n]{1,100}\}\}", body) is not None


def encode_json(value: Any) -> bytes:
    """Encode a body that is stored as JSON data. Raises MalformedEntryError if it is not JSON, or too large."""
    pieces, size = [], 0
    try:
        for piece in json.JSONEncoder().iterencode(value):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BYTES:
                raise MalformedEntryError("a body is too large")
    except (TypeError, ValueError, RecursionError):
        raise MalformedEntryError("a body cannot be JSON") from None
    return "".join(pieces).encode()


def decode_base64(value: Any) -> bytes:
    """Decode base64. Raises MalformedEntryError if the value is not base64."""
    try:
        return base64.b64decode("".join(value.split()) if isinstance(value, str) else value)
    except (TypeError, ValueError, binascii.Error):
        raise MalformedEntryError("a body is not base64") from None


def parse_time(value: object) -> float | None:
    """Parse an HTTP date, an ISO date or a number as Unix time; None for anything else."""
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


def _header_values(value: Any) -> Iterable[str]:
    if isinstance(value, (list, tuple)):
        return [_header_text(item) for item in value]
    return [] if value is None else [_header_text(value)]


def _header_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return str(value) if isinstance(value, (str, int, float)) else ""
