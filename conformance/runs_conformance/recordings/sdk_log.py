"""Debug logs of the official clients for Python and Node.js (`OPENAI_LOG=debug`).

The client for Python logs request bodies, but no response bodies; that for Node.js logs both, but leaves out what is
deeply nested.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from runs_conformance.recordings import js_notation
from runs_conformance.recordings.entry import MalformedEntryError, RecordedEntry, encode_json, parse_headers, parse_time

_PYTHON = re.compile(
    r"(?P<options>Request options: (?P<dict>\{.*))|(?P<sent>Sending HTTP Request: (?P<method>[A-Z]+) (?P<url>\S+))|"
    r"(?P<answer>HTTP Response: (?P<verb>[A-Z]+) (?P<address>\S+) \"(?P<status>\d{3})[^\"]*\" (?:Headers\()?"
    r"(?P<headers>[\[{].*)?)"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?")
_NODE = re.compile(
    r"\[(?P<id>log_\w{1,40})[^\]]{0,200}\] "
    r"(?P<kind>sending request|response parsed|response error[^{\n]{0,200}|response start)\s{0,9}(?={)"
)


def is_sdk_log(data: bytes) -> bool:
    """Whether a text is a debug log of one of the clients."""
    start = data[: 1 << 20]
    return (
        b"Sending HTTP Request: " in start
        or re.search(rb"\[log_\w{1,40}[^\]]{0,200}\] sending request", start) is not None
    )


def entries(data: bytes) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The exchanges of a log, in the order in which the requests were sent."""
    text = data.decode(errors="replace")
    yield from _node_entries(text) if _NODE.search(text) else _python_entries(text)


def _python_entries(text: str) -> Iterator[RecordedEntry]:
    waiting: list[RecordedEntry] = []
    options: dict[str, Any] = {}
    position = 0
    for line in text.splitlines():
        found = _PYTHON.search(line)
        if found is None:
            continue
        moment = _TIME.search(line[: found.start()])
        if found["options"]:
            options = _literal(found["dict"])
        elif found["sent"]:
            position += 1
            waiting.append(
                RecordedEntry(
                    sequence_number=position,
                    method=found["method"],
                    url=found["url"],
                    headers=(*parse_headers(options.get("headers")), ("content-type", "application/json")),
                    content=_json(options.get("json_data")),
                    started_at=parse_time(moment[0].replace(",", ".")) if moment else None,
                )
            )
            options = {}
        else:
            sent = next(
                (each for each in waiting if (each.method, each.url) == (found["verb"], found["address"])), None
            )
            if sent is not None:
                waiting.remove(sent)
                yield _with_response(sent, int(found["status"]), _literal_headers(found["headers"]), b"")
    yield from waiting


def _with_response(
    sent: RecordedEntry, status: int, headers: tuple[tuple[str, str], ...], content: bytes
) -> RecordedEntry:
    return RecordedEntry(
        sequence_number=sent.sequence_number,
        method=sent.method,
        url=sent.url,
        headers=sent.headers,
        content=sent.content,
        status=status,
        response_headers=headers,
        response_content=content,
        started_at=sent.started_at,
        body_not_saved=not content,
    )


def _literal(text: str) -> dict[str, Any]:
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    return value if isinstance(value, dict) else {}


def _literal_headers(text: str | None) -> tuple[tuple[str, str], ...]:
    if text is None:
        return ()
    end = max(text.rfind("]"), text.rfind("}")) + 1
    try:
        return parse_headers(ast.literal_eval(text[:end]))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ()


def _json(value: Any) -> bytes:
    try:
        return b"" if value is None else encode_json(value)
    except MalformedEntryError:
        return b""


def _node_entries(text: str) -> Iterator[RecordedEntry | tuple[int, str]]:
    sent: dict[str, RecordedEntry] = {}
    done: dict[int, RecordedEntry | tuple[int, str]] = {}
    headers: dict[str, tuple[tuple[str, str], ...]] = {}
    for found in _NODE.finditer(text):
        try:
            details, _ = js_notation.parse(text, found.end())
        except (ValueError, RecursionError) as error:
            if found["kind"] == "sending request":
                position = len(sent) + 1
                sent[found["id"]] = RecordedEntry(sequence_number=position, method="", url="")
                done[position] = (position, str(error))
            continue
        id_, kind = found["id"], found["kind"]
        if kind == "sending request":
            options = details.get("options") if isinstance(details.get("options"), dict) else {}
            sent[id_] = RecordedEntry(
                sequence_number=len(sent) + 1,
                method=str(details.get("method") or options.get("method") or "").upper(),
                url=str(details.get("url") or ""),
                headers=parse_headers(details.get("headers")),
                content=_json(options.get("body")),
            )
            done.setdefault(sent[id_].sequence_number, sent[id_])
        elif id_ in sent and isinstance(details.get("status"), int):
            headers[id_] = parse_headers(details.get("headers")) or headers.get(id_, ())
            body = details.get("body", details.get("message"))
            content = body.encode() if isinstance(body, str) else _json(body)
            kept = headers[id_] or (("content-type", "application/json"),)
            done[sent[id_].sequence_number] = _with_response(sent[id_], details["status"], kept, content)
    yield from done.values()
