"""The folder of a test run, and writing its files."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from runs_conformance.errors import UsageError
from runs_conformance.reporting import har
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.shorten import shorten
from runs_conformance.reporting.view import DEFAULT, HAR, HAR_FILE, VIEWS, RenderContext
from runs_conformance.wire import known_secrets

HOME = Path("reports")
HISTORY, PARTS = "history.jsonl", "processes"
"""The history in the folder of a test run, and the folder of those of its processes, if there were several."""

_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one test run. `latest` is the link to update in the folder of all test runs, if there is one;
    `external_history` is the history file if it lies outside the folder.
    """

    path: Path
    run_id: str = ""
    latest: Path | None = None
    external_history: Path | None = None

    @property
    def history(self) -> Path:
        """The history file, one exchange per line."""
        return self.external_history or self.path / HISTORY

    def history_of_process(self, number: int) -> Path:
        """The history file of one of several processes."""
        return self.path / PARTS / str(number) / HISTORY

    def remove_histories(self) -> None:
        """Remove the histories of an earlier test run, which would be taken for those of the next one.

        Raises UsageError if they cannot be removed.
        """
        try:
            (self.path / HISTORY).unlink(missing_ok=True)
            if (self.path / PARTS).exists():
                shutil.rmtree(self.path / PARTS)
        except OSError as error:
            raise UsageError(f"{self.path}: cannot remove the earlier history: {error.strerror or error}") from None

    def files_to_open(self, views: Sequence[str]) -> tuple[str | None, str | None]:
        """The report for people to open, and the file that holds the counterexamples."""
        report = next((VIEWS[name].file for name in ("html", "markdown", "json", "junit") if name in views), None)
        source = self.path / VIEWS["json"].file if "json" in views else self.history
        return str(self.path / report) if report else None, str(source) if source.exists() else None

    def write(self, report: Report, dialect: str = "openai", views: Sequence[str] = DEFAULT) -> list[str]:
        """Write these views of the report. Returns one line per view that the report does not support.

        An older file of an unsupported view is removed. Raises UsageError if a file cannot be written, after writing
        the others.
        """
        errors, unavailable = [], []
        report = shorten(report)
        context = RenderContext(dialect=dialect, folder=self.path)
        for name in views:
            view = VIEWS.get(name)
            reason = view.unavailable_reason(report) if view is not None else None
            if view is not None and reason is not None:
                # An older file would claim something that this test run does not show.
                (self.path / view.file).unlink(missing_ok=True)
                unavailable.append(f"no {view.file}: {reason}")
            elif view is not None:
                errors += _write_atomically(self.path / view.file, _redact(view.file, view.text(report, context)))
            elif name == HAR:
                errors += _stream_atomically(self.path / HAR_FILE, lambda out: har.write_har(self.history, out))
        if errors:
            raise UsageError(errors[0] if len(errors) == 1 else f"{errors[0]} (and {len(errors) - 1} more files)")
        if self.latest is not None:
            _update_latest(self.latest, self.path)
        return unavailable


def histories_in(folder: Path) -> tuple[Path, ...]:
    """The history of the test run in a folder, or those of its processes in their order, if there are any."""
    if (folder / HISTORY).is_file():
        return (folder / HISTORY,)
    parts = folder.glob(f"{PARTS}/*/{HISTORY}")
    return tuple(sorted(parts, key=lambda path: (len(path.parent.name), path.parent.name)))


def prepare_folder(path: Path | None, now: float | None = None) -> RunFolder:
    """Create the folder at `path`, or a new one below `reports/`. Raises UsageError if it cannot be created."""
    is_new = path is None and not HOME.exists()
    run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(2)}"
    if path is not None:
        return RunFolder(_make_directory(path), run_id)
    folder = RunFolder(_make_directory(HOME / run_id), run_id, HOME / "latest")
    if is_new:
        with suppress(OSError):
            (HOME / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def prune(folder: RunFolder, keep: int) -> None:
    """Delete the oldest folders of test runs next to this one, so that `keep` remain, if it lies in the usual place.

    Folders that were not named by the suite are left alone.
    """
    if folder.latest is None or keep < 1:
        return
    with suppress(OSError):
        sessions = sorted(each for each in folder.path.parent.iterdir() if _RUN_ID.fullmatch(each.name))
        for old in sessions[:-keep]:
            if old != folder.path and old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)


def _make_directory(path: Path) -> Path:
    try:
        # Reports contain messages of the server's users.
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot create the report folder: {error.strerror or error}") from None
    return path


def _redact(name: str, text: str) -> str:
    """The text of a view without known secrets, which may form only when parts are joined."""
    return known_secrets.redact_json_text(text) if name.endswith(".json") else known_secrets.redact(text)


def _write_atomically(path: Path, content: str) -> list[str]:
    return _stream_atomically(path, lambda out: out.write(content))


def _stream_atomically(path: Path, write: Callable[[TextIO], object]) -> list[str]:
    """Write a file atomically, so that readers never see a partial file. Returns the errors."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as out:
            write(out)
        os.replace(temporary, path)
    except (OSError, UsageError) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return [f"{path}: cannot write: {error.strerror or error}" if isinstance(error, OSError) else str(error)]
    return []


def _update_latest(latest: Path, path: Path) -> None:
    """Make `latest` a link to the folder, or a text file with its name if links are not supported."""
    try:
        if latest.is_symlink() or latest.is_file():
            latest.unlink()
        latest.symlink_to(path.name, target_is_directory=True)
    except OSError:
        try:
            latest.write_text(f"{path.name}\n", encoding="utf-8")
        except OSError:
            return
