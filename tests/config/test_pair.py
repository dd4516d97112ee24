"""Headers, query parameters and other pairs are parsed, and errors repeat no key."""

from __future__ import annotations

import pytest

from runs_conformance import config
from runs_conformance.errors import UsageError


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "blue")
    assert config.parse_headers(["X-A: b: c", "X-Team: env:TEAM"]) == (("X-A", "b: c"), ("X-Team", "blue"))


@pytest.mark.parametrize(
    "line", ["no colon", ": no name", "X-A: caf\u00e9", "X A: b", "X-A: a\r\nX-B: c", "X-A: env:NO_SUCH"]
)
def test_invalid_headers(line: str) -> None:
    with pytest.raises(UsageError, match="--header"):
        config.parse_headers([line])


def test_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERSION", "v1")
    assert config.parse_query(["a=b=c", "api-version=env:VERSION"]) == (("a", "b=c"), ("api-version", "v1"))
    with pytest.raises(UsageError, match="--query"):
        config.parse_query(["nothing"])


def test_named_values() -> None:
    assert config.parse_named_values(["plain=Say = hello."], ["plain", "long"], "--prompt", "purpose") == {
        "plain": "Say = hello."
    }
    with pytest.raises(UsageError, match="did you mean plain"):
        config.parse_named_values(["plian=x"], ["plain", "long"], "--prompt", "purpose")


def test_values_by_reference_are_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    assert config.secret_values(["X-A: b", "X-B: env:TOKEN"], ["c=d", "e=env:TOKEN"]) == ("t0ken", "t0ken")


def test_an_error_does_not_repeat_a_possible_key() -> None:
    for parse in (config.parse_headers, config.parse_query):
        with pytest.raises(UsageError) as raised:
            parse(["sk-hidden"])
        assert "hidden" not in str(raised.value)
