"""Reproductions: the steps that show a violation as plain data, executable on any target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Concurrent, Key, Move, Role, Step, step_to_json
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.long_text import compress, expand
from runs_conformance.model.program import Program, ProgramContext, StepGenerator
from runs_conformance.model.step_decoding import step_from_json

MIN_GAP, MAX_GAP = 0.005, 1.1
"""Seconds between two requests that a reproduction keeps; the longer one crosses a boundary of whole seconds."""


@dataclass(slots=True)
class ExecutedStep:
    """A step of a history with its exchanges: one per attempt or poll."""

    step: Step
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def first(self) -> Exchange:
        """The first exchange."""
        return self.exchanges[0]

    @property
    def last(self) -> Exchange:
        """The last exchange, which is the result of the step."""
        return self.exchanges[-1]

    @property
    def may_change_state(self) -> bool:
        """Whether the step may have changed stored objects."""
        return OPERATIONS[self.step.operation].method != "GET" and not self.last.refused


def executed_steps(exchanges: Iterable[Exchange]) -> list[ExecutedStep]:
    """Group exchanges by step, in order. Exchanges of cleanup steps and of no step are left out."""
    executed: list[ExecutedStep] = []
    for exchange in sorted(exchanges, key=lambda exchange: exchange.index):
        step = exchange.step
        if step is None or step.role is Role.CLEANUP or step.operation not in OPERATIONS:
            continue
        current = _find_continued(executed, exchange, step)
        if current is None:
            executed.append(current := ExecutedStep(step))
        current.exchanges.append(exchange)
    return executed


def _find_continued(executed: Sequence[ExecutedStep], exchange: Exchange, step: Step) -> ExecutedStep | None:
    """The executed step that the exchange is a further attempt or poll of, if any."""
    if exchange.attempt > 1:
        return next((each for each in reversed(executed) if each.step == step), None)
    return executed[-1] if step.until and executed and executed[-1].step == step else None


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The moves that show a violation. References between their steps are resolved again in each execution."""

    moves: tuple[Move, ...]

    @classmethod
    def of(cls, exchanges: Iterable[Exchange], *, keeps_times: bool = False) -> Reproduction:
        """The moves made in these exchanges; steps that overlapped in time become one concurrent move.

        One that `keeps_times` pauses as long as its exchanges did, once a run was created, which changes by itself.
        """
        groups: list[list[ExecutedStep]] = []
        busy_until = 0.0
        for executed in executed_steps(exchanges):
            if groups and executed.first.started < busy_until:
                groups[-1].append(executed)
            else:
                groups.append([executed])
                busy_until = 0.0
            busy_until = max(busy_until, executed.last.ended)
        if keeps_times:
            groups = list(_with_pauses(groups))
        return cls(tuple(_as_move([executed.step for executed in group]) for group in groups))

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for move in self.moves for step in (move.steps if isinstance(move, Concurrent) else (move,)))

    @property
    def is_concurrent(self) -> bool:
        """Whether it contains concurrent steps."""
        return any(isinstance(move, Concurrent) for move in self.moves)

    @property
    def keys(self) -> frozenset[Key]:
        """The API keys that it uses."""
        return frozenset(step.key for step in self.steps)

    def with_model(self, old: str, new: str) -> Reproduction:
        """The reproduction with model `new` wherever a body names model `old`."""

        def with_new_model(step: Step) -> Step:
            body = step.body
            names_old = is_object(body) and body.get("model") == old
            return replace(step, body={**body, "model": new}) if is_object(body) and names_old else step

        return Reproduction(
            tuple(
                Concurrent(tuple(map(with_new_model, move.steps)))
                if isinstance(move, Concurrent)
                else with_new_model(move)
                for move in self.moves
            )
        )

    def ending_late(self) -> Reproduction:
        """The reproduction with a pause before its last step, if that follows the creation of a run."""
        *before, last = self.moves
        if isinstance(last, Concurrent) or not any(map(_creates_run, Reproduction(tuple(before)).steps)):
            return self
        return Reproduction((*before, replace(last, pause=max(last.pause, MAX_GAP))))

    def to_program(self, id_: str, phase: str = "replay") -> Program:
        """A program that makes all moves, whatever the responses."""
        return Program(
            id=id_,
            title="Reproduce a violation",
            phase=phase,
            capability="core",
            generate=_generator(self.moves),
            runs=sum(map(_creates_run, self.steps)),
            requests=len(self.steps),
            quick=False,
        )

    def to_json(self) -> list[JSON]:
        """The moves as JSON: a step is an object, a concurrent move an array. Long texts are compressed."""
        return [compress(_move_to_json(move)) for move in self.moves]

    @classmethod
    def from_json(cls, data: JSON) -> Reproduction:
        """Read what `to_json` wrote. Raises ValueError if it is invalid or empty."""
        if not is_array(data) or not data:
            raise ValueError("there are no steps")
        return cls(tuple(_move_from_json(expand(item)) for item in data))

    def canonical_bytes(self) -> bytes:
        """A serialization that is equal for equal reproductions."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()


def _creates_run(step: Step) -> bool:
    return OPERATIONS[step.operation].creates == "run"


def _with_pauses(groups: Iterable[list[ExecutedStep]]) -> Iterator[list[ExecutedStep]]:
    """The steps of each move; a single step has a pause as long as the time since the move before it."""
    busy_until: float | None = None
    for group in groups:
        if len(group) == 1 and busy_until is not None:
            [executed] = group
            # A step that was refused for the rate of requests took effect in its last attempt.
            started = executed.first.started if executed.step.until else executed.last.started
            gap = min(MAX_GAP, started - busy_until)
            if gap >= MIN_GAP and gap > executed.step.pause:
                group = [replace(executed, step=replace(executed.step, pause=round(gap, 3)))]
        yield group
        if busy_until is not None or any(_creates_run(each.step) for each in group):
            busy_until = max(each.last.ended for each in group)


def _as_move(steps: Sequence[Step]) -> Move:
    return steps[0] if len(steps) == 1 else Concurrent(tuple(steps))


def _move_to_json(move: Move) -> JSON:
    if isinstance(move, Concurrent):
        return [step_to_json(step) for step in move.steps]
    return step_to_json(move)


def _move_from_json(data: JSON) -> Move:
    return _as_move([_step_from_json(item) for item in data]) if is_array(data) and data else _step_from_json(data)


def _step_from_json(data: JSON) -> Step:
    if not is_object(data):
        raise ValueError("not a step")
    try:
        step = step_from_json(data)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not a step: {error}") from None
    if step.operation not in OPERATIONS:
        raise ValueError(f"unknown operation {step.operation!r}")
    return step


def _generator(moves: Sequence[Move]) -> Callable[[ProgramContext], StepGenerator]:
    def generate(context: ProgramContext) -> StepGenerator:
        # `yield from` would not do: responses are sent into this generator, and a tuple's iterator accepts none.
        for move in moves:  # noqa: UP028
            yield move

    return generate
