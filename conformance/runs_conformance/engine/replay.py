"""Cases: steps as plain data that can be played again, on their own and on any target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.engine.counterexample import references
from runs_conformance.model.case import Role, Step, step_from_json, step_to_json
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.program import Play, Program, Setting


@dataclass(frozen=True, slots=True)
class Case:
    """A sequence of steps. References between them are bound again whenever it is played."""

    steps: tuple[Step, ...]

    def __len__(self) -> int:
        return len(self.steps)

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Case:
        """The case that was played: every step once, however often it was sent, without the cleaning up."""
        steps: list[Step] = []
        for exchange in sorted(exchanges, key=lambda exchange: exchange.index):
            step = exchange.step
            again = bool(steps) and steps[-1] == step and (exchange.attempt > 1 or bool(steps[-1].until))
            if step is not None and step.role is not Role.CLEANUP and not again:
                steps.append(step)
        return cls(tuple(steps))

    def closed(self) -> Case:
        """The case without the steps that refer to something that is not before them."""
        known: set[str] = set()
        kept: list[Step] = []
        for step in self.steps:
            if all(ref.step in known for ref in references(step)):
                kept.append(step)
                known.add(step.name)
        return Case(tuple(kept))

    def program(self, id_: str, phase: str = "explore") -> Program:
        """The program that plays the case, step after step, whatever comes of each."""
        return Program(
            id=id_,
            title="Steps played again",
            phase=phase,
            capability="core",
            play=_playing(self.steps),
            runs=sum(step.operation in ("create_run", "create_thread_and_run") for step in self.steps),
            requests=len(self.steps),
            quick=False,
        )

    def to_json(self) -> list[JSON]:
        """The case as JSON."""
        return [step_to_json(step) for step in self.steps]

    @classmethod
    def from_json(cls, data: JSON) -> Case:
        """The case that `to_json` wrote. Raises ValueError where it is none."""
        if not is_array(data) or not all(is_object(item) for item in data):
            raise ValueError("a case is a list of steps")
        return cls(tuple(_step(item) for item in data))

    def text(self) -> bytes:
        """The case as bytes, the same for the same case."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()


def _step(data: JSON) -> Step:
    assert isinstance(data, Mapping)
    try:
        return step_from_json(data)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a step: {error}") from None


def _playing(steps: Sequence[Step]) -> Callable[[Setting], Play]:
    def play(setting: Setting) -> Play:
        # What comes of a step is sent into this generator, which a tuple's iterator could not take.
        for step in steps:  # noqa: UP028
            yield step

    return play
