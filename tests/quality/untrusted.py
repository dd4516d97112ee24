"""Servers whose certificates nobody should trust."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import trustme

from tests.client.hostile import Connection, serving

CERTIFICATES = {
    "self_signed": "has a certificate of an authority that nobody knows",
    "expired": "has a certificate that has expired",
}


def context(name: str) -> ssl.SSLContext:
    """What the server proves itself with."""
    authority = trustme.CA()
    past = datetime.now(UTC) - timedelta(days=10)
    until = past if name == "expired" else past + timedelta(days=365)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_before=past - timedelta(days=10), not_after=until).configure_cert(made)
    return made


def untrusted(name: str) -> Iterator[str]:
    """The base URL of such a server. Whatever comes to it in spite of that is an error."""
    proof, came = context(name), []

    def handler(connection: Connection) -> None:
        with proof.wrap_socket(connection.socket, server_side=True) as channel:
            came.append(channel.recv(65536))

    with serving(handler) as server:
        yield f"https://127.0.0.1:{server.port}/v1"
    if any(came):
        raise AssertionError("something was sent to a server that cannot be trusted")
