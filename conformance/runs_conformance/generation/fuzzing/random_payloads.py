"""Sends random payloads: legal ones, and negatives made of those that were accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from runs_conformance.generation.boundary.cases import PACKED, bench, bound, refused
from runs_conformance.generation.boundary.execution import Performance
from runs_conformance.generation.boundary.fixtures import STAGES
from runs_conformance.generation.boundary.payload_factory import Bench, Negative, Payload
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.isolate_cause import located
from runs_conformance.generation.fuzzing.size import Portion
from runs_conformance.generation.payloads.payload_generator import Batch
from runs_conformance.generation.programs.steps import OVER, poll
from runs_conformance.model.case import Accept, Either, Role, Step
from runs_conformance.model.program import Play, Setting

_UNCERTAIN = 4
"""One in so many legal payloads is one that a correct server may refuse."""
_FULL = 0.9
"""How many of its optional members a payload has that starts a run: there are few of them."""


def sending(portion: Portion, following: Portion | None = None) -> Callable[[Setting], Play]:
    """The play that sends a portion of random payloads, and then one upon the run that the first has used up."""

    def play(setting: Setting) -> Play:
        if (yield from STAGES[portion.operation].enter(setting)):
            yield from _sent(portion, setting)
            over = following is not None and (yield poll(until=OVER)).member("status") in OVER
        else:
            over = False
        if following is not None and (over or (yield from STAGES[following.operation].enter(setting))):
            yield from _sent(following, setting)

    return play


def _sent(portion: Portion, setting: Setting) -> Play:
    """Send a portion on a stage that is ready."""
    stage = STAGES[portion.operation]
    performance = Performance(stage, setting)
    made = _bench(portion.operation, setting)
    random = Random(f"{setting.seed}/{portion.operation}/{portion.number}")
    usual = Step(operation=portion.operation, path=stage.path, name=stage.name)
    smallest = made.payload(made.subject.control, (), "")
    control = replace(_legal(usual, smallest), role=Role.CONTROL, expectation=Accept(), tag="")
    batches = [Batch(made, random), Batch(made, random, certain=False)]
    negatives = Batch(made, random)
    if stage.last_control:
        yield from performance.negatives(_negatives(usual, negatives, [smallest], portion.negatives))
        if stage.look is not None:
            yield stage.look
        yield from performance.send(control)
        return
    answer = yield from performance.send(control)
    if answer is None or not answer.accepted:
        return
    accepted = [smallest]
    for serial in range(portion.legal):
        uncertain = serial % _UNCERTAIN == _UNCERTAIN - 1
        payload = batches[uncertain].legal(_FULL if stage.leave else None)
        answer = yield from performance.surely(_legal(usual, payload))
        if answer is None:
            return
        if answer.accepted:
            accepted.append(payload)
        elif not payload.doubt:
            yield from located(performance, made, payload, lambda smaller: _legal(usual, smaller))
    bases = accepted[1:] or accepted
    yield from performance.negatives(_negatives(usual, negatives, bases, portion.negatives))
    if performance.failures:
        yield from performance.send(control)


def _bench(operation: str, setting: Setting) -> Bench:
    sampler = Sampler(setting.model, setting.accepts_any_file_id, dict(setting.given))
    return bench(operation, setting.edition, sampler)


def _legal(usual: Step, payload: Payload) -> Step:
    return replace(
        usual,
        body=bound(payload.body),
        role=Role.VALID,
        expectation=Either(payload.doubt) if payload.doubt else Accept(),
        exercises=tuple(sorted(payload.shows)),
        tag=PACKED,
    )


def _negatives(usual: Step, batch: Batch, bases: list[Payload], count: int) -> list[Step]:
    return [refused(usual, negative) for negative in _drawn(batch, bases, count)]


def _drawn(batch: Batch, bases: list[Payload], count: int) -> Iterator[Negative]:
    for serial in range(count):
        negative = batch.negative(bases[serial % len(bases)])
        if negative is not None:
            yield negative
