"""Faults that the proxy responds with instead of the server, to test how a client handles them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from runs_conformance.errors import UsageError

_SPEC = re.compile(
    r"(?P<kind>[45]\d\d|cut|delay(?P<seconds>\d{1,9}(?:\.\d{1,9})?))(?::(?P<share>\d{0,9}\.?\d{1,9}))?\Z"
)
_MAX_DELAY_S = 600.0
_RETRY_LATER = (429, 503)


@dataclass(frozen=True, slots=True)
class ProxyFault:
    """A fault for a share of the requests, which do not reach the server unless they are only delayed.

    `status` is the HTTP status of the response, 0 for none. `cut` closes the connection without a response. `delay` is
    in seconds.
    """

    share: float
    status: int = 0
    cut: bool = False
    delay: float = 0.0

    @property
    def content(self) -> bytes:
        """The body of the response, in the form of an error of the API."""
        kind = "rate_limit_error" if self.status == 429 else "server_error" if self.status >= 500 else "proxy_error"
        error = {"message": "injected by runs-conformance proxy", "type": kind, "param": None, "code": None}
        return json.dumps({"error": error}).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of the response."""
        length = str(len(self.content)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        return [*headers, (b"retry-after", b"1")] if self.status in _RETRY_LATER else headers


def parse_fault(spec: str) -> ProxyFault:
    """Parse `429:0.05`, `cut:0.01` or `delay2.5:0.1`; without a share, all requests. Raises UsageError."""
    match = _SPEC.match(spec.strip())
    share = float(match["share"] or 1) if match else 0.0
    seconds = float(match["seconds"] or 0) if match else 0.0
    if match is None or not 0 < share <= 1 or seconds > _MAX_DELAY_S:
        raise UsageError(
            f"--inject {spec!r} is not a fault; write an HTTP status from 400, `cut` or `delay` with seconds, and the "
            "share of requests: 429:0.05, cut:0.01, delay2.5:0.1"
        )
    kind = match["kind"]
    return ProxyFault(share, int(kind) if kind.isdigit() else 0, kind == "cut", seconds)


class FaultChooser:
    """Chooses which requests get which fault; the same sequence of requests always gets the same faults."""

    def __init__(self, faults: Sequence[ProxyFault] = ()) -> None:
        self.faults = faults
        self.injected = 0
        self._random = random.Random(0)

    def choose(self) -> ProxyFault | None:
        """The fault for the next request, if any."""
        for fault in self.faults:
            if self._random.random() < fault.share:
                self.injected += 1
                return fault
        return None
