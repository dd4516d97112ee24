"""The dev container feature installs what its option says, and the container starts the emulator."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import click

from runs_conformance.cli import cli

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "devcontainer" / ".devcontainer"
FEATURE = FOLDER / "runs-conformance"

_PYTHON = """#!/bin/sh
[ "$1" = -m ] || exit 0
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$@" >>"%s/installed"\\n' "$3" >"$3/bin/pip"
chmod +x "$3/bin/pip"
touch "$3/bin/runs-conformance"
"""


def test_feature_installs_what_its_option_says(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "python3").write_text(_PYTHON)
    (commands / "python3").chmod(0o755)
    variables = {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PREFIX_FOLDER": str(tmp_path / "prefix"),
        "COMMANDS_FOLDER": str(commands),
        "REQUIREMENT": "runs-conformance @ git+https://example.com/it",
    }
    subprocess.run(["sh", str(FEATURE / "install.sh")], env=variables, check=True, timeout=20)
    assert "runs-conformance @ git+https://example.com/it" in (tmp_path / "prefix" / "installed").read_text()
    assert (commands / "runs-conformance").resolve() == tmp_path / "prefix" / "bin" / "runs-conformance"
    feature = json.loads((FEATURE / "devcontainer-feature.json").read_text("utf-8"))
    default = feature["options"]["requirement"]["default"]
    assert f"${{REQUIREMENT:-{default}}}" in (FEATURE / "install.sh").read_text("utf-8")


def test_container_starts_the_emulator() -> None:
    container = json.loads((FOLDER / "devcontainer.json").read_text("utf-8"))
    assert [(FOLDER / name).is_dir() for name in container["features"]] == [True]
    words = shlex.split(container["postStartCommand"].partition(" >")[0])
    assert words[:3] == ["nohup", "runs-conformance", "serve"]
    command = cli.get_command(click.Context(cli), "serve")
    assert command is not None
    port = command.make_context("serve", words[3:]).params["port"]
    assert container["containerEnv"]["OPENAI_BASE_URL"] == f"http://127.0.0.1:{port}/v1"
    assert container["forwardPorts"] == [port]
