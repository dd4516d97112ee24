"""Constraints of what a target takes: what breaks one is refused, what keeps it is accepted.

A refusal counts only where it can mean nothing else: in the same program the smallest request of the operation was
accepted, and some request with a legal value at the same place; and the thread was idle, since a busy one refuses
everything. What was refused, or failed, for a reason of its own decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runs_conformance.contract.departure import excusing
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.metadata import may_overflow
from runs_conformance.evidence.observation import runs_seen, sightings_in
from runs_conformance.model.case import Accept, Mutation, Role, Step
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, parts
from runs_conformance.model.verdict import HELD, Finding, Result, Tally, Undecided

_TOO_LARGE = 413
"""How large a body may be is a matter of resources, not of the contract."""

PACKED = "packed"
"""The tag of a legal request that carries many values: where it is refused, the requests of one value each decide."""

_LOCKED = ("create_run", "create_message")
"""The operations that a busy thread refuses, whatever they send."""

_REFUSED = "a refusal (HTTP status 400)"
_ACCEPTED = "success (HTTP status 200)"


def tallies(history: History) -> dict[str, Tally]:
    """What a history shows of the constraints of requests, by constraint id."""
    program = _Program(history)
    found: dict[str, Tally] = {}
    for id_, result in _negatives(program):
        found.setdefault(id_, Tally()).add(_excused(id_, result, history))
    unsettled = {id_ for id_, tally in found.items() if not tally.judged}
    for id_, result in _legal(program):
        # That legal values are taken says nothing where it could not be told whether illegal ones are refused.
        if id_ not in unsettled or isinstance(result, Finding):
            found.setdefault(id_, Tally()).add(_excused(id_, result, history))
    return found


class _Program:
    """The exchanges of one program by what they are for."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.negatives: dict[str, list[Exchange]] = {}
        self.legal: dict[str, list[Exchange]] = {}
        self.controls: dict[str, list[Exchange]] = {}
        self.shown: set[str] = set()
        self.tried: set[str] = set()
        self.occupancy = _Occupancy(history)
        for exchange in history:
            step = exchange.step
            if step is None:
                continue
            if step.role is Role.NEGATIVE and step.exercises:
                self.negatives.setdefault(step.id, []).append(exchange)
            elif step.role is Role.VALID and step.exercises:
                self.legal.setdefault(step.id, []).append(exchange)
            elif step.role is Role.CONTROL:
                self.controls.setdefault(step.operation, []).append(exchange)
            if step.role in (Role.VALID, Role.CONTROL):
                self.tried.update(step.exercises)
                if exchange.accepted:
                    self.shown.update(step.exercises)

    def no_control(self, operation: str) -> str | None:
        """Why the smallest request of an operation is no measure; None where it was accepted."""
        controls = self.controls.get(operation, [])
        if any(control.accepted for control in controls):
            return None
        if not controls:
            return f"the smallest {operation} request was not sent"
        if any(control.refused for control in controls):
            return f"the smallest {operation} request was refused, too"
        return f"the smallest {operation} request: {_no_decision(controls[-1])}"

    def lived_on(self, failed: Exchange) -> bool:
        """Whether the smallest request was accepted before or after a failure, and something certainly after it."""
        controls = self.controls.get(failed.operation or "", [])
        later = [*controls, *(exchange for many in self.legal.values() for exchange in many)]
        return any(control.accepted for control in controls) and any(
            exchange.accepted and failed.before(exchange) for exchange in later
        )


class _Occupancy:
    """Which threads had an active run when: from the runs created on them, and when those were seen to be over."""

    def __init__(self, history: History) -> None:
        over: dict[str, float] = {}
        for seen in runs_seen(history):
            if seen.status in TERMINAL:
                over[seen.id] = min(seen.ends, over.get(seen.id, seen.ends))
        self._spans: dict[str, list[tuple[Exchange, float]]] = {}
        for exchange in history:
            if exchange.operation == "create_run" and (exchange.accepted or exchange.completion is Completion.UNKNOWN):
                run = next((seen.id for seen in sightings_in(exchange) if seen.kind == "run"), "")
                spans = self._spans.setdefault(exchange.path.get("thread_id", ""), [])
                spans.append((exchange, over.get(run, float("inf"))))

    def idle(self, exchange: Exchange) -> bool:
        """Whether the thread that an exchange is about was certainly idle; true where it does not matter."""
        if exchange.operation not in _LOCKED:
            return True
        return not any(
            began is not exchange and began.started < exchange.ended and over > exchange.started
            for began, over in self._spans.get(exchange.path.get("thread_id", ""), ())
        )


def _negatives(program: _Program) -> Iterator[tuple[str, Result]]:
    for sent in program.negatives.values():
        step = sent[0].step
        if step is not None:
            for id_ in step.exercises:
                yield id_, _negative(id_, step, sent, program)


def _negative(id_: str, step: Step, sent: Sequence[Exchange], program: _Program) -> Result:
    accepted = next((exchange for exchange in sent if exchange.accepted), None)
    if accepted is not None:
        return _finding(accepted, step.mutation, f"accepted {_said(step.mutation)}", _REFUSED)
    if (why := program.no_control(step.operation)) is not None:
        return Undecided(why)
    if failed := _failure(sent, step, program):
        return failed
    refused = next((exchange for exchange in sent if exchange.refused), None)
    if refused is None:
        return Undecided(_no_decision(sent[-1]))
    if id_ not in program.shown:
        return Undecided("no request with a legal value at this place was accepted")
    if not program.occupancy.idle(refused):
        return Undecided("the thread was not known to be idle, and a busy one refuses everything")
    return HELD


def _legal(program: _Program) -> Iterator[tuple[str, Result]]:
    for sent in program.legal.values():
        step = sent[0].step
        if step is None:
            continue
        if any(exchange.accepted for exchange in sent):
            yield from ((id_, HELD) for id_ in step.exercises)
        elif step.tag != PACKED and isinstance(step.expectation, Accept):
            # A single request is made for the first constraint it names; of the others it only shows some value.
            yield step.exercises[0], _legal_refused(step, sent, program)


def _legal_refused(step: Step, sent: Sequence[Exchange], program: _Program) -> Result:
    if (why := program.no_control(step.operation)) is not None:
        return Undecided(why)
    if failed := _failure(sent, step, program):
        return failed
    refused = next((exchange for exchange in sent if exchange.refused), None)
    if refused is None:
        return Undecided(_no_decision(sent[-1]))
    if refused.status == _TOO_LARGE:
        return Undecided("the target takes no body of this size")
    if not program.occupancy.idle(refused):
        return Undecided("the thread was not known to be idle, and a busy one refuses everything")
    if may_overflow(program.history, refused):
        return Undecided("a target that merges metadata would come to hold too many pairs")
    around = _around(step.exercises[0])
    if around in program.tried and around not in program.shown:
        return Undecided("nothing else at this place was accepted, either")
    reason = at(refused.body, "/error/message") if not isinstance(refused.body, Absent) else None
    says = f", saying: {_short(reason, 160)}" if isinstance(reason, str) else ""
    return _finding(refused, step.mutation, f"refused {_said(step.mutation)}, which is legal{says}", _ACCEPTED)


def _around(id_: str) -> str:
    """The constraint that says what the place around a place is: `create_run.tools[].type` for a tool's function."""
    at = id_.rpartition(".")[0]
    for inner in ("[]", "{}"):
        if at.endswith(inner):
            return f"{at.removesuffix(inner)}.type"
    return f"{at.rpartition('.')[0]}.type"


def _failure(sent: Sequence[Exchange], step: Step, program: _Program) -> Result | None:
    """What a failure of the target (5xx) that repeats shows; None where it did not fail, or not again."""
    failed = [exchange for exchange in sent if exchange.status is not None and exchange.status >= 500]
    if len(failed) < len(sent) or not failed:
        return None
    if len(failed) < 2 or not program.lived_on(failed[-1]):
        return Undecided(f"the target failed with HTTP status {failed[-1].status}, and not for certain because of this")
    expected = _ACCEPTED if step.role is Role.VALID else _REFUSED
    message = f"failed with HTTP status {failed[-1].status}, each time, on {_said(step.mutation)}"
    return _finding(failed[-1], step.mutation, message, expected)


def _finding(exchange: Exchange, mutation: Mutation | None, message: str, expected: str) -> Finding:
    pointer = mutation.pointer if mutation else ""
    actual = mutation.became if mutation else ABSENT
    return exchange.finding(message, pointer, expected, actual)


def _excused(id_: str, result: Result, history: History) -> Result:
    if history.strict or not isinstance(result, Finding):
        return result
    exchange = history.find(result.exchange)
    if exchange is None:
        return result
    departure = excusing(
        id_,
        dialect=exchange.dialect,
        channel="json",
        operation=exchange.operation,
        edition=exchange.edition or DEFAULT_EDITION,
        actual=result.actual,
    )
    return replace(result, departure=departure) if departure else result


def _no_decision(exchange: Exchange) -> str:
    status = exchange.status
    if exchange.completion is not Completion.ANSWERED or status is None:
        return f"no complete answer came ({exchange.problem or 'the connection was lost'})"
    if status == 429:
        return "rate limited (HTTP status 429)"
    if status in (401, 403):
        return f"not authorised (HTTP status {status})"
    return f"answered with HTTP status {status}, which is neither success nor a refusal"


def _said(mutation: Mutation | None) -> str:
    """The mutated place in words: `max_prompt_tokens: 255`, `a request without assistant_id`."""
    if mutation is None:
        return "the request"
    name = _path(mutation.pointer) or f"the {mutation.place}"
    if isinstance(mutation.became, Absent):
        return f"a request without {name}"
    return f"{name}: {_short(_written(mutation.became))}"


def _written(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}… ({len(text):,} characters)"


def _path(pointer: str) -> str:
    """A JSON Pointer as people write paths: `tools[0].function.name`."""
    out = ""
    for token in parts(pointer):
        out += f"[{token}]" if token.isdecimal() else f".{token}" if out else token
    return out
