"""The report as Markdown, for pull requests and job summaries."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.baseline import EntryStatus
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.grouping import group_failures
from runs_conformance.reporting.outcome_names import DISPLAY_ORDER, outcome_name
from runs_conformance.reporting.report import Report, outcomes_by_capability

MAX_GROUPS = 30


def text(report: Report, curl_dialect: str = "openai") -> str:
    """The report as Markdown: outcome, table, failures with their evidence, then the remaining verdicts by id."""
    return failure_text.printable("\n".join(_lines(report, curl_dialect))) + "\n"


def _lines(report: Report, curl_dialect: str) -> Iterator[str]:
    target, suite = report.target, report.suite
    yield f"# {target.name}: {outcome_name(report.outcome)} (exit {report.exit_code})"
    yield ""
    yield _escape_inline(f"{report.reason[:1].upper()}{report.reason[1:]}.")
    yield ""
    judged = f"`{target.base_url}`" if target.base_url else "recorded traffic"
    strict = " (strict)" if suite.strict else ""
    yield f"{suite.name} {suite.version} judged {judged} by edition {suite.edition}{strict}: {report.cost_summary}."
    yield ""
    yield from _table(report)
    for level, heading in (("must", "Failures"), ("should", "Warnings"), ("may", "Notes")):
        groups = group_failures(report.unaccepted(level))
        if groups:
            yield f"## {heading}"
            yield ""
        for number, group in enumerate(groups):
            if number < MAX_GROUPS:
                yield from _failure_section(group.verdicts[0], report, curl_dialect)
            rest = group.verdicts[1:] if number < MAX_GROUPS else group.verdicts
            if rest:
                yield "Also: " + ", ".join(f"`{verdict.id}`" for verdict in rest)
                yield ""
    yield from _baseline_section(report)
    yield from _undecided_sections(report)


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
    needs: dict[str, int] = {}
    for verdict in report.with_outcome(Outcome.NOT_JUDGED):
        need = verdict.needs or verdict.reason or ""
        needs[need] = needs.get(need, 0) + 1
    if needs:
        yield "## Not judged"
        yield ""
        for need, count in sorted(needs.items(), key=lambda item: -item[1]):
            yield f"- {count}: {_escape_inline(need)}"
        yield ""


def _baseline_section(report: Report) -> Iterator[str]:
    comparison = report.comparison
    if comparison is None:
        return
    yield f"## Baseline {_escape_inline(comparison.baseline.name)}"
    yield ""
    counts = ", ".join(f"{len(comparison.with_status(status))} {status.value}" for status in EntryStatus)
    yield f"{len(comparison.new)} new, {counts}."
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
