"""Options for material outside the repository; tests that need it are skipped without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs_conformance.wire import known_secrets

# Each test that starts processes would otherwise wait for them to compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_FOLDERS = {
    "--recordings": (
        "RUNS_CONFORMANCE_RECORDINGS",
        "folder of recorded traffic of the real service (exchanges.jsonl, cassettes/)",
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


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> Iterator[None]:
    """Each test begins like a process that knows no secrets."""
    known_secrets.forget()
    yield
    known_secrets.forget()
