"""Finds the ids that an exchange mentions without parsing its bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.location import LocatedRequest
from runs_conformance.recordings.partition import ASSISTANT, USES_ASSISTANT

_TEXT = rb'\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"'
# The patterns begin with fixed text, for which searching is many times as fast.
_IDS = re.compile(rb'id"(?:(?<="id")|(?<="thread_id")|(?<="run_id"))' + _TEXT)
_ID = re.compile(rb'"id"' + _TEXT)
_ASSISTANT_IDS = re.compile(rb'"assistant_id"' + _TEXT)
_NAMED_IN_METADATA = re.compile(rb'"metadata"\s*:\s*\{[^{}]*"(?:id|thread_id|run_id)"\s*:')
_METADATA = re.compile(rb'"metadata"\s*:\s*\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}')


@dataclass(frozen=True, slots=True)
class MentionedIds:
    """The ids that connect an exchange with others, the assistants that it manages, and those that its run uses.

    There may be more ids than the response's objects have, such as those of tool calls.
    """

    ids: frozenset[str] = frozenset()
    managed: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()


def mentioned_ids(entry: RecordedEntry, located: LocatedRequest) -> MentionedIds:
    """The ids that an entry mentions. `located` is its request."""
    operation = located.operation.name
    content = entry.response_content
    if _NAMED_IN_METADATA.search(content):
        content = _METADATA.sub(b"", content)
    if operation.endswith(("_assistant", "_assistants")):
        named = {*_values(_ID, content), located.ids.get("assistant_id", "")} - {""}
        is_about_one = operation == "create_assistant" or "assistant_id" in located.ids
        ids = frozenset(f"{ASSISTANT} {id_}" for id_ in named)
        return MentionedIds(ids, frozenset(named) if is_about_one else frozenset())
    ids = frozenset((*_values(_IDS, content), *located.ids.values())) - {""}
    used: frozenset[str] = frozenset()
    if operation in USES_ASSISTANT:
        used = frozenset((*_values(_ASSISTANT_IDS, entry.content), *_values(_ASSISTANT_IDS, content))) - {""}
    return MentionedIds(ids, used=used)


def _values(pattern: re.Pattern[bytes], content: bytes) -> Iterator[str]:
    for value in set(pattern.findall(content)):
        yield _unescape(value) if b"\\" in value else value.decode(errors="replace")


def _unescape(value: bytes) -> str:
    try:
        return str(json.loads(b'"' + value + b'"'))
    except ValueError:
        return value.decode(errors="replace")
