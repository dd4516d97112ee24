"""The report for the terminal: failures, a table by capability, and the conclusion."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.baseline import Comparison, EntryStatus
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import group_early_ends
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.grouping import FailureGroup, group_failures
from runs_conformance.reporting.outcome_names import DISPLAY_ORDER, outcome_name
from runs_conformance.reporting.report import Report, outcomes_by_capability

WIDTH = 110
MAX_EARLY_END_CAUSES = 5
"""Causes of early ends shown unless `-v` is given."""
MAX_GROUPS = 15
"""Groups of failures shown in full; the rest is listed by id, and in full in the report."""

MAX_REASONS = 8
"""Reasons shown for each outcome; the rest is counted, and listed with `-v` and in the report."""

_CONCLUSION_COLOURS = {
    Outcome.PASS: "32;1",
    Outcome.FAIL: "31;1",
    Outcome.ERROR: "35;1",
    Outcome.INCONCLUSIVE: "33;1",
    Outcome.NOT_JUDGED: "35;1",
}


@dataclass(frozen=True, slots=True)
class Style:
    """Verbosity and colour of the output. `curl_dialect` is the dialect family for `curl` commands."""

    colour: bool = False
    verbosity: int = 0
    curl_dialect: str = "openai"

    def paint(self, text: str, code: str) -> str:
        """Return the text in an ANSI colour if colours are on."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def bold(self, text: str) -> str:
        """Return the text in bold if colours are on."""
        return self.paint(text, "1")


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """Files that the session wrote: the report to open, and the file that `replay` reads."""

    report: str | None = None
    replay_source: str | None = None


def render_summary(report: Report, style: Style, files: OutputFiles = OutputFiles()) -> str:
    """Render the report for the end of a session."""
    lines: list[str] = []
    if style.verbosity >= 0:
        lines += _failure_lines(report, style)
        lines += _warning_lines(report, style)
        lines += _error_lines(report, style)
        lines += _limit_lines(report, style)
        lines += _baseline_lines(report, style)
        lines += _early_end_lines(report, style)
        lines += ["", *table(report.verdicts, style), ""]
        lines += _undecided_lines(report, style)
    lines += _conclusion_lines(report, style, files)
    return "\n".join(lines)


def _failure_lines(report: Report, style: Style) -> Iterator[str]:
    groups = group_failures(report.unaccepted("must"))
    for group in groups[:MAX_GROUPS] if style.verbosity < 1 else groups:
        yield ""
        yield from _group_lines(group, report, style, "FAIL", "31;1")
    if len(groups) > MAX_GROUPS and style.verbosity < 1:
        rest = [verdict.id for group in groups[MAX_GROUPS:] for verdict in group.verdicts]
        yield ""
        yield style.bold(f"{len(rest)} more failures, in full in the report:")
        yield from _wrapped_lines(rest, "  ")


def _warning_lines(report: Report, style: Style) -> Iterator[str]:
    for level, label, code in (("should", "WARN", "33;1"), ("may", "NOTE", "36")):
        groups = group_failures(report.unaccepted(level))
        for group in groups:
            if style.verbosity >= 1:
                yield ""
                yield from _group_lines(group, report, style, label, code)
        if groups and style.verbosity < 1 and (level == "should" or style.verbosity >= 0):
            yield ""
            noun = "warnings (should)" if level == "should" else "notes (may)"
            yield style.bold(f"{sum(len(group.verdicts) for group in groups)} {noun}; -v shows them in full")
            for group in groups:
                yield from _short_lines(group, style, label, code)


def _short_lines(group: FailureGroup, style: Style, label: str, code: str) -> Iterator[str]:
    first = group.verdicts[0]
    message = first.findings[0].message if first.findings else first.statement
    yield f"{style.paint(label, code)}  {first.id}: {failure_text.printable(message)[:160]}"
    if len(group.verdicts) > 1:
        yield from _wrapped_lines([verdict.id for verdict in group.verdicts[1:]], "      also ")


def _error_lines(report: Report, style: Style) -> Iterator[str]:
    for verdict in report.with_outcome(Outcome.ERROR):
        yield ""
        yield f"{style.paint('ERROR', '35;1')} {verdict.id}: {failure_text.printable(verdict.reason or '')}"


def _limit_lines(report: Report, style: Style) -> Iterator[str]:
    if report.limits:
        yield ""
        yield style.bold("limits found")
        for limit in report.limits:
            yield f"  {limit.id}: {limit.text}"


def _baseline_lines(report: Report, style: Style) -> Iterator[str]:
    if report.comparison is None:
        return
    for status, (noun, nouns), label, code in _ENTRY_LABELS:
        results = report.comparison.with_status(status)
        if not results:
            continue
        yield ""
        yield style.bold(f"{plural(len(results), noun, nouns)}{label} ({report.comparison.baseline.name})")
        for result in results:
            until = f", until {result.entry.expires.isoformat()}" if result.entry.expires else ""
            issue = f", {result.entry.issue}" if result.entry.issue else ""
            note = f"{result.note}; listed as: " if result.note else ""
            text = failure_text.printable(f"{note}{result.entry.reason}{until}{issue}")
            yield f"{style.paint(status.value.upper(), code):8} {result.entry.id}: {text}"


def _group_lines(group: FailureGroup, report: Report, style: Style, label: str, code: str) -> Iterator[str]:
    first = group.verdicts[0]
    if len(group.verdicts) > 1:
        yield style.bold(f"{group.title}: {len(group.verdicts)} requirements")
    yield f"{style.paint(label, code)}  {style.bold(first.id)}  {first.level}"
    yield from _labelled_lines("", first.statement)
    for name, text in failure_text.labelled_lines(first):
        yield from _labelled_lines(name, text)
    commands = curl.script(
        first.counterexample, report.target.base_url or "$BASE_URL", style.curl_dialect, report.target.access
    )
    for number, line in enumerate(commands.split("\n") if commands else ()):
        yield f"      {'' if number else 'reproduce':9} {line}"
    others = [verdict.id for verdict in group.verdicts[1:]]
    if others:
        yield from _wrapped_lines(others, "      also      ")


def _labelled_lines(name: str, text: str) -> Iterator[str]:
    lead = f"      {name:9} " if name else "      "
    yield from textwrap.wrap(
        failure_text.printable(text),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
    ) or [lead]


def _wrapped_lines(names: Sequence[str], lead: str) -> Iterator[str]:
    yield from textwrap.wrap(
        ", ".join(names),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(verdicts: Sequence[Verdict], style: Style) -> Iterator[str]:
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


def _early_end_lines(report: Report, style: Style) -> Iterator[str]:
    groups = group_early_ends(report.programs.early_ends)
    if not groups:
        return
    yield ""
    yield style.bold(f"programs that stopped early: {sum(len(group.programs) for group in groups)}")
    for group in groups if style.verbosity >= 1 else groups[:MAX_EARLY_END_CAUSES]:
        yield from _labelled_lines(f"{len(group.programs)}", group.cause)
        yield from _wrapped_lines(
            group.programs if style.verbosity >= 1 else _first_few(group.programs), "                "
        )
    if len(groups) > MAX_EARLY_END_CAUSES and style.verbosity < 1:
        yield f"      and {plural(len(groups) - MAX_EARLY_END_CAUSES, 'more cause')}; -v shows all"


def _undecided_lines(report: Report, style: Style) -> Iterator[str]:
    for outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.NOT_JUDGED):
        by_reason: dict[str, list[str]] = {}
        for verdict in report.with_outcome(outcome):
            by_reason.setdefault(failure_text.reason_with_needs(verdict), []).append(verdict.id)
        largest_first = sorted(by_reason.items(), key=lambda item: -len(item[1]))
        shown = len(largest_first) if style.verbosity >= 1 else MAX_REASONS
        for reason, ids in largest_first[:shown]:
            yield f"{len(ids)} {outcome_name(outcome)}: {failure_text.printable(reason)}"
            if style.verbosity >= 1 or outcome is Outcome.INCONCLUSIVE:
                yield from _wrapped_lines(ids if style.verbosity >= 1 else _first_few(ids), "      ")
        if len(largest_first) > shown:
            rest = sum(len(ids) for _, ids in largest_first[shown:])
            yield f"{rest} {outcome_name(outcome)} for other reasons; -v lists them"


def _first_few(ids: Sequence[str], limit: int = 6) -> list[str]:
    return list(ids) if len(ids) <= limit else [*ids[:limit], f"and {len(ids) - limit} more"]


_ENTRY_LABELS = (
    (EntryStatus.KNOWN, ("known failure", "known failures"), ", accepted by the baseline", "33"),
    (EntryStatus.UNSEEN, ("baseline entry", "baseline entries"), " not decided in this session", "36"),
    (
        EntryStatus.EXPIRED,
        ("expired baseline entry", "expired baseline entries"),
        ": fix the failure, or set a new date",
        "31;1",
    ),
    (EntryStatus.STALE, ("stale baseline entry", "stale baseline entries"), ": remove with --baseline-prune", "31;1"),
)


def _conclusion_lines(report: Report, style: Style, files: OutputFiles) -> Iterator[str]:
    conclusion = f"{outcome_name(report.outcome).upper()}: {failure_text.printable(report.reason)}"
    yield style.paint(f"{conclusion} (exit {report.exit_code})", _CONCLUSION_COLOURS.get(report.outcome, "35;1"))
    rules, constraints = (report.tally(kind) for kind in ("rule", "constraint"))
    judged = f"{plural(_count_decided(constraints), 'constraint')} and {plural(_count_decided(rules), 'rule')}"
    yield f"{judged} judged; {report.cost_summary}"
    if report.programs.planned:
        yield report.programs.text
    if report.approach is not None:
        yield from (f"approach: {note}" for note in report.approach.notes)
    if files.report:
        yield f"report: {files.report}"
    if report.comparison is not None:
        yield _baseline_counts(report.comparison)
    failed = report.unaccepted("must") or report.unaccepted("should")
    if failed:
        can_replay = files.replay_source is not None and failed[0].counterexample is not None
        command = f"replay {shlex.quote(files.replay_source or '')}" if can_replay else "explain"
        yield f"next: runs-conformance {command} {shlex.quote(failed[0].id)}"
    elif report.comparison is not None and report.comparison.with_status(EntryStatus.STALE):
        yield "next: the same command with --baseline-prune"


def _baseline_counts(comparison: Comparison) -> str:
    counts = ", ".join(f"{len(comparison.with_status(status))} {status.value}" for status in EntryStatus)
    return f"baseline {comparison.baseline.name}: {len(comparison.new)} new, {counts}"


def _count_decided(counts: Mapping[Outcome, int]) -> int:
    return counts.get(Outcome.PASS, 0) + counts.get(Outcome.FAIL, 0)
