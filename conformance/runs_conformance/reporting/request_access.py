"""The headers and query parameters that a reproducing command needs, with secrets replaced by shell variables."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runs_conformance.model.json import JSON, is_array, is_object

_BEARER = "Authorization"
_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_VARIABLE = re.compile(r"\$[A-Z0-9_]+\Z")


@dataclass(frozen=True, slots=True)
class RequestAccess:
    """The header that carries the key, and the query parameters and headers of every request.

    A secret value is given as a shell variable.
    """

    key_header: str = _BEARER
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def key_header_line(self) -> str:
        """The key header as a line, the key being a shell variable."""
        return f"{self.key_header}: {'Bearer ' if self.key_header.lower() == _BEARER.lower() else ''}$OPENAI_API_KEY"

    def to_json(self) -> dict[str, JSON]:
        """The JSON form, which `from_json` reads."""
        return {
            "key_header": self.key_header,
            "query": [list(pair) for pair in self.query],
            "headers": [list(pair) for pair in self.headers],
        }

    @classmethod
    def from_json(cls, data: object) -> RequestAccess | None:
        """Read what `to_json` wrote; None if it is malformed. Pairs whose names are not plain tokens are dropped."""
        if not is_object(data):
            return None
        key_header = data.get("key_header")
        if not isinstance(key_header, str) or not _NAME.match(key_header):
            return None
        return cls(key_header, _pairs(data.get("query")), _pairs(data.get("headers")))


def shell_variable(name: str) -> str:
    """The shell variable for a secret of this name."""
    return "$" + re.sub(r"[^A-Z0-9_]", "_", name.upper())


def is_shell_variable(value: str) -> bool:
    """Whether the whole value is one shell variable."""
    return _VARIABLE.match(value) is not None


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs = [(pair[0], pair[1]) for pair in value if is_array(pair) and len(pair) == 2] if is_array(value) else []
    return tuple((str(name), str(text)) for name, text in pairs if _NAME.match(str(name)))
