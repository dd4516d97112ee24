"""The compatibility table: which clients and frameworks work with the emulator unchanged.

`python -m tests.compatibility.matrix [CLIENT ...]` installs each into an environment of its own below `--folder`, runs
its program against an emulator, and writes `reports/reference/compatibility.json` and `.md`. Without names it does so
for every client; rows that are not run are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

from runs_conformance.testing import start_emulator

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).resolve().parent / "programs"
TABLE = ROOT / "reports" / "reference" / "compatibility.json"
WORKS = "works"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Client:
    """A client or framework: what to install (the first names it), and its program."""

    name: str
    requirements: tuple[str, ...]
    program: str

    def __str__(self) -> str:
        return self.name

    @property
    def is_node(self) -> bool:
        """Whether it is an npm package."""
        return self.program.endswith(".mjs")

    @property
    def purpose(self) -> str:
        """The first sentence of its program, which says what it does."""
        first = (PROGRAMS / self.program).read_text("utf-8").splitlines()[0]
        return first.strip('"/ ').split(";")[0].rstrip(".")


@dataclass(frozen=True, slots=True)
class CompatibilityRow:
    """The result of one client."""

    client: str
    version: str
    purpose: str
    result: str


CLIENTS = (
    Client("openai-python 1.50", ("openai==1.50.0", "httpx<0.28"), "python_client.py"),
    Client("openai-python 1", ("openai<2",), "python_client.py"),
    Client("openai-python 2", ("openai<3",), "python_client.py"),
    Client("openai-python", ("openai",), "python_client.py"),
    Client("openai-node 4", ("openai@4",), "node_client.mjs"),
    Client("openai-node 5", ("openai@5",), "node_client.mjs"),
    Client("openai-node 6", ("openai@6",), "node_client.mjs"),
    Client("openai-node", ("openai@latest",), "node_client.mjs"),
    Client("LangChain", ("langchain-classic", "openai"), "langchain_assistant.py"),
    Client("LlamaIndex", ("llama-index-agent-openai",), "llama_index_assistant.py"),
    Client("AutoGen", ("autogen-ext[openai]", "autogen-agentchat"), "autogen_assistant.py"),
    Client("Semantic Kernel", ("semantic-kernel",), "semantic_kernel_assistant.py"),
)


def install(client: Client, folder: Path) -> tuple[list[str], str]:
    """Install a client; returns the command that runs its program, and the version. Raises CalledProcessError."""
    if client.is_node:
        folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--no-save", *client.requirements]
        subprocess.run(npm, check=True, capture_output=True, text=True, timeout=600)
        manifest = folder / "node_modules" / "openai" / "package.json"
        program = Path(shutil.copy(PROGRAMS / client.program, folder))
        return ["node", str(program)], str(json.loads(manifest.read_text("utf-8"))["version"])
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-compile"]
    subprocess.run([*pip, *client.requirements], check=True, capture_output=True, text=True, timeout=900)
    distribution = client.requirements[0].partition("[")[0].partition("<")[0].partition("=")[0]
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    version = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return [str(python), str(PROGRAMS / client.program)], version.stdout.strip()


def run_program(command: list[str]) -> str:
    """Run a program against a new emulator that checks files; returns the result in a word or a line."""
    with start_emulator(step_ms=1, check_files=True) as emulator:
        variables = {"OPENAI_BASE_URL": emulator.base_url, "OPENAI_API_KEY": emulator.api_key}
        done = subprocess.run(
            command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=120, check=False
        )
    if done.returncode == 0:
        return WORKS
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it failed"]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])[:_SHOWN]


def check(client: Client, folder: Path) -> CompatibilityRow:
    """Install and run one client."""
    try:
        command, version = install(client, folder / client.name.replace(" ", "-"))
    except (subprocess.CalledProcessError, OSError) as error:
        output = getattr(error, "stderr", None) or str(error)
        return CompatibilityRow(client.name, "", client.purpose, f"not installed: {output.splitlines()[-1][:_SHOWN]}")
    return CompatibilityRow(client.name, version, client.purpose, run_program(command))


def read() -> dict[str, CompatibilityRow]:
    """The rows of the committed table, by client."""
    rows = json.loads(TABLE.read_text("utf-8"))["rows"] if TABLE.is_file() else []
    return {row["client"]: CompatibilityRow(**row) for row in rows}


def render(rows: dict[str, CompatibilityRow]) -> str:
    """The table as Markdown."""
    lines = [
        "# Clients and frameworks on the emulator",
        "",
        "Written by `python -m tests.compatibility.matrix`: each is installed unchanged, and gets only the base URL",
        "and an API key. The emulator checks the ids of files (`--check-files`). The tests of the suite run the rows",
        "of the official clients; only this command runs those of the frameworks.",
        "",
        "| client | version | what was run | result |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {row.client} | {row.version} | {row.purpose} | {row.result} |" for row in rows.values()]
    return "\n".join(lines) + "\n"


def write(rows: dict[str, CompatibilityRow]) -> None:
    """Write both files, with the rows in the order of `CLIENTS`."""
    ordered = {client.name: rows[client.name] for client in CLIENTS if client.name in rows}
    TABLE.write_text(json.dumps({"rows": [asdict(row) for row in ordered.values()]}, indent=1) + "\n", "utf-8")
    TABLE.with_suffix(".md").write_text(render(ordered), "utf-8")


def main() -> int:
    """Check the named clients, or all; returns 1 if one does not work."""
    names = [client.name for client in CLIENTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of {', '.join(names)}")
    parser.add_argument("--folder", type=Path, default=ROOT / ".tox" / "compatibility")
    options = parser.parse_args()
    if unknown := [name for name in options.clients if name not in names]:
        parser.error(f"there is no client {', '.join(unknown)}; there are {', '.join(names)}")
    rows = read()
    for client in CLIENTS:
        if not options.clients or client.name in options.clients:
            row = rows[client.name] = check(client, options.folder)
            print(f"{row.client} {row.version}: {row.result}", flush=True)
            write(rows)
    return 0 if all(row.result == WORKS for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
