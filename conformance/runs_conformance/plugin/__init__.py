"""The pytest plugin: `pytest conformance.toml` judges the target that the file names; the fixture `runs_emulator` is an
emulator for tests of clients; the fixture `runs_proxy` judges what a test exchanges with a server.

Every pytest run in an environment with the suite loads this module, so it defers all other imports.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runs_conformance.app.proxy_session import TestProxy
    from runs_conformance.testing import ScriptableEmulator

MARKER = (
    "runs_emulator(mutants=, variants=, step_ms=, expires_s=, edition=, failing_model=, keys=, check_files=, "
    "allow_unused=): options of this test's emulator."
)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hook with which a server's repository provides its application."""
    from runs_conformance.plugin import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the report folder."""
    parser.getgroup("runs-conformance").addoption(
        "--conformance-report-dir",
        metavar="DIR",
        default=None,
        help="Folder of the report. Default: report.dir of the conformance file, or reports/<run-id>.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a `conformance.toml` only if it is named on the command line, since collecting it judges a target."""
    if file_path.suffix != ".toml" or "conformance" not in file_path.stem:
        return None
    if not parent.session.isinitpath(file_path):
        return None
    from runs_conformance.plugin.collection import ConformanceFile

    collector: pytest.Collector = ConformanceFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the folder in which the workers share results to a worker of pytest-xdist."""
    if any(".toml" in str(argument) for argument in node.config.args):
        from runs_conformance.plugin.xdist_cache import shared_folder

        node.workerinput["conformance_folder"] = str(shared_folder(node.config))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the conclusion for each target, and the path of its report."""
    from sys import modules

    if "runs_conformance.plugin.xdist_cache" not in modules:
        return
    from runs_conformance.plugin.xdist_cache import session_results

    for name, result in session_results(config):
        terminalreporter.write_sep("-", f"conformance of {name}")
        for line in result.summary:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the shared folder."""
    from sys import modules

    if "runs_conformance.plugin.xdist_cache" in modules:
        from runs_conformance.plugin.xdist_cache import remove_shared_folder

        remove_shared_folder(config)


@pytest.fixture(scope="session")
def runs_emulator_options() -> dict[str, Any]:
    """Default options of emulators; override it in a conftest. The names are those of the marker `runs_emulator`."""
    return {}


@pytest.fixture
def runs_emulator(
    request: pytest.FixtureRequest, runs_emulator_options: dict[str, Any]
) -> Iterator[ScriptableEmulator]:
    """An emulator for this test: `base_url` and `api_key` configure the client; the other methods script its responses
    and faults. The test fails if it leaves any of them unused, unless the marker has `allow_unused=True`.
    """
    from runs_conformance.config import require_known
    from runs_conformance.errors import UsageError
    from runs_conformance.testing import start_emulator
    from runs_conformance.testing.scriptable_emulator import OPTION_NAMES

    marker = request.node.get_closest_marker("runs_emulator")
    options = {**runs_emulator_options, **(marker.kwargs if marker else {})}
    for name in options:
        require_known(name, (*OPTION_NAMES, "allow_unused"), "option of the emulator")
    allows_unused = options.pop("allow_unused", False)
    if marker and marker.args:
        raise UsageError(f"the marker takes only options by name: {MARKER}")
    with start_emulator(**options) as emulator:
        yield emulator
        unused = emulator.unused
    if unused and not allows_unused:
        pytest.fail(f"the test ended with a script or faults that were never used: {unused}", pytrace=False)


@pytest.fixture(scope="session")
def runs_emulator_session(runs_emulator_options: dict[str, Any]) -> Iterator[ScriptableEmulator]:
    """An emulator for the whole session; `reset` clears scripted responses and faults between tests."""
    from runs_conformance.testing import start_emulator

    options = {name: value for name, value in runs_emulator_options.items() if name != "allow_unused"}
    with start_emulator(**options) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def runs_proxy_upstream() -> str:
    """The base URL of the server behind the proxy; override it in a conftest. Default: `OPENAI_BASE_URL`."""
    url = os.environ.get("OPENAI_BASE_URL")
    if not url:
        pytest.skip("override the fixture runs_proxy_upstream, or set OPENAI_BASE_URL")
    return url


@pytest.fixture
def runs_proxy(runs_proxy_upstream: str, tmp_path: Path) -> Iterator[TestProxy]:
    """A proxy for this test: `base_url` configures the client. The test fails if the server violates a requirement."""
    from runs_conformance.app.proxy_session import open_test_proxy

    with open_test_proxy(runs_proxy_upstream, tmp_path / "history.jsonl") as proxy:
        yield proxy
    if problems := proxy.problems:
        pytest.fail("\n".join((f"{runs_proxy_upstream} violated requirements:", *problems)), pytrace=False)
