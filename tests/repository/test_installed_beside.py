"""The installed wheel works beside a repository that has a `conformance` package of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

THEIR_TEST = """\
import sys
from pathlib import Path

import conformance


def test_their_package_is_imported():
    assert conformance.OWNER == "theirs"
    assert Path(conformance.__file__).parent == Path(__file__).parent.parent


def test_our_plugin_is_loaded(request, runs_emulator):
    plugin = request.config.pluginmanager.get_plugin("runs_conformance.plugin")
    assert Path(sys.prefix) in Path(plugin.__file__).parents
    assert runs_emulator.base_url.startswith("http://127.0.0.1:")
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("beside")
    options = ["--no-deps", "--no-build-isolation", "--quiet"]
    _run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    _run(sys.executable, "-m", "pip", "--python", str(environment), "install", "--no-deps", "--quiet", str(wheel))
    (site_packages,) = (environment / "lib").glob("python*/site-packages")
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if "runs_conformance" not in installed.name and not (site_packages / installed.name).exists():
            (site_packages / installed.name).symlink_to(installed)
    return environment / "bin" / "python"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Another project, with a package named `conformance` that contains tests."""
    tests = tmp_path / "conformance" / "tests"
    tests.mkdir(parents=True)
    (tests.parent / "__init__.py").write_text('OWNER = "theirs"\n', encoding="utf-8")
    (tests / "__init__.py").touch()
    (tests / "test_theirs.py").write_text(THEIR_TEST, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("as_module", [True, False], ids=["python -m pytest", "pytest"])
def test_each_conformance_package_is_its_own(python: Path, repository: Path, as_module: bool) -> None:
    start = ["-m", "pytest"] if as_module else ["-c", "import sys, pytest; sys.path.pop(0); sys.exit(pytest.main())"]
    output = _run(str(python), *start, "-p", "no:schemathesis", "-p", "no:cacheprovider", "-q", cwd=repository)
    assert "2 passed" in output


def test_the_command_runs_there(python: Path, repository: Path) -> None:
    output = _run(str(python), "-m", "runs_conformance", "list", "--level", "may", cwd=repository)
    assert "." in output.splitlines()[0]


def _run(*command: str, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
