"""What a person reads in the terminal: failures first to last, a table, and what it all means."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.baseline import Comparison, Standing
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.grouping import Group, groups
from runs_conformance.reporting.report import Report, capabilities

WIDTH = 110
MOST_GROUPS = 15
"""So many groups of failures are shown in full; the rest by their ids, and in full in the report."""

_COLUMNS = (
    ("pass", (Outcome.PASS,)),
    ("fail", (Outcome.FAIL,)),
    ("undecided", (Outcome.INCONCLUSIVE, Outcome.ERROR)),
    ("not judged", (Outcome.NOT_JUDGED,)),
    ("n/a", (Outcome.NOT_APPLICABLE,)),
)


@dataclass(frozen=True, slots=True)
class Style:
    """How much is said and whether in colour. `curl_dialect` is how keys are carried."""

    colour: bool = False
    verbosity: int = 0
    curl_dialect: str = "openai"

    def paint(self, text: str, code: str) -> str:
        """The text in a colour, on a terminal."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def bold(self, text: str) -> str:
        """The text in bold."""
        return self.paint(text, "1")


@dataclass(frozen=True, slots=True)
class Left:
    """What a run left behind: the file to open, and the one from which a failure is replayed."""

    opened: str | None = None
    replayed: str | None = None


def summary(report: Report, style: Style, left: Left = Left()) -> str:
    """Everything to be said at the end of a run."""
    lines: list[str] = []
    if style.verbosity >= 0:
        lines += _failures(report, style)
        lines += _warnings(report, style)
        lines += _errors(report, style)
        lines += _limits(report, style)
        lines += _baseline(report, style)
        lines += ["", *table(report.verdicts, style), ""]
        lines += _unjudged(report, style)
    lines += _ending(report, style, left)
    return "\n".join(lines)


def _failures(report: Report, style: Style) -> Iterator[str]:
    found = groups(report.unaccepted("must"))
    for group in found[:MOST_GROUPS] if style.verbosity < 1 else found:
        yield ""
        yield from _group(group, report, style, "FAIL", "31;1")
    if len(found) > MOST_GROUPS and style.verbosity < 1:
        rest = [verdict.id for group in found[MOST_GROUPS:] for verdict in group.verdicts]
        yield ""
        yield style.bold(f"{len(rest)} more failures, in full in the report:")
        yield from _wrapped(rest, "  ")


def _warnings(report: Report, style: Style) -> Iterator[str]:
    for level, label, code in (("should", "WARN", "33;1"), ("may", "NOTE", "36")):
        found = groups(report.unaccepted(level))
        for group in found:
            if style.verbosity >= 1:
                yield ""
                yield from _group(group, report, style, label, code)
        if found and style.verbosity < 1 and (level == "should" or style.verbosity >= 0):
            yield ""
            said = "warnings (should)" if level == "should" else "notes (may)"
            yield style.bold(f"{sum(len(group.verdicts) for group in found)} {said}; -v shows them in full")
            for group in found:
                yield from _briefly(group, style, label, code)


def _briefly(group: Group, style: Style, label: str, code: str) -> Iterator[str]:
    first = group.verdicts[0]
    message = first.findings[0].message if first.findings else first.statement
    yield f"{style.paint(label, code)}  {first.id}: {failure_text.printable(message)[:160]}"
    if len(group.verdicts) > 1:
        yield from _wrapped([verdict.id for verdict in group.verdicts[1:]], "      also ")


def _errors(report: Report, style: Style) -> Iterator[str]:
    for verdict in report.of(Outcome.ERROR):
        yield ""
        yield f"{style.paint('ERROR', '35;1')} {verdict.id}: {failure_text.printable(verdict.reason or '')}"


def _limits(report: Report, style: Style) -> Iterator[str]:
    if report.limits:
        yield ""
        yield style.bold("limits found")
        for limit in report.limits:
            yield f"  {limit.id}: {limit.text}"


def _baseline(report: Report, style: Style) -> Iterator[str]:
    if report.comparison is None:
        return
    for standing, said, code in _STANDINGS:
        stands = report.comparison.of(standing)
        if not stands:
            continue
        yield ""
        yield style.bold(f"{len(stands)} {said} ({report.comparison.baseline.name})")
        for stand in stands:
            until = f", until {stand.entry.expires.isoformat()}" if stand.entry.expires else ""
            issue = f", {stand.entry.issue}" if stand.entry.issue else ""
            why = f"{stand.note}; listed as: " if stand.note else ""
            text = failure_text.printable(f"{why}{stand.entry.reason}{until}{issue}")
            yield f"{style.paint(standing.value.upper(), code):8} {stand.entry.id}: {text}"


def _group(group: Group, report: Report, style: Style, label: str, code: str) -> Iterator[str]:
    first = group.verdicts[0]
    if len(group.verdicts) > 1:
        yield style.bold(f"{group.title}: {len(group.verdicts)} demands")
    yield f"{style.paint(label, code)}  {style.bold(first.id)}  {first.level}"
    yield from _labelled("", first.statement)
    for name, text in failure_text.lines(first):
        yield from _labelled(name, text)
    again = curl.script(
        first.counterexample, report.target.base_url or "$BASE_URL", style.curl_dialect, report.target.access
    )
    if again:
        yield from (f"      {'again' if number == 0 else '':9} {line}" for number, line in enumerate(again.split("\n")))
    others = [verdict.id for verdict in group.verdicts[1:]]
    if others:
        yield from _wrapped(others, "      also      ")


def _labelled(name: str, text: str) -> Iterator[str]:
    lead = f"      {name:9} " if name else "      "
    yield from textwrap.wrap(
        failure_text.printable(text),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
    ) or [lead]


def _wrapped(names: Sequence[str], lead: str) -> Iterator[str]:
    yield from textwrap.wrap(
        ", ".join(names),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(verdicts: Sequence[Verdict], style: Style) -> Iterator[str]:
    """How the verdicts of each capability came out, one line each."""
    yield style.bold(f"{'capability':16}" + "".join(f"{name:>12}" for name, _ in _COLUMNS))
    counted = capabilities(verdicts, CAPABILITIES)
    for name, counts in counted.items():
        yield f"{name:16}" + "".join(_cell(counts, outcomes, style, column) for column, outcomes in _COLUMNS)
    total = Counter(verdict.outcome for verdict in verdicts)
    yield f"{'total':16}" + "".join(_cell(total, outcomes, style, column) for column, outcomes in _COLUMNS)


def _cell(counts: Mapping[Outcome, int], outcomes: Sequence[Outcome], style: Style, column: str) -> str:
    number = sum(counts.get(outcome, 0) for outcome in outcomes)
    text = f"{number or '·':>12}"
    return style.paint(text, "31") if column == "fail" and number else text


def _unjudged(report: Report, style: Style) -> Iterator[str]:
    for outcome, said in (
        (Outcome.INCONCLUSIVE, "inconclusive"),
        (Outcome.NOT_APPLICABLE, "not applicable"),
        (Outcome.NOT_JUDGED, "not judged"),
    ):
        why: dict[str, list[str]] = {}
        for verdict in report.of(outcome):
            why.setdefault(failure_text.why(verdict), []).append(verdict.id)
        for reason, ids in sorted(why.items(), key=lambda item: -len(item[1])):
            yield f"{len(ids)} {said}: {failure_text.printable(reason)}"
            if style.verbosity >= 1 or outcome is Outcome.INCONCLUSIVE:
                yield from _wrapped(ids if style.verbosity >= 1 else _few(ids), "      ")


def _few(ids: Sequence[str], most: int = 6) -> list[str]:
    return list(ids) if len(ids) <= most else [*ids[:most], f"and {len(ids) - most} more"]


_STANDINGS = (
    (Standing.KNOWN, "known failures, accepted by the baseline", "33"),
    (Standing.UNSEEN, "entries of the baseline that this run does not decide", "36"),
    (Standing.EXPIRED, "expired entries of the baseline: mend them, or set a new date", "31;1"),
    (Standing.STALE, "stale entries of the baseline: --baseline-prune takes them out", "31;1"),
)


def _ending(report: Report, style: Style, left: Left) -> Iterator[str]:
    word, code = _WORDS.get(report.exit_code, ("ERROR", "35;1"))
    yield style.paint(f"{word}: {failure_text.printable(report.because)} (exit {report.exit_code})", code)
    rules, constraints = (report.tally(kind) for kind in ("rule", "constraint"))
    yield f"{_decided(constraints)} constraints and {_decided(rules)} rules judged; {report.took}"
    if left.opened:
        yield f"open {left.opened}"
    if report.comparison is not None:
        yield _compared(report.comparison)
    failed = report.unaccepted("must") or report.unaccepted("should")
    if failed:
        again = left.replayed is not None and failed[0].counterexample is not None
        command = f"replay {shlex.quote(left.replayed or '')}" if again else "explain"
        yield f"next runs-conformance {command} {shlex.quote(failed[0].id)}"
    elif report.comparison is not None and report.comparison.of(Standing.STALE):
        yield "next the same command with --baseline-prune"


def _compared(comparison: Comparison) -> str:
    counts = ", ".join(f"{len(comparison.of(standing))} {standing.value}" for standing in Standing)
    return f"baseline {comparison.baseline.name}: {len(comparison.new)} new, {counts}"


_WORDS: dict[int, tuple[str, str]] = {
    0: ("PASS", "32;1"),
    1: ("FAIL", "31;1"),
    4: ("ERROR", "35;1"),
    5: ("INCOMPLETE", "33;1"),
    130: ("INTERRUPTED", "33;1"),
}


def _decided(counts: Mapping[Outcome, int]) -> int:
    return counts.get(Outcome.PASS, 0) + counts.get(Outcome.FAIL, 0)
