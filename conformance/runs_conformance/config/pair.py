"""Parses pairs of a name and a value: headers, query parameters, prompts, ids to use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from runs_conformance.config.name import require_known
from runs_conformance.config.secret import read_first_line
from runs_conformance.errors import UsageError

_SEPARATORS = '()<>@,;:\\"/[]?={}'


def parse_headers(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parse headers of the form `Name: value`. Raises UsageError for any other text."""
    return tuple(_parse_header(line) for line in lines)


def parse_query(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parse query parameters of the form `name=value`. Raises UsageError for any other text."""
    pairs = []
    for text in lines:
        name, value = _split(text, "--query")
        pairs.append((name, _resolve(value, f"--query {name}")))
    return tuple(pairs)


def secret_values(header_lines: Iterable[str], query_pairs: Iterable[str]) -> tuple[str, ...]:
    """The values that these headers and query parameters refer to by `env:` or `@`; they are secret."""
    lines = [*(line.partition(":") for line in header_lines), *(text.partition("=") for text in query_pairs)]
    references = ((name.strip(), text.strip()) for name, _, text in lines if text.strip().startswith(("env:", "@")))
    return tuple(_resolve(text, name) for name, text in references)


def parse_named_values(lines: Iterable[str], names: Iterable[str], flag: str, description: str) -> Mapping[str, str]:
    """Parse pairs `name=value` whose names are among `names`. Raises UsageError for any other text."""
    known = list(names)
    pairs = (_split(text, flag) for text in lines)
    return {require_known(name, known, description): value for name, value in pairs}


def _split(text: str, flag: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"{flag}{' ' + name.strip() if equals else ''}: write name=value")
    return name.strip(), value.strip()


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not name or any(not (33 <= ord(char) < 127) or char in _SEPARATORS for char in name):
        raise UsageError(f"--header{' ' + name if colon else ''}: write a header as 'Name: value'")
    value = _resolve(value, f"--header {name}")
    if not (value.isascii() and value.isprintable()):
        raise UsageError(f"--header {name}: the value contains characters that are not allowed in a header")
    return name, value


def _resolve(value: str, where: str) -> str:
    """The value, or the content of the variable or file that `env:NAME` or `@file` names."""
    if value.startswith("env:"):
        variable = value.removeprefix("env:")
        content = os.environ.get(variable, "").strip()
        if not content:
            raise UsageError(f"{where}: the environment variable {variable} is not set")
        return content
    if value.startswith("@"):
        return read_first_line(Path(value[1:]), where)
    return value
