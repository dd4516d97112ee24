"""The hook that a `conftest.py` may implement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.hookspec(firstresult=True)
def pytest_runs_conformance_app(config: pytest.Config, path: Path) -> Any:
    """The ASGI or WSGI application to be judged by the conformance file at `path`, or None.

    It is served on a free port of the loopback interface while it is judged. The path of the file's `base_url`, or
    `/v1`, says where in it the API is.
    """
