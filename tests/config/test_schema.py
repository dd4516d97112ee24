"""The schema of conformance.toml and its loader agree."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.config import toml
from runs_conformance.config.file import load
from runs_conformance.config.key import KEYS
from runs_conformance.config.schema import build_schema
from runs_conformance.errors import UsageError


def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(build_schema())
    return Draft202012Validator(build_schema())


@pytest.mark.parametrize("dotted_name", list(KEYS))
def test_every_example_is_valid_by_schema_and_loader(tmp_path: Path, dotted_name: str) -> None:
    key = KEYS[dotted_name]
    section = f"[{key.section}]\n" if key.section else ""
    text = f"{section}{key.name} = {toml.dump(key.example)}\n"
    (tmp_path / "c.toml").write_text(text)
    assert dict(load(tmp_path / "c.toml").values) == {dotted_name: key.example}
    assert validator().is_valid(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "modle = 'x'",
        "[auth]\napi_key = 'sk-1'",
        "[budget]\nmax_requests = 0",
        "[budget]\nmax_time = 'soon'",
        "dialect = 'klingon'",
        "[capabilities]\nstreming = true",
        "[gate]\nfail_on = 'may'",
        "phases = ['x']",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(UsageError):
        load(tmp_path / "c.toml")
    assert not validator().is_valid(tomllib.loads(text))
