"""A history as HAR 1.2, which browsers and proxies open; one exchange is held at a time."""

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
from runs_conformance.model.exchange import Exchange, Response, exchange_from_json
from runs_conformance.model.json import JSON, Absent, is_object
from runs_conformance.reporting.report import SUITE
from runs_conformance.wire.redaction import REDACTED

_DRIFT = 0.1
"""Seconds. Where wall time and the exact clock part by more, it is another clock."""

_NOBODY = "http://target.invalid"
"""Stands for the base URL where the history does not say it."""


def write(history: Path, out: TextIO) -> int:
    """Write the exchanges of a `history.jsonl`; gives how many there are.

    Raises UsageError where the history cannot be read. A last line that is cut short is left out.
    """
    head = {"version": "1.2", "creator": {"name": SUITE, "version": __version__}}
    out.write(json.dumps({"log": head})[:-2] + ', "entries": [')
    count, clock = 0, _Clock()
    for base_url, exchange in _exchanges(history):
        out.write(",\n" if count else "\n")
        out.write(json.dumps(entry(exchange, base_url, clock)))
        count += 1
    out.write("\n]}}\n")
    return count


def _exchanges(history: Path) -> Iterator[tuple[str, Exchange]]:
    base_url = _NOBODY
    try:
        with history.open(encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    data = json.loads(line)
                    if is_object(data) and data.get("type") == "run":
                        base_url = str(data.get("base_url") or _NOBODY)
                    elif is_object(data) and data.get("type") == "exchange":
                        yield base_url, exchange_from_json(data)
                except (KeyError, TypeError, ValueError) as error:
                    if line.endswith("\n"):
                        raise UsageError(f"{history}:{number}: not an exchange ({error})") from None
    except OSError as error:
        raise UsageError(f"{history}: {error.strerror or error}") from None


@dataclass(slots=True)
class _Clock:
    """Tells when exchanges started as exactly as they are held, which their wall times are not: judged from the HAR,
    what came before what must be the same. Another process, another clock.
    """

    ahead: float | None = None

    def of(self, exchange: Exchange) -> str:
        ahead = exchange.wall - exchange.started
        if self.ahead is None or abs(ahead - self.ahead) > _DRIFT:
            self.ahead = ahead
        moment = datetime.fromtimestamp(exchange.started + self.ahead, UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def entry(exchange: Exchange, base_url: str, clock: _Clock) -> dict[str, Any]:
    """One exchange as an entry; what HAR has no place for is in members that begin with `_`."""
    request, response = exchange.request, exchange.response
    took = max(0.0, round(1_000 * (exchange.ended - exchange.started), 3))
    query = f"?{urlencode(request.query, errors='surrogatepass')}" if request.query else ""
    made: dict[str, Any] = {
        "startedDateTime": clock.of(exchange),
        "time": took,
        "request": {
            "method": request.method,
            "url": f"{base_url}{quote(request.path, safe='/%:@!$&()*+,;=~-._', errors='surrogatepass')}{query}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(_shown(exchange)),
            "queryString": [{"name": name, "value": value} for name, value in request.query],
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": _response(response),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "_id": exchange.id,
        "_program": exchange.program,
        "_completion": exchange.completion.value,
    }
    content = None if isinstance(request.body, Absent) else json.dumps(request.body)
    content = request.text if content is None else content
    if content is not None:
        kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
        made["request"]["postData"] = {"mimeType": kind, "text": content}
    if exchange.problem:
        made["_problem"] = exchange.problem
    return made


def _response(response: Response | None) -> dict[str, Any]:
    """The answer; an HTTP status of 0 says, as browsers write it, that none came."""
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
        return "".join(f"event: {event.name}\ndata: {_data(event.data)}\n\n" for event in response.events)
    return response.text if isinstance(response.body, Absent) else json.dumps(response.body)


def _data(data: JSON) -> str:
    # `[DONE]` is held as the text that it is.
    return data if isinstance(data, str) else json.dumps(data)


def _shown(exchange: Exchange) -> Mapping[str, str]:
    """The headers of a request. Of two redacted keys it is still told which is which: they see other objects."""
    key = exchange.step.key if exchange.step is not None else Key.OWN
    if key is Key.OWN:
        return exchange.request.headers
    marked = f"{REDACTED[:-1]} {key.value}]"
    return {name: value.replace(REDACTED, marked) for name, value in exchange.request.headers.items()}


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]
