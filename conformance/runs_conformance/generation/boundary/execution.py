"""Plays the material of one operation: each negative where its refusal can mean only one thing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.generation.boundary.cases import Legal, Material
from runs_conformance.generation.boundary.fixtures import Stage, may_have_happened
from runs_conformance.model.case import Either, Move, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting


def playing(
    make: Callable[[Setting], Iterator[tuple[Stage, Material]]], apart: bool = False
) -> Callable[[Setting], Play]:
    """The play of negatives with legal requests, of one operation or of several upon what the first makes ready: all
    legal requests, or where the others are played `apart` those that show the places of the negatives.
    """

    def play(setting: Setting) -> Play:
        for number, (stage, material) in enumerate(make(setting)):
            if not number and not (yield from stage.enter(setting)):
                return
            yield from _played(Performance(stage, setting), material, apart)

    return play


def _played(performance: Performance, material: Material, apart: bool) -> Generator[Move, Any, None]:
    legal = material.twins if apart else (*material.twins, *material.further)
    if performance.stage.last_control:
        yield from performance.negatives(material.negatives)
        if performance.stage.look is not None:
            yield performance.stage.look
        yield from performance.send(material.control)
        yield from performance.legal(legal)
        return
    control = yield from performance.send(material.control)
    if control is not None and control.accepted:
        yield from performance.legal(legal)
        if apart and performance.refusals:
            # What a refused request would have shown, others may.
            yield from performance.legal(material.further)
        yield from performance.negatives(material.negatives)
    else:
        # Nothing will be decided: one negative of each constraint shows that it was tried.
        yield from performance.negatives(_first_of_each(material.negatives))
    if performance.failures:
        yield from performance.send(material.control)


def playing_further(stage: Stage, make: Callable[[Setting], Material]) -> Callable[[Setting], Play]:
    """The play of the other legal requests of an operation; the smallest is only sent where one was not accepted."""

    def play(setting: Setting) -> Play:
        performance = Performance(stage, setting)
        if not (yield from stage.enter(setting)):
            return
        material = make(setting)
        yield from performance.legal(material.further)
        if performance.failures or performance.refusals:
            # Others show whether it is the value that is refused, or the place, or everything.
            yield from performance.send(material.control)
            yield from performance.legal(material.twins)

    return play


def _first_of_each(negatives: Sequence[Step]) -> list[Step]:
    first: dict[tuple[str, ...], Step] = {}
    for step in negatives:
        first.setdefault(step.exercises or (step.tag,), step)
    return list(first.values())


@dataclass(slots=True)
class Performance:
    """One play under way. `spent` says that the stage must be entered again, `over` that it cannot be."""

    stage: Stage
    setting: Setting
    spent: bool = False
    over: bool = False
    failures: int = 0
    refusals: int = 0
    failed: set[str] = field(default_factory=set)

    def send(self, step: Step) -> Generator[Move, Any, Exchange | None]:
        """Send a step on a stage that is ready; None where the stage cannot be made ready any more."""
        if self.spent and not self.over:
            again = self.stage.again or self.stage.enter
            self.over = not (yield from again(self.setting))
            self.spent = False
        if self.over:
            return None
        exchange: Exchange = yield step
        if may_have_happened(exchange) and self.stage.used_up(step):
            self.spent = True
            if self.stage.leave is not None:
                yield from self.stage.leave(exchange)
        return exchange

    def surely(self, step: Step) -> Generator[Move, Any, Exchange | None]:
        """Send a step, and once more where the target failed (5xx): only what repeats is a failure."""
        exchange = yield from self.send(step)
        if exchange is not None and exchange.status is not None and exchange.status >= 500:
            self.failures += 1
            exchange = yield from self.send(step)
        return exchange

    def legal(self, many: Sequence[Legal]) -> Generator[Move, Any, None]:
        """Send legal requests; those of one edge each where one that carries many is not accepted."""
        for legal in many:
            exchange = yield from self.surely(legal.step)
            if exchange is None:
                return
            if not exchange.accepted:
                self.refusals += 1
                for part in legal.parts:
                    yield from self.surely(part)

    def negatives(self, many: Sequence[Step]) -> Generator[Move, Any, None]:
        """Send negatives, no more of a constraint once one of them was accepted."""
        for step in many:
            if step.exercises and step.exercises[0] in self.failed:
                continue
            exchange = yield from self.surely(step)
            if exchange is None:
                return
            if exchange.accepted and step.exercises and not isinstance(step.expectation, Either):
                self.failed.add(step.exercises[0])
