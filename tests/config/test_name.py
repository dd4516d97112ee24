from __future__ import annotations

import pytest

from conformance import config
from conformance.errors import UsageError


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
