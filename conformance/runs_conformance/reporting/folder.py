"""Where a run's files go, and writing them."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from runs_conformance.errors import UsageError
from runs_conformance.reporting import har
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.view import DEFAULT, HAR, HAR_FILE, VIEWS, Occasion

HOME = Path("reports")


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one run, and the id of the run. `latest` is what leads to it from the folder of all runs, where
    there is one. `elsewhere` is the history where it is in another folder.
    """

    path: Path
    run: str = ""
    latest: Path | None = None
    elsewhere: Path | None = None

    @property
    def history(self) -> Path:
        """The exchanges, one line each."""
        return self.elsewhere or self.path / "history.jsonl"

    def to_open(self, views: Sequence[str]) -> tuple[str | None, str | None]:
        """The file that a person opens first, and the one that holds the counterexamples."""
        shown = next((VIEWS[name].file for name in ("html", "markdown", "json", "junit") if name in views), None)
        kept = self.path / VIEWS["json"].file if "json" in views else self.history
        return str(self.path / shown) if shown else None, str(kept) if kept.exists() else None

    def write(self, report: Report, dialect: str = "openai", views: Sequence[str] = DEFAULT) -> list[str]:
        """Write these views of the report; gives one line for each that there can be none of, which is taken away.

        Raises UsageError where one cannot be written; the others are, then.
        """
        failed, refused = [], []
        on = Occasion(dialect=dialect, folder=self.path)
        for name in views:
            view = VIEWS.get(name)
            why = view.refusal(report) if view is not None else None
            if view is not None and why is not None:
                # An older one would claim what this run does not show.
                (self.path / view.file).unlink(missing_ok=True)
                refused.append(f"no {view.file}: {why}")
            elif view is not None:
                failed += _replaced(self.path / view.file, view.text(report, on))
            elif name == HAR:
                failed += _streamed(self.path / HAR_FILE, lambda out: har.write(self.history, out))
        if failed:
            raise UsageError(failed[0] if len(failed) == 1 else f"{failed[0]} (nor {len(failed) - 1} more files)")
        if self.latest is not None:
            _point(self.latest, self.path)
        return refused


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


def _replaced(path: Path, content: str) -> list[str]:
    return _streamed(path, lambda out: out.write(content))


def _streamed(path: Path, write: Callable[[TextIO], object]) -> list[str]:
    """Write a file in one move, so that a reader never sees half of it; gives what went wrong."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", errors="backslashreplace") as out:
            write(out)
        os.replace(beside, path)
    except (OSError, UsageError) as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        return [f"{path}: cannot be written: {error.strerror or error}" if isinstance(error, OSError) else str(error)]
    return []


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
