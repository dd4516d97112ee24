"""A key comes from the environment, a file or the command line, and is not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs_conformance import config
from runs_conformance.errors import UsageError


def test_a_key_by_environment_file_or_literal(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-default", "OTHER": " sk-other \n"}
    file = tmp_path / "key"
    file.write_text("sk-file\nsecond line\n")
    assert config.resolve_secret(None, "OPENAI_API_KEY", env) == config.Secret("sk-default")
    assert config.resolve_secret("env:OTHER", "OPENAI_API_KEY", env) == config.Secret("sk-other")
    assert config.resolve_secret(f"@{file}", "OPENAI_API_KEY", env) == config.Secret("sk-file")
    assert config.resolve_secret("sk-literal", "OPENAI_API_KEY", env) == config.Secret("sk-literal", literal=True)
    assert config.resolve_secret(None, "OPENAI_API_KEY", {}) is None


def test_repr_hides_the_key() -> None:
    assert "sk-" not in repr(config.Secret("sk-secret"))


@pytest.mark.parametrize("reference", ["env:NOTHING", "@/no/such/file", "  "])
def test_a_missing_key_is_a_usage_error(reference: str) -> None:
    with pytest.raises(UsageError):
        config.resolve_secret(reference, "OPENAI_API_KEY", {})
