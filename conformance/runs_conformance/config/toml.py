"""Writes values as TOML."""

from __future__ import annotations

import json
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def dump(value: Any) -> str:
    """Format a value as TOML, tables on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A JSON string is a TOML string except for one character, which only TOML requires to be escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        members = ", ".join(f"{dump_key(key)} = {dump(member)}" for key, member in value.items())
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(dump, value))}]"
    return str(value)


def dump_key(text: str) -> str:
    """Format a key as TOML, quoted if necessary."""
    return text if _BARE.match(text) else dump(text)
