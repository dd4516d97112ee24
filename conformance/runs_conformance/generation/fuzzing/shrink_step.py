"""Rewording: smaller requests that still mean what a step meant."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from runs_conformance.contract.constraint import request_bodies
from runs_conformance.contract.implementation_defined import doubts
from runs_conformance.contract.schema_violation import Fault, examine_schema
from runs_conformance.generation.boundary.cases import bench, bound
from runs_conformance.generation.boundary.payload_factory import Bench
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.payloads.payload_generator import references
from runs_conformance.generation.payloads.shrink_value import fewer, simpler
from runs_conformance.model.case import Mutation, Ref, Role, Step
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, parts, pointer
from runs_conformance.model.program import Setting

Rewording: TypeAlias = Generator[Step, bool, Step]
"""Yields a candidate, is sent whether it still shows the same, and returns the smallest that does."""


def reworded(step: Step, setting: Setting) -> Rewording:
    """The step with nothing in its query and body that can be left out or be simpler.

    A negative keeps its one mutation, what is legal stays legal, and what must be accepted stays so.
    """
    if step.query:
        step = yield from _fewer_parameters(step)
    if (
        is_object(step.body)
        and step.raw is None
        and step.operation in request_bodies()
        and step.role is not Role.CONTROL
    ):
        step = yield from _smaller_body(step, setting)
    return step


def _fewer_parameters(step: Step) -> Rewording:
    if step.mutation is not None and step.mutation.place == "query":
        return step
    reducing = fewer(step.query)
    try:
        candidate = next(reducing)
        while True:
            candidate = reducing.send((yield replace(step, query=tuple(candidate))))
    except StopIteration as stop:
        return replace(step, query=tuple(stop.value))


def _smaller_body(step: Step, setting: Setting) -> Rewording:
    writing = _Writing(step, _bench(step.operation, setting))
    smallest = writing.like_the_smallest()
    if smallest is not None and (yield smallest):
        return smallest
    reducing = simpler(writing.body, writing.allows)
    try:
        candidate = next(reducing)
        while True:
            candidate = reducing.send((yield writing.step_with(candidate)))
    except StopIteration as stop:
        return writing.step_with(stop.value)


def _bench(operation: str, setting: Setting) -> Bench:
    return bench(operation, setting.edition, Sampler(setting.model, setting.accepts_any_file_id, dict(setting.given)))


@dataclass(slots=True)
class _Writing:
    """One step's body with texts in place of its references, and what a smaller one must keep."""

    step: Step
    bench: Bench
    body: JSON = None
    refs: dict[str, Ref] = field(default_factory=dict)
    named: list[JSON] = field(default_factory=list)
    open: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.body = self._unbound(self.step.body)
        self.named = list(references(self.bench.schema, self.body))
        self.open = self._doubts(self.body)
        self.faults = frozenset(fault.constraint for fault in examine_schema(self.bench.schema, self.body).faults)

    def like_the_smallest(self) -> Step | None:
        """The step with the smallest body of its operation, where that would mean the same."""
        body = self._unbound(bound(self.bench.subject.control))
        if len(str(body)) >= len(str(self.body)) or not self.allows(body):
            return None
        return self.step_with(body)

    def allows(self, body: JSON) -> bool:
        """Whether a smaller body breaks what the step's own breaks, leaves no more open, and names nothing else."""
        if not is_object(body) or self._doubts(body) - self.open:
            return False
        if any(value not in self.named for value in references(self.bench.schema, body)):
            return False
        found = examine_schema(self.bench.schema, body).faults
        if self.step.role is not Role.NEGATIVE or self.step.mutation is None:
            return {fault.constraint for fault in found} == self.faults
        return self._place(found) is not None

    def step_with(self, body: JSON) -> Step:
        """The step with another body, and its mutation at the place where that is."""
        step = replace(self.step, body=self._bound(body))
        mutation = self.step.mutation
        if mutation is None:
            return step
        if self.step.role is not Role.NEGATIVE:
            became = at(body, mutation.pointer)
            return step if became is not ABSENT else replace(step, mutation=None)
        where = self._place(examine_schema(self.bench.schema, body).faults) or mutation.pointer
        was = mutation.was if where == mutation.pointer else ABSENT
        return replace(step, mutation=Mutation(where, mutation.keyword, was, at(body, where), mutation.place))

    def _place(self, faults: list[Fault]) -> str | None:
        """The one place at or below which all is that is wrong; None where it is not the step's constraint."""
        wanted = self.step.exercises[0] if self.step.exercises else ""
        if wanted not in {fault.constraint for fault in faults}:
            return None
        assert self.step.mutation is not None
        if {fault.constraint for fault in faults} - self.faults:
            return None
        paths = [parts(fault.place) for fault in faults]
        depth = 0
        while all(len(path) > depth and path[depth] == paths[0][depth] for path in paths):
            depth += 1
        own = len(parts(self.step.mutation.pointer))
        return pointer(*paths[0][:depth]) if depth >= own else None

    def _doubts(self, body: JSON) -> frozenset[str]:
        return frozenset(doubt.reason for doubt in doubts(self.bench.schema, body))

    def _unbound(self, value: object) -> JSON:
        """The value with a text for each reference."""
        if isinstance(value, Ref):
            text = f"{{{value.step}{value.pointer}}}"
            self.refs[text] = value
            return text
        if is_object(value):
            return {name: self._unbound(member) for name, member in value.items()}
        if is_array(value):
            return [self._unbound(item) for item in value]
        return value  # type: ignore[return-value]

    def _bound(self, value: JSON) -> object:
        if isinstance(value, str):
            return self.refs.get(value, value)
        if is_object(value):
            return {name: self._bound(member) for name, member in value.items()}
        if is_array(value):
            return [self._bound(item) for item in value]
        return value
