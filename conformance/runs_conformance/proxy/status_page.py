"""The live page of the proxy: what was seen so far, and each requirement that was violated."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.types import Scope, Send

PATH = "/_runs-conformance"
"""The page; `/status.json` below it has the same as JSON. No server of the API has such a path."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}"
    "li{margin:.5rem 0}code{font-weight:600}"
)


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """The state of a proxy. `findings` maps each violated requirement to the message of its first finding."""

    upstream: str
    requests: int = 0
    in_flight: int = 0
    threads: int = 0
    skipped: int = 0
    injected: int = 0
    findings: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """One line for a terminal."""
        parts = [f"{self.requests:,} requests", f"{self.threads:,} threads", f"{len(self.findings)} failed"]
        parts += [f"{self.in_flight} in flight"] if self.in_flight else []
        parts += [f"{self.injected} faults injected"] if self.injected else []
        return ", ".join(parts)


def is_for_status(scope: Scope) -> bool:
    """Whether a request asks for the page. Names other than those of loopback are refused, since any website can make a
    browser resolve its own name to loopback.
    """
    if scope["method"] != "GET" or scope["path"] not in (PATH, f"{PATH}/", f"{PATH}/status.json"):
        return False
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return all(host.rsplit(":", 1)[0].lower() in _LOOPBACK or host.lower() in _LOOPBACK for host in hosts)


async def send_status(scope: Scope, send: Send, status: ProxyStatus) -> None:
    """Respond with the page, or with JSON."""
    is_json = scope["path"].endswith(".json")
    text = json.dumps(asdict(status)) if is_json else render_page(status)
    content = text.encode("utf-8", "replace")
    headers: list[Any] = [
        (b"content-type", b"application/json" if is_json else b"text/html; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def render_page(status: ProxyStatus) -> str:
    """The page, which reloads itself every second; the newest finding comes first."""
    found = "".join(
        f"<li><code>{html.escape(id_)}</code> {html.escape(message)}</li>"
        for id_, message in reversed(list(status.findings.items()))
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="1">'
        f"<title>{len(status.findings)} failed – runs-conformance proxy</title><style>{_STYLE}</style>"
        f"<h1>runs-conformance proxy</h1><p>{html.escape(status.upstream)}: {html.escape(status.line)}</p>"
        + (f"<ul>{found}</ul>" if found else "<p>No requirement failed so far.</p>")
        + "</html>"
    )
