"""Everything that a page says of one failed verdict."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runs_conformance.model.case import Move, Together, step_from_json
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.long_text import unpacked
from runs_conformance.model.verdict import Finding, Verdict
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.codegen import curl, script
from runs_conformance.reporting.codegen.statements import steps_of
from runs_conformance.reporting.highlighted_json import Piece, marked
from runs_conformance.reporting.report import Report

WHY = {
    True: (
        "A client that makes this mistake learns of it from the refusal. Where a server lets it pass, or refuses what "
        "is right, the client behaves otherwise here than against every other server."
    ),
    False: (
        "Clients read answers by the documented shape, many with generated code. What departs from it is dropped, "
        "misread, or raises an error in a place that says nothing of the cause."
    ),
}
"""Why a constraint matters, for those on requests and those on answers; a rule says so itself."""


@dataclass(frozen=True, slots=True)
class Look:
    """One entry of a run's timeline; `shows` marks the one in which the failure shows."""

    at: str
    operation: str
    answer: str
    statuses: str
    exchange: str
    shows: bool


@dataclass(frozen=True, slots=True)
class Command:
    """Something to copy: what it is, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One failed verdict, ready to be laid out; what there is not is empty."""

    verdict: Verdict
    why: Sequence[str]
    message: str
    sent: str = ""
    change: str = ""
    request: Sequence[Piece] = ()
    got: str = ""
    answer: Sequence[Piece] = ()
    expected: str = ""
    actual: str = ""
    neighbour: str = ""
    timeline: Sequence[Look] = ()
    commands: Sequence[Command] = ()

    @property
    def further(self) -> Sequence[Finding]:
        """The findings beside the first."""
        return self.verdict.findings[1:]


def detail(verdict: Verdict, report: Report, dialect: str, file: str) -> Detail:
    """The detail of a failed verdict; `file` is the report as a command names it."""
    finding = verdict.findings[0] if verdict.findings else None
    example = verdict.counterexample
    expected = dict(failure_text.expectation(finding)) if finding else {}
    made = Detail(
        verdict=verdict,
        why=verdict.explanation.split("\n\n") if verdict.explanation else [WHY[verdict.operation is not None]],
        message=finding.message if finding and finding.message != verdict.statement else "",
        expected=expected.get("expected", ""),
        actual=expected.get("actual", ""),
        commands=tuple(_commands(verdict, report, dialect, file)),
    )
    if not is_object(example):
        return made
    return replace(
        made,
        # What is found in a request is marked there; what came of it is the answer.
        actual=failure_text.refusal(example) if failure_text.change(example) else made.actual,
        sent=failure_text.line(example),
        change=failure_text.change(example),
        request=tuple(_request(example)),
        got=failure_text.http_status(example),
        answer=tuple(_answer(example, finding)),
        neighbour=failure_text.neighbour(example),
        timeline=tuple(_looks(example)),
    )


def _request(example: JSON) -> Iterator[Piece]:
    mutation = at(example, "/mutation")
    place = at(mutation, "/pointer") if is_object(mutation) and mutation.get("place", "body") == "body" else None
    body, text = at(example, "/request/body"), at(example, "/request/text")
    if not isinstance(body, Absent):
        yield from marked(body, [place] if isinstance(place, str) and not isinstance(at(body, place), Absent) else [])
    elif isinstance(text, str):
        yield Piece(text[:4_000], marked=place == "")


def _answer(example: JSON, finding: Finding | None) -> Iterator[Piece]:
    place = None
    # A mutation's finding points into the request.
    if finding is not None and finding.exchange == at(example, "/exchange") and not is_object(at(example, "/mutation")):
        place = finding.pointer or None
    body, text, events = at(example, "/answer/body"), at(example, "/answer/text"), at(example, "/answer/events")
    if is_array(events):
        yield from _events(events, place)
    elif not isinstance(body, Absent):
        yield from marked(body, _nearest(body, place) if place else ())
    elif isinstance(text, str):
        yield Piece(text)


def _events(events: Sequence[JSON], place: str | None) -> Iterator[Piece]:
    for number, name in enumerate(events):
        shown = place is not None and place.startswith(f"/events/{number}/")
        yield Piece(f"event: {name}{(place or '').removeprefix(f'/events/{number}') if shown else ''}", marked=shown)
        yield Piece("\n")


def _nearest(body: JSON, place: str) -> Sequence[str]:
    """The place, or where it is missing the object that lacks it."""
    while place and isinstance(at(body, place), Absent):
        place = place.rpartition("/")[0]
    return [place] if place else []


def _looks(example: JSON) -> Iterator[Look]:
    entries = at(example, "/timeline")
    for entry in entries if is_array(entries) else ():
        if not is_object(entry):
            continue
        statuses, times, http = entry.get("statuses"), entry.get("times"), entry.get("http_status")
        yield Look(
            at=f"{entry.get('at')} s",
            operation=f"{entry.get('operation')}" + (f" × {times}" if times != 1 else ""),
            answer=f"HTTP {http}" if http else "no answer",
            statuses=" → ".join(str(each) for each in statuses) if is_array(statuses) and statuses else "·",
            exchange=str(entry.get("exchange")),
            shows=entry.get("shows") is True,
        )


def _commands(verdict: Verdict, report: Report, dialect: str, file: str) -> Iterator[Command]:
    again = curl.script(verdict.counterexample, report.target.base_url or "$BASE_URL", dialect, report.target.access)
    if again:
        yield Command("curl", again)
    python = _python(verdict, report)
    if python:
        yield Command("Python", python)
    if verdict.counterexample is not None:
        yield Command("replay", f"runs-conformance replay {shlex.quote(file)} {shlex.quote(verdict.id)}")
    yield Command("explain", f"runs-conformance explain {shlex.quote(verdict.id)}")


def _python(verdict: Verdict, report: Report) -> str | None:
    """A script that shows the failure; None where not all that shows it is known."""
    steps = at(verdict.counterexample, "/steps") if is_object(verdict.counterexample) else None
    if not is_array(steps) or not steps or not verdict.findings:
        return None
    finding = verdict.findings[0]
    moves = [_move(unpacked(step)) for step in steps]
    ids = [step.id for step in steps_of(moves)]
    told = script.Failure(
        id=verdict.id,
        level=verdict.level,
        statement=verdict.statement,
        moves=moves,
        shows=len(ids) - 1 - ids[::-1].index(finding.case) if finding.case in ids else len(ids) - 1,
        message=finding.message,
        pointer=finding.pointer,
        expected=None if isinstance(finding.expected, Absent) else finding.expected,
        actual=None if isinstance(finding.actual, Absent) else finding.actual,
        base_url=report.target.base_url,
        dialect=report.target.dialect,
        edition=report.suite.edition,
    )
    try:
        return script.script(told)
    except KeyError:
        # It refers to an answer that is not among the steps: the page is worth more than its script.
        return None


def _move(data: JSON) -> Move:
    """A move as a counterexample holds it: a step, or the steps that are sent at the same moment."""
    steps = [step_from_json(step) for step in (data if is_array(data) else [data]) if is_object(step)]
    return steps[0] if len(steps) == 1 else Together(tuple(steps))
