"""The moves that show a violation again: plain data, played on any target with references bound anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Key, Move, Role, Step, Together, step_from_json, step_to_json
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.long_text import packed, unpacked
from runs_conformance.model.program import Play, Program, Setting


@dataclass(slots=True)
class Turn:
    """One step as it was played: the exchanges are its attempts, and the looks it took."""

    step: Step
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def first(self) -> Exchange:
        """The exchange that it began with."""
        return self.exchanges[0]

    @property
    def last(self) -> Exchange:
        """The exchange that came of it."""
        return self.exchanges[-1]

    @property
    def changes(self) -> bool:
        """Whether it may have changed what is stored."""
        return OPERATIONS[self.step.operation].method != "GET" and not self.last.refused


def turns(exchanges: Iterable[Exchange]) -> list[Turn]:
    """The steps of a history in order, each once; without cleaning up, and what was sent by no step."""
    found: list[Turn] = []
    for exchange in sorted(exchanges, key=lambda exchange: exchange.index):
        step = exchange.step
        if step is None or step.role is Role.CLEANUP or step.operation not in OPERATIONS:
            continue
        held = _under_way(found, exchange, step)
        if held is None:
            found.append(held := Turn(step))
        held.exchanges.append(exchange)
    return found


def _under_way(found: Sequence[Turn], exchange: Exchange, step: Step) -> Turn | None:
    """The turn that an exchange goes on with: another attempt at the same step, or another look."""
    if exchange.attempt > 1:
        return next((turn for turn in reversed(found) if turn.step == step), None)
    return found[-1] if step.until and found and found[-1].step == step else None


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The moves that show a violation; steps that overlapped in time are sent together."""

    moves: tuple[Move, ...]

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Reproduction:
        """The moves that were made in these exchanges."""
        groups: list[list[Turn]] = []
        busy_until = 0.0
        for turn in turns(exchanges):
            if groups and turn.first.started < busy_until:
                groups[-1].append(turn)
            else:
                groups.append([turn])
                busy_until = 0.0
            busy_until = max(busy_until, turn.last.ended)
        return cls(tuple(_move([turn.step for turn in group]) for group in groups))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order."""
        return tuple(step for move in self.moves for step in (move.steps if isinstance(move, Together) else (move,)))

    @property
    def together(self) -> bool:
        """Whether it depends on what happens at the same moment."""
        return any(isinstance(move, Together) for move in self.moves)

    @property
    def keys(self) -> frozenset[Key]:
        """The credentials that it takes."""
        return frozenset(step.key for step in self.steps)

    def with_model(self, was: str, becomes: str) -> Reproduction:
        """The same with another model wherever the one was named that runs used."""

        def changed(step: Step) -> Step:
            body = step.body
            return (
                replace(step, body={**body, "model": becomes}) if is_object(body) and body.get("model") == was else step
            )

        return Reproduction(
            tuple(
                Together(tuple(map(changed, move.steps))) if isinstance(move, Together) else changed(move)
                for move in self.moves
            )
        )

    def program(self, id_: str) -> Program:
        """The program that makes the moves, whatever comes of each."""
        return Program(
            id=id_,
            title="Moves made again",
            phase="replay",
            capability="core",
            play=_playing(self.moves),
            runs=sum(OPERATIONS[step.operation].creates == "run" for step in self.steps),
            requests=len(self.steps),
        )

    def to_json(self) -> list[JSON]:
        """The moves as JSON; those made together are a list in the list. Long texts are written short."""
        return [packed(_written(move)) for move in self.moves]

    @classmethod
    def from_json(cls, data: JSON) -> Reproduction:
        """The moves that `to_json` wrote. Raises ValueError where they are none."""
        if not is_array(data) or not data:
            raise ValueError("there are no steps")
        return cls(tuple(_read(unpacked(item)) for item in data))


def _move(steps: Sequence[Step]) -> Move:
    return steps[0] if len(steps) == 1 else Together(tuple(steps))


def _written(move: Move) -> JSON:
    if isinstance(move, Together):
        return [step_to_json(step) for step in move.steps]
    return step_to_json(move)


def _read(data: JSON) -> Move:
    return _move([_step(item) for item in data]) if is_array(data) and data else _step(data)


def _step(data: JSON) -> Step:
    if not is_object(data):
        raise ValueError("not a step")
    try:
        step = step_from_json(data)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not a step: {error}") from None
    if step.operation not in OPERATIONS:
        raise ValueError(f"there is no operation {step.operation!r}")
    return step


def _playing(moves: Sequence[Move]) -> Callable[[Setting], Play]:
    def play(setting: Setting) -> Play:
        # What comes of a move is sent into this generator, which a tuple's iterator could not take.
        for move in moves:  # noqa: UP028
            yield move

    return play
