"""Turns transfers into exchanges and writes them to a `history.jsonl`."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from runs_conformance.client.recorder import HistoryWriter, redact
from runs_conformance.model.exchange import Completion, Exchange, Response
from runs_conformance.model.json import JSON
from runs_conformance.proxy.forwarding import Transfer
from runs_conformance.recordings.entry import Pairs, RecordedEntry, key_values
from runs_conformance.recordings.exchanges import to_exchange
from runs_conformance.recordings.loss import CLIENT_LEFT, CUT, NOT_DECODED
from runs_conformance.wire import known_secrets
from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError
from runs_conformance.wire.redaction import REDACTED, is_secret_name
from runs_conformance.wire.redactor import Redactor
from runs_conformance.wire.response import response_from_stream
from runs_conformance.wire.sse import EventStreamParser


class ProxyRecorder:
    """Records transfers of the surface, one program for each key that clients use. Thread-safe.

    The values of headers and query parameters whose names indicate a secret, and of `key_header`, are never written:
    they are redacted wherever they occur, if they have at least 8 characters.
    """

    def __init__(self, path: Path, header: dict[str, JSON], edition: str | None = None, key_header: str = "") -> None:
        """Start the file. Raises UnwritableFile if it cannot be written."""
        self._key_header = key_header.lower()
        self._writer = HistoryWriter(path, header)
        self._edition = edition
        self._lock = threading.Lock()
        self._programs: dict[Pairs, str] = {}
        self._secrets: dict[str, None] = {}
        self.skipped = 0

    @property
    def clients(self) -> int:
        """The number of different keys seen."""
        return len(self._programs)

    def record(self, transfer: Transfer) -> Exchange | None:
        """Write a transfer; returns its exchange, or None if it is not of the surface."""
        with self._lock:
            entry = _entry(transfer)
            program = self._program(entry)
            self._secrets.update(dict.fromkeys((*key_values(entry.headers, self._key_header), *_query_secrets(entry))))
            exchange = to_exchange(entry, program, transfer.started, transfer.ended, self._edition)
            if isinstance(exchange, str):
                self.skipped += 1
                return None
            exchange = self._redact(_complete(exchange, transfer))
            return self._writer.record(exchange)

    def close(self) -> None:
        """Write the last line and close the file."""
        self._writer.write_footer({"complete": True})
        self._writer.close()

    def _program(self, entry: RecordedEntry) -> str:
        carried = tuple((name.lower(), value) for name, value in entry.headers if name.lower() == self._key_header)
        key = (*entry.key, *carried)
        number = len(self._programs) + 1
        return self._programs.setdefault(key, "proxy" if number == 1 else f"proxy (key {number})")

    def _redact(self, exchange: Exchange) -> Exchange:
        known_secrets.remember(self._secrets)
        if self._key_header:
            headers = exchange.request.headers
            hidden = {name: REDACTED if name.lower() == self._key_header else value for name, value in headers.items()}
            exchange = replace(exchange, request=replace(exchange.request, headers=hidden))
        return redact(exchange, Redactor(self._secrets))[0]


def _query_secrets(entry: RecordedEntry) -> list[str]:
    parameters = parse_qsl(urlsplit(entry.url).query)
    return [value for name, value in parameters if is_secret_name(name)]


def _entry(transfer: Transfer) -> RecordedEntry:
    return RecordedEntry(
        position=transfer.number,
        method=transfer.method,
        url=transfer.url,
        headers=_pairs(transfer.headers),
        content=transfer.content,
        status=transfer.status,
        response_headers=_pairs(transfer.response_headers),
        response_content=b"".join(chunk for _, chunk in transfer.chunks),
        started_at=transfer.wall,
        seconds=transfer.ended - transfer.started,
        is_exact=True,
        request_size=len(transfer.content),
    )


def _pairs(headers: list[tuple[bytes, bytes]]) -> Pairs:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _complete(exchange: Exchange, transfer: Transfer) -> Exchange:
    """Set what only the proxy knows: when events arrived, how a transfer failed, and what was lost in recording.

    The proxy sees every byte, so what looks like a loss in other recordings is what the server sent. It loses only what
    it cannot decode, and the rest of long bodies.
    """
    response = exchange.response
    if response is not None and response.events is not None:
        response = _with_arrival_times(response, transfer) or response
    if transfer.client_left:
        return replace(exchange, response=response, completion=Completion.UNKNOWN, loss=CLIENT_LEFT)
    if transfer.failure:
        return replace(exchange, response=None, completion=Completion.UNKNOWN, problem=transfer.failure, loss="")
    if transfer.is_truncated:
        return replace(exchange, response=response, loss=CUT)
    if exchange.loss.startswith(NOT_DECODED):
        return exchange
    return replace(exchange, response=response, loss="")


def _with_arrival_times(response: Response, transfer: Transfer) -> Response | None:
    """The events of a stream, each with the time when its last byte arrived; None if it cannot be decoded."""
    stream = EventStreamParser()
    try:
        decoder = Decoder(response.headers.get("content-encoding", ""))
        for at, chunk in transfer.chunks:
            stream.feed(decoder.feed(chunk), at)
    except (DecodeError, TooLargeError):
        return None
    stream.finish(transfer.ended)
    return response_from_stream(response.status, response.headers, stream)


def describe_upstream(url: str) -> str:
    """The upstream without credentials and query, as reports name it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
