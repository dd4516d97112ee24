"""The table of independent servers: which of their known faults the suite finds, and which of its causes are true.

`python -m tests.quality.independent_servers` runs the suite against the servers in `tests/quality/servers/`, compares
the failures with `judgements.json`, and writes `reports/reference/servers.json` and `.md`. FastAPI, Flask and Express
must be installed; `tox -e servers` does that.

Each server was written from the API's documents alone, and its faults were listed before the suite ran on it. In
`judgements.json` each fault names the requirements that show it, with wildcards where one fault breaks many.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.causes import Cause
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.targets import remote_target
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.judging import STEP_MS
from tests.quality.tables import write_rows, write_text

FOLDER = Path(__file__).parent / "servers"
KEY = "sk-test-123456789012"
COMMANDS: Mapping[str, Sequence[str]] = {
    "fastapi": (sys.executable, str(FOLDER / "fastapi_server.py")),
    "express": ("node", str(FOLDER / "express_server" / "server.js")),
    "starlette": (sys.executable, str(FOLDER / "starlette_server.py")),
    "flask": (sys.executable, str(FOLDER / "flask_server.py")),
    "gateway": (sys.executable, str(FOLDER / "gateway_server.py")),
}
RESTARTED = ("express",)
"""Servers that some requests end, and that a process manager would start again."""
TRUE, DEBATABLE, FALSE, UNJUDGED = "true", "debatable", "false", "unjudged"


@dataclass(frozen=True, slots=True)
class ServerRow:
    """The result on one server. `missed` holds faults that no failure shows, `unjudged` failures of no known fault."""

    server: str
    requests: int
    seconds: float
    faults: int
    found: int
    missed: tuple[str, ...]
    must: int
    causes: int
    true: int
    debatable: int
    false: int
    unjudged: tuple[str, ...]


@contextmanager
def hosted(name: str) -> Iterator[str]:
    """Run a server until the block ends; yields its base URL. The gateway gets an emulator to forward to."""
    if name == "gateway":
        with serve_emulators({"upstream": ((), ())}, STEP_MS) as urls, _process(name, urls["upstream"], KEYS[0]) as url:
            yield url
    else:
        with _process(name) as url:
            yield url


@contextmanager
def _process(name: str, *arguments: str) -> Iterator[str]:
    supervisor = _Supervisor([*COMMANDS[name], *arguments], restarts=name in RESTARTED)
    try:
        url = supervisor.start()
        if not url:
            raise RuntimeError(f"{name} did not start: {' '.join(COMMANDS[name])}")
        yield url
    finally:
        supervisor.stop()


class _Supervisor:
    """Runs a server, and starts it again on the same port when it ends, as process managers do."""

    def __init__(self, command: Sequence[str], *, restarts: bool) -> None:
        self._command, self._restarts = command, restarts
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start the server; returns its base URL."""
        url = self._start_process("0")
        if self._restarts:
            port = str(urlsplit(url).port)
            threading.Thread(target=self._keep_running, args=(port,), daemon=True).start()
        return url

    def stop(self) -> None:
        """End the server permanently."""
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)

    def _start_process(self, port: str) -> str:
        process = self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what the server raises is recorded as its response
            text=True,
            env={**os.environ, "NODE_ENV": "production", "PORT": port},
        )
        assert process.stdout is not None
        with process.stdout as output:
            return output.readline().strip()

    def _keep_running(self, port: str) -> None:
        while self._process is not None:
            self._process.wait()
            if self._stopped.wait(0.2):
                return
            self._start_process(port)


def judge(name: str, profile: str = "standard", folder: Path | None = None) -> Report:
    """Run the suite against a server; the files of the report go to `folder`, if it is given."""
    with hosted(name) as url, tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        target, options = remote_target(url, api_key=KEY), RunOptions(profile=profile)
        report_folder = prepare_folder(folder or Path(scratch) / "report")
        report = run.judge(target, options, run.plan_run(target, options), report_folder, SilentProgress())
        report_folder.write(report)
        return report


def load_judgements() -> dict[str, Any]:
    """The judgements by server: `faults`, and failures that are `debatable` or `false`, with reasons."""
    judgements: dict[str, Any] = json.loads((FOLDER / "judgements.json").read_text(encoding="utf-8"))
    return judgements


def matches(id_: str, patterns: Sequence[str]) -> bool:
    """Whether a requirement is one of these; `*` stands for any text, brackets for themselves."""
    return any(fnmatchcase(id_, pattern.replace("[]", "[[]]")) for pattern in patterns)


def compare(name: str, report: Report, judgements: Mapping[str, Any]) -> ServerRow:
    """Compare the failures of a server with the judgements of people."""
    faults = judgements["faults"]
    failing = [verdict.id for level in ("must", "should") for verdict in report.failures(level)]
    must = {verdict.id for verdict in report.failures("must")}
    listed = [slug for slug, fault in faults.items() if "listed" not in fault]
    found = [slug for slug, fault in faults.items() if any(matches(id_, fault["requirements"]) for id_ in failing)]
    judged = {id_: judge_failure(id_, judgements) for id_ in must}
    causes = [_judge_cause(cause, judged) for cause in report.causes if cause.level == "must"]
    return ServerRow(
        server=name,
        requests=report.usage.requests,
        seconds=round(report.usage.seconds),
        faults=len(listed),
        found=len(set(found) & set(listed)),
        missed=tuple(slug for slug in faults if slug not in found),
        must=len(must),
        causes=len(causes),
        true=causes.count(TRUE),
        debatable=causes.count(DEBATABLE),
        false=causes.count(FALSE),
        unjudged=tuple(sorted(id_ for id_, judgement in judged.items() if judgement == UNJUDGED)),
    )


def judge_failure(id_: str, judgements: Mapping[str, Any]) -> str:
    """The judgement of one failing requirement."""
    for kind in (FALSE, DEBATABLE):
        if matches(id_, list(judgements.get(kind, {}))):
            return kind
    shown = any(matches(id_, fault["requirements"]) for fault in judgements["faults"].values())
    return TRUE if shown else UNJUDGED


def _judge_cause(cause: Cause, judged: Mapping[str, str]) -> str:
    """The worst judgement of the MUST failures of a cause."""
    found = {judged[id_] for id_ in cause.ids if id_ in judged}
    return next(kind for kind in (UNJUDGED, FALSE, DEBATABLE, TRUE) if kind in found)


def render_page(rows: Sequence[ServerRow], judgements: Mapping[str, Any]) -> str:
    """The Markdown page."""
    lines = [
        "# Independent servers",
        "",
        "Written by `python -m tests.quality.independent_servers` (`tox -e servers`). The servers in",
        "`tests/quality/servers/` were written from the API's documents, each with another framework, and their faults",
        "were listed before the suite ran on them; the few that it found beside these do not count. A fault is found",
        "if a requirement fails that shows it. A cause is true if each of its MUST failures shows a fault; each was",
        "checked by hand against the code of the server.",
        "",
        "| server | faults | found | MUST failures | causes | true | debatable | false | requests | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.server} | {row.faults} | {row.found} | {row.must} | {row.causes} | {row.true} | {row.debatable} "
        f"| {row.false} | {row.requests} | {row.seconds:.0f} |"
        for row in rows
    ]
    total = [sum(column) for column in zip(*((r.faults, r.found, r.must, r.causes, r.true) for r in rows), strict=True)]
    if total:
        lines += [
            "",
            f"Recall: {total[1]} of {total[0]} faults were found. Precision: {total[4]} of {total[3]} causes are true.",
        ]
    for row in rows:
        lines += ["", f"## {row.server}", "", "| fault | found | why not |", "| --- | --- | --- |"]
        for slug, fault in judgements[row.server]["faults"].items():
            is_found = slug not in row.missed
            answer = "not listed" if "listed" in fault else "yes" if is_found else "no"
            lines.append(f"| {fault['fault']} | {answer} | {'' if is_found else fault.get('missed', '')} |")
        for kind in (FALSE, DEBATABLE):
            for id_, reason in judgements[row.server].get(kind, {}).items():
                lines += ["", f"{kind.capitalize()}: `{id_}`. {reason}"]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the servers; returns 1 if a failure is unjudged or false, or a fault is missed without a reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"judge only these of {', '.join(COMMANDS)}")
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--keep", type=Path, help="folder for the reports")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(COMMANDS):
        parser.error(f"no server is named {', '.join(sorted(unknown))}")
    judgements = load_judgements()
    rows = []
    for name in options.names or COMMANDS:
        report = judge(name, options.profile, options.keep / name if options.keep else None)
        row = compare(name, report, judgements[name])
        rows.append(row)
        print(f"{name}: {row.found} of {row.faults} faults, {row.true} of {row.causes} causes true", flush=True)
        for slug in row.missed:
            print(f"  missed: {slug}")
        for id_ in row.unjudged:
            print(f"  unjudged: {id_}")
    if not options.names:
        write_rows("servers", map(asdict, rows))
        write_text("servers.md", render_page(rows, judgements))
    unexplained = [
        slug for row in rows for slug in row.missed if not judgements[row.server]["faults"][slug].get("missed")
    ]
    return 1 if unexplained or any(row.unjudged or row.false for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
