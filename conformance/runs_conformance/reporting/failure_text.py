"""One failed verdict as labelled lines of text, shared by all views for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.json_type import JSON_TYPES, describe_types
from runs_conformance.model.error_message import error_message
from runs_conformance.model.json import JSON, Absent, at, is_array, is_integer, is_object
from runs_conformance.model.text import excerpt, truncate
from runs_conformance.model.verdict import Finding, Verdict

MAX_VALUE_LENGTH = 300
MAX_STRING_LENGTH = 120

_DESCRIPTION = re.compile(r"(an?|no) [a-z]+\Z")
"""An expected result in words, as rules write it where no single value is expected."""
_STATUS = re.compile(r"HTTP (?:status )?(\d{3})")

LEFT_OUT = re.compile(r"(\d+) more findings? (?:is|are) not listed")
"""How a verdict gives the number of findings that it leaves out."""


def labelled_lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Label and text of each detail of a failure except its id, level and statement."""
    example = verdict.counterexample
    yield "source", verdict.source
    if is_object(example):
        yield "request", request_summary(example)
    message = finding_message(verdict)
    if message:
        yield "finding", message
    yield from ((result.label, result.line) for result in expected_and_actual(verdict))
    if is_object(example):
        yield "response", response_summary(example)
        control = control_request(example)
        if control:
            yield "control", control
        if again := confirmation(example):
            yield "replayed", again
    if (count := count_findings(verdict)) > 1:
        yield "findings", str(count)


def count_findings(verdict: Verdict) -> int:
    """The number of findings, with those that the verdict leaves out."""
    left_out = LEFT_OUT.fullmatch(verdict.reason or "")
    return len(verdict.findings) + (int(left_out[1]) if left_out is not None else 0)


def confirmation(example: JSON) -> str:
    """How often a failure occurred again when it was replayed alone; empty if it was not replayed."""
    failed, replays = at(example, "/confirmed/failed"), at(example, "/confirmed/played")
    if not is_integer(failed) or not is_integer(replays):
        return ""
    return "confirmed" if failed == replays else f"seen {failed} of {replays} times when its steps were replayed alone"


def finding_message(verdict: Verdict) -> str:
    """The message of the first finding; empty if the statement or the actual result already says it."""
    message = verdict.findings[0].message if verdict.findings else ""
    return "" if message == verdict.statement or _is_about_request(verdict) else message


def request_summary(example: JSON) -> str:
    """The request of a counterexample in one line, with the changed member."""
    text, changed = request_line(example), mutation_summary(example)
    if changed:
        return f"{text} with {changed}"
    body = at(example, "/request/body")
    if not isinstance(body, Absent):
        return f"{text} {format_value(body)}"
    raw = at(example, "/request/text")
    return f"{text} {format_value(raw)}" if isinstance(raw, str) else text


def request_line(example: JSON) -> str:
    """Method, path and query of a counterexample's request."""
    query = at(example, "/request/query")
    text = f"{at(example, '/request/method')} {at(example, '/request/path')}"
    if is_array(query) and query:
        text += "?" + "&".join(f"{pair[0]}={pair[1]}" for pair in query if is_array(pair))
    return text


def mutation_summary(example: JSON) -> str:
    """The changed member of the request and its values, or its content type; empty if nothing was changed."""
    mutation = at(example, "/mutation")
    if not is_object(mutation):
        return ""
    raw, content_type = at(example, "/request/text"), at(example, "/case/headers/Content-Type")
    if mutation.get("keyword") == "content_type" and isinstance(content_type, str):
        return f"the content type {printable(truncate(content_type, 80))}"
    if mutation.get("keyword") == "json" and isinstance(raw, str):
        return f"the malformed body {format_value(raw, 120)}"
    place = str(mutation.get("pointer") or "the whole body")
    where = "" if mutation.get("place", "body") == "body" else f"{mutation.get('place')} "
    return f"{where}{place} {_mutation_values(mutation)}"


def _mutation_values(mutation: JSON) -> str:
    was, became = at(mutation, "/was"), at(mutation, "/became")
    if isinstance(became, Absent):
        return "removed" if isinstance(was, Absent) else f"removed (was {format_value(was, 80)})"
    if isinstance(was, Absent):
        return f"added: {format_value(became, 120)}"
    return f"= {format_value(became, 120)} (was {format_value(was, 80)})"


@dataclass(frozen=True, slots=True)
class ComparedResult:
    """The expected or the actual result of a finding: words, or a value as JSON with its place in the response."""

    label: str
    text: str
    is_prose: bool = False
    place: str = ""

    @property
    def line(self) -> str:
        """The result and its place."""
        return f"{self.text} at {self.place}" if self.place else self.text


def expected_and_actual(verdict: Verdict) -> Iterator[ComparedResult]:
    """The expected and the actual result of the first finding.

    A constraint on requests is about the HTTP status; the `actual` of its finding is the value that was sent.
    """
    if not verdict.findings:
        return
    finding = verdict.findings[0]
    if _is_about_request(verdict):
        yield ComparedResult("expected", expected_status(finding.expected), is_prose=True)
        yield ComparedResult("actual", f"{status_line(verdict.counterexample)} ({finding.message})", is_prose=True)
        return
    required = _expected_by_constraint(verdict)
    for result in compare_results(finding, at(verdict.counterexample, "/answer/http_status")):
        is_required = required and result.label == "expected"
        yield ComparedResult("expected", required, is_prose=True) if is_required else result


def compare_results(finding: Finding, status: JSON | Absent) -> Iterator[ComparedResult]:
    """The expected and the actual result of a finding in a response with this HTTP status.

    The finding is about the status if it names no place in the response and has the status as its `actual`.
    """
    if _is_about_status(finding, status):
        if expected := _any_status(finding.expected):
            yield ComparedResult("expected", expected, is_prose=True)
        yield ComparedResult("actual", f"HTTP {finding.actual}", is_prose=True)
        return
    if not isinstance(finding.expected, Absent):
        is_prose = isinstance(finding.expected, str) and _DESCRIPTION.match(finding.expected) is not None
        text = str(finding.expected) if is_prose else format_value(finding.expected)
        yield ComparedResult("expected", text, is_prose)
    if not isinstance(finding.actual, Absent):
        yield ComparedResult("actual", format_value(finding.actual), place=finding.pointer)


def _expected_by_constraint(verdict: Verdict) -> str:
    """The expectation of a constraint on presence or type, in words; empty for other requirements."""
    expected = verdict.findings[0].expected
    if verdict.kind == "constraint" and verdict.id.endswith(".required") and isinstance(expected, str):
        return f"a member {printable(expected)}"
    types = _expected_types(verdict)
    return describe_types(types) if types else ""


def _expected_types(verdict: Verdict) -> list[str]:
    """The types that a constraint on the type of a value allows; empty for other requirements."""
    expected = verdict.findings[0].expected
    names = expected if is_array(expected) else [expected]
    types = [name for name in names if isinstance(name, str) and name in JSON_TYPES]
    is_about_type = verdict.kind == "constraint" and verdict.id.endswith(".type")
    return types if is_about_type and len(types) == len(names) else []


def _is_about_request(verdict: Verdict) -> bool:
    return (
        verdict.kind == "constraint"
        and verdict.operation is not None
        and bool(verdict.findings)
        and is_object(verdict.counterexample)
    )


def _is_about_status(finding: Finding, status: JSON | Absent) -> bool:
    is_allowed = isinstance(finding.expected, Absent) or bool(_any_status(finding.expected))
    return is_allowed and not finding.pointer and not isinstance(status, Absent | None) and finding.actual == status


def _any_status(expected: JSON | Absent) -> str:
    """One or several statuses in words; empty for other values."""
    statuses = expected if is_array(expected) else [expected]
    if not statuses or not all(type(each) is int and 100 <= each < 600 for each in statuses):
        return ""
    return f"HTTP {' or '.join(map(str, statuses))}"


def expected_status(expected: JSON | Absent) -> str:
    """The HTTP status that the finding of a constraint on requests expects."""
    status = _STATUS.search(expected) if isinstance(expected, str) else None
    return f"HTTP {status.group(1)}" if status else format_value(expected)


def response_summary(example: JSON) -> str:
    """The response of a counterexample in one line."""
    http = status_and_error(example)
    if isinstance(at(example, "/answer/http_status"), Absent) or http != status_line(example):
        return http
    events = at(example, "/answer/events")
    if is_array(events):
        return f"{http}, events {', '.join(str(event) for event in events[:12])}"
    body, text = at(example, "/answer/body"), at(example, "/answer/text")
    return f"{http} " + (format_value(text) if isinstance(body, Absent) else format_value(body))


def status_and_error(example: JSON) -> str:
    """The HTTP status of a counterexample's response, with the error message if there is one."""
    message = error_message(at(example, "/answer/body"))
    return status_line(example) + (f": {format_value(message)}" if message is not None else "")


def status_line(example: JSON) -> str:
    """The HTTP status of a counterexample's response, or the problem that prevented one."""
    status, problem = at(example, "/answer/http_status"), at(example, "/answer/problem")
    if not isinstance(status, Absent):
        return f"HTTP {status}"
    return problem if isinstance(problem, str) else "no response"


def control_request(example: JSON) -> str:
    """The accepted request closest to the counterexample's, in one line; empty if there is none."""
    near = at(example, "/neighbour")
    if not is_object(near):
        return ""
    pointer = at(example, "/mutation/pointer")
    status = f"HTTP {near.get('http_status')}"
    if "value" in near:
        return f"the same request with {pointer or 'the body'} = {format_value(near['value'], 120)}: {status}"
    return f"the same request without the change: {status}"


def reason_with_needs(verdict: Verdict) -> str:
    """Why a verdict is neither pass nor fail, and what judging it needs."""
    reason = verdict.reason or "no reason was recorded"
    return f"{reason}; needs {verdict.needs}" if verdict.needs and verdict.needs not in reason else reason


def format_value(value: JSON | Absent, max_length: int = MAX_VALUE_LENGTH) -> str:
    """Format a value as one line of JSON, truncated to `max_length` characters, control characters escaped."""
    text = "nothing" if isinstance(value, Absent) else json.dumps(_abbreviate(value), ensure_ascii=False, default=str)
    text = printable(text)
    return truncate(text, max_length)


def _abbreviate(value: JSON) -> JSON:
    """Shorten long strings inside a value, so that the rest of it stays visible."""
    if isinstance(value, str):
        return excerpt(value, MAX_STRING_LENGTH, keep=24)
    if is_object(value):
        return {str(_abbreviate(name)): _abbreviate(member) for name, member in value.items()}
    return [_abbreviate(item) for item in value] if is_array(value) else value


def printable(text: str) -> str:
    """Escape control characters, so that a target cannot write to the terminal or reverse text direction."""
    if text.isprintable():
        return text
    return "\n".join(part if part.isprintable() else _escape(part) for part in text.split("\n"))


def _escape(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
