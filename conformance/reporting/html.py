"""The report as one page that needs nothing else: no script, no network, everything from a target escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from conformance.contract.operation import CAPABILITIES
from conformance.model.verdict import Outcome, Verdict
from conformance.reporting import curl, showing
from conformance.reporting.grouping import groups
from conformance.reporting.report import Report, capabilities

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --fail: #c62828; --warn: #b26a00; --pass: #2e7d32; --dim: #777; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; }
h2 { margin-top: 2rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .88em; }
pre { background: #8881; padding: .6rem .8rem; overflow-x: auto; border-radius: 4px; }
table { border-collapse: collapse; }
th, td { padding: .15rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
details { border-bottom: 1px solid var(--line); padding: .3rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
.fail { color: var(--fail); } .warn { color: var(--warn); } .pass { color: var(--pass); } .dim { color: var(--dim); }
""".strip()

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
{style}
</style>
</head>
<body>
"""


def text(report: Report, curl_dialect: str = "openai") -> str:
    """The report as an HTML page."""
    head = _HEAD.format(title=escape(f"{report.target.name}: {report.outcome}"), style=_STYLE)
    return head + showing.printable("\n".join(_body(report, curl_dialect))) + "\n</body>\n</html>\n"


def _body(report: Report, curl_dialect: str) -> Iterator[str]:
    target, suite = report.target, report.suite
    tone = {0: "pass", 1: "fail"}.get(report.exit_code, "warn")
    yield f"<h1>{escape(target.name)}: <span class={tone}>{report.outcome}</span></h1>"
    yield f"<p>{escape(report.because)} (exit code {report.exit_code})</p>"
    url = f"<code>{escape(target.base_url)}</code>" if target.base_url else "recorded traffic"
    strict = ", strict" if suite.strict else ""
    suite_name = f"{escape(suite.name)} {escape(suite.version)}"
    yield f"<p class=dim>{suite_name} judged {url} by edition {escape(suite.edition)}{strict}: {report.took}.</p>"
    yield from _table(report)
    for level, heading, css in (("must", "Failures", "fail"), ("should", "Warnings", "warn"), ("may", "Notes", "dim")):
        found = groups(report.failures(level))
        if found:
            yield f"<h2>{heading}</h2>"
        for number, group in enumerate(found):
            for place, verdict in enumerate(group.verdicts):
                yield from _failure(verdict, report, css, curl_dialect, opened=number < 3 and place == 0)
    yield from _rest(report)


def _table(report: Report) -> Iterator[str]:
    columns = (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED, Outcome.NOT_APPLICABLE)
    yield (
        "<table><tr><th>capability" + "".join(f"<th>{outcome.value.replace('_', ' ')}" for outcome in columns) + "</tr>"
    )
    for name, counted in capabilities(report.verdicts, CAPABILITIES).items():
        cells = "".join(f"<td>{counted.get(outcome, 0) or '·'}" for outcome in columns)
        yield f"<tr><td>{escape(name)}{cells}</tr>"
    yield "</table>"


def _failure(verdict: Verdict, report: Report, css: str, curl_dialect: str, opened: bool) -> Iterator[str]:
    name = f"<code class={css}>{escape(verdict.id)}</code>"
    yield f"<details{' open' if opened else ''}><summary>{name} {escape(verdict.statement)}</summary>"
    yield "<dl>"
    for label, value in showing.lines(verdict):
        yield f"<dt>{escape(label)}<dd>{escape(value)}"
    for finding in verdict.findings[1:10]:
        where = f"<span class=dim>{escape(finding.exchange)} {escape(finding.pointer)}</span>"
        yield f"<dt>also<dd>{escape(finding.message)} {where}"
    yield "</dl>"
    again = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", curl_dialect)
    if again:
        yield f"<pre>{escape(again)}</pre>"
    yield "</details>"


def _rest(report: Report) -> Iterator[str]:
    for outcome, heading in (
        (Outcome.ERROR, "Errors of the suite"),
        (Outcome.INCONCLUSIVE, "Inconclusive"),
        (Outcome.NOT_JUDGED, "Not judged"),
        (Outcome.NOT_APPLICABLE, "Not applicable"),
        (Outcome.PASS, "Passed"),
    ):
        found = report.of(outcome)
        if not found:
            continue
        yield f"<h2>{heading} ({len(found)})</h2><details><summary>all {len(found)}</summary><dl>"
        for verdict in found:
            said = verdict.reason or verdict.statement
            judged = f" <span class=dim>{verdict.judged} judged</span>" if verdict.judged else ""
            yield f"<dt><code>{escape(verdict.id)}</code><dd>{escape(said)}{judged}"
        yield "</dl></details>"
