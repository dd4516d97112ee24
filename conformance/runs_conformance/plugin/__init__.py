"""The pytest plugin: `pytest conformance.toml` judges the target that the file names, and `runs_emulator` is an
emulator for tests of clients.

Everybody who has the suite installed loads this module with every pytest, so it imports nothing until it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runs_conformance.testing import Puppet

MARKER = "runs_emulator(mutants=, variants=, step_ms=, expires_s=, edition=): how the emulator of this test is made."


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hook by which a server's repository hands over its application."""
    from runs_conformance.plugin import hooks

    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the place of the report from the command line."""
    parser.getgroup("runs-conformance").addoption(
        "--conformance-report-dir",
        metavar="DIR",
        default=None,
        help="Where the report on the target goes. Default: as the conformance file says, or reports/<run-id>.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file like `conformance.toml` where it is named on the command line: judging a target is asked for."""
    if file_path.suffix != ".toml" or "conformance" not in file_path.stem:
        return None
    if not parent.session.isinitpath(file_path):
        return None
    from runs_conformance.plugin.collection import ConformanceFile

    made: pytest.Collector = ConformanceFile.from_parent(parent, path=file_path)
    return made


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Name to a worker of pytest-xdist the folder by which all of them share what the target was judged."""
    if any(".toml" in str(argument) for argument in node.config.args):
        from runs_conformance.plugin.xdist_cache import folder_of

        node.workerinput["conformance_folder"] = str(folder_of(node.config))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what each target came to, and where its report is."""
    from sys import modules

    if "runs_conformance.plugin.xdist_cache" not in modules:
        return
    from runs_conformance.plugin.xdist_cache import results

    for name, result in results(config):
        terminalreporter.write_sep("-", f"conformance of {name}")
        for line in result.summary:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what was shared."""
    from sys import modules

    if "runs_conformance.plugin.xdist_cache" in modules:
        from runs_conformance.plugin.xdist_cache import forget

        forget(config)


@pytest.fixture(scope="session")
def runs_emulator_options() -> dict[str, Any]:
    """How emulators are made; a conftest may define it anew. The names are those of the marker `runs_emulator`."""
    return {}


@pytest.fixture
def runs_emulator(request: pytest.FixtureRequest, runs_emulator_options: dict[str, Any]) -> Iterator[Puppet]:
    """A real emulator for this test alone: `base_url` and `api_key` for the client, and told what to do by `say`,
    `call`, `fail`, `hang`, `refuse`, `delay` and `break_answer`.
    """
    from runs_conformance.testing import start_emulator

    marker = request.node.get_closest_marker("runs_emulator")
    with start_emulator(**{**runs_emulator_options, **(marker.kwargs if marker else {})}) as made:
        yield made


@pytest.fixture(scope="session")
def runs_emulator_session(runs_emulator_options: dict[str, Any]) -> Iterator[Puppet]:
    """A real emulator for the whole session; `reset` makes it forget what one test told it."""
    from runs_conformance.testing import start_emulator

    with start_emulator(**runs_emulator_options) as made:
        yield made
