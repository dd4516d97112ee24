"""Converts forwarded requests into exchanges and writes them to a `history.jsonl`."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from runs_conformance.client.recorder import HistoryWriter, redact
from runs_conformance.model.exchange import Completion, Exchange, Response
from runs_conformance.model.json import JSON
from runs_conformance.proxy.forwarding import ForwardedRequest
from runs_conformance.recordings.entry import HeaderList, RecordedEntry, key_values
from runs_conformance.recordings.exchanges import to_exchange
from runs_conformance.recordings.loss import CLIENT_DISCONNECTED, NOT_DECODED, TRUNCATED
from runs_conformance.wire import known_secrets
from runs_conformance.wire.content_encoding import DecodeError, Decoder, TooLargeError
from runs_conformance.wire.redaction import REDACTED, is_secret_name
from runs_conformance.wire.redactor import Redactor
from runs_conformance.wire.response import response_from_stream
from runs_conformance.wire.sse import EventStreamParser


class ProxyRecorder:
    """Records requests to the operations of the Runs API. Thread-safe.

    Requests are grouped by API key; each group is recorded as one program.

    The values of headers and query parameters whose names indicate a secret, and of `key_header`, are never written:
    they are redacted wherever they occur, if they have at least 8 characters.
    """

    def __init__(
        self, history_path: Path, file_header: dict[str, JSON], edition: str | None = None, key_header: str = ""
    ) -> None:
        """Start the file. Raises UnwritableFile if it cannot be written."""
        self._key_header = key_header.lower()
        self._writer = HistoryWriter(history_path, file_header)
        self._edition = edition
        self._lock = threading.Lock()
        self._programs: dict[HeaderList, str] = {}
        self._redactor = Redactor(())
        self.skipped = 0

    @property
    def distinct_keys(self) -> int:
        """The number of different API keys that clients sent."""
        return len(self._programs)

    def record(self, request: ForwardedRequest) -> Exchange | None:
        """Write a request; returns its exchange, or None if it is to another API."""
        with self._lock:
            entry = _entry(request)
            program = self._program(entry)
            self._learn_secrets(entry)
            exchange = to_exchange(entry, program, request.started, request.ended, self._edition)
            if isinstance(exchange, str):
                self.skipped += 1
                return None
            exchange = self._redact(_apply_outcome(exchange, request))
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

    def _learn_secrets(self, entry: RecordedEntry) -> None:
        secrets = (*key_values(entry.headers, self._key_header), *_query_secrets(entry))
        known_secrets.remember(secrets)
        self._redactor.add(secrets)

    def _redact(self, exchange: Exchange) -> Exchange:
        if self._key_header:
            headers = exchange.request.headers
            hidden = {name: REDACTED if name.lower() == self._key_header else value for name, value in headers.items()}
            exchange = replace(exchange, request=replace(exchange.request, headers=hidden))
        return redact(exchange, self._redactor)[0]


def _query_secrets(entry: RecordedEntry) -> list[str]:
    parameters = parse_qsl(urlsplit(entry.url).query)
    return [value for name, value in parameters if is_secret_name(name)]


def _entry(request: ForwardedRequest) -> RecordedEntry:
    return RecordedEntry(
        sequence_number=request.number,
        method=request.method,
        url=request.url,
        headers=_decode_headers(request.headers),
        content=request.content,
        status=request.status,
        response_headers=_decode_headers(request.response_headers),
        response_content=b"".join(chunk for _, chunk in request.chunks),
        started_at=request.started_unix,
        seconds=request.ended - request.started,
        has_exact_times=True,
        request_size=len(request.content),
    )


def _decode_headers(headers: list[tuple[bytes, bytes]]) -> HeaderList:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _apply_outcome(exchange: Exchange, request: ForwardedRequest) -> Exchange:
    """Set what only the proxy knows: when events arrived, how a request ended, and what was lost in recording.

    The proxy sees every byte, so a body that looks incomplete is what the server sent, and the loss that `to_exchange`
    suspects is removed. What the proxy cannot decode, and the rest of long bodies, it loses itself.
    """
    response = exchange.response
    if response is not None and response.events is not None:
        response = _with_arrival_times(response, request) or response
    if request.client_disconnected:
        return replace(exchange, response=response, completion=Completion.UNKNOWN, loss=CLIENT_DISCONNECTED)
    if request.failure:
        return replace(exchange, response=None, completion=Completion.UNKNOWN, problem=request.failure, loss="")
    if request.is_truncated:
        return replace(exchange, response=response, loss=TRUNCATED)
    if exchange.loss.startswith(NOT_DECODED):
        return exchange
    return replace(exchange, response=response, loss="")


def _with_arrival_times(response: Response, request: ForwardedRequest) -> Response | None:
    """The events of a stream, each with the time when its last byte arrived; None if it cannot be decoded."""
    stream = EventStreamParser()
    try:
        decoder = Decoder(response.headers.get("content-encoding", ""))
        for at, chunk in request.chunks:
            stream.feed(decoder.feed(chunk), at)
    except (DecodeError, TooLargeError):
        return None
    stream.finish(request.ended)
    return response_from_stream(response.status, response.headers, stream)


def strip_credentials_and_query(url: str) -> str:
    """The URL without credentials and query, as reports show it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
