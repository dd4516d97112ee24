"""Traffic of the real service, collected one exchange a line, as histories: one for each file it was recorded in."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from runs_conformance.model.history import History
from runs_conformance.recordings.entry import RecordedEntry, parse_headers, parse_time
from runs_conformance.recordings.exchanges import to_exchanges

_OBJECT_IN_BASE64 = "ewog"


def histories(path: Path) -> list[History]:
    """The histories of what was recorded of version 2, in order; what was pasted or written by hand is left out."""
    files: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            source = entry["source"]
            if entry["provenance"] == "recorded" and source["assistants_version"] == "v2":
                files[f"{source['repo']}/{source['path']}@{source['commit']}"].append(entry)
    return [_history(name, entries) for name, entries in files.items()]


def _history(name: str, entries: list[Mapping[str, Any]]) -> History:
    ordered = sorted(entries, key=lambda entry: entry["source"].get("index", 0))
    found, skipped = to_exchanges([_entry(position, entry) for position, entry in enumerate(ordered, 1)], name, None)
    assert not skipped, skipped
    return History.of(found, name)


def _entry(position: int, entry: Mapping[str, Any]) -> RecordedEntry:
    request, response, source = entry["request"], entry["response"], entry["source"]
    azure = source["api"] == "azure"
    host = "recorded.openai.azure.com" if azure else "api.openai.com"
    return RecordedEntry(
        sequence_number=position,
        method=request["method"],
        url=f"https://{host}{request['path']}{_query(request['query'])}",
        headers=parse_headers(request["headers"]),
        content=b"" if request["body"] is None else _body(request["body"]),
        status=response["status"],
        response_headers=parse_headers({name: str(value) for name, value in response["headers"].items()}),
        response_content=_stream(response["sse"]) if "sse" in response else _body(response.get("body")),
        started_at=parse_time(source["recorded_at"]),
    )


def _query(query: Mapping[str, Any]) -> str:
    return "?" + urlencode(query, doseq=True) if query else ""


def _body(body: Any) -> bytes:
    if not isinstance(body, str):
        return json.dumps(body, ensure_ascii=False).encode()
    # Cassettes hold some bodies as binary, and the collection kept two of those in base64.
    return base64.b64decode(body) if body.startswith(_OBJECT_IN_BASE64) else body.encode()


def _stream(events: list[Mapping[str, Any]]) -> bytes:
    blocks = []
    for event in events:
        data = event["data"] if isinstance(event["data"], str) else json.dumps(event["data"], ensure_ascii=False)
        blocks.append(f"event: {event['event']}\ndata: {data}\n\n")
    return "".join(blocks).encode()
