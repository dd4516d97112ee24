"""Sends random payloads: valid ones, and negatives derived from those that were accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from runs_conformance.generation.boundary.cases import bind_placeholders, negative_step, payload_factory
from runs_conformance.generation.boundary.execution import CaseRun
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.boundary.payload_factory import Negative, Payload, PayloadFactory
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.isolate_cause import isolate_cause
from runs_conformance.generation.fuzzing.size import Portion
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator
from runs_conformance.generation.programs.steps import TERMINAL_STATUSES, poll
from runs_conformance.model.case import Accept, Either, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_IMPLEMENTATION_DEFINED_PERIOD = 4
"""One of this many valid payloads may contain implementation-defined values."""
_RUN_DENSITY = 0.9
"""Share of the optional members in payloads that start a run; it is high because there are few of them."""

MAX_EQUAL_REFUSALS = 2
"""Valid payloads refused with the same response whose causes are searched for."""


def payload_program(portion: Portion, following: Portion | None = None) -> Callable[[ProgramContext], StepGenerator]:
    """The program that sends a portion of random payloads, and then one to the run that the first has ended."""

    def generate(context: ProgramContext) -> StepGenerator:
        if (yield from FIXTURES[portion.operation].set_up(context)):
            yield from _send_portion(portion, context)
            ended = (
                following is not None and (yield poll(until=TERMINAL_STATUSES)).member("status") in TERMINAL_STATUSES
            )
        else:
            ended = False
        if following is not None and (ended or (yield from FIXTURES[following.operation].set_up(context))):
            yield from _send_portion(following, context)

    return generate


def _send_portion(portion: Portion, context: ProgramContext) -> StepGenerator:
    """Send a portion to a fixture that is set up."""
    fixture = FIXTURES[portion.operation]
    case_run = CaseRun(fixture, context)
    factory = _payload_factory(portion.operation, context)
    random = Random(f"{context.seed}/{portion.operation}/{portion.number}")
    template = Step(operation=portion.operation, path=fixture.path, name=fixture.name)
    smallest = factory.build_payload(factory.profile.control, (), "")
    control = replace(_valid_step(template, smallest), role=Role.CONTROL, expectation=Accept(), packed=False)
    generators = [PayloadGenerator(factory, random), PayloadGenerator(factory, random, must_be_accepted=False)]
    negatives = PayloadGenerator(factory, random)
    if fixture.control_last:
        yield from case_run.send_negatives(_negative_steps(template, negatives, [smallest], portion.negatives))
        if fixture.state_check is not None:
            yield fixture.state_check
        yield from case_run.send(control)
        return
    accepted, isolated = list[Payload](), Counter[tuple[int | None, str]]()
    # Every accepted request starts a run here: then an accepted payload is the control of the negatives made of it.
    if fixture.after_accept is None or not portion.valid:
        exchange = yield from case_run.send(control)
        if exchange is None or not exchange.accepted:
            return
        accepted.append(smallest)
    for serial in range(portion.valid):
        may_be_refused = serial % _IMPLEMENTATION_DEFINED_PERIOD == _IMPLEMENTATION_DEFINED_PERIOD - 1
        payload = generators[may_be_refused].valid(_RUN_DENSITY if fixture.after_accept else None)
        exchange = yield from case_run.send_with_retry(_valid_step(template, payload))
        if exchange is None:
            return
        if exchange.accepted:
            accepted.append(payload)
            continue
        if not accepted:
            minimal = yield from case_run.send(control)
            if minimal is None or not minimal.accepted:
                return
            accepted.append(smallest)
        if not payload.implementation_defined and isolated[_refusal(exchange)] < MAX_EQUAL_REFUSALS:
            isolated[_refusal(exchange)] += 1
            yield from isolate_cause(case_run, factory, payload, lambda smaller: _valid_step(template, smaller))
    bases = [payload for payload in accepted if payload is not smallest] or accepted
    yield from case_run.send_negatives(_negative_steps(template, negatives, bases, portion.negatives))
    if case_run.server_errors:
        yield from case_run.send(control)


def _refusal(exchange: Exchange) -> tuple[int | None, str]:
    """The HTTP status and the error, which distinguish the refusals of a target."""
    body = exchange.response.body if exchange.response is not None else None
    return exchange.status, repr(body)


def _payload_factory(operation: str, context: ProgramContext) -> PayloadFactory:
    sampler = Sampler(context.model, context.accepts_any_file_id, dict(context.use))
    return payload_factory(operation, context.edition, sampler)


def _valid_step(template: Step, payload: Payload) -> Step:
    return replace(
        template,
        body=bind_placeholders(payload.body),
        role=Role.VALID,
        expectation=Either(payload.implementation_defined) if payload.implementation_defined else Accept(),
        exercises=tuple(sorted(payload.exercises)),
        packed=True,
    )


def _negative_steps(template: Step, generator: PayloadGenerator, bases: list[Payload], count: int) -> list[Step]:
    return [negative_step(template, negative) for negative in _draw_negatives(generator, bases, count)]


def _draw_negatives(generator: PayloadGenerator, bases: list[Payload], count: int) -> Iterator[Negative]:
    for serial in range(count):
        negative = generator.negative(bases[serial % len(bases)])
        if negative is not None:
            yield negative
