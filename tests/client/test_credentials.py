"""Keys are sent in their headers, and shown nowhere."""

from __future__ import annotations

import pytest

from runs_conformance.client.credentials import WRONG_KEY, Credentials
from runs_conformance.errors import InternalError, UsageError
from runs_conformance.model.case import Key
from runs_conformance.model.json import JSON

OWN, SECOND = "sk-own-0123456789", "sk-own-0123456789-second"


def test_headers_carry_each_key() -> None:
    credentials = Credentials(OWN, SECOND)
    assert credentials.headers_for(Key.PRIMARY) == (("Authorization", f"Bearer {OWN}"),)
    assert credentials.headers_for(Key.SECOND) == (("Authorization", f"Bearer {SECOND}"),)
    assert credentials.headers_for(Key.WRONG) == (("Authorization", f"Bearer {WRONG_KEY}"),)
    assert credentials.headers_for(Key.NONE) == ()
    assert credentials.headers_for(Key.BASIC) == (("Authorization", f"Basic {OWN}"),)
    assert Credentials(OWN, header="api-key").headers_for(Key.BASIC) == (("api-key", f"Basic {OWN}"),)
    assert Credentials().headers_for(Key.BASIC) == ()


def test_key_header_carries_the_plain_key() -> None:
    assert Credentials(OWN, header="api-key").headers_for(Key.PRIMARY) == (("api-key", OWN),)


def test_no_header_without_a_key() -> None:
    assert Credentials().headers_for(Key.PRIMARY) == ()


def test_missing_second_key_is_an_internal_error() -> None:
    with pytest.raises(InternalError):
        Credentials(OWN).headers_for(Key.SECOND)


@pytest.mark.parametrize("key", ["sk-a\nb", " sk-a", "sk-ü", "sk-\0"])
def test_invalid_key_is_rejected_and_not_shown(key: str) -> None:
    with pytest.raises(UsageError) as raised:
        Credentials(key)
    assert key.strip() not in str(raised.value)


def test_repr_contains_no_key() -> None:
    shown = repr(Credentials(OWN, SECOND, extra_secrets=("hunter22",)))
    assert not any(secret in shown for secret in (OWN, SECOND, "hunter22"))


def test_longest_secret_is_redacted_first() -> None:
    redactor = Credentials(OWN, SECOND, extra_secrets=("p4ssw0rd",)).redactor
    assert redactor.redact(f"{SECOND} {OWN} p4ssw0rd") == "[REDACTED] [REDACTED] [REDACTED]"
    value: JSON = {"a": [f"Incorrect key {OWN}", 1, None, True], OWN: {}}
    assert redactor.redact_json(value) == {"a": ["Incorrect key [REDACTED]", 1, None, True], "[REDACTED]": {}}


def test_short_key_is_not_redacted() -> None:
    assert Credentials("test").redactor.redact("this is a test") == "this is a test"
