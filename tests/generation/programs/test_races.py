"""Programs of races repeat what did not happen at the same time."""

from __future__ import annotations

import pytest

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.generation.programs.races import messages_at_once, two_runs_at_once
from runs_conformance.model.case import Concurrent, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.program import ProgramContext


def exchange(step: Step, started: float, ended: float, status: int = 200, *, sent: float | None = None) -> Exchange:
    return Exchange(
        id="x1",
        index=1,
        program="races.messages_at_once",
        operation=step.operation,
        request=Request("POST", "/threads"),
        response=Response(status, body={"id": "thread_1"} if status == 200 else {}),
        completion=Completion.ANSWERED,
        started=started,
        ended=ended,
        sent=sent,
        step=step,
    )


def modifications(overlap: bool, late: bool = False) -> list[object]:
    """The bodies of the modifications that the program sends if each pair overlaps or does not.

    If `late`, each request is sent a second after it started.
    """
    steps = messages_at_once.generate(ProgramContext(edition=DEFAULT_EDITION))
    bodies: list[object] = []
    move = next(steps)
    while True:
        if isinstance(move, Concurrent):
            bodies += [step.body for step in move.steps if step.operation == "modify_thread"]
            times = [(0.0, 2.0), (1.0, 3.0)] if overlap else [(0.0, 1.0), (1.5, 3.0)]
            pairs = zip(move.steps, [*times, *times], strict=False)
            answer: object = tuple(exchange(step, *time, sent=time[0] + 1 if late else None) for step, time in pairs)
        else:
            assert isinstance(move, Step)
            answer = exchange(move, 0.0, 1.0)
        try:
            move = steps.send(answer)
        except StopIteration:
            return bodies


@pytest.mark.parametrize(("overlap", "late", "pairs"), [(True, False, 1), (True, True, 2), (False, False, 2)])
def test_modifications_that_did_not_overlap_are_repeated_with_other_values(
    overlap: bool, late: bool, pairs: int
) -> None:
    bodies = modifications(overlap, late)
    assert len(bodies) == 2 * pairs
    assert len({str(body) for body in bodies}) == len(bodies)


@pytest.mark.parametrize(
    ("simultaneous", "accepted", "rounds"),
    [(True, 1, 2), (False, 1, 4), (True, 2, 2)],
    ids=["refuses the others", "requests apart", "starts two runs"],
)
def test_runs_are_created_at_once_in_several_rounds(simultaneous: bool, accepted: int, rounds: int) -> None:
    steps = two_runs_at_once.generate(ProgramContext(edition=DEFAULT_EDITION))
    sent = 0
    move = next(steps)
    while True:
        answer: object
        if isinstance(move, Concurrent):
            sent += move.steps[0].operation == "create_run"
            answer = tuple(
                exchange(step, *((0.0, 1.0) if simultaneous else (2.0 * place, 2.0 * place + 1)), status)
                for place, step in enumerate(move.steps)
                for status in (200 if place < accepted else 400,)
            )
        else:
            assert isinstance(move, Step)
            answer = exchange(move, 0.0, 1.0)
        try:
            move = steps.send(answer)
        except StopIteration:
            break
    assert sent == rounds
