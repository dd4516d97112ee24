"""The report as Markdown, for pull requests and job summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from runs_conformance.baseline import EntryStatus
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.program_end import group_early_ends
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
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
from runs_conformance.reporting.outcome_names import DISPLAY_ORDER, outcome_name
from runs_conformance.reporting.report import Report, outcomes_by_capability
from runs_conformance.reporting.scope import scope_line

MAX_IDS = 50
"""Requirements of one cause listed by id."""
MAX_EARLY_END_CAUSES = 5


def text(report: Report, curl_dialect: str = "openai") -> str:
    """The report as Markdown: outcome, table, failures with their evidence, then the remaining verdicts by id."""
    return failure_text.printable("\n".join(_lines(report, curl_dialect))) + "\n"


def _lines(report: Report, curl_dialect: str) -> Iterator[str]:
    target, suite = report.target, report.suite
    suffix = "" if report.complete else " (stopped early)"
    yield f"# {target.name}: {outcome_name(report.outcome)}{suffix} (exit {report.exit_code})"
    yield ""
    yield _escape_inline(f"{headline(report, outcome_name(report.outcome).capitalize())}.")
    yield ""
    notes = (scope_line(report), early_end_note(report), limit_note(report), edition_note(report), changes_note(report))
    for note in filter(None, notes):
        yield _escape_inline(note)
        yield ""
    for label, ids in changed_ids(report):
        yield f"- {label}: {_escape_inline(ids)}"
        yield ""
    judged = f"`{target.base_url}`" if target.base_url else "recorded traffic"
    strict = " (strict)" if suite.strict else ""
    yield f"{suite.name} {suite.version} judged {judged} by edition {suite.edition}{strict}: {report.cost_summary}."
    yield ""
    if limited := rate_limit_note(report):
        yield _escape_inline(f"{limited}.")
        yield ""
    causes = number_causes(report)
    yield from _cause_table(causes)
    yield from _program_section(report)
    for exchange, commands in lost_request_commands(report, curl_dialect):
        yield f"To send {exchange} again:"
        yield ""
        yield from _shell_block(commands)
    yield from _table(report)
    for numbered in causes:
        yield from _cause_section(numbered, report, curl_dialect)
    yield from _baseline_section(report)
    yield from _undecided_sections(report)


def _cause_table(causes: Sequence[NumberedCause]) -> Iterator[str]:
    if not causes:
        return
    yield "| | effect | level | requirements | cause |"
    yield "| ---: | --- | --- | ---: | --- |"
    for numbered in causes:
        level = numbered.cause.level if numbered.fails or numbered.cause.level != "must" else "in the baseline"
        title = _escape_inline(numbered.cause.title)
        yield f"| {numbered.number} | {numbered.severity} | {level} | {numbered.table_count} | {title} |"
    yield ""


def _program_section(report: Report) -> Iterator[str]:
    if not report.programs.planned:
        return
    yield f"{report.programs.text}."
    yield ""
    groups = group_early_ends(report.programs.early_ends)
    for group in groups[:MAX_EARLY_END_CAUSES]:
        yield f"- {len(group.programs)} ended early: {_escape_inline(group.cause)}"
    if groups:
        yield ""


def _cause_section(numbered: NumberedCause, report: Report, curl_dialect: str) -> Iterator[str]:
    yield f"## {numbered.number}. {_escape_inline(numbered.cause.title)}"
    yield ""
    yield f"{numbered.count}. Fix: {_escape_inline(numbered.cause.fix)}"
    yield ""
    yield from _failure_section(numbered.reproduction, report, curl_dialect)
    others = [verdict.id for verdict in numbered.verdicts if verdict is not numbered.reproduction]
    if others:
        more = f" and {len(others) - MAX_IDS} more, in report.json" if len(others) > MAX_IDS else ""
        yield "Also: " + ", ".join(f"`{id_}`" for id_ in others[:MAX_IDS]) + more
        yield ""


def _table(report: Report) -> Iterator[str]:
    yield f"| capability | {' | '.join(outcome_name(outcome) for outcome in DISPLAY_ORDER)} |"
    yield f"| --- |{' ---: |' * len(DISPLAY_ORDER)}"
    for name, counts in outcomes_by_capability(report.verdicts, CAPABILITIES).items():
        yield f"| {name} | " + " | ".join(str(counts.get(outcome, 0)) for outcome in DISPLAY_ORDER) + " |"
    yield ""


def _failure_section(verdict: Verdict, report: Report, curl_dialect: str) -> Iterator[str]:
    yield f"### `{verdict.id}`"
    yield ""
    yield _escape_inline(verdict.statement)
    yield ""
    for label, value in failure_text.labelled_lines(verdict):
        yield f"- {label}: {_escape_inline(value)}"
    yield ""
    commands = curl.script(
        verdict.counterexample, report.target.base_url or "$BASE_URL", curl_dialect, report.target.access
    )
    if commands:
        yield from _shell_block(commands)


def _shell_block(commands: str) -> Iterator[str]:
    fence = "```"
    while fence in commands:
        fence += "`"
    yield f"{fence}sh"
    yield commands
    yield fence
    yield ""


def _undecided_sections(report: Report) -> Iterator[str]:
    for outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
        verdicts = report.with_outcome(outcome)
        if not verdicts:
            continue
        yield f"## {outcome_name(outcome).capitalize()}"
        yield ""
        for verdict in verdicts:
            yield f"- `{verdict.id}`: {_escape_inline(verdict.reason or '')}"
        yield ""
    reasons = Counter(failure_text.reason_with_needs(verdict) for verdict in report.with_outcome(Outcome.NOT_JUDGED))
    if reasons:
        yield "## Not judged"
        yield ""
        for reason, count in reasons.most_common():
            yield f"- {count}: {_escape_inline(reason)}"
        yield ""


def _baseline_section(report: Report) -> Iterator[str]:
    comparison = report.comparison
    if comparison is None:
        return
    yield f"## Baseline {_escape_inline(comparison.baseline.name)}"
    yield ""
    counts = ", ".join(f"{len(comparison.with_status(status))} {status.value}" for status in EntryStatus)
    yield f"{len(comparison.new_failures)} new, {counts}."
    yield ""
    for result in comparison.entry_results:
        notes = "; ".join(filter(None, [result.note, result.entry.reason, result.entry.issue]))
        until = f" until {result.entry.expires.isoformat()}" if result.entry.expires else ""
        yield f"- {result.status.value}{until}: `{result.entry.id}`: {_escape_inline(notes)}"
    yield ""


_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>#|~"})


def _escape_inline(text: str) -> str:
    """Escape text from a target so that Markdown renders it literally."""
    return " ".join(text.split()).translate(_SPECIAL)
