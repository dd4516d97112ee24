"""The report for the terminal: the conclusion, the causes to fix first, and a table by capability."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.baseline import BaselineComparison, EntryStatus
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import group_early_ends
from runs_conformance.model.text import truncate
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.cause_table import cause_table
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.lost_requests import lost_request_commands
from runs_conformance.reporting.notes import changed_ids, changes_note, edition_note, rate_limit_note
from runs_conformance.reporting.numbered_causes import (
    NumberedCause,
    early_end_note,
    headline,
    limit_note,
    number_causes,
)
from runs_conformance.reporting.outcome_names import outcome_name
from runs_conformance.reporting.outcome_table import outcome_table
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.scope import scope_line
from runs_conformance.reporting.terminal_style import WIDTH, Style

HEIGHT = 40
"""Lines of the screen that the summary fits unless `-v` is given."""
_WRAPPING = 25
"""Characters that two lines may lose where a text is wrapped between words, and by the indent."""
_LABELS = {"should": ("WARN", "33;1"), "may": ("NOTE", "36")}

_CONCLUSION_COLOURS = {
    Outcome.PASS: "32;1",
    Outcome.FAIL: "31;1",
    Outcome.ERROR: "35;1",
    Outcome.INCONCLUSIVE: "33;1",
    Outcome.NOT_JUDGED: "35;1",
}


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """Files that the test run wrote: the report to open, and the file that `replay` reads."""

    report: str | None = None
    replay_source: str | None = None


def render_summary(report: Report, style: Style, files: OutputFiles = OutputFiles()) -> str:
    """Render the report for the end of a test run: the outcome, the causes to fix first, and what to run next.

    Without `-v` the outcome and the causes fit a screen of 40 lines, and the whole does unless many causes fail it.
    """
    causes = number_causes(report)
    lines = list(_conclusion_lines(report, style))
    rest: list[str] = []
    if style.verbosity >= 0:
        rest += _error_lines(report, style)
        rest += _limit_lines(report, style)
        rest += _baseline_lines(report, style)
        rest += _early_end_lines(report, style)
        if style.verbosity >= 1:
            rest += _cause_details(causes, report, style)
        rest += ["", *outcome_table(report.verdicts, style), ""]
        rest += _undecided_lines(report, style)
    rest += _next_lines(report, causes, files)
    if style.verbosity >= 0:
        lines += cause_table(causes, style, HEIGHT - len(lines) - len(rest))
    return "\n".join([*lines, *rest])


def _cause_details(causes: Sequence[NumberedCause], report: Report, style: Style) -> Iterator[str]:
    for numbered in causes:
        verdict = numbered.reproduction
        label, code = ("FAIL", "31;1") if numbered.fails else _LABELS.get(verdict.level, ("FAIL", "31;1"))
        yield ""
        yield from _wrapped_text(f"{numbered.number}. {numbered.cause.title}: {numbered.count}", style)
        yield from _labelled_lines("fix", numbered.cause.fix)
        if numbered.cause.operations:
            yield from _labelled_lines("affects", ", ".join(numbered.cause.operations))
        yield from _verdict_lines(verdict, report, style, label, code)
        others = [other.id for other in numbered.verdicts if other is not verdict]
        if others:
            yield from _wrapped_lines(others, "      also      ")


def _wrapped_text(text: str, style: Style) -> Iterator[str]:
    for line in textwrap.wrap(failure_text.printable(text), WIDTH, subsequent_indent="   "):
        yield style.bold(line)


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


def _verdict_lines(verdict: Verdict, report: Report, style: Style, label: str, code: str) -> Iterator[str]:
    yield f"{style.paint(label, code)}  {style.bold(verdict.id)}  {verdict.level}"
    yield from _labelled_lines("", verdict.statement)
    for name, text in failure_text.labelled_lines(verdict):
        yield from _labelled_lines(name, text)
    commands = curl.script(
        verdict.counterexample, report.target.base_url or "$BASE_URL", style.curl_dialect, report.target.access
    )
    for number, line in enumerate(commands.split("\n") if commands else ()):
        yield f"      {'' if number else 'reproduce':9} {line}"


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


def _early_end_lines(report: Report, style: Style) -> Iterator[str]:
    groups = group_early_ends(report.programs.early_ends)
    if not groups:
        return
    count = sum(len(group.programs) for group in groups)
    yield ""
    if style.verbosity < 1:
        first = groups[0]
        more = f" (-v shows {plural(len(groups) - 1, 'more cause')})" if groups[1:] else ""
        part = f", {len(first.programs)} of them" if groups[1:] else ""
        line = f"{plural(count, 'program')} ended early{part}: {first.cause}"
        line = truncate(failure_text.printable(line).replace("\n", " "), 2 * WIDTH - _WRAPPING - len(more)) + more
        yield from textwrap.wrap(line, WIDTH, subsequent_indent="   ")
        return
    yield style.bold(f"programs that ended early: {count}")
    for group in groups:
        yield from _labelled_lines(f"{len(group.programs)}", group.cause)
        yield from _wrapped_lines(group.programs, "                ")


def _undecided_lines(report: Report, style: Style) -> Iterator[str]:
    if style.verbosity < 1:
        yield from _undecided_counts(report)
        return
    for outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.NOT_JUDGED):
        by_reason: dict[str, list[str]] = {}
        for verdict in report.with_outcome(outcome):
            by_reason.setdefault(failure_text.reason_with_needs(verdict), []).append(verdict.id)
        for reason, ids in sorted(by_reason.items(), key=lambda item: -len(item[1])):
            yield f"{len(ids)} {outcome_name(outcome)}: {failure_text.printable(reason)}"
            yield from _wrapped_lines(ids, "      ")


def _undecided_counts(report: Report) -> Iterator[str]:
    for outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED):
        reasons = Counter(failure_text.reason_with_needs(verdict) for verdict in report.with_outcome(outcome))
        for reason, count in reasons.most_common(1):
            others = f" (-v shows {plural(len(reasons) - 1, 'more reason')})" if len(reasons) > 1 else ""
            line = f"{reasons.total()} {outcome_name(outcome)}, {count} of them: {failure_text.printable(reason)}"
            yield truncate(line.replace("\n", " "), WIDTH - len(others)) + others


_ENTRY_LABELS = (
    (EntryStatus.STILL_FAILING, ("known failure", "known failures"), ", accepted by the baseline", "33"),
    (
        EntryStatus.NOT_REPRODUCED,
        ("baseline entry", "baseline entries"),
        " neither passed nor failed in this test run",
        "36",
    ),
    (
        EntryStatus.EXPIRED,
        ("expired baseline entry", "expired baseline entries"),
        ": fix the failure, or set a new date",
        "31;1",
    ),
    (EntryStatus.STALE, ("stale baseline entry", "stale baseline entries"), ": remove with --baseline-prune", "31;1"),
)


def _conclusion_lines(report: Report, style: Style) -> Iterator[str]:
    conclusion = failure_text.printable(headline(report, outcome_name(report.outcome).upper()))
    yield style.paint(f"{conclusion} (exit {report.exit_code})", _CONCLUSION_COLOURS.get(report.outcome, "35;1"))
    if scope := scope_line(report):
        yield from textwrap.wrap(failure_text.printable(scope), WIDTH, break_long_words=False)
    for note in filter(None, (early_end_note(report), limit_note(report))):
        yield from textwrap.wrap(failure_text.printable(note), WIDTH, break_long_words=False)
    yield from _note_lines(report)
    rules, constraints = (report.tally(kind) for kind in ("rule", "constraint"))
    judged = f"{plural(_count_decided(constraints), 'constraint')} and {plural(_count_decided(rules), 'rule')}"
    yield f"{judged} judged; {report.cost_summary}"
    if limited := rate_limit_note(report):
        yield limited
    if report.programs.planned:
        yield report.programs.text
    for hazard in report.hazards:
        text = failure_text.printable(f"not sent again: {hazard.text}")
        yield from textwrap.wrap(text, WIDTH, subsequent_indent="   ", break_long_words=False)
    for exchange, commands in lost_request_commands(report, style.curl_dialect):
        yield f"to send {exchange} again:"
        yield from (f"   {line}" for line in commands.split("\n"))
    if report.request_forms is not None:
        yield from (f"adapted to the server: {failure_text.printable(note)}" for note in report.request_forms.notes)
    if report.comparison is not None:
        yield _baseline_counts(report.comparison)


def _note_lines(report: Report) -> Iterator[str]:
    if note := changes_note(report):
        yield note
        yield from (truncate(f"   {label}: {ids}", WIDTH) for label, ids in changed_ids(report))
    if note := edition_note(report):
        yield note


def _next_lines(report: Report, causes: Sequence[NumberedCause], files: OutputFiles) -> Iterator[str]:
    if files.report:
        yield f"report: {files.report}"
    if causes:
        verdict = causes[0].reproduction
        can_replay = files.replay_source is not None and verdict.counterexample is not None
        command = f"replay {shlex.quote(files.replay_source or '')}" if can_replay else "explain"
        yield f"next: runs-conformance {command} {shlex.quote(verdict.id)}"
    elif report.comparison is not None and report.comparison.with_status(EntryStatus.STALE):
        yield "next: the same command with --baseline-prune"


def _baseline_counts(comparison: BaselineComparison) -> str:
    counts = ", ".join(f"{len(comparison.with_status(status))} {status.value}" for status in EntryStatus)
    return f"baseline {comparison.baseline.name}: {len(comparison.new_failures)} new, {counts}"


def _count_decided(counts: Mapping[Outcome, int]) -> int:
    return counts.get(Outcome.PASS, 0) + counts.get(Outcome.FAIL, 0)
