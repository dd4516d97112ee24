"""Reads and writes baseline files: TOML that people edit as well."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from runs_conformance.baseline.comparison import PROFILE_ORDER, Baseline, BaselineEntry
from runs_conformance.errors import InvalidFile, UnwritableFile, UsageError
from runs_conformance.files import read_text

_HEADER = "# Failures that are known and accepted for now. Each needs a reason; expires and issue are optional."
_MEMBERS = ("id", "reason", "expires", "issue", "flaky")
_ENTRY_LINE = re.compile(r"\s*\[\[\s*known\s*\]\]")
_PROFILE_LINE = re.compile(r"\s*profile\s*=")


def read(path: Path) -> Baseline:
    """Read a baseline file. Raises InvalidFile if it cannot be read or is invalid."""
    try:
        return _parse(read_text(path), path)
    except FileNotFoundError:
        raise InvalidFile(f"{path}: there is no such baseline", "--baseline-update writes one") from None
    except OSError as error:
        raise InvalidFile(f"{path}: the baseline cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidFile(f"{path}: the baseline is not UTF-8 text") from None


def _parse(text: str, path: Path) -> Baseline:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(f"{path}: the baseline is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise InvalidFile(f"{path}: a number is too long, or tables are nested too deeply") from None
    for name in document:
        if name not in ("profile", "known"):
            raise InvalidFile(f"{path}: unknown member {name!r}; a baseline has `profile` and [[known]] entries")
    profile, known = document.get("profile"), document.get("known", [])
    if profile is not None and profile not in PROFILE_ORDER:
        raise InvalidFile(f"{path}: profile {profile!r} is not one of {', '.join(PROFILE_ORDER)}")
    if not isinstance(known, list) or not all(isinstance(table, dict) for table in known):
        raise InvalidFile(f"{path}: `known` must be an array of [[known]] tables")
    entries = tuple(_entry(table, f"{path}: entry {number}") for number, table in enumerate(known, 1))
    duplicate = next(
        (one.id for at, one in enumerate(entries) if any(one.id == other.id for other in entries[:at])), None
    )
    if duplicate:
        raise InvalidFile(f"{path}: {duplicate} is listed twice; keep one entry")
    return Baseline(name=path.name, entries=entries, profile=profile)


def _entry(table: Mapping[str, Any], where: str) -> BaselineEntry:
    id_ = table.get("id")
    if not isinstance(id_, str) or not id_.strip():
        raise InvalidFile(f"{where}: `id` is missing; it is an id such as 'create_run.max_prompt_tokens.minimum'")
    for name in table:
        if name not in _MEMBERS:
            raise InvalidFile(f"{where} ({id_}): unknown member {name!r}; an entry has {', '.join(_MEMBERS)}")
    reason, issue = table.get("reason"), table.get("issue")
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidFile(f"{where} ({id_}): `reason` is missing")
    if issue is not None and not isinstance(issue, str):
        raise InvalidFile(f"{where} ({id_}): `issue` must be a string")
    flaky = table.get("flaky", False)
    if not isinstance(flaky, bool):
        raise InvalidFile(f"{where} ({id_}): `flaky` must be true or false")
    expires = _date(table.get("expires"), f"{where} ({id_})")
    return BaselineEntry(id=id_, reason=reason, expires=expires, issue=issue, flaky=flaky)


def _date(value: Any, where: str) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidFile(f"{where}: `expires` must be a date such as 2027-03-31, not {value!r}") from None


def write(baseline: Baseline, path: Path) -> None:
    """Update a file to hold exactly these entries; existing ones keep their place and comments.

    Raises UnwritableFile if it cannot be written.
    """
    try:
        text = read_text(path) if path.exists() else f"{_HEADER}\n"
        path.write_text(_revise(text, baseline, path), encoding="utf-8")
    except OSError as error:
        raise UnwritableFile(f"{path}: the baseline cannot be written: {error.strerror or error}") from None


def _revise(text: str, baseline: Baseline, path: Path) -> str:
    """The text with new entries appended and stale ones removed.

    A layout that cannot be edited line by line is rewritten from scratch.
    """
    written = "\n".join(_edit(text, baseline, path)).rstrip("\n") + "\n"
    try:
        if _content(_parse(written, path)) == _content(baseline):
            return written
    except UsageError:
        pass
    return "\n".join([_HEADER, *_profile(baseline), *_tables(baseline.entries)]).rstrip("\n") + "\n"


def _content(baseline: Baseline) -> tuple[str | None, frozenset[BaselineEntry]]:
    return baseline.profile, frozenset(baseline.entries)


def _edit(text: str, baseline: Baseline, path: Path) -> Iterator[str]:
    listed = {entry.id: entry for entry in _parse(text, path).entries}
    head, blocks = _split_blocks(text.splitlines())
    profile_lines = _profile(baseline)
    for line in head:
        yield from profile_lines if _PROFILE_LINE.match(line) and profile_lines else [line]
    if not any(map(_PROFILE_LINE.match, head)):
        yield from profile_lines
    remaining = {entry.id for entry in baseline.entries}
    for id_, block in zip(listed, blocks, strict=False):
        if id_ in remaining:
            yield from block
    yield from _tables(tuple(entry for entry in baseline.entries if entry.id not in listed))


def _split_blocks(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """Split lines into those before the first entry, and those of each entry with the comment directly above it."""
    head: list[str] = []
    blocks: list[list[str]] = []
    for line in lines:
        if not _ENTRY_LINE.match(line):
            (blocks[-1] if blocks else head).append(line)
            continue
        above = blocks[-1] if blocks else head
        start = len(above)
        while start and above[start - 1].lstrip().startswith("#"):
            start -= 1
        # A comment at the start of the file describes the whole file.
        start = start if start or blocks else len(above)
        blocks.append([*above[start:], line])
        del above[start:]
    return head, blocks


def _profile(baseline: Baseline) -> list[str]:
    return [f"profile = {_basic_string(baseline.profile)}"] if baseline.profile else []


def _tables(entries: tuple[BaselineEntry, ...]) -> Iterator[str]:
    for entry in entries:
        yield ""
        yield "[[known]]"
        yield f"id = {_basic_string(entry.id)}"
        yield f"reason = {_basic_string(entry.reason)}"
        if entry.expires is not None:
            yield f"expires = {entry.expires.isoformat()}"
        if entry.issue is not None:
            yield f"issue = {_basic_string(entry.issue)}"
        if entry.flaky:
            yield "flaky = true"


def _basic_string(value: str | None) -> str:
    """Encode a TOML basic string: the escapes are those of JSON, which does not escape DEL."""
    return json.dumps(value or "", ensure_ascii=False).replace("\x7f", "\\u007f")
