"""The programs that send what Schemathesis makes, an operation each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from runs_conformance.generation.boundary.cases import PACKED, Legal, bench, bound, material, refused
from runs_conformance.generation.boundary.execution import Performance
from runs_conformance.generation.boundary.fixtures import STAGES, Stage
from runs_conformance.generation.boundary.operation_profile import subjects
from runs_conformance.generation.boundary.payload_factory import Bench, Negative, Payload
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.isolate_cause import located
from runs_conformance.generation.schemathesis.cases import bodies, missing
from runs_conformance.generation.schemathesis.placeholders import legal, negative
from runs_conformance.model.case import Accept, Role, Step
from runs_conformance.model.program import Play, Program, Setting

__all__ = ["COUNT", "PHASE", "missing", "programs"]

PHASE = "schemathesis"
COUNT = 30
"""So many cases of each kind are asked for, for one operation; about half of them can be used."""

RUNS = 4
"""So many legal ones are sent where each starts a run."""

_MOST_OF_ONE = 3
"""So many negatives of one constraint are sent."""


def programs(setting: Setting, count: int = COUNT) -> list[Program]:
    """A program for each operation that takes a body."""
    operations = subjects(Sampler(setting.model))
    given = "assistant" in setting.given
    return [_program(name, count) for name in operations if not (given and name.endswith("_assistant"))]


def _program(operation: str, count: int) -> Program:
    stage = STAGES[operation]
    starts = stage.leave is not None
    return Program(
        id=f"{PHASE}.{operation}",
        title=f"What Schemathesis makes of {operation}",
        phase=PHASE,
        capability="validation",
        play=_sending(operation, stage, count),
        runs=2 * RUNS if starts else int(operation == "modify_run"),
        requests=2 * count,
        quick=False,
    )


def _sending(operation: str, stage: Stage, count: int) -> Callable[[Setting], Play]:
    def play(setting: Setting) -> Play:
        if not (yield from stage.enter(setting)):
            return
        performance = Performance(stage, setting)
        sampler = Sampler(setting.model, setting.accepts_any_file_id, dict(setting.given))
        made = bench(operation, setting.edition, sampler)
        usual = Step(operation=operation, path=stage.path, name=stage.name)
        negatives = list(_negatives(made, setting, count))
        fixed = material(operation, setting.edition, sampler, stage.path, stage.name)
        steps = [refused(usual, each) for each in negatives]
        twins = _twins(fixed.twins, {each.constraint for each in negatives})
        if stage.last_control:
            yield from performance.negatives(steps)
            yield from performance.send(fixed.control)
            yield from performance.legal(twins)
            return
        control = yield from performance.send(fixed.control)
        if control is None or not control.accepted:
            return
        for payload in _legal(made, setting, RUNS if stage.leave else count):
            answer = yield from performance.surely(_valid(usual, payload))
            if answer is None:
                return
            if not answer.accepted:
                yield from located(performance, made, payload, lambda smaller: _valid(usual, smaller))
        yield from performance.legal(twins)
        yield from performance.negatives(steps)
        if performance.failures:
            yield from performance.send(fixed.control)

    return play


def _legal(made: Bench, setting: Setting, most: int) -> list[Payload]:
    """The cases that the contract, too, takes for legal, and that a correct server must accept."""
    drawn = bodies(made.subject.operation, setting.edition, setting.seed, max(most, COUNT // 2), legal=True)
    kept = [payload for payload in (legal(made, body) for body in drawn) if payload is not None]
    different = {str(payload.body): payload for payload in kept}
    return list(different.values())[-most:]


def _negatives(made: Bench, setting: Setting, count: int) -> Iterator[Negative]:
    """The cases that break exactly one constraint, whatever Schemathesis says that it broke."""
    sent: dict[str, int] = {}
    for body in bodies(made.subject.operation, setting.edition, setting.seed, count, legal=False):
        found = negative(made, body)
        if found is not None and sent.get(found.constraint, 0) < _MOST_OF_ONE:
            sent[found.constraint] = sent.get(found.constraint, 0) + 1
            yield found


def _twins(twins: Sequence[Legal], broken: set[str]) -> list[Legal]:
    """The legal requests that show what the negatives break."""
    return [twin for twin in twins if broken & set(twin.step.exercises)]


def _valid(usual: Step, payload: Payload) -> Step:
    return replace(
        usual,
        body=bound(payload.body),
        role=Role.VALID,
        expectation=Accept(),
        exercises=tuple(sorted(payload.shows)),
        stream=payload.body.get("stream") is True,
        tag=PACKED,
    )
