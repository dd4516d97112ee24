"""The table of causes in the report for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from runs_conformance.model.plural import plural
from runs_conformance.model.text import truncate
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.numbered_causes import NumberedCause
from runs_conformance.reporting.terminal_style import WIDTH, Style

MIN_CAUSES, MAX_CAUSES = 5, 20
"""Limits for the number of causes shown if the screen has no space for more. All causes that fail the test run are
shown, up to the maximum; others only up to the minimum.

A cause that comes late because it is less severe may explain most of the failures.
"""
MAX_TITLE_LINES = 3
"""Lines of a title, as far as the screen has space for more than one."""
_TITLE_COLUMN = 29


def cause_table(causes: Sequence[NumberedCause], style: Style, height: int) -> Iterator[str]:
    """The causes, the first with its fix, in `height` lines if those that fail the test run allow it."""
    if not causes:
        return
    fix = textwrap.wrap(failure_text.printable(f"fix: {causes[0].cause.fix}"), WIDTH - _TITLE_COLUMN)
    yield ""
    yield style.bold(f"{'':3}{'effect':12}{'requirements':>12}  cause")
    least = max(MIN_CAUSES, min(sum(numbered.fails for numbered in causes), MAX_CAUSES))
    space = max(least, height - 2 - len(fix))
    shown = len(causes) if style.verbosity >= 1 or len(causes) <= space else max(least, space - 1)
    spare = space - shown - (shown < len(causes))
    for numbered in causes[:shown]:
        count = MAX_TITLE_LINES if style.verbosity >= 1 else min(1 + max(spare, 0), MAX_TITLE_LINES)
        first, *further = _title_lines(numbered, count)
        spare -= len(further)
        number = style.paint(f"{numbered.number:2} ", "31;1" if numbered.fails else "33")
        yield f"{number}{numbered.severity:12}{numbered.table_count:12}  {first}"
        if numbered is causes[0] and style.verbosity < 1:
            further += fix
        yield from (f"{'':{_TITLE_COLUMN}}{line}" for line in further)
    if rest := causes[shown:]:
        more = "more" if rest[0].fails else f"more {'warning' if len(rest) == 1 else 'warnings'}"
        explained = plural(sum(numbered.table_count for numbered in rest), "requirement")
        yield f"   {len(rest)} {more}, with {explained}; -v shows all"


def _title_lines(numbered: NumberedCause, count: int) -> list[str]:
    """The title of a cause in at most this many lines of the table."""
    note = "" if numbered.fails else "warning: " if numbered.cause.level == "should" else "note: "
    title = " ".join(failure_text.printable(f"{note}{numbered.cause.title}").split())
    width = WIDTH - _TITLE_COLUMN
    undecided = f" ({numbered.undecided})" if numbered.undecided else ""
    if count == 1:
        return [truncate(title, width - len(undecided)) + undecided]
    return textwrap.wrap(title + undecided, width, max_lines=count, placeholder="…", break_on_hyphens=False)
