"""Every secret of a command is remembered until the next command."""

from __future__ import annotations

import pytest

from runs_conformance.wire import known_secrets

OWN = "sk-my-own-secret-key-000000"
TENANTS = [f"sk-tenant-{number * 7919:012}-{number:04}" for number in range(300)]


@pytest.mark.parametrize("count", [0, 300])
def test_no_secret_is_forgotten_however_many_are_known(count: int) -> None:
    known_secrets.remember([OWN])
    assert known_secrets.redact(f"key {OWN}") == "key [REDACTED]"
    for tenant in TENANTS[:count]:
        known_secrets.remember([tenant])
    assert known_secrets.redact(f"key {OWN}") == "key [REDACTED]"
    for tenant in TENANTS[:count]:
        assert known_secrets.redact_json({"key": tenant}) == {"key": "[REDACTED]"}


def test_a_new_command_knows_no_secret_of_the_one_before() -> None:
    known_secrets.remember([OWN])
    assert known_secrets.redact(OWN) == "[REDACTED]"
    known_secrets.forget()
    assert known_secrets.redact(OWN) == OWN
