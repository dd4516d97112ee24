"""The details of one failed verdict, as the HTML page shows them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runs_conformance.model.case import Concurrent, Move
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.long_text import expand
from runs_conformance.model.step_decoding import step_from_json
from runs_conformance.model.verdict import Finding, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl, script
from runs_conformance.reporting.codegen.response_values import places_of_items, shows_awaited_status
from runs_conformance.reporting.codegen.statements import steps_of
from runs_conformance.reporting.highlighted_json import TextSpan, highlight
from runs_conformance.reporting.report import Report

CONSTRAINT_RATIONALE = {
    True: (
        "A client that makes this mistake learns about it from the error. If a server accepts the mistake, or refuses "
        "a valid request, the client behaves differently here than against other servers."
    ),
    False: (
        "Clients parse responses by the documented schema, many with generated code. A deviation is dropped, misread, "
        "or raises an error far from its cause."
    ),
}
"""Why a constraint matters, for requests (True) and responses (False); rules explain this themselves."""


_FIX = "Fix: "


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One observation in a run's timeline; `shows_failure` marks the one that shows the failure."""

    at: str
    operation: str
    response: str
    statuses: str
    exchange: str
    shows_failure: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command to copy: its name and text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownValue:
    """An expected or actual result: a value as JSON or words, and the place of a value in the response."""

    text: str
    is_prose: bool = False
    place: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """One failed verdict prepared for the page; parts that do not exist are empty."""

    verdict: Verdict
    rationale: Sequence[str]
    message: str
    fix: str = ""
    request_line: str = ""
    mutation: str = ""
    request_body: Sequence[TextSpan] = ()
    status: str = ""
    response_body: Sequence[TextSpan] = ()
    expected: ShownValue = ShownValue("")
    actual: ShownValue = ShownValue("")
    control_request: str = ""
    timeline: Sequence[TimelineEntry] = ()
    commands: Sequence[Command] = ()

    @property
    def further_findings(self) -> Sequence[Finding]:
        """The findings after the first."""
        return self.verdict.findings[1:]

    @property
    def finding_count(self) -> int:
        """The number of findings, with those that are not listed."""
        return failure_text.count_findings(self.verdict)


def build_detail(verdict: Verdict, report: Report, dialect: str, report_path: str) -> FailureDetail:
    """Build the details of a failed verdict; `report_path` is the report's path as shown in commands."""
    finding = verdict.findings[0] if verdict.findings else None
    example = verdict.counterexample
    results = {result.label: result for result in failure_text.expected_and_actual(verdict)}
    paragraphs = verdict.explanation.split("\n\n") if verdict.explanation else []
    rationale = [each for each in paragraphs if not each.startswith(_FIX)]
    detail = FailureDetail(
        verdict=verdict,
        rationale=rationale or [CONSTRAINT_RATIONALE[verdict.operation is not None]],
        fix=next((each.removeprefix(_FIX) for each in paragraphs if each.startswith(_FIX)), ""),
        message=failure_text.finding_message(verdict),
        expected=_shown_value(results.get("expected")),
        actual=_shown_value(results.get("actual")),
        commands=tuple(_commands(verdict, report, dialect, report_path)),
    )
    if not is_object(example):
        return detail
    return replace(
        detail,
        request_line=failure_text.request_line(example),
        mutation=failure_text.mutation_summary(example),
        request_body=tuple(_request_spans(example)),
        status=failure_text.status_line(example),
        response_body=tuple(_response_spans(example, finding)),
        control_request=failure_text.control_request(example),
        timeline=tuple(_timeline(example)),
    )


def _shown_value(result: failure_text.ComparedResult | None) -> ShownValue:
    return ShownValue(result.text, result.is_prose, result.place) if result else ShownValue("")


def _request_spans(example: JSON) -> Iterator[TextSpan]:
    mutation = at(example, "/mutation")
    pointer = at(mutation, "/pointer") if is_object(mutation) and mutation.get("place", "body") == "body" else None
    body, text = at(example, "/request/body"), at(example, "/request/text")
    if not isinstance(body, Absent):
        yield from highlight(
            body, [pointer] if isinstance(pointer, str) and not isinstance(at(body, pointer), Absent) else []
        )
    elif isinstance(text, str):
        yield TextSpan(text[:4_000], highlighted=pointer == "")


def _response_spans(example: JSON, finding: Finding | None) -> Iterator[TextSpan]:
    pointer = None
    # The finding of a mutated request points into the request.
    if finding is not None and finding.exchange == at(example, "/exchange") and not is_object(at(example, "/mutation")):
        pointer = finding.pointer or None
    body, text, events = at(example, "/answer/body"), at(example, "/answer/text"), at(example, "/answer/events")
    if is_array(events):
        yield from _event_spans(events, pointer)
    elif not isinstance(body, Absent):
        yield from highlight(body, _nearest_existing(body, pointer) if pointer else ())
    elif isinstance(text, str):
        yield TextSpan(text)


def _event_spans(events: Sequence[JSON], pointer: str | None) -> Iterator[TextSpan]:
    for number, name in enumerate(events):
        inside = (pointer or "").removeprefix(f"/events/{number}")
        is_event = inside != pointer and inside.startswith("/")
        yield TextSpan(f"event: {name}{inside if is_event else ''}", highlighted=is_event)
        yield TextSpan("\n")


def _nearest_existing(body: JSON, pointer: str) -> Sequence[str]:
    """The pointer, or if it does not exist in the body its nearest existing parent."""
    while pointer and isinstance(at(body, pointer), Absent):
        pointer = pointer.rpartition("/")[0]
    return [pointer] if pointer else []


def _timeline(example: JSON) -> Iterator[TimelineEntry]:
    entries = at(example, "/timeline")
    for entry in entries if is_array(entries) else ():
        if not is_object(entry):
            continue
        statuses, times, http = entry.get("statuses"), entry.get("times"), entry.get("http_status")
        yield TimelineEntry(
            at=f"{entry.get('at')} s",
            operation=f"{entry.get('operation')}" + (f" × {times}" if times != 1 else ""),
            response=f"HTTP {http}" if http else "no response",
            statuses=" → ".join(str(each) for each in statuses) if is_array(statuses) and statuses else "·",
            exchange=str(entry.get("exchange")),
            shows_failure=entry.get("shows") is True,
        )


def _commands(verdict: Verdict, report: Report, dialect: str, report_path: str) -> Iterator[Command]:
    commands = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", dialect, report.target.access)
    if commands:
        yield Command("curl", commands)
    python_code = _python_script(verdict, report)
    if python_code:
        yield Command("Python", python_code)
    if verdict.counterexample is not None:
        yield Command("replay", f"runs-conformance replay {shlex.quote(report_path)} {shlex.quote(verdict.id)}")
    yield Command("explain", f"runs-conformance explain {shlex.quote(verdict.id)}")


def _python_script(verdict: Verdict, report: Report) -> str | None:
    """A script that reproduces the failure; None if the counterexample lacks its steps."""
    steps = at(verdict.counterexample, "/steps") if is_object(verdict.counterexample) else None
    if not is_array(steps) or not steps or not verdict.findings:
        return None
    finding = verdict.findings[0]
    moves = [_parse_move(expand(step)) for step in steps]
    ids = [step.id for step in steps_of(moves)]
    failure = script.ScriptedFailure(
        id=verdict.id,
        level=verdict.level,
        statement=verdict.statement,
        moves=moves,
        failing_step=len(ids) - 1 - ids[::-1].index(finding.case) if finding.case in ids else len(ids) - 1,
        message=finding.message,
        pointer=finding.pointer,
        expected=None if isinstance(finding.expected, Absent) else finding.expected,
        actual=None if isinstance(finding.actual, Absent) else finding.actual,
        base_url=report.target.base_url,
        dialect=report.target.dialect,
        edition=report.suite.edition,
        items=places_of_items(verdict.counterexample),
        awaits_status=shows_awaited_status(verdict.counterexample),
    )
    try:
        return script.render_script(failure)
    except KeyError:
        # A step refers to a response outside the steps. The page must not fail because its script cannot be written.
        return None


def _parse_move(data: JSON) -> Move:
    """Read a move of a counterexample: one step, or a list of steps sent concurrently."""
    steps = [step_from_json(step) for step in (data if is_array(data) else [data]) if is_object(step)]
    return steps[0] if len(steps) == 1 else Concurrent(tuple(steps))
