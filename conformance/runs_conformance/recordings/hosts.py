"""Distinguishes recorded servers of this API from those of other APIs with the same words in their paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from runs_conformance.contract.dialect import FAMILIES
from runs_conformance.recordings.entry import RecordedEntry

_KNOWN = re.compile(r"(?:\A|\.)openai\.com\Z")
_OURS_IN_PATH = re.compile(r"/(?:threads/thread_|assistants/asst_|messages/msg_|runs/run_|steps/step_)")
_OURS_IN_CONTENT = re.compile(
    rb'"object"\s*:\s*"(?:thread(?:\.[a-z.]+)?|assistant(?:\.deleted)?)"'
    rb'|"id"\s*:\s*"(?:thread|asst|run|msg)_|^event:\s*thread\.',
    re.MULTILINE,
)
_EMPTY_LIST = re.compile(rb'"object"\s*:\s*"list"')
_MEMBERS_OF_ALL = re.compile(rb'"(?:object|id|error)"\s*:')
"""Every JSON response of this API, right or nearly right, has one of these members."""
_JSON_LINES_OF_EVENTS = re.compile(rb'\s*\{\s*"(?:event"\s*:\s*"thread\.|data"\s*:\s*\{)')
"""How applications pass on a stream that a client library parsed, such as `toReadableStream()` of the one for Node."""


@dataclass(frozen=True, slots=True)
class RecordedServer:
    """A server in a recording: its host with the port, and the path before `/threads` or `/assistants`."""

    host: str
    base_path: str

    def __str__(self) -> str:
        return f"{self.host}{self.base_path}"


def server_of(url: SplitResult, path: str) -> RecordedServer:
    """The server of a URL whose path ends in the path of an operation."""
    return _server(url.netloc, url.path.removesuffix(path))


@lru_cache(maxsize=256)
def _server(netloc: str, base_path: str) -> RecordedServer:
    return RecordedServer(netloc.rpartition("@")[2].lower(), base_path)


class RecognizedServers:
    """The servers of a recording, with the evidence that distinguishes those of this API from those of other APIs.

    A server that answered every request with an error is foreign unless its host is known or the paths hold ids of this
    API. Applications use these ids in paths of their own, so paths prove nothing if a success is not of this API. With
    `globs` a server is foreign if its host matches none of them.
    """

    def __init__(self, globs: Sequence[str] = ()) -> None:
        self._globs = globs
        self._recognized: dict[RecordedServer, bool] = {}
        self._shown_by_requests: set[RecordedServer] = set()
        self._contradicted: set[RecordedServer] = set()

    def observe(self, server: RecordedServer, entry: RecordedEntry) -> None:
        """Record the evidence in an exchange with a server."""
        if self._recognized.get(server):
            return
        if self._globs:
            self._recognized[server] = _matches(server, self._globs)
            return
        self._recognized[server] = _is_known(server) or _is_shown_by_response(entry)
        if _is_shown_by_request(entry):
            self._shown_by_requests.add(server)
        if _is_success_of_another_api(entry):
            self._contradicted.add(server)

    def is_foreign(self, server: RecordedServer) -> bool:
        """Whether no observed exchange shows that a server is of this API."""
        if self._recognized.get(server):
            return False
        return server not in self._shown_by_requests or server in self._contradicted


def _matches(server: RecordedServer, globs: Sequence[str]) -> bool:
    host = server.host.rpartition(":")[0] if re.search(r":\d+\Z", server.host) else server.host
    return any(fnmatchcase(name, glob.lower()) for glob in globs for name in (host, server.host))


def _is_known(server: RecordedServer) -> bool:
    host = re.sub(r":\d+\Z", "", server.host)
    patterns = (family.host_pattern for family in FAMILIES.values() if family.host_pattern)
    return _KNOWN.search(host) is not None or any(re.search(pattern, host) for pattern in patterns)


def _is_shown_by_response(entry: RecordedEntry) -> bool:
    content = entry.response_content
    return _OURS_IN_CONTENT.search(content) is not None and _JSON_LINES_OF_EVENTS.match(content) is None


def _is_shown_by_request(entry: RecordedEntry) -> bool:
    if _OURS_IN_PATH.search(urlsplit(entry.url).path):
        return True
    beta = any(name.lower() == "openai-beta" and "assistants=" in value for name, value in entry.headers)
    return beta and (not entry.response_content or _EMPTY_LIST.search(entry.response_content) is not None)


def _is_success_of_another_api(entry: RecordedEntry) -> bool:
    content = entry.response_content
    if entry.status is None or not 200 <= entry.status < 300 or not content.lstrip().startswith(b"{"):
        return False
    return _MEMBERS_OF_ALL.search(content) is None or _JSON_LINES_OF_EVENTS.match(content) is not None
