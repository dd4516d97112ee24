from __future__ import annotations

import pytest

from conformance import config
from conformance.errors import UsageError


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
