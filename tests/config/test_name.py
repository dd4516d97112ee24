"""Names are checked, and errors suggest valid ones."""

from __future__ import annotations

import pytest

from runs_conformance import config
from runs_conformance.errors import UsageError


def test_editions() -> None:
    assert config.parse_edition("2024-08-28") == "2024-08-28"
    assert config.parse_edition("2025-01-01") == "2025-01-01"
    for wrong in ("2023-01-01", "latest", "2024-8-28", "2024-13-45", "2025-02-29"):
        with pytest.raises(UsageError):
            config.parse_edition(wrong)


def test_a_short_list_of_names_is_printed() -> None:
    with pytest.raises(UsageError, match=r"there is no phase 'lif'; .*\? there are lifecycle, races"):
        config.require_known("lif", ["races", "lifecycle"], "phase")
    with pytest.raises(UsageError, match=r"there is no rule 'zzz'\Z"):
        config.require_known("zzz", [f"rule_{number}" for number in range(1000)], "rule")
