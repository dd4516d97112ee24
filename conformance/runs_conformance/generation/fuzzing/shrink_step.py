"""Shrinks the request of a step without changing its meaning."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.implementation_defined import implementation_defined
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.cases import bind_placeholders, payload_factory
from runs_conformance.generation.boundary.payload_factory import PayloadFactory
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.payloads.payload_generator import referenced_values
from runs_conformance.generation.payloads.shrink_value import ddmin, simplify
from runs_conformance.model.case import Mutation, Ref, Role, Step
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, json_pointer, pointer_tokens
from runs_conformance.model.program import ProgramContext

StepShrinker: TypeAlias = Generator[Step, bool, Step]
"""Yields candidates, is sent whether each still reproduces the violation, and returns the smallest that does."""


def shrink_step(step: Step, context: ProgramContext) -> StepShrinker:
    """Remove and simplify parts of a step's query and body while it reproduces the violation.

    An invalid request keeps its mutation, a valid one stays valid, and one that must be accepted stays so. The body of
    a control is the smallest already.
    """
    if step.query:
        step = yield from _shrink_query(step)
    if (
        is_object(step.body)
        and step.raw is None
        and step.operation in body_documents()
        and step.role is not Role.CONTROL
    ):
        step = yield from _shrink_body(step, context)
    return step


def _shrink_query(step: Step) -> StepShrinker:
    if step.mutation is not None and step.mutation.place == "query":
        return step
    shrinking = ddmin(step.query)
    try:
        candidate = next(shrinking)
        while True:
            candidate = shrinking.send((yield replace(step, query=tuple(candidate))))
    except StopIteration as stop:
        return replace(step, query=tuple(stop.value))


def _shrink_body(step: Step, context: ProgramContext) -> StepShrinker:
    shrinkable = _ShrinkableBody(step, _payload_factory(step.operation, context))
    smallest = shrinkable.with_control_body()
    if smallest is not None and (yield smallest):
        return smallest
    shrinking = simplify(shrinkable.body, shrinkable.allows)
    try:
        candidate = next(shrinking)
        while True:
            candidate = shrinking.send((yield shrinkable.step_with(candidate)))
    except StopIteration as stop:
        return shrinkable.step_with(stop.value)


def _payload_factory(operation: str, context: ProgramContext) -> PayloadFactory:
    return payload_factory(
        operation, context.edition, Sampler(context.model, context.accepts_any_file_id, dict(context.use))
    )


@dataclass(slots=True)
class _ShrinkableBody:
    """The body of a step with texts in place of its references, and the facts that a smaller body must preserve."""

    step: Step
    factory: PayloadFactory
    body: JSON = None
    refs: dict[str, Ref] = field(default_factory=dict)
    referenced: list[JSON] = field(default_factory=list)
    reasons: frozenset[str] = frozenset()
    violated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.body = self._without_refs(self.step.body)
        self.referenced = list(referenced_values(self.factory.schema, self.body))
        self.reasons = self._implementation_defined_reasons(self.body)
        self.violated = frozenset(each.constraint for each in validate(self.factory.schema, self.body).violations)

    def with_control_body(self) -> Step | None:
        """The step with the control body of its operation; None if that is not smaller or changes the meaning."""
        body = self._without_refs(bind_placeholders(self.factory.profile.control))
        if len(str(body)) >= len(str(self.body)) or not self.allows(body):
            return None
        return self.step_with(body)

    def allows(self, body: JSON) -> bool:
        """Whether a smaller body has the violations of the step's own, no further reason for refusal, and no other
        reference.
        """
        if not is_object(body) or self._implementation_defined_reasons(body) - self.reasons:
            return False
        if any(value not in self.referenced for value in referenced_values(self.factory.schema, body)):
            return False
        violations = validate(self.factory.schema, body).violations
        if self.step.role is not Role.NEGATIVE or self.step.mutation is None:
            return {each.constraint for each in violations} == self.violated
        return self._mutated_location(violations) is not None

    def step_with(self, body: JSON) -> Step:
        """The step with another body, and its mutation at the location in that body."""
        step = replace(self.step, body=self._with_refs(body))
        mutation = self.step.mutation
        if mutation is None:
            return step
        if self.step.role is not Role.NEGATIVE:
            value = at(body, mutation.pointer)
            return step if value is not ABSENT else replace(step, mutation=None)
        location = self._mutated_location(validate(self.factory.schema, body).violations) or mutation.pointer
        original = mutation.original if location == mutation.pointer else ABSENT
        moved = Mutation(location, mutation.keyword, original, at(body, location), mutation.place)
        return replace(step, mutation=moved)

    def _mutated_location(self, violations: list[SchemaViolation]) -> str | None:
        """The innermost location that contains all violations; None unless they include the step's constraint, and
        no new one.
        """
        constraint = self.step.exercises[0] if self.step.exercises else ""
        violated = {violation.constraint for violation in violations}
        if constraint not in violated:
            return None
        assert self.step.mutation is not None
        if violated - self.violated:
            return None
        paths = [pointer_tokens(violation.place) for violation in violations]
        depth = 0
        while all(len(path) > depth and path[depth] == paths[0][depth] for path in paths):
            depth += 1
        minimum = len(pointer_tokens(self.step.mutation.pointer))
        return json_pointer(*paths[0][:depth]) if depth >= minimum else None

    def _implementation_defined_reasons(self, body: JSON) -> frozenset[str]:
        return frozenset(each.reason for each in implementation_defined(self.factory.schema, body))

    def _without_refs(self, value: object) -> JSON:
        """The value with a text in place of each reference."""
        if isinstance(value, Ref):
            text = f"{{{value.step}{value.pointer}}}"
            self.refs[text] = value
            return text
        if is_object(value):
            return {name: self._without_refs(member) for name, member in value.items()}
        if is_array(value):
            return [self._without_refs(item) for item in value]
        return value  # type: ignore[return-value]

    def _with_refs(self, value: JSON) -> object:
        if isinstance(value, str):
            return self.refs.get(value, value)
        if is_object(value):
            return {name: self._with_refs(member) for name, member in value.items()}
        if is_array(value):
            return [self._with_refs(item) for item in value]
        return value
