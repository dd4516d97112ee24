"""Durations and rates are parsed."""

from __future__ import annotations

import pytest

from runs_conformance.config.time import parse_duration, parse_rate
from runs_conformance.errors import UsageError


def test_durations() -> None:
    assert [parse_duration(text) for text in ("90", "1.5", "90s", "5m", "1 h")] == [90, 1.5, 90, 300, 3600]
    assert [parse_duration(text) for text in ("", "-1", "5x", "m", "nan", "inf", "1e999")] == [None] * 7


@pytest.mark.parametrize(("text", "per_second"), [("10/s", 10.0), ("60/min", 1.0), ("7200/h", 2.0), ("0.5 / s", 0.5)])
def test_rates(text: str, per_second: float) -> None:
    assert parse_rate(text) == pytest.approx(per_second)


@pytest.mark.parametrize(
    "text", ["10", "ten/s", "0/s", "-1/s", "10/day", "nan/s", "inf/s", "/s", "", "1e-320/h", "0.01/h"]
)
def test_invalid_rates(text: str) -> None:
    with pytest.raises(UsageError, match="10/s"):
        parse_rate(text)
