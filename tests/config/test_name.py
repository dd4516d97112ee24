from __future__ import annotations

import pytest

from runs_conformance import config
from runs_conformance.errors import UsageError


def test_editions() -> None:
    assert config.edition("2024-08-28") == "2024-08-28"
    assert config.edition("2025-01-01") == "2025-01-01"
    for wrong in ("2023-01-01", "latest", "2024-8-28", "2024-13-45", "2025-02-29"):
        with pytest.raises(UsageError):
            config.edition(wrong)


def test_what_is_known_is_told_where_it_is_not_too_much() -> None:
    with pytest.raises(UsageError, match=r"there is no phase 'lif'; .*\? there are lifecycle, races"):
        config.known("lif", ["races", "lifecycle"], "phase")
    with pytest.raises(UsageError, match=r"there is no rule 'zzz'\Z"):
        config.known("zzz", [f"rule_{number}" for number in range(1000)], "rule")


def test_the_nearest_name_is_suggested() -> None:
    assert config.nearest("create_rnu", ["create_run", "list_steps"]) == "; did you mean create_run?"
    assert config.nearest("terminal", ["lifecycle.terminal_status_is_final"]) == (
        "; did you mean lifecycle.terminal_status_is_final?"
    )
    assert config.nearest("zzz", ["create_run"]) == ""
