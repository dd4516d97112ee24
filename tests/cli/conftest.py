"""A fixture that separates each command from the environment of the developer."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run each command in a folder of its own and without API keys in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "CONFORMANCE_SECOND_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path
