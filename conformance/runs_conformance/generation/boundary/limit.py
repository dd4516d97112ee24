"""Search for a target's own limit: from the stated limit outwards or inwards, then by bisection."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runs_conformance.generation.boundary.catalogue import operation_cases
from runs_conformance.generation.boundary.execution import CaseRun
from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.model.case import Either, Instruction, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, pointer_tokens
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Program, ProgramContext, StepGenerator

PHASE = "limits"
_OUTWARD = {"maximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1}
_INWARD = {"minimum": -1, "minLength": -1, "minItems": -1}
_DIRECTIONS: Mapping[str, int] = _OUTWARD | _INWARD
"""The keywords of limits, with the direction in which values become invalid."""

_MAX_MAGNITUDE = {"maximum": 2**31 - 1, "minimum": 2**31, "maxLength": 2**20, "maxItems": 1000, "maxProperties": 1000}
"""The greatest magnitude that is tried, by keyword."""

_UNDETERMINED = Either("the search determines the limit that the target enforces")


@dataclass(frozen=True, slots=True)
class LimitSearch:
    """The search for one limit. `step` is the negative that exceeds the stated limit by one."""

    id: str
    step: Step
    keyword: str

    @property
    def direction(self) -> int:
        """1 if greater values are invalid, -1 if smaller ones are."""
        return _DIRECTIONS[self.keyword]

    @property
    def stated(self) -> int:
        """The limit that the contract states."""
        assert self.step.mutation is not None
        return _size(self.step.mutation.mutated) - self.direction

    def step_with_size(self, size: int) -> Step:
        """The request with a value of this size at the place."""
        mutation = self.step.mutation
        assert mutation is not None
        value = _resize(mutation.mutated, size)
        body = _replace_at(self.step.body, pointer_tokens(mutation.pointer), value)
        return replace(
            self.step,
            body=body,
            role=Role.ACT,
            expectation=_UNDETERMINED,
            exercises=(),
            mutation=replace(mutation, mutated=value),
            limit_search=True,
        )

    def is_in_range(self, size: int) -> bool:
        """Whether values of this size exist and are small enough to try."""
        low = -_MAX_MAGNITUDE["minimum"] if self.keyword in ("minimum", "maximum") else 0
        return low <= size <= _MAX_MAGNITUDE.get(self.keyword, 2**20)

    def program(self) -> Program:
        """The program that performs the search; it stops if its fixture cannot be reset."""
        return Program(
            id=f"{PHASE}.{self.id}",
            title=f"Search for the limit that the target enforces for {self.id}",
            phase=PHASE,
            capability="validation",
            generate=self._search,
            runs=0,
            requests=60,
        )

    def _search(self, context: ProgramContext) -> StepGenerator:
        fixture = FIXTURES[self.step.operation]
        if not (yield from fixture.set_up(context)):
            return
        case_run = CaseRun(fixture, context)

        def accepts(offset: int) -> Generator[Instruction, Any, bool | None]:
            size = self.stated + offset * self.direction
            if not self.is_in_range(size):
                return None
            exchange = yield from case_run.send(self.step_with_size(size))
            return None if exchange is None else exchange.accepted

        low, high = yield from _bracket(accepts)
        while low is not None and high is not None and high - low > 1:
            middle = (low + high) // 2
            accepted = yield from accepts(middle)
            if accepted is None:
                return
            low, high = (middle, high) if accepted else (low, middle)


def _bracket(
    accepts: Callable[[int], Generator[Instruction, Any, bool | None]],
) -> Generator[Instruction, Any, tuple[int | None, int | None]]:
    """Offsets from the stated limit of an accepted and a refused value; None for one that was not found."""
    at_bound = yield from accepts(0)
    if at_bound is None:
        return None, None
    near, far, sign = 0, 1, 1 if at_bound else -1
    while True:
        accepted = yield from accepts(sign * far)
        if accepted is None:
            return (near, None) if at_bound else (None, near)
        if accepted is not at_bound:
            return (near, far) if at_bound else (-far, near)
        near, far = sign * far, far * 2


def plan_search(id_: str, context: ProgramContext) -> LimitSearch | None:
    """The search for the limit of a request constraint; None if it has none, or none that can be searched."""
    operation, keyword = id_.partition(".")[0], id_.rpartition(".")[2]
    if operation not in FIXTURES or keyword not in _DIRECTIONS or "propertyNames" in id_:
        return None
    for step in operation_cases(operation, context).negatives:
        mutation = step.mutation
        if step.exercises == (id_,) and mutation is not None and mutation.keyword == keyword:
            has_size = isinstance(mutation.mutated, (int, str, list, dict)) and not isinstance(mutation.mutated, bool)
            return LimitSearch(id_, step, keyword) if has_size and mutation.place == "body" else None
    return None


def measured_limit(search: LimitSearch, exchanges: Iterable[Exchange]) -> Limit | None:
    """The limit that the exchanges of a search show; None if no request was answered."""
    accepted: list[int] = []
    refused: list[int] = []
    for exchange in exchanges:
        step = exchange.step
        if step is not None and step.limit_search and step.mutation is not None:
            size = _size(step.mutation.mutated) * search.direction
            if exchange.accepted:
                accepted.append(size)
            elif exchange.refused:
                refused.append(size)
    if not accepted and not refused:
        return None
    farthest = max(accepted, default=None)
    beyond = [size for size in refused if farthest is None or size > farthest]
    nearest = min(beyond, default=None)
    return Limit(
        search.id,
        search.stated,
        farthest * search.direction if farthest is not None else None,
        nearest * search.direction if nearest is not None else None,
    )


def _size(value: object) -> int:
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    return int(value) if isinstance(value, (int, float)) else 0


def _resize(value: object, size: int) -> JSON:
    """A value of the same kind with another size."""
    if isinstance(value, str):
        return "x" * size
    if isinstance(value, (list, tuple)):
        return [value[index % len(value)] for index in range(size)] if value else []
    if isinstance(value, Mapping):
        filler = next(iter(value.values()), "sample")
        names = [*value, *(f"more_{number}" for number in range(size))]
        return {name: value.get(name, filler) for name in names[:size]}
    return size


def _replace_at(body: Any, path: list[str], value: JSON) -> Any:
    """The body with another value at a place."""
    if not path:
        return value
    first, *rest = path
    if isinstance(body, (list, tuple)):
        return [_replace_at(item, rest, value) if str(index) == first else item for index, item in enumerate(body)]
    return {**body, first: _replace_at(body.get(first), rest, value)}
