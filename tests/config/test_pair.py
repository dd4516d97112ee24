from __future__ import annotations

import pytest

from runs_conformance import config
from runs_conformance.errors import UsageError


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "blue")
    assert config.headers(["X-A: b: c", "X-Team: env:TEAM"]) == (("X-A", "b: c"), ("X-Team", "blue"))


@pytest.mark.parametrize(
    "line", ["no colon", ": no name", "X-A: caf\u00e9", "X A: b", "X-A: a\r\nX-B: c", "X-A: env:NO_SUCH"]
)
def test_what_is_no_header(line: str) -> None:
    with pytest.raises(UsageError, match="--header"):
        config.headers([line])


def test_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERSION", "v1")
    assert config.queries(["a=b=c", "api-version=env:VERSION"]) == (("a", "b=c"), ("api-version", "v1"))
    with pytest.raises(UsageError, match="--query"):
        config.queries(["nothing"])


def test_values_by_name() -> None:
    assert config.named(["plain=Say = hello."], ["plain", "long"], "--prompt", "purpose") == {"plain": "Say = hello."}
    with pytest.raises(UsageError, match="did you mean plain"):
        config.named(["plian=x"], ["plain", "long"], "--prompt", "purpose")


def test_what_is_named_rather_than_written_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    assert config.hidden(["X-A: b", "X-B: env:TOKEN"], ["c=d", "e=env:TOKEN"]) == ("t0ken", "t0ken")


def test_what_may_be_a_key_is_not_repeated() -> None:
    for reads in (config.headers, config.queries):
        with pytest.raises(UsageError) as raised:
            reads(["sk-hidden"])
        assert "hidden" not in str(raised.value)
