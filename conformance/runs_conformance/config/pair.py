"""Pairs of a name and a value, as flags and the file give them: headers, query parameters, prompts, ids to use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from runs_conformance.config.name import known
from runs_conformance.config.secret import read
from runs_conformance.errors import UsageError

_SEPARATORS = '()<>@,;:\\"/[]?={}'


def headers(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Header fields of the form `Name: value`. Raises UsageError for any other."""
    return tuple(_header(line) for line in given)


def queries(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Query parameters of the form `name=value`. Raises UsageError for any other."""
    pairs = []
    for text in given:
        name, value = _split(text, "--query")
        pairs.append((name, _resolved(value, f"--query {name}")))
    return tuple(pairs)


def hidden(header_lines: Iterable[str], query_pairs: Iterable[str]) -> tuple[str, ...]:
    """The values among these headers and query parameters that the user named rather than wrote: they are secret."""
    given = [*(line.partition(":") for line in header_lines), *(text.partition("=") for text in query_pairs)]
    named_ones = ((name.strip(), text.strip()) for name, _, text in given if text.strip().startswith(("env:", "@")))
    return tuple(_resolved(text, name) for name, text in named_ones)


def named(given: Iterable[str], names: Iterable[str], flag: str, what: str) -> Mapping[str, str]:
    """Values by name, of the form `name=value`, the names being among those known. Raises UsageError for any other."""
    every = list(names)
    pairs = (_split(text, flag) for text in given)
    return {known(name, every, what): value for name, value in pairs}


def _split(text: str, flag: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"{flag}{' ' + name.strip() if equals else ''}: it is given as name=value")
    return name.strip(), value.strip()


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not name or any(not (33 <= ord(char) < 127) or char in _SEPARATORS for char in name):
        raise UsageError(f"--header{' ' + name if colon else ''}: a header is given as 'Name: value'")
    value = _resolved(value, f"--header {name}")
    if not (value.isascii() and value.isprintable()):
        raise UsageError(f"--header {name}: the value holds characters that a header cannot carry")
    return name, value


def _resolved(value: str, where: str) -> str:
    """The value, or what the environment or a file holds where `env:NAME` or `@file` says so."""
    if value.startswith("env:"):
        variable = value.removeprefix("env:")
        found = os.environ.get(variable, "").strip()
        if not found:
            raise UsageError(f"{where}: the environment has no {variable}")
        return found
    if value.startswith("@"):
        return read(Path(value[1:]), where)
    return value
