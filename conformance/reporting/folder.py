"""Where a run's files go, and writing them."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import UsageError
from conformance.reporting import html, markdown
from conformance.reporting import report as reports
from conformance.reporting.report import Report

HOME = Path("reports")


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one run, and the id of the run. `latest` is what leads to it from the folder of all runs, where
    there is one.
    """

    path: Path
    run: str = ""
    latest: Path | None = None

    @property
    def history(self) -> Path:
        """The exchanges, one line each."""
        return self.path / "history.jsonl"

    @property
    def page(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    def write(self, report: Report, curl_dialect: str = "openai") -> None:
        """Write every view of the report. Raises UsageError where one cannot be written; the others are, then."""
        files = {
            "report.json": reports.text(report),
            "summary.md": markdown.text(report, curl_dialect),
            "report.html": html.text(report, curl_dialect),
        }
        failed = [error for error in (_replaced(self.path / name, content) for name, content in files.items()) if error]
        if failed:
            raise UsageError(failed[0] if len(failed) == 1 else f"{failed[0]} (nor {len(failed) - 1} more files)")
        if self.latest is not None:
            _point(self.latest, self.path)


def folder(given: Path | None, now: float | None = None) -> Folder:
    """The folder the user names, or a new one for this run. Raises UsageError where it cannot be made."""
    run = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(2)}"
    if given is not None:
        return Folder(_made(given), run)
    return Folder(_made(HOME / run), run, HOME / "latest")


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: the folder for the report cannot be made: {error.strerror or error}") from None
    return path


def _replaced(path: Path, content: str) -> str | None:
    """Write a file in one move, so that a reader never sees half of it; gives what went wrong."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(content, encoding="utf-8", errors="backslashreplace")
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        return f"{path}: cannot be written: {error.strerror or error}"
    return None


def _point(latest: Path, path: Path) -> None:
    """Make `latest` lead to the folder: a link, or a text file that names it where links cannot be made."""
    try:
        if latest.is_symlink() or latest.is_file():
            latest.unlink()
        latest.symlink_to(path.name, target_is_directory=True)
    except OSError:
        try:
            latest.write_text(f"{path.name}\n", encoding="utf-8")
        except OSError:
            return
