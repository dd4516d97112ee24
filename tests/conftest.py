"""Options that say where material outside the repository lies; tests that need it skip where it is not given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDERS = {
    "--recordings": (
        "RUNS_CONFORMANCE_RECORDINGS",
        "folder of recorded traffic of the real service (exchanges.jsonl, cassettes/)",
    ),
    "--contract-tables": (
        "RUNS_CONFORMANCE_CONTRACT_TABLES",
        "folder of the contract's tables (boundaries.json, fields.json)",
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    for option, (variable, text) in _FOLDERS.items():
        parser.addoption(option, metavar="DIR", default=os.environ.get(variable), help=f"{text}; else ${variable}")


def _folder(config: pytest.Config, option: str) -> Path:
    value = config.getoption(option)
    if not value:
        pytest.skip(f"needs {option} or ${_FOLDERS[option][0]}")
    path = Path(value)
    if not path.is_dir():
        raise pytest.UsageError(f"{option}: {path} is not a folder")
    return path


@pytest.fixture(scope="session")
def recordings(pytestconfig: pytest.Config) -> Path:
    """The folder of recorded traffic."""
    return _folder(pytestconfig, "--recordings")


@pytest.fixture(scope="session")
def contract_tables(pytestconfig: pytest.Config) -> Path:
    """The folder of the contract's tables."""
    return _folder(pytestconfig, "--contract-tables")
