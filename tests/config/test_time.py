from __future__ import annotations

import pytest

from runs_conformance.config.time import rate, seconds
from runs_conformance.errors import UsageError


def test_lengths_of_time() -> None:
    assert [seconds(text) for text in ("90", "1.5", "90s", "5m", "1 h")] == [90, 1.5, 90, 300, 3600]
    assert [seconds(text) for text in ("", "-1", "5x", "m", "nan", "inf", "1e999")] == [None] * 7


@pytest.mark.parametrize(("given", "spacing"), [("10/s", 0.1), ("60/min", 1.0), ("7200/h", 0.5), ("0.5 / s", 2.0)])
def test_a_rate_is_a_spacing(given: str, spacing: float) -> None:
    assert rate(given) == pytest.approx(spacing)


@pytest.mark.parametrize(
    "given", ["10", "ten/s", "0/s", "-1/s", "10/day", "nan/s", "inf/s", "/s", "", "1e-320/h", "0.01/h"]
)
def test_what_is_no_rate(given: str) -> None:
    with pytest.raises(UsageError, match="10/s"):
        rate(given)
