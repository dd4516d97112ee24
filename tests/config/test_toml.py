"""Values that are written as TOML are read back unchanged."""

from __future__ import annotations

import tomllib

import pytest

from runs_conformance.config import toml


@pytest.mark.parametrize(
    "value", [True, 3, 1.5, 'a "b" \\ \n\t \x7f \x01 ü 🙂', [], ["a", 1], {}, {"a b": 1, "x-y": {"z": [True]}}]
)
def test_written_values_are_read_back(value: object) -> None:
    assert tomllib.loads(f"it = {toml.dump(value)}")["it"] == value
