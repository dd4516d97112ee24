"""One failed verdict as labelled lines of text, for every view that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import Finding, Verdict

WIDEST = 300
LONGEST_TEXT = 120


def lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Label and text of everything worth saying of a failure, but for its id, level and statement."""
    finding = verdict.findings[0] if verdict.findings else None
    example = verdict.counterexample
    yield "source", verdict.source
    if is_object(example):
        yield "sent", sent(example)
    if finding is not None:
        if finding.message != verdict.statement:
            yield "found", finding.message
        yield from expectation(finding)
    if is_object(example):
        yield "got", got(example)
        accepted = neighbour(example)
        if accepted:
            yield "accepted", accepted
    if len(verdict.findings) > 1:
        yield "times", f"{len(verdict.findings)} findings" + (f"; {verdict.reason}" if verdict.reason else "")


def sent(example: JSON) -> str:
    """The request of a counterexample in one line, with the place that was changed."""
    text, changed = line(example), change(example)
    if changed:
        return f"{text} with {changed}"
    body = at(example, "/request/body")
    if not isinstance(body, Absent):
        return f"{text} {shown(body)}"
    raw = at(example, "/request/text")
    return f"{text} {shown(raw)}" if isinstance(raw, str) else text


def line(example: JSON) -> str:
    """The method and path of a counterexample's request, with its query."""
    query = at(example, "/request/query")
    text = f"{at(example, '/request/method')} {at(example, '/request/path')}"
    if is_array(query) and query:
        text += "?" + "&".join(f"{pair[0]}={pair[1]}" for pair in query if is_array(pair))
    return text


def change(example: JSON) -> str:
    """The place of the request that was changed, and how; nothing where none was."""
    mutation = at(example, "/mutation")
    if not is_object(mutation):
        return ""
    place = str(mutation.get("pointer") or "the whole body")
    where = "" if mutation.get("place", "body") == "body" else f"{mutation.get('place')} "
    return f"{where}{place} {_change(mutation)}"


def _change(mutation: JSON) -> str:
    was, became = at(mutation, "/was"), at(mutation, "/became")
    if isinstance(became, Absent):
        return "removed" if isinstance(was, Absent) else f"removed (was {shown(was, 80)})"
    if isinstance(was, Absent):
        return f"added: {shown(became, 120)}"
    return f"= {shown(became, 120)} (was {shown(was, 80)})"


def expectation(finding: Finding) -> Iterator[tuple[str, str]]:
    """What a finding says was expected, and what there was."""
    if not isinstance(finding.expected, Absent):
        yield "expected", shown(finding.expected)
    if not isinstance(finding.actual, Absent):
        where = f" at {finding.pointer}" if finding.pointer else ""
        yield "actual", shown(finding.actual) + where


def got(example: JSON) -> str:
    """The answer of a counterexample in one line."""
    http = refusal(example)
    if isinstance(at(example, "/answer/http_status"), Absent) or http != http_status(example):
        return http
    events = at(example, "/answer/events")
    if is_array(events):
        return f"{http}, events {', '.join(str(event) for event in events[:12])}"
    body, text = at(example, "/answer/body"), at(example, "/answer/text")
    return f"{http} " + (shown(text) if isinstance(body, Absent) else shown(body))


def refusal(example: JSON) -> str:
    """The HTTP status of a counterexample's answer, and what an error says."""
    message = at(example, "/answer/body/error/message")
    return http_status(example) + (f": {shown(message)}" if isinstance(message, str) else "")


def http_status(example: JSON) -> str:
    """The HTTP status of a counterexample's answer, or what came in its place."""
    status, problem = at(example, "/answer/http_status"), at(example, "/answer/problem")
    if not isinstance(status, Absent):
        return f"HTTP {status}"
    return problem if isinstance(problem, str) else "no answer"


def neighbour(example: JSON) -> str:
    """The accepted request most like a counterexample's, in one line; nothing where there is none."""
    near = at(example, "/neighbour")
    if not is_object(near):
        return ""
    pointer = at(example, "/mutation/pointer")
    answer = f"HTTP {near.get('http_status')}"
    if "value" in near:
        return f"the same with {pointer or 'the body'} = {shown(near['value'], 120)}: {answer}"
    return f"the same without the change: {answer}"


def why(verdict: Verdict) -> str:
    """Why a verdict is no pass and no failure, and what would have to be given."""
    reason = verdict.reason or "no reason is known"
    return f"{reason} ({verdict.needs})" if verdict.needs and verdict.needs not in reason else reason


def shown(value: JSON | Absent, widest: int = WIDEST) -> str:
    """A value as JSON on one line, cut where it is long; control characters are escaped."""
    text = "nothing" if isinstance(value, Absent) else json.dumps(_brief(value), ensure_ascii=False, default=str)
    text = printable(text)
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def _brief(value: JSON) -> JSON:
    """A value whose long texts are cut, so that what is around them can be seen."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:24]}… ({len(value)} characters)"
    if is_object(value):
        return {str(_brief(name)): _brief(member) for name, member in value.items()}
    return [_brief(item) for item in value] if is_array(value) else value


def printable(text: str) -> str:
    """A text whose control characters are escaped: no target writes to a terminal or turns a line around."""
    if text.isprintable():
        return text
    return "\n".join(part if part.isprintable() else _escaped(part) for part in text.split("\n"))


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
