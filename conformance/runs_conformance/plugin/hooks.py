"""The hook that a `conftest.py` can implement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.hookspec(firstresult=True)
def pytest_runs_conformance_app(config: pytest.Config, path: Path) -> Any:
    """The ASGI or WSGI application that the conformance file at `path` judges, or None.

    The application is served on a free loopback port while it is judged. The path of `base_url` in the file, by default
    `/v1`, is the API's path within the application.
    """
