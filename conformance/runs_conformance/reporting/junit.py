"""The report as JUnit XML, in the dialect that Jenkins reads: a suite for each capability, a case for each verdict."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.report import SUITE, Report, moment


def text(report: Report, dialect: str = "openai") -> str:
    """The report as XML. What does not count as a failure is skipped, with the reason; no character is illegal."""
    root = ElementTree.Element("testsuites", {"name": _safe(f"{SUITE} {report.target.name}")})
    total: dict[str, int] = {}
    for capability, verdicts in _by_capability(report).items():
        cases = [_case(verdict, report, dialect) for verdict in verdicts]
        counts = {
            "tests": len(cases),
            "failures": sum(case.find("failure") is not None for case in cases),
            "errors": sum(case.find("error") is not None for case in cases),
            "skipped": sum(case.find("skipped") is not None for case in cases),
        }
        suite = ElementTree.SubElement(
            root, "testsuite", {"name": f"{SUITE}.{capability}", **{name: str(count) for name, count in counts.items()}}
        )
        suite.set("time", "0")
        started = moment(report.started)
        if started is not None:
            suite.set("timestamp", started[:19])
        suite.append(_properties(report))
        suite.extend(cases)
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    for name in ("tests", "failures", "errors"):
        root.set(name, str(total.get(name, 0)))
    root.set("time", f"{report.counts.seconds:.3f}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _by_capability(report: Report) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in report.verdicts:
        found.setdefault(verdict.capability, []).append(verdict)
    return found


def _properties(report: Report) -> ElementTree.Element:
    suite = report.suite
    properties = ElementTree.Element("properties")
    for name, value in (
        ("suite", f"{suite.name} {suite.version}"),
        ("edition", suite.edition),
        ("profile", suite.profile or "recorded traffic"),
        ("schema_digest", suite.schema_digest),
        ("target", report.target.base_url or report.target.name),
        ("outcome", f"{report.outcome.value}: {report.because}"),
    ):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _safe(value)})
    return properties


def _case(verdict: Verdict, report: Report, dialect: str) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", {"name": _safe(verdict.id), "classname": f"{SUITE}.{verdict.capability}", "time": "0"}
    )
    kind, why = "", ""
    if report.is_broken(verdict):
        inner = ElementTree.SubElement(case, "failure", {"type": verdict.level, "message": _safe(verdict.statement)})
        inner.text = _safe("\n".join(_lines(verdict, report, dialect)))
    elif verdict.outcome is Outcome.ERROR:
        inner = ElementTree.SubElement(case, "error", {"type": "suite", "message": _safe(verdict.reason or "")})
    elif verdict.outcome is Outcome.FAIL:
        known = verdict.level in report.failing
        kind, why = ("baseline", "known to the baseline") if known else ("warning", f"a {verdict.level}, not a must")
    elif verdict.outcome is not Outcome.PASS:
        kind, why = verdict.outcome.value, failure_text.why(verdict)
    if kind:
        inner = ElementTree.SubElement(case, "skipped", {"type": kind, "message": _safe(why)})
        if verdict.outcome is Outcome.FAIL:
            inner.text = _safe("\n".join(_lines(verdict, report, dialect)))
    return case


def _lines(verdict: Verdict, report: Report, dialect: str) -> Iterator[str]:
    """What a person reads in a failed case."""
    yield verdict.statement
    for label, said in failure_text.lines(verdict):
        yield f"{label}: {said}"
    again = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", dialect, report.target.access)
    if again:
        yield from ("", again)


def _safe(value: str) -> str:
    """A text without the characters that XML has no way to write."""
    return failure_text.printable(value)
