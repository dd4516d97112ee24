from __future__ import annotations

from pathlib import Path

import pytest

from conformance import config
from conformance.errors import UsageError


def test_a_key_by_environment_file_or_literal(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-default", "OTHER": " sk-other \n"}
    file = tmp_path / "key"
    file.write_text("sk-file\nsecond line\n")
    assert config.secret(None, "OPENAI_API_KEY", env) == config.Secret("sk-default")
    assert config.secret("env:OTHER", "OPENAI_API_KEY", env) == config.Secret("sk-other")
    assert config.secret(f"@{file}", "OPENAI_API_KEY", env) == config.Secret("sk-file")
    assert config.secret("sk-literal", "OPENAI_API_KEY", env) == config.Secret("sk-literal", literal=True)
    assert config.secret(None, "OPENAI_API_KEY", {}) is None


def test_a_key_is_not_shown() -> None:
    assert "sk-" not in repr(config.Secret("sk-secret"))


@pytest.mark.parametrize("given", ["env:NOTHING", "@/no/such/file", "  "])
def test_a_key_that_is_not_there(given: str) -> None:
    with pytest.raises(UsageError):
        config.secret(given, "OPENAI_API_KEY", {})


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "blue")
    assert config.headers(["X-A: b: c", "X-Team: env:TEAM"]) == (("X-A", "b: c"), ("X-Team", "blue"))


@pytest.mark.parametrize(
    "line", ["no colon", ": no name", "X-A: caf\u00e9", "X A: b", "X-A: a\r\nX-B: c", "X-A: env:NO_SUCH"]
)
def test_what_is_no_header(line: str) -> None:
    with pytest.raises(UsageError, match="--header"):
        config.headers([line])


def test_editions() -> None:
    assert config.edition("2024-08-28") == "2024-08-28"
    assert config.edition("2025-01-01") == "2025-01-01"
    for wrong in ("2023-01-01", "latest", "2024-8-28"):
        with pytest.raises(UsageError):
            config.edition(wrong)


def test_the_nearest_name_is_suggested() -> None:
    assert config.nearest("create_rnu", ["create_run", "list_steps"]) == "; did you mean create_run?"
    assert config.nearest("terminal", ["lifecycle.terminal_status_is_final"]) == (
        "; did you mean lifecycle.terminal_status_is_final?"
    )
    assert config.nearest("zzz", ["create_run"]) == ""


@pytest.mark.parametrize(("given", "spacing"), [("10/s", 0.1), ("60/min", 1.0), ("7200/h", 0.5), ("0.5 / s", 2.0)])
def test_a_rate_is_a_spacing(given: str, spacing: float) -> None:
    assert config.rate(given) == pytest.approx(spacing)


@pytest.mark.parametrize("given", ["10", "ten/s", "0/s", "-1/s", "10/day", "nan/s", "inf/s", "/s", ""])
def test_what_is_no_rate(given: str) -> None:
    with pytest.raises(UsageError, match="10/s"):
        config.rate(given)
