"""Distinguishes recorded servers of this API from those of its earlier beta, and of other APIs with the same paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from runs_conformance.contract.dialect import FAMILIES
from runs_conformance.model.json import JSON, Absent, is_array, is_object
from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.wire import strict_json

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
EARLIER_BETA = "the earlier beta"
_REPLACEMENTS = {"thread.run": "truncation_strategy", "assistant": "tool_resources"}
"""A member that runs and assistants have had since v2, which has no `file_ids`."""
_END_OF_EARLIER_BETA = 1_735_689_600
"""The start of 2025. No service offered the earlier beta any more."""


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

    A server is of the earlier beta if a response shows it and no request asks for v2. Some recorders save no headers of
    requests.
    """

    def __init__(self, globs: Sequence[str] = ()) -> None:
        self._globs = globs
        self._recognized: dict[RecordedServer, bool] = {}
        self._shown_by_requests: set[RecordedServer] = set()
        self._contradicted: set[RecordedServer] = set()
        self._earlier_beta: set[RecordedServer] = set()
        self._v2: set[RecordedServer] = set()

    def observe(self, server: RecordedServer, entry: RecordedEntry) -> None:
        """Record the evidence in an exchange with a server."""
        if server not in self._v2:
            if "assistants=v2" in entry.header("openai-beta"):
                self._v2.add(server)
            elif _shows_earlier_beta(entry.response_content):
                self._earlier_beta.add(server)
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

    def skip_reason(self, server: RecordedServer) -> str:
        """Why the exchanges with a server are not judged; an empty string if they are."""
        if self._is_foreign(server):
            if self._globs:
                return f"another host: {server}"
            return f"another API: {server} shows nothing of this one (--host selects it)"
        if server in self._earlier_beta and server not in self._v2:
            return f"{EARLIER_BETA}: {server} shows file_ids, and no request asks for v2"
        return ""

    def _is_foreign(self, server: RecordedServer) -> bool:
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


def _shows_earlier_beta(content: bytes) -> bool:
    """Whether a response shows a run or an assistant that has `file_ids`, and nothing that v2 put in their place."""
    if b'"file_ids"' not in content:
        return False
    body = strict_json.parse(content).value
    listed = body.get("data") if is_object(body) else None
    return any(map(_is_of_earlier_beta, listed if is_array(listed) else [body]))


def _is_of_earlier_beta(shown: JSON | Absent) -> bool:
    if not is_object(shown) or "file_ids" not in shown:
        return False
    replacement = _REPLACEMENTS.get(str(shown.get("object")))
    created = shown.get("created_at")
    return (
        replacement is not None
        and replacement not in shown
        and isinstance(created, int)
        and created < _END_OF_EARLIER_BETA
    )
