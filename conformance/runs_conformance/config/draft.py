"""Writes a first `conformance.toml`: known values as keys, all other keys as comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runs_conformance.config import toml
from runs_conformance.config.key import KEYS, SECTIONS, ConfigKey, ValueType
from runs_conformance.reporting.failure_text import printable

_TABLES = (ValueType.TEXT_TABLE, ValueType.BOOLEAN_TABLE)


def text(values: Mapping[str, Any], notes: Mapping[str, Sequence[str]], head: Sequence[str] = ()) -> str:
    """Render the file. `values` and `notes`, comments before a key, are by dotted name; `head` is the first comment."""
    lines = [_comment(line) for line in head]
    top = [key for key in KEYS.values() if not key.section]
    for key in (key for key in top if key.type not in _TABLES):
        lines += _key(key, values, notes)
    for section, description in SECTIONS.items():
        members = [key for key in KEYS.values() if key.section == section]
        is_known = any(key.dotted_name in values for key in members)
        lines += ["", f"# {description}", f"[{section}]" if is_known else f"# [{section}]"]
        for key in members:
            lines += _key(key, values, notes)
    for key in (key for key in top if key.type in _TABLES):
        lines += _table(key, values, notes)
    return "\n".join(lines).strip() + "\n"


def _comment(line: str) -> str:
    """Render a comment. TOML allows no control characters in it, but text of a server may contain them."""
    return f"# {printable(line)}"


def _key(key: ConfigKey, values: Mapping[str, Any], notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield from map(_comment, notes.get(key.dotted_name, ()))
    if key.dotted_name in values:
        yield f"{key.name} = {toml.dump(values[key.dotted_name])}"
    else:
        yield f"# {key.name} = {toml.dump(key.example)}  # {key.description}"


def _table(key: ConfigKey, values: Mapping[str, Any], notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"# {key.description}"
    yield from map(_comment, notes.get(key.dotted_name, ()))
    is_known = key.dotted_name in values
    yield f"[{key.name}]" if is_known else f"# [{key.name}]"
    table: Any = values[key.dotted_name] if is_known else key.example
    for name, value in table.items():
        yield f"{'' if is_known else '# '}{toml.dump_key(name)} = {toml.dump(value)}"
