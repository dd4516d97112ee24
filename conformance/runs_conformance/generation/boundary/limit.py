"""The search for a target's own bound: from the one that the contract states outwards or inwards, then by halves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runs_conformance.generation.boundary.catalogue import material_in
from runs_conformance.generation.boundary.execution import Performance
from runs_conformance.generation.boundary.fixtures import STAGES
from runs_conformance.model.case import Either, Move, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, parts
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Play, Program, Setting

PHASE = "limits"
_OUTWARD = {"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1}
_INWARD = {"minimum": -1, "minLength": -1, "minItems": -1}
_SIDES: Mapping[str, int] = _OUTWARD | _INWARD
"""The keywords of bounds, with the side on which values are illegal."""

_FARTHEST = {"maximum": 2**31 - 1, "minimum": 2**31, "maxLength": 2**20, "maxItems": 1000, "maxProperties": 1000}
"""How far from zero values are tried, by keyword."""

_ASKED = Either("which bound the target keeps is what is asked")


@dataclass(frozen=True, slots=True)
class Search:
    """The search for one bound. `step` is the negative that breaks the stated one by one."""

    id: str
    step: Step
    keyword: str

    @property
    def side(self) -> int:
        """1 where greater values are illegal, -1 where smaller ones are."""
        return _SIDES[self.keyword]

    @property
    def stated(self) -> int:
        """The bound that the contract states."""
        assert self.step.mutation is not None
        return _size(self.step.mutation.became) - self.side

    def sent(self, size: int) -> Step:
        """The request with a value of this size at the place."""
        mutation = self.step.mutation
        assert mutation is not None
        value = _resized(mutation.became, size)
        body = _put(self.step.body, parts(mutation.pointer), value)
        return replace(
            self.step,
            body=body,
            role=Role.ACT,
            expectation=_ASKED,
            exercises=(),
            mutation=replace(mutation, became=value),
            tag=PHASE,
        )

    def has(self, size: int) -> bool:
        """Whether there are values of this size, near enough to be tried."""
        low = -_FARTHEST["minimum"] if self.keyword in ("minimum", "maximum") else 0
        return low <= size <= _FARTHEST.get(self.keyword, 2**20)

    def program(self) -> Program:
        """The program that searches; it stops where the target takes nothing more."""
        return Program(
            id=f"{PHASE}.{self.id}",
            title=f"The bound that the target keeps for {self.id}",
            phase=PHASE,
            capability="validation",
            play=self._play,
            runs=0,
            requests=60,
        )

    def _play(self, setting: Setting) -> Play:
        stage = STAGES[self.step.operation]
        if not (yield from stage.enter(setting)):
            return
        performance = Performance(stage, setting)

        def takes(offset: int) -> Generator[Move, Any, bool | None]:
            size = self.stated + offset * self.side
            if not self.has(size):
                return None
            exchange = yield from performance.send(self.sent(size))
            return None if exchange is None else exchange.accepted

        low, high = yield from _bracket(takes)
        while low is not None and high is not None and high - low > 1:
            middle = (low + high) // 2
            taken = yield from takes(middle)
            if taken is None:
                return
            low, high = (middle, high) if taken else (low, middle)


def _bracket(
    takes: Callable[[int], Generator[Move, Any, bool | None]],
) -> Generator[Move, Any, tuple[int | None, int | None]]:
    """Offsets from the stated bound of a value that is taken and of one that is not; None where there is none."""
    at_bound = yield from takes(0)
    if at_bound is None:
        return None, None
    near, far, sign = 0, 1, 1 if at_bound else -1
    while True:
        taken = yield from takes(sign * far)
        if taken is None:
            return (near, None) if at_bound else (None, near)
        if taken is not at_bound:
            return (near, far) if at_bound else (-far, near)
        near, far = sign * far, far * 2


def search(id_: str, setting: Setting) -> Search | None:
    """The search for the bound of a request constraint; None where it has none, or none that can be searched."""
    operation, keyword = id_.partition(".")[0], id_.rpartition(".")[2]
    if operation not in STAGES or keyword not in _SIDES or "propertyNames" in id_:
        return None
    for step in material_in(operation, setting).negatives:
        mutation = step.mutation
        if step.exercises == (id_,) and mutation is not None and mutation.keyword == keyword:
            sized = isinstance(mutation.became, (int, str, list, dict)) and not isinstance(mutation.became, bool)
            return Search(id_, step, keyword) if sized and mutation.place == "body" else None
    return None


def limit(found: Search, exchanges: Iterable[Exchange]) -> Limit | None:
    """The bound that these exchanges of a search show; None where nothing was answered."""
    taken: list[int] = []
    refused: list[int] = []
    for exchange in exchanges:
        step = exchange.step
        if step is not None and step.tag == PHASE and step.mutation is not None:
            size = _size(step.mutation.became) * found.side
            if exchange.accepted:
                taken.append(size)
            elif exchange.refused:
                refused.append(size)
    if not taken and not refused:
        return None
    outermost = max(taken, default=None)
    beyond = [size for size in refused if outermost is None or size > outermost]
    nearest = min(beyond, default=None)
    return Limit(
        found.id,
        found.stated,
        outermost * found.side if outermost is not None else None,
        nearest * found.side if nearest is not None else None,
    )


def _size(value: object) -> int:
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    return int(value) if isinstance(value, (int, float)) else 0


def _resized(value: object, size: int) -> JSON:
    """A value like this one, of another size."""
    if isinstance(value, str):
        return "x" * size
    if isinstance(value, (list, tuple)):
        return [value[index % len(value)] for index in range(size)] if value else []
    if isinstance(value, Mapping):
        filler = next(iter(value.values()), "sample")
        names = [*value, *(f"more_{number}" for number in range(size))]
        return {name: value.get(name, filler) for name in names[:size]}
    return size


def _put(whole: Any, path: list[str], value: JSON) -> Any:
    """A body with another value at a place."""
    if not path:
        return value
    first, *rest = path
    if isinstance(whole, (list, tuple)):
        return [_put(item, rest, value) if str(index) == first else item for index, item in enumerate(whole)]
    return {**whole, first: _put(whole.get(first), rest, value)}
