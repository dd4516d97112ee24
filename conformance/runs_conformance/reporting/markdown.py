"""The summary for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.baseline import Standing
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.grouping import groups
from runs_conformance.reporting.report import Report, capabilities

MOST = 30


def text(report: Report, curl_dialect: str = "openai") -> str:
    """The report as Markdown: outcome, table, failures with what shows them, then the names of the rest."""
    return failure_text.printable("\n".join(_lines(report, curl_dialect))) + "\n"


def _lines(report: Report, curl_dialect: str) -> Iterator[str]:
    target, suite = report.target, report.suite
    yield f"# {target.name}: {report.outcome} (exit {report.exit_code})"
    yield ""
    yield _inline(f"{report.because[:1].upper()}{report.because[1:]}.")
    yield ""
    judged = f"`{target.base_url}`" if target.base_url else "recorded traffic"
    strict = " (strict)" if suite.strict else ""
    yield f"{suite.name} {suite.version} judged {judged} by edition {suite.edition}{strict}: {report.took}."
    yield ""
    yield from _table(report)
    for level, heading in (("must", "Failures"), ("should", "Warnings"), ("may", "Notes")):
        found = groups(report.unaccepted(level))
        if found:
            yield f"## {heading}"
            yield ""
        for number, group in enumerate(found):
            if number < MOST:
                yield from _failure(group.verdicts[0], report, curl_dialect)
            rest = group.verdicts[1:] if number < MOST else group.verdicts
            if rest:
                yield "Also: " + ", ".join(f"`{verdict.id}`" for verdict in rest)
                yield ""
    yield from _baseline(report)
    yield from _unjudged(report)


def _table(report: Report) -> Iterator[str]:
    columns = (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED, Outcome.NOT_APPLICABLE)
    yield "| capability | pass | fail | inconclusive | not judged | not applicable |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, counted in capabilities(report.verdicts, CAPABILITIES).items():
        yield f"| {name} | " + " | ".join(str(counted.get(outcome, 0)) for outcome in columns) + " |"
    yield ""


def _failure(verdict: Verdict, report: Report, curl_dialect: str) -> Iterator[str]:
    yield f"### `{verdict.id}`"
    yield ""
    yield _inline(verdict.statement)
    yield ""
    for label, value in failure_text.lines(verdict):
        yield f"- {label}: {_inline(value)}"
    yield ""
    again = curl.script(
        verdict.counterexample, report.target.base_url or "$BASE_URL", curl_dialect, report.target.access
    )
    if again:
        fence = "```"
        while fence in again:
            fence += "`"
        yield f"{fence}sh"
        yield again
        yield fence
        yield ""


def _unjudged(report: Report) -> Iterator[str]:
    for outcome, heading in ((Outcome.ERROR, "Errors of the suite"), (Outcome.INCONCLUSIVE, "Inconclusive")):
        found = report.of(outcome)
        if not found:
            continue
        yield f"## {heading}"
        yield ""
        for verdict in found:
            yield f"- `{verdict.id}`: {_inline(verdict.reason or '')}"
        yield ""
    needs: dict[str, int] = {}
    for verdict in report.of(Outcome.NOT_JUDGED):
        why = verdict.needs or verdict.reason or ""
        needs[why] = needs.get(why, 0) + 1
    if needs:
        yield "## Not judged"
        yield ""
        for why, count in sorted(needs.items(), key=lambda item: -item[1]):
            yield f"- {count}: {_inline(why)}"
        yield ""


def _baseline(report: Report) -> Iterator[str]:
    comparison = report.comparison
    if comparison is None:
        return
    yield f"## Baseline {_inline(comparison.baseline.name)}"
    yield ""
    counts = ", ".join(f"{len(comparison.of(standing))} {standing.value}" for standing in Standing)
    yield f"{len(comparison.new)} new, {counts}."
    yield ""
    for stand in comparison.stands:
        said = [stand.note, stand.entry.reason, stand.entry.issue]
        until = f" until {stand.entry.expires.isoformat()}" if stand.entry.expires else ""
        yield f"- {stand.standing.value}{until}: `{stand.entry.id}`: {_inline('; '.join(filter(None, said)))}"
    yield ""


_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>#|~"})


def _inline(text: str) -> str:
    """A text that Markdown shows as it is, whatever a target put into it."""
    return " ".join(text.split()).translate(_SPECIAL)
