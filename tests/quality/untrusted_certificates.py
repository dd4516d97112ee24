"""Servers with untrusted certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import trustme

from tests.client.hostile import Connection, serving

CERTIFICATES = {
    "self_signed": "has a certificate of an unknown authority",
    "expired": "has an expired certificate",
}


def server_context(name: str) -> ssl.SSLContext:
    """The TLS context of a server with such a certificate."""
    authority = trustme.CA()
    past = datetime.now(UTC) - timedelta(days=10)
    until = past if name == "expired" else past + timedelta(days=365)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_before=past - timedelta(days=10), not_after=until).configure_cert(context)
    return context


def untrusted_server(name: str) -> Iterator[str]:
    """Serve with such a certificate; yields the base URL. Raises AssertionError if a client sends anything."""
    context, received = server_context(name), []

    def handler(connection: Connection) -> None:
        with context.wrap_socket(connection.socket, server_side=True) as channel:
            received.append(channel.recv(65536))

    with serving(handler) as server:
        yield f"https://127.0.0.1:{server.port}/v1"
    if any(received):
        raise AssertionError("a client sent data to an untrusted server")
