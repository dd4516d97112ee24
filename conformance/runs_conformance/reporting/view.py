"""The views of a report: what each is called, which file holds it, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from runs_conformance.errors import UsageError
from runs_conformance.reporting import claim, ctrf, html, junit, markdown
from runs_conformance.reporting import report as reports
from runs_conformance.reporting.report import Report

HISTORY, HAR = "history", "har"
"""What is written as a run goes, and what is written from that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a view may say beside the report: how keys are carried, and the folder that it is written to."""

    dialect: str = "openai"
    folder: Path = Path()

    @property
    def saved(self) -> str:
        """The report as a command names it."""
        return str(self.folder / "report.json")


@dataclass(frozen=True, slots=True)
class View:
    """One view: the file's name, and what it holds. `refusal` says, in one line, why there can be none."""

    file: str
    text: Callable[[Report, Occasion], str]
    refusal: Callable[[Report], str | None] = lambda report: None


VIEWS: Mapping[str, View] = {
    "json": View("report.json", lambda report, on: reports.text(report)),
    "html": View("report.html", lambda report, on: html.text(report, on.dialect, on.saved)),
    "markdown": View("summary.md", lambda report, on: markdown.text(report, on.dialect)),
    "junit": View("junit.xml", lambda report, on: junit.text(report, on.dialect)),
    "ctrf": View("ctrf.json", lambda report, on: ctrf.text(report)),
    "claim": View("claim.json", lambda report, on: claim.text(report), claim.refusal),
    "badge": View("badge.json", lambda report, on: claim.badge_text(report), claim.refusal),
}
"""Every view that is made of the report alone."""

HAR_FILE = "history.har"
NAMES = (*VIEWS, HAR, HISTORY)
DEFAULT = ("json", "html", "markdown", HISTORY)


def wanted(given: Iterable[str]) -> tuple[str, ...]:
    """The views that `--report` names, by commas or one by one; the usual ones where it names none.

    Raises UsageError for a view that there is not.
    """
    texts = list(given)
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if texts and not names:
        raise UsageError(f"--report: it names no view; there are {', '.join(NAMES)}")
    for name in names:
        if name not in NAMES:
            close = get_close_matches(name, NAMES, n=1)
            meant = f"did you mean {close[0]}? " if close else ""
            raise UsageError(f"--report: there is no view {name!r}; {meant}there are {', '.join(NAMES)}")
    return tuple(dict.fromkeys(names)) or DEFAULT
