"""The report as one self-contained HTML page.

The page needs no network. Its content security policy allows only its own script and style, by hash; all text from the
target is escaped.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.baseline import EntryResult
from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.program_end import group_early_ends
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.detail import FailureDetail, build_detail
from runs_conformance.reporting.graph import HEIGHT, WIDTH, build_graph
from runs_conformance.reporting.lost_requests import lost_request_commands
from runs_conformance.reporting.notes import changes_note, edition_note, rate_limit_note
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
from runs_conformance.reporting.source_link import source_spans
from runs_conformance.reporting.templates import content_hash, environment, page_file

INITIALLY_OPEN = 1
"""Causes that are expanded when the page loads."""
INITIALLY_SHOWN = 3
"""Failures of a cause that are listed when its card is opened, the first of them expanded; the others are folded."""
MAX_DETAILED = 60
"""Failures shown with request, response and commands; the simplest of each cause come first."""

_TONES: Mapping[Outcome, str] = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.INCONCLUSIVE: "warn",
    Outcome.ERROR: "fail",
    Outcome.NOT_JUDGED: "none",
    Outcome.NOT_APPLICABLE: "none",
}
_BAR_WIDTH = 200


@dataclass(frozen=True, slots=True)
class BarSegment:
    """A segment of a bar: number of verdicts, position and width."""

    tone: str
    count: int
    label: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class CapabilitySummary:
    """A capability, its status, and the bar that shows its outcomes."""

    name: str
    status: str
    tone: str
    segments: Sequence[BarSegment]


@dataclass(frozen=True, slots=True)
class CauseCard:
    """A cause, its failures in detail, and its further failures in short."""

    numbered: NumberedCause
    tone: str
    details: Sequence[FailureDetail]
    rest: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class OutcomeSection:
    """Verdicts of one outcome other than fail, grouped by reason."""

    id: str
    heading: str
    description: str
    groups: Sequence[tuple[str, Sequence[Verdict]]]

    @property
    def count(self) -> int:
        """How many verdicts there are."""
        return sum(len(verdicts) for _, verdicts in self.groups)


def text(report: Report, curl_dialect: str = "openai", report_path: str = "report.json") -> str:
    """The report as an HTML page; `report_path` is the path of report.json as shown in commands."""
    style, script = page_file("page.css"), page_file("page.js")
    page = environment().get_template("page.html.jinja")
    return failure_text.printable(
        page.render(
            report=report,
            word="Not tested" if report.outcome is Outcome.NOT_JUDGED else outcome_name(report.outcome).capitalize(),
            tone="warn" if report.outcome is Outcome.NOT_JUDGED else _TONES[report.outcome],
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src {content_hash(style)}; script-src {content_hash(script)}; "
            "base-uri 'none'; form-action 'none'",
            capabilities=list(_capability_summaries(report)),
            graph=build_graph(report.transitions),
            graph_size=(WIDTH, HEIGHT),
            headline=_begin_sentence(headline(report, "").removeprefix(" (stopped early)").removeprefix(": ")),
            is_tested=bool(report.with_outcome(*_TESTED)),
            early_end_note=early_end_note(report),
            limit_note=limit_note(report),
            edition_note=edition_note(report),
            rate_limit_note=rate_limit_note(report),
            changes_note=changes_note(report),
            new=set(report.changes.new) if report.changes else set(),
            source_spans=source_spans,
            scope=_begin_sentence(scope_line(report)),
            lost_requests=list(lost_request_commands(report, curl_dialect)),
            cards=list(_cause_cards(report, curl_dialect, report_path)),
            accepted=[verdict for verdict in report.with_outcome(Outcome.FAIL) if verdict.id in _accepted_ids(report)],
            early_ends=group_early_ends(report.programs.early_ends),
            started=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(report.started)) if report.started else "",
            command=_command(report),
            others=list(_outcome_sections(report)),
            known={result.entry.id: result.entry for result in _entry_results(report)},
            operations=sorted({name for verdict in report.verdicts for name in _operations(verdict)}),
            opened=INITIALLY_OPEN,
            shown=INITIALLY_SHOWN,
            counts=_count_outcomes(report),
            pairs=lambda names: [(name, name) for name in names],
            operations_of=_operations,
        )
    )


_TESTED = (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR)


def _count_outcomes(report: Report) -> list[tuple[str, str]]:
    """Each outcome that occurs, as the filter names it, and how many verdicts have it."""
    counts = Counter(verdict.outcome for verdict in report.verdicts)
    return [(each.value, f"{counts[each]:,} {outcome_name(each)}") for each in DISPLAY_ORDER if counts[each]]


def _begin_sentence(text: str) -> str:
    """Begin a text with a capital letter, unless it begins with a URL."""
    return text if "://" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def _entry_results(report: Report) -> Sequence[EntryResult]:
    return report.comparison.entry_results if report.comparison else ()


def _operations(verdict: Verdict) -> list[str]:
    """The operations that a verdict is about, for the filter of the page."""
    named = [verdict.operation, *(finding.operation for finding in verdict.findings)]
    return list(dict.fromkeys(name for name in named if name in OPERATIONS))


_SEGMENTS = {
    "pass": "pass",
    "fail": "fail",
    "known": "warn",
    "warning": "warn",
    "inconclusive": "warn",
    "error": "fail",
    "not judged": "none",
    "not applicable": "none",
}
"""The tone of each segment of a capability's bar, in their order."""


def _segment_label(verdict: Verdict, report: Report) -> str:
    """The name of an outcome; a failure that does not fail the test run is a warning, or known to the baseline."""
    if verdict.outcome is not Outcome.FAIL:
        return outcome_name(verdict.outcome)
    if report.counts_as_failure(verdict):
        return "fail"
    return "known" if verdict.id in _accepted_ids(report) else "warning"


def _capability_summaries(report: Report) -> Iterator[CapabilitySummary]:
    labels: dict[str, Counter[str]] = {}
    for verdict in report.verdicts:
        labels.setdefault(verdict.capability, Counter())[_segment_label(verdict, report)] += 1
    for name, counts in outcomes_by_capability(report.verdicts, CAPABILITIES).items():
        total, segments, x = sum(counts.values()), [], 0.0
        for label, tone in _SEGMENTS.items():
            if count := labels[name][label]:
                # A minimum width keeps a single failure among hundreds visible.
                width = max(3.0, _BAR_WIDTH * count / total)
                segments.append(BarSegment(tone, count, label, x, width))
                x += width
        scale = _BAR_WIDTH / x
        scaled = [replace(segment, x=segment.x * scale, width=segment.width * scale) for segment in segments]
        yield CapabilitySummary(name, *_capability_status(counts, labels[name]["fail"] > 0), scaled)


def _capability_status(counts: Mapping[Outcome, int], fails: bool) -> tuple[str, str]:
    """The status of a capability, named like the outcomes, and its tone."""
    if fails:
        outcome = Outcome.FAIL
    elif counts.get(Outcome.FAIL) and not counts.get(Outcome.ERROR):
        is_open = _is_mostly_undecided(counts)
        return f"{outcome_name(Outcome.INCONCLUSIVE if is_open else Outcome.PASS)} with warnings", "warn"
    else:
        outcome = next(outcome for outcome in _STATUS_ORDER if counts.get(outcome))
        if outcome is Outcome.PASS and _is_mostly_undecided(counts):
            outcome = Outcome.INCONCLUSIVE
    return outcome_name(outcome), _TONES[outcome]


def _is_mostly_undecided(counts: Mapping[Outcome, int]) -> bool:
    """Whether more requirements of a capability are open than passed, so that it was not shown to work."""
    return counts.get(Outcome.INCONCLUSIVE, 0) + counts.get(Outcome.NOT_JUDGED, 0) > counts.get(Outcome.PASS, 0)


_STATUS_ORDER = (
    Outcome.ERROR,
    Outcome.PASS,
    Outcome.INCONCLUSIVE,
    Outcome.NOT_APPLICABLE,
    Outcome.NOT_JUDGED,
)


def _cause_cards(report: Report, dialect: str, report_path: str) -> Iterator[CauseCard]:
    causes = number_causes(report)
    share = max(1, MAX_DETAILED // max(1, len(causes)))
    for numbered in causes:
        ranked = sorted(numbered.verdicts, key=lambda verdict: verdict is not numbered.reproduction)
        tone = "fail" if numbered.fails else {"should": "warn", "may": "none"}.get(numbered.cause.level, "warn")
        details = [build_detail(verdict, report, dialect, report_path) for verdict in ranked[:share]]
        yield CauseCard(numbered, tone, details, ranked[share:])


def _accepted_ids(report: Report) -> Collection[str]:
    return report.comparison.accepted_ids if report.comparison else ()


def _command(report: Report) -> str:
    """The command that repeats the test run; empty for recorded traffic."""
    suite, target = report.suite, report.target
    if suite.profile is None or target.base_url is None:
        return ""
    flags = [f"--edition {suite.edition}", f"--profile {suite.profile}", f"--seed {suite.seed}", *suite.filters]
    flags += ["--strict"] if suite.strict else []
    return f"runs-conformance run {shlex.quote(target.base_url)} {' '.join(flags)}"


def _outcome_sections(report: Report) -> Iterator[OutcomeSection]:
    for outcome, description in (
        (Outcome.ERROR, "The suite failed while judging these; please report it. The server is not at fault."),
        (Outcome.INCONCLUSIVE, "Tested without a decision, or the program that tests these ended early."),
        (Outcome.NOT_JUDGED, "Nothing that was sent or observed tests these. Each reason says why, or what is needed."),
        (Outcome.NOT_APPLICABLE, "The server does not offer what these are about."),
        (Outcome.PASS, ""),
    ):
        verdicts = report.with_outcome(outcome)
        if verdicts:
            heading = outcome_name(outcome).capitalize()
            yield OutcomeSection(outcome.value, heading, description, list(_by_reason(verdicts, outcome)))


def _by_reason(verdicts: Iterable[Verdict], outcome: Outcome) -> Iterator[tuple[str, Sequence[Verdict]]]:
    grouped: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault("" if outcome is Outcome.PASS else failure_text.reason_with_needs(verdict), []).append(
            verdict
        )
    yield from sorted(grouped.items(), key=lambda item: -len(item[1]))
