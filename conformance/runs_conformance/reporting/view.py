"""The views of a report: name, file and renderer of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runs_conformance.errors import UsageError
from runs_conformance.model.suggestion import nearest_names
from runs_conformance.reporting import claim, ctrf, html, junit, markdown, report_json
from runs_conformance.reporting.report import Report

HISTORY, HAR = "history", "har"
"""The view that is written during the test run, and the one rendered from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderContext:
    """Inputs of a view besides the report: the dialect family for commands, and the folder of the test run."""

    dialect: str = "openai"
    folder: Path = Path()

    @property
    def report_path(self) -> str:
        """The path of report.json as shown in commands."""
        return str(self.folder / "report.json")


@dataclass(frozen=True, slots=True)
class View:
    """A view: file name and renderer. `unavailable_reason` explains why a report does not support it, or is None."""

    file: str
    text: Callable[[Report, RenderContext], str]
    unavailable_reason: Callable[[Report], str | None] = lambda report: None


VIEWS: Mapping[str, View] = {
    "json": View("report.json", lambda report, context: report_json.text(report)),
    "html": View("report.html", lambda report, context: html.text(report, context.dialect, context.report_path)),
    "markdown": View("summary.md", lambda report, context: markdown.text(report, context.dialect)),
    "junit": View("junit.xml", lambda report, context: junit.text(report, context.dialect)),
    "ctrf": View("ctrf.json", lambda report, context: ctrf.text(report)),
    "claim": View("claim.json", lambda report, context: claim.text(report), claim.unavailable_reason),
    "badge": View("badge.json", lambda report, context: claim.badge_text(report), claim.unavailable_reason),
}
"""The views that are rendered from the report alone."""

HAR_FILE = "history.har"
NAMES = (*VIEWS, HAR, HISTORY)
DEFAULT = ("json", "html", "markdown", HISTORY)


def parse_views(values: Iterable[str]) -> tuple[str, ...]:
    """The views in the values of `--report`, each a comma-separated list; the default views if there are none.

    Raises UsageError for an unknown view.
    """
    texts = list(values)
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if texts and not names:
        raise UsageError(f"--report names no view; choose from {', '.join(NAMES)}")
    for name in names:
        if name not in NAMES:
            close = nearest_names(name, NAMES, count=1, cutoff=0.6)
            suggestion = f"did you mean {close[0]}? " if close else ""
            raise UsageError(f"--report: no view {name!r}; {suggestion}choose from {', '.join(NAMES)}")
    return tuple(dict.fromkeys(names)) or DEFAULT
