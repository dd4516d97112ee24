"""The report as one page that needs nothing else: no network, nothing run but its own script, which is named by its
hash; everything from a target is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.detail import Detail, detail
from runs_conformance.reporting.graph import HEIGHT, WIDTH, graph
from runs_conformance.reporting.grouping import groups
from runs_conformance.reporting.report import Report, capabilities

OPENED = 2
"""So many failures are open from the start."""

_WORDS: Mapping[int, tuple[str, str]] = {
    0: ("Passed", "pass"),
    1: ("Failed", "fail"),
    3: ("Not tested", "warn"),
    4: ("Error in the suite", "fail"),
    5: ("Not concluded", "warn"),
    130: ("Interrupted", "warn"),
}
_LEVELS = (("must", "Failures", "fail"), ("should", "Warnings", "warn"), ("may", "Notes", "none"))
_BAR = 200
_PARTS = (
    ("pass", (Outcome.PASS,), "passed"),
    ("fail", (Outcome.FAIL,), "failed"),
    ("warn", (Outcome.INCONCLUSIVE, Outcome.ERROR), "undecided"),
    ("none", (Outcome.NOT_JUDGED,), "not judged"),
    ("none", (Outcome.NOT_APPLICABLE,), "not offered"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: how many verdicts, from where, how wide."""

    tone: str
    count: int
    said: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Capability:
    """A conformance class, how it came out in a word, and the bar that shows it."""

    name: str
    word: str
    tone: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed verdicts of one level, grouped by what they have in common."""

    id: str
    heading: str
    tone: str
    groups: Sequence[tuple[str, Sequence[Detail]]]

    @property
    def count(self) -> int:
        """How many verdicts there are."""
        return sum(len(details) for _, details in self.groups)


@dataclass(frozen=True, slots=True)
class Others:
    """Verdicts that are no failures, grouped by the reason where there is one."""

    id: str
    heading: str
    about: str
    groups: Sequence[tuple[str, Sequence[Verdict]]]

    @property
    def count(self) -> int:
        """How many verdicts there are."""
        return sum(len(verdicts) for _, verdicts in self.groups)


def text(report: Report, curl_dialect: str = "openai", file: str = "report.json") -> str:
    """The report as an HTML page; `file` is report.json as a command on the page names it."""
    style, script = _part("page.css"), _part("page.js")
    word, tone = _WORDS.get(report.exit_code, ("Error", "fail"))
    page = _environment().get_template("page.html.jinja")
    return failure_text.printable(
        page.render(
            report=report,
            word=word,
            tone=tone,
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
            "base-uri 'none'; form-action 'none'",
            capabilities=list(_capabilities(report)),
            graph=graph(report.transitions),
            graph_size=(WIDTH, HEIGHT),
            failures=list(_failures(report, curl_dialect, file)),
            others=list(_others(report)),
            known={stand.entry.id: stand.entry for stand in report.comparison.stands} if report.comparison else {},
            operations=sorted({name for verdict in report.verdicts for name in _operations(verdict)}),
            opened=OPENED,
            pairs=lambda names: [(name, name) for name in names],
            operations_of=_operations,
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("runs_conformance.reporting", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _part(name: str) -> Any:
    from markupsafe import Markup

    # Our own files, never a target's text.
    return Markup(files("runs_conformance.reporting").joinpath("page", name).read_text(encoding="utf-8").strip())


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _operations(verdict: Verdict) -> list[str]:
    """The operations that a verdict is about, to be filtered by."""
    named = [verdict.operation, *(finding.operation for finding in verdict.findings)]
    return list(dict.fromkeys(name for name in named if name in OPERATIONS))


def _capabilities(report: Report) -> Iterator[Capability]:
    failing = {verdict.capability for verdict in report.failures("must")}
    for name, counts in capabilities(report.verdicts, CAPABILITIES).items():
        every = sum(counts.values())
        parts, x = [], 0.0
        for tone, outcomes, said in _PARTS:
            count = sum(counts.get(outcome, 0) for outcome in outcomes)
            if count:
                # A single failure among hundreds has to be seen.
                parts.append(Part(tone, count, said, x, max(3.0, _BAR * count / every)))
                x += parts[-1].width
        scale = _BAR / x
        parts = [Part(part.tone, part.count, part.said, part.x * scale, part.width * scale) for part in parts]
        yield Capability(name, *_word(name, {part.said for part in parts}, failing), parts)


def _word(name: str, said: set[str], failing: set[str]) -> tuple[str, str]:
    if name in failing:
        return "failed", "fail"
    if "failed" in said:
        return "passed, with warnings", "warn"
    if "passed" in said:
        return "passed", "pass"
    if "undecided" in said:
        return "undecided", "warn"
    return ("not offered", "none") if "not offered" in said else ("not judged", "none")


def _failures(report: Report, dialect: str, file: str) -> Iterator[Failures]:
    for level, heading, tone in (
        ("must", "Failures", "fail"),
        ("should", "Warnings", "warn"),
        ("may", "Notes", "none"),
    ):
        found = [
            (group.title, [detail(verdict, report, dialect, file) for verdict in group.verdicts])
            for group in groups(report.failures(level))
        ]
        if found:
            yield Failures(heading.lower(), heading, tone, found)


def _others(report: Report) -> Iterator[Others]:
    for outcome, heading, about in (
        (
            Outcome.ERROR,
            "Errors of the suite",
            "Mistakes of the suite, not of the server; please report them.",
        ),
        (Outcome.INCONCLUSIVE, "Inconclusive", "Tried, but what was answered does not decide."),
        (Outcome.NOT_JUDGED, "Not judged", "Nothing judged is never a pass. This is what would have to be given."),
        (Outcome.NOT_APPLICABLE, "Not applicable", "The server does not offer what these are about."),
        (Outcome.PASS, "Passed", ""),
    ):
        found = report.of(outcome)
        if found:
            yield Others(outcome.value, heading, about, list(_by_reason(found, outcome)))


def _by_reason(found: Iterable[Verdict], outcome: Outcome) -> Iterator[tuple[str, Sequence[Verdict]]]:
    grouped: dict[str, list[Verdict]] = {}
    for verdict in found:
        grouped.setdefault("" if outcome is Outcome.PASS else failure_text.why(verdict), []).append(verdict)
    yield from sorted(grouped.items(), key=lambda item: -len(item[1]))
