"""Transcripts of `curl -v`: request and response headers with `>` and `<`, then the body of the response."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runs_conformance.recordings.entry import RecordedEntry

_REQUEST = re.compile(rb"^> ([A-Z]+) (\S+) HTTP/[\d.]+\s*$", re.MULTILINE)
_STATUS = re.compile(rb"^< HTTP/[\d.]+ (\d{3})")
_TIME = re.compile(rb"\d\d:\d\d:\d\d\.\d{3,} (?=[*<>{}]\s)")
"""The time that `--trace-time` puts before the lines of curl."""
_NOISE = re.compile(rb"^(?:\* |\{ \[|\} \[|  % Total|  Dload|[ \d.kMGT]{16,90} (?:\d\d?:\d\d:\d\d|--:--:--))")
"""Remarks, and the lines of the progress meter."""
_END = re.compile(
    rb"\* (?:Connection #\d{1,9}(?: to host .{1,300})? left intact|(?:Closing|shutting down) connection.{0,90})\s?\Z"
)
"""The remark after a body. It is on the same line if the body has no final newline, as those of JSON have none."""


def is_transcript(data: bytes) -> bool:
    """Whether a text holds at least one request and status line of `curl -v`."""
    data = _TIME.sub(b"", data)
    return _REQUEST.search(data) is not None and re.search(rb"^< HTTP/", data, re.MULTILINE) is not None


def entries(data: bytes) -> Iterator[RecordedEntry]:
    """The exchanges of a transcript. curl does not show request bodies, so those are lost."""
    data = _TIME.sub(b"", data)
    starts = [match.start() for match in _REQUEST.finditer(data)]
    for where, (start, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True), 1):
        yield _entry(where, data[start:end])


def _entry(where: int, text: bytes) -> RecordedEntry:
    request = _REQUEST.match(text)
    assert request is not None
    headers: list[tuple[str, str]] = []
    response_headers: list[tuple[str, str]] = []
    status: int | None = None
    body: list[bytes] = []
    has_ended = False
    for line in text.splitlines(keepends=True)[1:]:
        if found := _STATUS.match(line):
            status, response_headers, body, has_ended = int(found[1]), [], [], False
        elif line.startswith((b"> ", b"< ")):
            name, colon, value = line[2:].decode(errors="replace").strip().partition(":")
            if colon:
                (headers if line.startswith(b">") else response_headers).append((name, value.strip()))
        elif status is None or has_ended:
            continue
        elif found := _END.search(line):
            has_ended = True
            body.append(line[: found.start()])
        elif not line.startswith((b"<", b">")) and not _NOISE.match(line):
            body.append(line)
    host = next((value for name, value in headers if name.lower() == "host"), "recorded.invalid")
    return RecordedEntry(
        sequence_number=where,
        method=request[1].decode(),
        url=f"https://{host}{request[2].decode(errors='replace')}",
        headers=tuple(headers),
        status=status,
        response_headers=tuple(response_headers),
        response_content=b"".join(body).strip(b"\r\n") if b"event:" not in b"".join(body) else b"".join(body),
    )
