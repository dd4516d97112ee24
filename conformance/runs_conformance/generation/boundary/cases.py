"""Cases: the steps that exercise the request constraints of one operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from runs_conformance.contract.constraint import body_documents, query_documents
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.boundary.deduplication import DeduplicationKey
from runs_conformance.generation.boundary.operation_profile import operation_profiles
from runs_conformance.generation.boundary.packing import pack
from runs_conformance.generation.boundary.payload_factory import Negative, Payload, PayloadFactory
from runs_conformance.generation.boundary.query import QueryCase, QueryFactory
from runs_conformance.generation.boundary.sample import ASSISTANT_PLACEHOLDER, TOOL_CALL_PLACEHOLDER, Sampler
from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Expectation, Mutation, Ref, Role, Step
from runs_conformance.model.json import ABSENT, JSON, is_object, json_pointer

MALFORMED_JSON, EMPTY_BODY, WRONG_CONTENT_TYPE = "malformed_json", "empty_body", "wrong_content_type"
"""The anomalies of bodies that are malformed below the level of the schema."""

REFERENCE_OPERATION = "create_run"
"""The operation that covers what needs testing on only one operation."""

_PLACEHOLDER_REFERENCES = {
    ASSISTANT_PLACEHOLDER: Ref("assistant"),
    TOOL_CALL_PLACEHOLDER: Ref("waiting", "/required_action/submit_tool_outputs/tool_calls/0/id"),
}
_ACCEPT = Accept()


@dataclass(frozen=True, slots=True)
class ValidCase:
    """A valid request, and the single-value requests that replace it if it is refused."""

    step: Step
    parts: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationCases:
    """The requests of one operation: the smallest that is certain to be accepted, valid ones, and negatives.

    The `positive_controls` suffice to exercise every constraint that a negative violates.
    """

    control: Step
    positive_controls: tuple[ValidCase, ...]
    extra_valid: tuple[ValidCase, ...]
    negatives: tuple[Step, ...]


def payload_factory(operation: str, edition: str, sampler: Sampler) -> PayloadFactory:
    """The factory of an operation's bodies."""
    profile = operation_profiles(sampler)[operation]
    configured = replace(sampler, overrides={**profile.overrides, operation: profile.control})
    return PayloadFactory(profile, profile.schema(edition), configured)


def build_cases(
    operation: str, edition: str, sampler: Sampler, path: Mapping[str, JSON | Ref], name: str = ""
) -> OperationCases:
    """Build all requests of an operation on the objects that `path` names; `name` names its responses."""
    template = Step(operation=operation, path=path, name=name)
    control, valid_cases, negatives = template, list[ValidCase](), list[Step]()
    if operation in body_documents():
        factory = payload_factory(operation, edition, sampler)
        control = replace(
            template,
            body=bind_placeholders(factory.profile.control),
            exercises=factory.exercised_constraints(factory.profile.control),
        )
        valid_cases += [_valid_case(template, payload) for payload in pack(factory, factory.single_value_payloads())]
        negatives += [
            negative_step(template, negative)
            for negative in factory.negatives(_keys_covered_before(operation, edition, sampler))
        ]
        negatives += _malformed_bodies(control)
    if operation in query_documents():
        queries = QueryFactory(operation, edition)
        query_cases = [_build_query_case(control, combined, parts) for combined, parts in queries.valid_cases()]
        valid_cases = _attach_queries(valid_cases, query_cases) if valid_cases else query_cases
        negatives += [
            replace(control, query=query, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=m, exercises=(id_,))
            for id_, query, m in queries.negatives()
        ]
    if "assistant" in sampler.use:
        valid_cases = [
            ValidCase(
                _allow_refusal_without_instructions(each.step),
                tuple(map(_allow_refusal_without_instructions, each.parts)),
            )
            for each in valid_cases
        ]
    control = replace(control, role=Role.CONTROL, expectation=_ACCEPT)
    violated = {id_ for step in negatives for id_ in step.exercises}
    valid_cases = [_restrict_to_violated(request, violated) for request in valid_cases]
    positive_controls = select_positive_controls(valid_cases, violated - set(control.exercises))
    return OperationCases(
        control,
        positive_controls,
        tuple(each for each in valid_cases if each not in positive_controls),
        tuple(negatives),
    )


def _keys_covered_before(operation: str, edition: str, sampler: Sampler) -> frozenset[DeduplicationKey]:
    """The deduplication keys of all operations before this one, the reference operation first."""
    order = operation_order()
    return frozenset[DeduplicationKey]().union(
        *(_deduplication_keys(name, edition, sampler) for name in order[: order.index(operation)])
    )


@cache
def operation_order() -> tuple[str, ...]:
    """The operations with a body, the reference operation first; each covers what it shares with later ones."""
    names = operation_profiles(Sampler(""))
    return (REFERENCE_OPERATION, *(name for name in names if name != REFERENCE_OPERATION))


def _deduplication_keys(operation: str, edition: str, sampler: Sampler) -> frozenset[DeduplicationKey]:
    return _cached_deduplication_keys(
        operation, edition, sampler.model, sampler.accepts_any_file_id, frozenset(sampler.use.items())
    )


@lru_cache(maxsize=64)
def _cached_deduplication_keys(
    operation: str, edition: str, model: str, accepts_any_file_id: bool, in_use: frozenset[tuple[str, str]]
) -> frozenset[DeduplicationKey]:
    return frozenset(
        payload_factory(operation, edition, Sampler(model, accepts_any_file_id, dict(in_use))).deduplication_keys()
    )


def _allow_refusal_without_instructions(step: Step) -> Step:
    """Allow a refusal if only the assistant that the user supplied may contain the run's instructions."""
    body = step.body
    if step.operation != "create_thread_and_run" or not is_object(body) or body.get("instructions"):
        return step
    thread = body.get("thread")
    if is_object(thread) and thread.get("messages"):
        return step
    return replace(step, expectation=Either("the assistant in use may have no instructions"))


def _restrict_to_violated(request: ValidCase, violated: set[str]) -> ValidCase:
    """Drop the constraints that no negative violates: valid values alone support no verdict."""

    def restrict(step: Step) -> Step:
        return replace(step, exercises=tuple(id_ for id_ in step.exercises if id_ in violated))

    return ValidCase(restrict(request.step), tuple(restrict(part) for part in request.parts))


def select_positive_controls(valid_cases: Sequence[ValidCase], uncovered: set[str]) -> tuple[ValidCase, ...]:
    """Select few valid requests that exercise all wanted constraints that any of them exercises."""
    chosen: list[ValidCase] = []
    remaining = list(valid_cases)
    while remaining:
        best = max(remaining, key=lambda request: len(uncovered & set(request.step.exercises)))
        if not uncovered & set(best.step.exercises):
            break
        chosen.append(best)
        remaining.remove(best)
        uncovered -= set(best.step.exercises)
    return tuple(each for each in valid_cases if each in chosen)


def _build_query_case(control: Step, combined: QueryCase, parts: Sequence[QueryCase]) -> ValidCase:
    """Add a valid query to the smallest body; a query of several values has single-value queries as its parts."""

    def query_step(query: QueryCase) -> Step:
        step = replace(control, query=query.query, role=Role.VALID, expectation=_ACCEPT, mutation=query.mutation)
        return replace(step, exercises=query.exercises)

    if len(parts) == 1:
        return ValidCase(query_step(parts[0]))
    return ValidCase(replace(query_step(combined), packed=True), tuple(query_step(part) for part in parts))


def _attach_queries(valid_cases: Sequence[ValidCase], query_cases: Sequence[ValidCase]) -> list[ValidCase]:
    """Add one query to each of the first valid requests, so that no request is sent for a query alone."""
    added = [
        ValidCase(
            replace(
                request.step,
                query=other.step.query,
                exercises=(*request.step.exercises, *other.step.exercises),
                mutation=None,
                packed=True,
            ),
            (*(request.parts or (request.step,)), *(other.parts or (other.step,))),
        )
        for request, other in zip(valid_cases, query_cases, strict=False)
    ]
    return [*added, *valid_cases[len(added) :]]


def _valid_case(template: Step, payload: Payload) -> ValidCase:
    parts = tuple(_valid_step(template, part) for part in payload.parts)
    step = _valid_step(template, payload)
    return ValidCase(replace(step, packed=True) if parts else step, parts)


def _valid_step(template: Step, payload: Payload) -> Step:
    """The step of a valid payload.

    A single-value payload lists its own constraint first; its mutation is where it departs from the smallest body.
    """
    expectation: Expectation = Either(payload.implementation_defined) if payload.implementation_defined else _ACCEPT
    return replace(
        template,
        body=bind_placeholders(payload.body),
        role=Role.VALID,
        expectation=expectation,
        exercises=(payload.constraint, *sorted(payload.exercises - {payload.constraint})),
        stream=payload.body.get("stream") is True,
        mutation=None if payload.parts else _single_value_mutation(payload),
    )


def _single_value_mutation(payload: Payload) -> Mutation:
    path, value = payload.values[0]
    return Mutation(json_pointer(*path), payload.constraint.rpartition(".")[2], ABSENT, value)


def negative_step(template: Step, negative: Negative) -> Step:
    """The step of a negative, which must be refused."""
    return replace(
        template,
        body=bind_placeholders(negative.body),
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=negative.mutation,
        exercises=(negative.constraint,),
    )


def _malformed_bodies(control: Step) -> Iterator[Step]:
    """Yield bodies that are not JSON, empty, or not declared as JSON."""
    negative = replace(control, role=Role.NEGATIVE, expectation=REFUSES_BODY, exercises=())
    truncated = b'{"metadata": {"topic": "sample"}'
    yield replace(negative, raw=truncated, mutation=_body_mutation("json"), anomaly=MALFORMED_JSON)
    if OPERATIONS[control.operation].body_required:
        yield replace(negative, raw=b"", mutation=_body_mutation("body"), anomaly=EMPTY_BODY)
    if control.operation == REFERENCE_OPERATION:
        # Servers check the content type before they know the operation.
        headers = {"Content-Type": "text/plain"}
        yield replace(negative, headers=headers, mutation=_body_mutation("content_type"), anomaly=WRONG_CONTENT_TYPE)


def _body_mutation(keyword: str) -> Mutation:
    return Mutation("", keyword, ABSENT, ABSENT)


def bind_placeholders(value: object) -> object:
    """Replace the placeholders in a body with references to ids that the target supplies."""
    if isinstance(value, str):
        return _PLACEHOLDER_REFERENCES.get(value, value)
    if is_object(value):
        return {name: bind_placeholders(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [bind_placeholders(item) for item in value]
    return value
