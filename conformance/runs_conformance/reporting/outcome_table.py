"""The table of outcomes by capability for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting.outcome_names import DISPLAY_ORDER, outcome_name
from runs_conformance.reporting.report import outcomes_by_capability
from runs_conformance.reporting.terminal_style import Style


def outcome_table(verdicts: Sequence[Verdict], style: Style) -> Iterator[str]:
    """The number of verdicts by outcome, one line per capability."""
    header = "".join(f"{outcome_name(outcome):>{_column_width(outcome)}}" for outcome in DISPLAY_ORDER)
    yield style.bold(f"{'capability':16}{header}")
    rows = dict(outcomes_by_capability(verdicts, CAPABILITIES))
    rows["total"] = Counter(verdict.outcome for verdict in verdicts)
    for name, counts in rows.items():
        yield f"{name:16}" + "".join(_cell(counts.get(outcome, 0), outcome, style) for outcome in DISPLAY_ORDER)


def _cell(count: int, outcome: Outcome, style: Style) -> str:
    text = f"{count or '·':>{_column_width(outcome)}}"
    return style.paint(text, "31") if outcome is Outcome.FAIL and count else text


def _column_width(outcome: Outcome) -> int:
    return max(8, len(outcome_name(outcome)) + 2)
