from __future__ import annotations

from contextlib import contextmanager

import pytest

from runs_conformance.client.base_url import address
from runs_conformance.client.prepared_request import Outgoing
from runs_conformance.client.transport import Limits, Transport
from runs_conformance.model.exchange import Completion
from tests.quality.untrusted import CERTIFICATES, untrusted


@pytest.mark.parametrize("name", CERTIFICATES)
def test_nothing_is_sent_to_who_cannot_prove_who_it_is(name: str) -> None:
    with contextmanager(untrusted)(name) as url:
        wire = Transport(address(url), Limits(connect=10, idle=10, total=10))
        arrival = wire.send(Outgoing("create_thread", "POST", "/threads"), (("Authorization", "Bearer sk-1"),))
        wire.close()
    assert arrival.completion is Completion.REFUSED
    assert "certificate" in (arrival.problem or "")
