"""Runs the cases of one operation, each negative in a state in which its refusal has only one possible reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.contract.second_opinion import require_invalid
from runs_conformance.evidence.refusal_reason import named_members
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.generation.boundary.bisection import (
    MemberGroup,
    group_by_member,
    narrow,
    tested_member,
    tests_whole_list,
)
from runs_conformance.generation.boundary.cases import OperationCases, ValidCase
from runs_conformance.generation.boundary.fixtures import Fixture, may_have_taken_effect
from runs_conformance.generation.boundary.omission import Omission, order_by_turns
from runs_conformance.model.case import Either, Instruction, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator


def case_generator(
    make_cases: Callable[[ProgramContext], Iterator[tuple[Fixture, OperationCases]]],
    extra_valid_apart: bool = False,
    follow_up: Callable[[CaseRun], Generator[Instruction, Any, None]] | None = None,
) -> Callable[[ProgramContext], StepGenerator]:
    """Build the generator that sends negatives and valid requests, of one operation or several on the first's fixture.

    It sends all valid requests or, if another program sends the extra ones (`extra_valid_apart`), only the positive
    controls. `follow_up` sends what depends on the responses to an operation's negatives.
    """

    def generate(context: ProgramContext) -> StepGenerator:
        for index, (fixture, cases) in enumerate(make_cases(context)):
            if not index and not (yield from fixture.set_up(context)):
                return
            case_run = CaseRun(fixture, context, cases.control)
            yield from _run_cases(case_run, cases, extra_valid_apart)
            if follow_up is not None:
                yield from follow_up(case_run)

    return generate


def _run_cases(case_run: CaseRun, cases: OperationCases, extra_valid_apart: bool) -> Generator[Instruction, Any, None]:
    valid = cases.positive_controls if extra_valid_apart else (*cases.positive_controls, *cases.extra_valid)
    if case_run.fixture.control_last:
        yield from case_run.send_negatives(cases.negatives)
        if case_run.fixture.state_check is not None:
            yield case_run.fixture.state_check
        yield from case_run.send(cases.control)
        yield from case_run.send_valid(valid)
        return
    control = yield from case_run.send(cases.control)
    if control is not None and control.accepted:
        # A valid request after the negatives shows that they were not refused for the state that the target was in.
        closing = sorted(valid, key=lambda case: len(case.parts))[:1]
        yield from case_run.send_valid([case for case in valid if case not in closing])
        if extra_valid_apart and case_run.refusals:
            # An extra request may exercise what a refused control was to exercise.
            yield from case_run.send_related(cases.extra_valid)
        yield from case_run.send_negatives(cases.negatives)
        yield from case_run.send_valid(closing)
    else:
        # No verdict is possible without an accepted control: one negative per constraint records the attempt.
        control_refusal_status = control.status if control is not None and control.refused else None
        yield from case_run.send_negatives(_first_per_constraint(cases.negatives), control_refusal_status)
    if case_run.server_errors or case_run.refusals:
        # If the smallest request is accepted in the end, the refusals before were not for the state of the target.
        yield from case_run.send(cases.control)


def extra_valid_generator(
    fixture: Fixture, make_cases: Callable[[ProgramContext], OperationCases]
) -> Callable[[ProgramContext], StepGenerator]:
    """Build the generator that sends an operation's extra valid requests, and the controls if one is not accepted."""

    def generate(context: ProgramContext) -> StepGenerator:
        cases = make_cases(context)
        case_run = CaseRun(fixture, context, cases.control)
        if not (yield from fixture.set_up(context)):
            return
        for index, case in enumerate(cases.extra_valid):
            exchange = yield from case_run.send_case(case)
            if exchange is not None and exchange.refused and not index:
                # A target that refuses the smallest request, too, refuses the operation, not a value.
                control = yield from case_run.send_twice_if_refused(cases.control)
                if control is None or control.refused:
                    return
            yield from case_run.send_parts(case, exchange)
        if case_run.server_errors or case_run.refusals:
            # The controls show whether the target refuses the value, the member or every request; the last that it
            # accepted requests to the end.
            yield from case_run.send_related(cases.positive_controls)
            yield from case_run.send(cases.control)

    return generate


def _first_per_constraint(negatives: Sequence[Step]) -> list[Step]:
    first: dict[tuple[str, ...], Step] = {}
    for step in negatives:
        first.setdefault(step.exercises or (step.anomaly,), step)
    return list(first.values())


MAX_FRUITLESS = 12
"""Invalid values that are sent although the smallest valid request was refused, and they are refused with its status:
no verdict is possible, but a target that accepts one of them fails.
"""

MAX_CONFIRMED_REFUSALS = 6
"""Valid values that were refused twice; they show that the target does not refuse at random."""

MAX_REFUSED_CANCELLATIONS = 5
"""Cancellations refused in a row: the runs of the target end too soon, or cannot be cancelled."""

MAX_LOCKED_IN_A_ROW = 3
"""Requests in a row that are refused for an active run even on a new thread: the target locks more than threads."""

MAX_FRUITLESS_HALVES = 3
"""Times in a row that both halves of a refused request are refused, before each of its values is sent alone."""


def _is_single(groups: Sequence[MemberGroup]) -> bool:
    return len(groups) == 1 and len(groups[0].singles) == 1


@dataclass(slots=True)
class CaseRun:
    """One execution of an operation's cases. A `consumed` fixture must be reset; an `exhausted` one cannot be.

    `negatives` holds the last response to each negative that was sent, by the id of its step.
    """

    fixture: Fixture
    context: ProgramContext
    control: Step | None = None
    consumed: bool = False
    exhausted: bool = False
    server_errors: int = 0
    refusals: int = 0
    refused_cancellations: int = 0
    confirmed_refusals: int = 0
    locked_in_a_row: int = 0
    refused_members: set[str] = field(default_factory=set)
    failed_constraints: set[str] = field(default_factory=set)
    negatives: dict[str, Exchange] = field(default_factory=dict)
    omission: Omission = field(default_factory=Omission)

    def send(self, step: Step) -> Generator[Instruction, Any, Exchange | None]:
        """Send a step, after resetting a consumed fixture; None if the fixture cannot be reset.

        If an active run is said to be the reason of a refusal, an earlier request that failed may have started it: the
        step is sent again on a new thread.
        """
        exchange = yield from self._send_once(step)
        if self.locked_in_a_row < MAX_LOCKED_IN_A_ROW and self._is_locked_out(step, exchange):
            self.consumed = True
            exchange = yield from self._send_once(step)
            self.locked_in_a_row = self.locked_in_a_row + 1 if self._is_locked_out(step, exchange) else 0
        return exchange

    def _is_locked_out(self, step: Step, exchange: Exchange | None) -> bool:
        return self.fixture.is_consumed(step) and exchange is not None and exchange.refused and says_locked(exchange)

    def _send_once(self, step: Step) -> Generator[Instruction, Any, Exchange | None]:
        if self.consumed and not self.exhausted:
            set_up = self.fixture.reset or self.fixture.set_up
            self.exhausted = not (yield from set_up(self.context))
            self.consumed = False
        if self.exhausted:
            return None
        exchange: Exchange = yield step
        if may_have_taken_effect(exchange) and self.fixture.is_consumed(step):
            self.consumed = True
            if self.fixture.after_accept is not None and self.refused_cancellations < MAX_REFUSED_CANCELLATIONS:
                was_refused = yield from self.fixture.after_accept(exchange)
                self.refused_cancellations = self.refused_cancellations + 1 if was_refused else 0
        return exchange

    def send_with_retry(self, step: Step) -> Generator[Instruction, Any, Exchange | None]:
        """Send a step, once more after a server error (5xx), since only a repeated one is a failure."""
        exchange = yield from self.send(step)
        if exchange is not None and exchange.status is not None and exchange.status >= 500:
            self.server_errors += 1
            exchange = yield from self.send(step)
        return exchange

    def send_twice_if_refused(self, step: Step) -> Generator[Instruction, Any, Exchange | None]:
        """Send a valid request, and again if it is refused, since some servers refuse at random; return the first."""
        exchange = yield from self.send_with_retry(step)
        if exchange is not None and exchange.refused and self.confirmed_refusals < MAX_CONFIRMED_REFUSALS:
            again = yield from self.send(step)
            self.confirmed_refusals += again is not None and again.refused
        return exchange

    def send_valid(self, cases: Sequence[ValidCase]) -> Generator[Instruction, Any, None]:
        """Send valid requests; if a packed one is not accepted, find out which of its values are not."""
        for case in cases:
            exchange = yield from self.send_case(case)
            if exchange is None:
                return
            yield from self.send_parts(case, exchange)

    def send_case(self, case: ValidCase) -> Generator[Instruction, Any, Exchange | None]:
        """Send a valid request, again if it is refused; one with several values is split instead."""
        send = self.send_with_retry if case.parts else self.send_twice_if_refused
        return (yield from send(case.step))

    def send_parts(self, case: ValidCase, exchange: Exchange | None) -> Generator[Instruction, Any, None]:
        """Find the values for which a packed request was not accepted; each of them is sent alone.

        First without the members that the refusal names, then by bisection, as long as that shows accepted values.
        """
        if exchange is None or exchange.accepted:
            return
        self.refusals += 1
        groups = group_by_member(case.parts, self.control) if self.control is not None else ()
        if not groups:
            yield from self.send_singles(case.parts)
            return
        named = named_members(exchange) & {group.name for group in groups}
        if named and len(named) < len(groups):
            rest = [group for group in groups if group.name not in named]
            if (yield from self.accepts(case.step, rest)):
                groups = [group for group in groups if group.name in named]
        yield from self.bisect(case.step, groups)

    def bisect(self, packed: Step, groups: Sequence[MemberGroup]) -> Generator[Instruction, Any, None]:
        """Send each value that makes the target refuse a request alone, and the others in narrowed requests."""
        pending = [groups]
        fruitless = 0
        while pending:
            suspects = pending.pop(0)
            middle = len(suspects) // 2
            if not middle or fruitless >= MAX_FRUITLESS_HALVES:
                for group in suspects:
                    yield from self.send_singles(group.singles)
                continue
            halves = suspects[:middle], suspects[middle:]
            refused: list[Sequence[MemberGroup]] = []
            for half in halves:
                if half is halves[1] and not refused:
                    # The whole was refused, and the other half accepted.
                    refused.append(half)
                elif not _is_single(half) and (yield from self.accepts(packed, half)):
                    fruitless = 0
                else:
                    refused.append(half)
            fruitless += len(refused) > 1
            pending += refused

    def accepts(self, packed: Step, groups: Sequence[MemberGroup]) -> Generator[Instruction, Any, bool]:
        """Whether the target accepts a packed request with the values of these members alone."""
        step = narrow(packed, self.control, groups) if self.control is not None else None
        exchange = (yield from self.send_with_retry(step)) if step is not None else None
        return exchange is not None and exchange.accepted

    def send_singles(self, singles: Sequence[Step]) -> Generator[Instruction, Any, None]:
        """Send requests with one value each."""
        for single in singles:
            exchange = yield from self.send_twice_if_refused(single)
            if exchange is not None and not exchange.accepted:
                self.refused_members.add(tested_member(single))

    def send_related(self, cases: Sequence[ValidCase]) -> Generator[Instruction, Any, None]:
        """Send what valid requests have of the members that were refused, each alone, to show other values of them.

        Another program finds out which of these values are refused; here only lists and names of alternatives are sent
        alone, since a refused alternative explains why what is in it is refused.
        """
        if self.control is None:
            return
        for case in cases:
            for group in group_by_member(case.parts or (case.step,), self.control):
                if group.name not in self.refused_members:
                    continue
                step = narrow(case.step, self.control, [group]) or case.step
                exchange = yield from self.send_with_retry(step)
                if exchange is not None and not exchange.accepted and step.packed:
                    yield from self.send_singles([part for part in group.singles if tests_whole_list(part)])

    def send_negatives(
        self, negatives: Sequence[Step], control_refusal_status: int | None = None
    ) -> Generator[Instruction, Any, None]:
        """Send negatives; once one of a constraint was accepted, skip the others.

        With `control_refusal_status`, the HTTP status that refused the control, stop after some negatives that all got
        it. Raises InternalError for one that the second validator does not find invalid at its place alone.
        """
        statuses = Counter[int | None]()
        for step in order_by_turns(negatives) if self.samples_negatives else negatives:
            if step.exercises and (step.exercises[0] in self.failed_constraints or self.is_omitted(step)):
                continue
            if (
                control_refusal_status is not None
                and statuses[control_refusal_status] == statuses.total() == MAX_FRUITLESS
            ):
                return
            require_invalid(step, self.context.edition)
            exchange = yield from self.send_with_retry(step)
            if exchange is None:
                return
            statuses[exchange.status] += 1
            self.negatives[step.id] = exchange
            self.omission.record(step, exchange)
            if exchange.accepted and step.exercises and not isinstance(step.expectation, Either):
                self.failed_constraints.add(step.exercises[0])

    @property
    def samples_negatives(self) -> bool:
        """Whether negatives are left out once many were accepted, since each accepted one starts a run."""
        return self.fixture.after_accept is not None and not self.context.exhaustive

    def is_omitted(self, step: Step) -> bool:
        """Whether a negative is not sent, because the target accepted most of those like it."""
        is_wanted = not self.context.always_sent.isdisjoint(step.exercises)
        return self.samples_negatives and not is_wanted and self.omission.covers(step)
