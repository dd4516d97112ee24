"""Finds the operation that a recorded request is to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit

from runs_conformance.contract.operation import Operation, find_operation
from runs_conformance.recordings import loss
from runs_conformance.recordings.compression import UndecodableError, decode_content
from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.hosts import EARLIER_BETA, RecordedServer, server_of

_EARLIER_VERSION = re.compile(r"(?:\A|&)api-version=2024-0[234]-[0-9]{2}-preview(?:&|\Z)")
"""The versions of Azure with the earlier beta, whose clients send no header for it."""
_ROOT = re.compile(r"/(?=(?:threads|assistants)(?:/|\Z))")


@dataclass(slots=True)
class LocatedRequest:
    """A request to an operation: its URL, the path below the base URL, the operation and its path parameters."""

    url: SplitResult
    path: str
    operation: Operation
    ids: Mapping[str, str]
    server: RecordedServer
    defects: tuple[str, ...]
    loss: str


def locate(entry: RecordedEntry) -> tuple[LocatedRequest, RecordedEntry] | str:
    """Find the operation of an entry and decode its response; a string says why it is skipped."""
    try:
        url = urlsplit(entry.url)
        found = match_operation(entry.method, url.path)
    except ValueError:
        return f"not a URL: {entry.url[:100]!r}"
    if found is None:
        return f"not an operation of the Runs API: {entry.method.upper()} {url.path[:100]}"
    if entry.is_cached:
        return "answered from the client's cache"
    if "assistants=v1" in entry.header("openai-beta"):
        return f"assistants=v1, {EARLIER_BETA}"
    if version := _EARLIER_VERSION.search(url.query):
        return f"{version[0].strip('&')}, {EARLIER_BETA}"
    lost, content = "", entry.response_content
    defects: tuple[str, ...] = ()
    encoding = ", ".join([value for name, value in entry.response_headers if name.lower() == "content-encoding"])
    try:
        content, defects = decode_content(content, encoding)
    except UndecodableError as error:
        lost, content = f"{loss.NOT_DECODED}: {error}", b""
    path, operation, ids = found
    located = LocatedRequest(url, path, operation, ids, server_of(url, path), defects, lost)
    return located, entry if content is entry.response_content else replace(entry, response_content=content)


def match_operation(method: str, path: str) -> tuple[str, Operation, Mapping[str, str]] | None:
    """Match a path to an operation: the path below the base URL, the operation, and its path parameters.

    The last `/threads` or `/assistants` that matches counts, because projects and deployments may have such names, but
    ids do not.
    """
    # Clients poll the same paths again and again; long ones, which a peer may have made up, are not remembered.
    return _remembered_match(method, path) if len(path) <= _MAX_REMEMBERED else _match(method, path)


def _match(method: str, path: str) -> tuple[str, Operation, Mapping[str, str]] | None:
    for start in reversed([*_ROOT.finditer(path)][-20:]):
        below = path[start.start() :]
        if found := find_operation(method, below):
            operation, ids = found
            return below, operation, {name: unquote(value) if "%" in value else value for name, value in ids.items()}
    return None


_MAX_REMEMBERED = 300
_remembered_match = lru_cache(maxsize=4096)(_match)
