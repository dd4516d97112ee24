"""A `conformance.toml` to begin with: what is known as it is, everything else as a comment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runs_conformance.config import toml
from runs_conformance.config.key import KEYS, SECTIONS, Form, Key
from runs_conformance.reporting.failure_text import printable

_TABLES = (Form.TABLE, Form.SWITCHES)


def text(values: Mapping[str, Any], notes: Mapping[str, Sequence[str]], head: Sequence[str] = ()) -> str:
    """The file: `values` by the place of their keys, `notes` what is said before a key, `head` what is said first."""
    lines = [_comment(line) for line in head]
    top = [key for key in KEYS.values() if not key.section]
    for key in (key for key in top if key.form not in _TABLES):
        lines += _key(key, values, notes)
    for section, about in SECTIONS.items():
        inside = [key for key in KEYS.values() if key.section == section]
        known = any(key.place in values for key in inside)
        lines += ["", f"# {about}", f"[{section}]" if known else f"# [{section}]"]
        for key in inside:
            lines += _key(key, values, notes)
    for key in (key for key in top if key.form in _TABLES):
        lines += _table(key, values, notes)
    return "\n".join(lines).strip() + "\n"


def _comment(line: str) -> str:
    """A line as a comment, in which TOML allows no control character; a server's words may hold any."""
    return f"# {printable(line)}"


def _key(key: Key, values: Mapping[str, Any], notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield from map(_comment, notes.get(key.place, ()))
    if key.place in values:
        yield f"{key.name} = {toml.written(values[key.place])}"
    else:
        yield f"# {key.name} = {toml.written(key.example)}  # {key.about}"


def _table(key: Key, values: Mapping[str, Any], notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"# {key.about}"
    yield from map(_comment, notes.get(key.place, ()))
    known = key.place in values
    yield f"[{key.name}]" if known else f"# [{key.name}]"
    table: Any = values[key.place] if known else key.example
    for name, value in table.items():
        yield f"{'' if known else '# '}{toml.name(name)} = {toml.written(value)}"
