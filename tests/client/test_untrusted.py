"""A certificate that is not trusted ends the connection."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from runs_conformance.client.base_url import parse_address
from runs_conformance.client.prepared_request import PreparedRequest
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.model.exchange import Completion
from tests.quality.untrusted_certificates import CERTIFICATES, untrusted_server


@pytest.mark.parametrize("name", CERTIFICATES)
def test_untrusted_certificate_is_rejected(name: str) -> None:
    with contextmanager(untrusted_server)(name) as url:
        wire = Transport(parse_address(url), ExchangeLimits(connect=10, idle=10, total=10))
        arrival = wire.send(PreparedRequest("create_thread", "POST", "/threads"), (("Authorization", "Bearer sk-1"),))
        wire.close()
    assert arrival.completion is Completion.NOT_CONNECTED
    assert "certificate" in (arrival.problem or "")
