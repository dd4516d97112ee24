"""The report as JUnit XML in the dialect of Jenkins: one suite per capability, one case per verdict."""

from __future__ import annotations

from collections.abc import Iterator

# Written here, never parsed.
from xml.etree import ElementTree  # nosec B405

from runs_conformance.model.verdict import Outcome, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.numbered_causes import NumberedCause, headline, number_causes
from runs_conformance.reporting.report import SUITE, Report, rfc3339


def text(report: Report, dialect: str = "openai") -> str:
    """The report as XML. Verdicts that are neither pass nor counted as failures are skipped, with the reason."""
    root = ElementTree.Element("testsuites", {"name": _xml_text(f"{SUITE} {report.target.name}")})
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
        suite.set("time", _seconds(sum(report.seconds.get(verdict.id, 0.0) for verdict in verdicts)))
        started = rfc3339(report.started)
        if started is not None:
            suite.set("timestamp", started[:19])
        suite.append(_properties(report))
        suite.extend(cases)
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    for name in ("tests", "failures", "errors"):
        root.set(name, str(total.get(name, 0)))
    root.set("time", _seconds(report.usage.seconds))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _by_capability(report: Report) -> dict[str, list[Verdict]]:
    by_capability: dict[str, list[Verdict]] = {}
    for verdict in report.verdicts:
        by_capability.setdefault(verdict.capability, []).append(verdict)
    return by_capability


def _properties(report: Report) -> ElementTree.Element:
    suite = report.suite
    properties = ElementTree.Element("properties")
    for name, value in (
        ("suite", f"{suite.name} {suite.version}"),
        ("edition", suite.edition),
        ("profile", suite.profile or "recorded traffic"),
        ("schema_digest", suite.schema_digest),
        ("target", report.target.base_url or report.target.name),
        ("outcome", headline(report, report.outcome.value)),
        *((f"cause {numbered.number}", _cause_text(numbered)) for numbered in number_causes(report)),
        ("programs", report.programs.text),
    ):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _xml_text(value)})
    return properties


def _cause_text(numbered: NumberedCause) -> str:
    return f"{numbered.severity}, {numbered.count}: {numbered.cause.title}. {numbered.cause.fix}"


def _case(verdict: Verdict, report: Report, dialect: str) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        {
            "name": _xml_text(verdict.id),
            "classname": f"{SUITE}.{verdict.capability}",
            "time": _seconds(report.seconds.get(verdict.id, 0.0)),
        },
    )
    kind, reason = "", ""
    if report.counts_as_failure(verdict):
        inner = ElementTree.SubElement(
            case, "failure", {"type": verdict.level, "message": _xml_text(verdict.statement)}
        )
        inner.text = _xml_text("\n".join(_failure_lines(verdict, report, dialect)))
    elif verdict.outcome is Outcome.ERROR:
        inner = ElementTree.SubElement(case, "error", {"type": "suite", "message": _xml_text(verdict.reason or "")})
    elif verdict.outcome is Outcome.FAIL:
        known = verdict.level in report.failing_levels
        kind, reason = (
            ("baseline", "accepted by the baseline") if known else ("warning", f"level {verdict.level}: a warning")
        )
    elif verdict.outcome is not Outcome.PASS:
        kind, reason = verdict.outcome.value, failure_text.reason_with_needs(verdict)
    if kind:
        inner = ElementTree.SubElement(case, "skipped", {"type": kind, "message": _xml_text(reason)})
        if verdict.outcome is Outcome.FAIL:
            inner.text = _xml_text("\n".join(_failure_lines(verdict, report, dialect)))
    return case


def _failure_lines(verdict: Verdict, report: Report, dialect: str) -> Iterator[str]:
    """The text of a failed case."""
    yield verdict.statement
    for label, text in failure_text.labelled_lines(verdict):
        yield f"{label}: {text}"
    commands = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", dialect, report.target.access)
    if commands:
        yield from ("", commands)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _xml_text(value: str) -> str:
    """Escape characters that XML cannot represent."""
    return failure_text.printable(value)
