"""Finds a small part of a history that shows a violation by itself, so that few requests reproduce it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.counterexample import nearest_accepted
from runs_conformance.engine.dependencies import (
    may_affect_others,
    object_ids,
    references,
    with_dependencies,
)
from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.engine.reproduction import ExecutedStep, executed_steps
from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.generation.payloads.shrink_value import ddmin
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

MAX_READ_TRIALS = 40
"""Number of reads, from the end, that are tried to be left out; each trial judges the history once."""

_OFTEN_SHARED = ("thread_id", "assistant_id")
"""Parameters whose objects many requests share that do not affect one another."""

MAX_TRIALS = 150
"""Number of parts of a history that are judged while its requests are left out one after the other."""


def minimal_subhistory(
    history: History, id_: str, failing: Exchange, history_judge: HistoryJudge, larger_than: int = 0
) -> list[Exchange]:
    """A small part of a history that violates an id on its own; the whole history if no candidate does.

    Candidates are judged offline. Steps that changed the objects concerned stay, because only a replay can show
    whether the target still fails without them. If it does not, the next candidate has steps that it may depend on:
    the smallest one with more than `larger_than` steps is returned.
    """
    judge = _SubhistoryJudge(history, id_, history_judge.for_requirement(id_))
    executed = executed_steps(history)
    for candidate in _candidates(history, id_, failing, executed):
        if (part := judge.reduce(candidate, failing, larger_than)) is not None:
            return _exchanges(part)
    if _is_boundary_request(failing) and not larger_than:
        smallest = judge.minimize(executed, failing)
        if smallest is not None:
            return _exchanges(smallest)
    for candidate in _prefixes(failing, executed):
        if (part := judge.reduce(candidate, failing, larger_than)) is not None:
            return _exchanges(part)
    return list(history)


class _SubhistoryJudge:
    """Judges parts of a history by one id."""

    def __init__(self, history: History, id_: str, history_judge: HistoryJudge) -> None:
        self.history = history
        self.id = id_
        self.history_judge = history_judge

    def still_fails(self, candidate: Sequence[ExecutedStep]) -> bool:
        """Whether these steps alone violate the id."""
        _, tallies = self.history_judge.judge_exchanges(self.history.program, _exchanges(candidate))
        tally = tallies.get(self.id)
        return tally is not None and bool(tally.findings)

    def minimize(self, executed: Sequence[ExecutedStep], failing: Exchange) -> list[ExecutedStep] | None:
        """Leave out what the violation does not need; None if that ends with a part that does not violate the id.

        Only for requests that are judged by themselves and by others of their operation: the steps that the rest
        refers to are kept, others that changed the same objects are not.
        """
        others = [each for each in executed if failing not in each.exchanges]
        own = [each for each in executed if failing in each.exchanges]
        reduction, needed = ddmin(others), others
        try:
            candidate = next(reduction)
            for _ in range(MAX_TRIALS):
                still_fails = self.still_fails([*candidate, *own])
                needed = list(candidate) if still_fails else needed
                candidate = reduction.send(still_fails)
        except StopIteration:
            pass
        targets = [each.first for each in (*needed, *own)]
        complete = with_dependencies(targets, executed, ignored_parameters=_OFTEN_SHARED)
        return complete if self.still_fails(complete) else None

    def reduce(
        self, candidate: Sequence[ExecutedStep], failing: Exchange, larger_than: int
    ) -> list[ExecutedStep] | None:
        """A candidate without the reads that it does not need; None if it is too small or violates nothing."""
        if len(candidate) <= larger_than or not self.still_fails(candidate):
            return None
        part = self.drop_reads(candidate, failing)
        return part if len(part) > larger_than else None

    def drop_reads(self, candidate: Sequence[ExecutedStep], failing: Exchange) -> list[ExecutedStep]:
        """Drop every read that no step refers to and that the violation does not need."""
        remaining = list(candidate)
        for executed in reversed(list(candidate)[-MAX_READ_TRIALS:]):
            step = executed.step
            if executed.may_change_state or step.until or step.pause or failing in executed.exchanges:
                continue
            others = [other for other in remaining if other is not executed]
            if not _is_referred_to(executed, others) and self.still_fails(others):
                remaining = others
        return remaining


def _exchanges(executed: Sequence[ExecutedStep]) -> list[Exchange]:
    return sorted((exchange for each in executed for exchange in each.exchanges), key=lambda exchange: exchange.index)


def _is_referred_to(executed: ExecutedStep, others: Sequence[ExecutedStep]) -> bool:
    name = executed.step.name
    return bool(name) and any(ref.step == name for other in others for ref in references(other.step))


def _candidates(
    history: History, id_: str, failing: Exchange, executed: Sequence[ExecutedStep]
) -> Iterator[list[ExecutedStep]]:
    """Yield parts of a history, roughly by size.

    First the failing step with its positive controls and dependencies, then all steps on the same objects. Other
    actions on the thread are left out at first, except for lists, which show all of them, and for messages that a run
    responds to. Steps that overlapped the failing one count as earlier, such as the cancellation of a streamed run.
    """
    unread = misread_requests(history).get(failing.id)
    targets = [failing] if unread is None else [unread, failing]

    def is_earlier(each: ExecutedStep) -> bool:
        precedes = each.first.index <= failing.index or each.first.started < failing.ended
        return precedes and may_affect_others(each)

    if _is_boundary_request(failing):
        targets += positive_controls(history, id_, failing)
    if repeated := _repetition(history, failing):
        yield with_dependencies(repeated, executed, matters=lambda each: False)
    listed_kind = OPERATIONS[failing.operation].listed_kind if failing.operation in OPERATIONS else None
    if listed_kind is not None and not failing.path:
        # Nothing that the list names as its parent says what it should hold.
        targets += [
            each.first
            for each in executed
            if each.first.index < failing.index and each.last.accepted and _creates(each.last, listed_kind)
        ]
    if listed_kind is None:
        part = with_dependencies(targets, executed, ignored_parameters=_OFTEN_SHARED, matters=is_earlier)
        answered = _answered_messages(part, executed, failing)
        yield with_dependencies([*targets, *answered], executed, ignored_parameters=_OFTEN_SHARED, matters=is_earlier)
    yield with_dependencies(targets, executed, matters=is_earlier)
    yield with_dependencies(targets, executed)
    objects = set(object_ids(failing))
    related = [each.first for each in executed if objects & set(object_ids(each.last))]
    earlier = [exchange for exchange in related if exchange.index <= failing.index]
    yield with_dependencies([*targets, *earlier], executed, matters=is_earlier)
    yield with_dependencies([*targets, *related], executed)


def _repetition(history: History, failing: Exchange) -> list[Exchange]:
    """A probe that got a server error, the next equal one that did, and the accepted requests right around both.

    Empty if it was not sent again. A server error counts only if it occurs twice while other requests are served.
    """
    if not failing.is_probe or failing.status is None or failing.status < 500:
        return []
    equal = [
        each
        for each in history
        if each.operation == failing.operation and each.request == failing.request and each.status == failing.status
    ]
    pairs = ((one, other) for one, other in pairwise(equal) if failing in (one, other))
    if (pair := next(pairs, None)) is None:
        return []
    before = [each for each in history if each.accepted and each.happened_before(pair[0])]
    after = [each for each in history if each.accepted and pair[1].happened_before(each)]
    return [*before[-1:], *pair, *after[:1]]


def _answered_messages(
    part: Sequence[ExecutedStep], executed: Sequence[ExecutedStep], failing: Exchange
) -> list[Exchange]:
    """The messages that the runs created in a part respond to, unless nothing shows what they respond.

    Boundary requests, and responses that only show a new run, are the same whatever its thread contains.
    """
    if _is_boundary_request(failing):
        return []
    runs = [
        each.last
        for each in part
        if each.last.operation == "create_run" and (each.last.id != failing.id or failing.events)
    ]
    return [
        each.last
        for each in executed
        if each.last.operation == "create_message"
        and each.last.accepted
        and any(
            each.last.index < run.index and each.last.path.get("thread_id") == run.path.get("thread_id") for run in runs
        )
    ]


def _prefixes(failing: Exchange, executed: Sequence[ExecutedStep]) -> Iterator[list[ExecutedStep]]:
    """Yield the steps until the failing one and some of those after it, then all."""
    position = next((position for position, each in enumerate(executed) if failing in each.exchanges), 0)
    for end in range(position + 1, min(position + 8, len(executed))):
        yield list(executed[:end])
    yield list(executed)


def _creates(exchange: Exchange, kind: str) -> bool:
    return exchange.operation in OPERATIONS and OPERATIONS[exchange.operation].creates == kind


def _is_boundary_request(exchange: Exchange) -> bool:
    return exchange.step is not None and exchange.step.role in (Role.NEGATIVE, Role.VALID, Role.CONTROL)


def positive_controls(history: History, id_: str, failing: Exchange) -> list[Exchange]:
    """The accepted requests that give a refusal its meaning: a minimal one, and one with a valid value."""
    controls = [
        exchange
        for exchange in history
        if exchange.operation == failing.operation
        and exchange.accepted
        and exchange.step is not None
        and exchange.step.role is Role.CONTROL
    ]
    valid = nearest_accepted(history, id_, failing)
    return [*controls[:1], *([valid] if valid is not None else [])]
