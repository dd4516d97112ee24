"""A history as HAR 1.2 for browsers and proxies, written one exchange at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, urlencode

from runs_conformance import __version__
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange, Response
from runs_conformance.model.exchange_decoding import exchange_from_json
from runs_conformance.model.json import JSON, Absent, is_object
from runs_conformance.reporting.report import SUITE
from runs_conformance.wire import known_secrets
from runs_conformance.wire.redaction import REDACTED

_MAX_CLOCK_DRIFT = 0.1
"""Seconds. A larger difference between wall time and the monotonic clock indicates another process."""

_UNKNOWN_BASE_URL = "http://target.invalid"
"""The base URL of exchanges whose history does not name one."""


def write_har(history: Path, out: TextIO) -> int:
    """Write the exchanges of a `history.jsonl` and return their number.

    Raises UsageError if the history cannot be read. A truncated last line is ignored.
    """
    head = {"version": "1.2", "creator": {"name": SUITE, "version": __version__}}
    out.write(json.dumps({"log": head})[:-2] + ', "entries": [')
    count, clock = 0, _Clock()
    for base_url, exchange in _exchanges(history):
        out.write(",\n" if count else "\n")
        out.write(json.dumps(known_secrets.redact_json(har_entry(exchange, base_url, clock))))
        count += 1
    out.write("\n]}}\n")
    return count


def _exchanges(history: Path) -> Iterator[tuple[str, Exchange]]:
    base_url = _UNKNOWN_BASE_URL
    try:
        with history.open(encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    data = json.loads(line)
                    if is_object(data) and data.get("type") == "run":
                        base_url = str(data.get("base_url") or _UNKNOWN_BASE_URL)
                    elif is_object(data) and data.get("type") == "exchange":
                        yield base_url, exchange_from_json(data)
                except (KeyError, TypeError, ValueError) as error:
                    if line.endswith("\n"):
                        raise UsageError(f"{history}:{number}: not an exchange ({error})") from None
    except OSError as error:
        raise UsageError(f"{history}: {error.strerror or error}") from None


@dataclass(slots=True)
class _Clock:
    """Computes start times from the monotonic clock, which is more exact than the recorded wall times.

    The order of exchanges must survive the export, because `judge` reads the HAR again. Each process that wrote to the
    history has a clock offset of its own.
    """

    offset: float | None = None

    def start_time(self, exchange: Exchange) -> str:
        ahead = exchange.wall - exchange.started
        if self.offset is None or abs(ahead - self.offset) > _MAX_CLOCK_DRIFT:
            self.offset = ahead
        moment = datetime.fromtimestamp(exchange.started + self.offset, UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def har_entry(exchange: Exchange, base_url: str, clock: _Clock) -> dict[str, Any]:
    """One exchange as a HAR entry; data without a HAR field is in members that start with `_`."""
    request, response = exchange.request, exchange.response
    duration = max(0.0, round(1_000 * (exchange.ended - exchange.started), 3))
    query = f"?{urlencode(request.query, errors='surrogatepass')}" if request.query else ""
    entry: dict[str, Any] = {
        "startedDateTime": clock.start_time(exchange),
        "time": duration,
        "request": {
            "method": request.method,
            "url": f"{base_url}{quote(request.path, safe='/%:@!$&()*+,;=~-._', errors='surrogatepass')}{query}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(_request_headers(exchange)),
            "queryString": [{"name": name, "value": value} for name, value in request.query],
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": _response(response),
        "cache": {},
        "timings": {"send": 0, "wait": duration, "receive": 0},
        "_id": exchange.id,
        "_program": exchange.program,
        "_completion": exchange.completion.value,
    }
    content = None if isinstance(request.body, Absent) else json.dumps(request.body)
    content = request.text if content is None else content
    if content is not None:
        content_type = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
        entry["request"]["postData"] = {"mimeType": content_type, "text": content}
    if exchange.problem:
        entry["_problem"] = exchange.problem
    return entry


def _response(response: Response | None) -> dict[str, Any]:
    """The response; as in HAR files of browsers, an HTTP status of 0 means that there was none."""
    text = _content(response)
    return {
        "status": response.status if response else 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(response.headers) if response else [],
        "content": {
            "size": response.size if response else 0,
            "mimeType": response.headers.get("content-type", "") if response else "",
            **({"text": text} if text is not None else {}),
        },
        "redirectURL": response.headers.get("location", "") if response else "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _content(response: Response | None) -> str | None:
    if response is None:
        return None
    if response.events is not None:
        return "".join(f"event: {event.name}\ndata: {_event_data(event.data)}\n\n" for event in response.events)
    return response.text if isinstance(response.body, Absent) else json.dumps(response.body)


def _event_data(data: JSON) -> str:
    # `[DONE]` is text, not JSON.
    return data if isinstance(data, str) else json.dumps(data)


def _request_headers(exchange: Exchange) -> Mapping[str, str]:
    """The headers of a request. Redacted keys stay distinguishable, because different keys see different objects."""
    key = exchange.step.key if exchange.step is not None else Key.PRIMARY
    if key is Key.PRIMARY:
        return exchange.request.headers
    redacted = f"{REDACTED[:-1]} {key.value}]"
    return {name: value.replace(REDACTED, redacted) for name, value in exchange.request.headers.items()}


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]
