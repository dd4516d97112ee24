from __future__ import annotations

import pytest

from runs_conformance.client.credentials import WRONG_KEY, Credentials
from runs_conformance.errors import InternalError, UsageError
from runs_conformance.model.case import Key
from runs_conformance.model.json import JSON

OWN, SECOND = "sk-own-0123456789", "sk-own-0123456789-second"


def test_each_key_is_carried() -> None:
    credentials = Credentials(OWN, SECOND)
    assert credentials.headers_for(Key.PRIMARY) == (("Authorization", f"Bearer {OWN}"),)
    assert credentials.headers_for(Key.SECOND) == (("Authorization", f"Bearer {SECOND}"),)
    assert credentials.headers_for(Key.WRONG) == (("Authorization", f"Bearer {WRONG_KEY}"),)
    assert credentials.headers_for(Key.NONE) == ()
    assert credentials.headers_for(Key.BASIC) == (("Authorization", f"Basic {OWN}"),)
    assert Credentials(OWN, header="api-key").headers_for(Key.BASIC) == (("Authorization", f"Basic {OWN}"),)
    assert Credentials().headers_for(Key.BASIC) == ()


def test_a_key_header_carries_the_key_itself() -> None:
    assert Credentials(OWN, header="api-key").headers_for(Key.PRIMARY) == (("api-key", OWN),)


def test_without_a_key_nothing_is_carried() -> None:
    assert Credentials().headers_for(Key.PRIMARY) == ()


def test_a_second_key_that_was_not_given_is_our_fault() -> None:
    with pytest.raises(InternalError):
        Credentials(OWN).headers_for(Key.SECOND)


@pytest.mark.parametrize("key", ["sk-a\nb", " sk-a", "sk-ü", "sk-\0"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(UsageError) as raised:
        Credentials(key)
    assert key.strip() not in str(raised.value)


def test_no_key_is_ever_printed() -> None:
    shown = repr(Credentials(OWN, SECOND, extra_secrets=("hunter22",)))
    assert not any(secret in shown for secret in (OWN, SECOND, "hunter22"))


def test_secrets_are_redacted_the_longest_first() -> None:
    credentials = Credentials(OWN, SECOND, extra_secrets=("p4ssw0rd",))
    assert credentials.redact(f"{SECOND} {OWN} p4ssw0rd") == "[REDACTED] [REDACTED] [REDACTED]"
    value: JSON = {"a": [f"Incorrect key {OWN}", 1, None, True], OWN: {}}
    assert credentials.redact_json(value) == {"a": ["Incorrect key [REDACTED]", 1, None, True], "[REDACTED]": {}}


def test_a_key_too_short_to_guard_anything_does_not_blot_out_the_evidence() -> None:
    assert Credentials("test").redact("this is a test") == "this is a test"
