"""Material: everything that is sent to show the request constraints of one operation, as steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from runs_conformance.contract.constraint import request_bodies, request_queries
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.boundary.deduplication import Kin
from runs_conformance.generation.boundary.operation_profile import subjects
from runs_conformance.generation.boundary.packing import packed
from runs_conformance.generation.boundary.payload_factory import Bench, Negative, Payload
from runs_conformance.generation.boundary.query import Asked, QueryBench
from runs_conformance.generation.boundary.sample import ASSISTANT, TOOL_CALL, Sampler
from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Expectation, Mutation, Ref, Role, Step
from runs_conformance.model.json import ABSENT, JSON, is_object, pointer

PACKED = "packed"
"""The tag of a legal request that carries many edges: its refusal says nothing by itself."""
MALFORMED_JSON, EMPTY_BODY, WRONG_CONTENT_TYPE = "malformed_json", "empty_body", "wrong_content_type"
"""The tags of bodies that are wrong below the level of the schema."""

MOST_USED = "create_run"
"""The operation that is tried with what one is enough for."""

_BOUND = {
    ASSISTANT: Ref("assistant"),
    TOOL_CALL: Ref("waiting", "/required_action/submit_tool_outputs/tool_calls/0/id"),
}
_ACCEPT = Accept()


@dataclass(frozen=True, slots=True)
class Legal:
    """A legal request, and the requests of one edge each that take its place where it is refused."""

    step: Step
    parts: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """The requests for one operation: the smallest one that is sure to be accepted, legal ones, and negatives.

    Of the legal ones, the `twins` are enough to show a legal value of every constraint that a negative breaks.
    """

    control: Step
    twins: tuple[Legal, ...]
    further: tuple[Legal, ...]
    negatives: tuple[Step, ...]


def bench(operation: str, edition: str, sampler: Sampler) -> Bench:
    """What is needed to make bodies for an operation."""
    subject = subjects(sampler)[operation]
    seeded = replace(sampler, seeds={**subject.seeds, operation: subject.control})
    return Bench(subject, subject.schema(edition), seeded)


def material(
    operation: str, edition: str, sampler: Sampler, path: Mapping[str, JSON | Ref], name: str = ""
) -> Material:
    """All requests for an operation on the objects that `path` names; `name` is what its answers are called."""
    usual = Step(operation=operation, path=path, name=name)
    control, legal, negatives = usual, list[Legal](), list[Step]()
    if operation in request_bodies():
        made = bench(operation, edition, sampler)
        control = replace(usual, body=bound(made.subject.control), exercises=made.shown(made.subject.control))
        legal += [_legal(usual, payload) for payload in packed(made, made.singles())]
        negatives += [refused(usual, negative) for negative in made.negatives(_kin_before(operation, edition, sampler))]
        negatives += _unreadable(control)
    if operation in request_queries():
        queries = QueryBench(operation, edition)
        asked = [_asked(control, whole, parts) for whole, parts in queries.legal()]
        legal = _with_query(legal, asked) if legal else asked
        negatives += [
            replace(control, query=query, role=Role.NEGATIVE, expectation=REFUSES_BODY, mutation=m, exercises=(id_,))
            for id_, query, m in queries.negatives()
        ]
    if "assistant" in sampler.given:
        legal = [Legal(_doubted(each.step), tuple(map(_doubted, each.parts))) for each in legal]
    control = replace(control, role=Role.CONTROL, expectation=_ACCEPT)
    broken = {id_ for step in negatives for id_ in step.exercises}
    legal = [_within(request, broken) for request in legal]
    twins = _twins(legal, broken - set(control.exercises))
    return Material(control, twins, tuple(each for each in legal if each not in twins), tuple(negatives))


def _kin_before(operation: str, edition: str, sampler: Sampler) -> frozenset[Kin]:
    """What is sent to the operations before this one, the most used first."""
    order = (MOST_USED, *(name for name in subjects(sampler) if name != MOST_USED))
    return frozenset[Kin]().union(*(_kin(name, edition, sampler) for name in order[: order.index(operation)]))


def _kin(operation: str, edition: str, sampler: Sampler) -> frozenset[Kin]:
    return _known_kin(operation, edition, sampler.model, sampler.any_file, frozenset(sampler.given.items()))


@lru_cache(maxsize=64)
def _known_kin(
    operation: str, edition: str, model: str, any_file: bool, given: frozenset[tuple[str, str]]
) -> frozenset[Kin]:
    return frozenset(bench(operation, edition, Sampler(model, any_file, dict(given))).kin())


def _doubted(step: Step) -> Step:
    """The step as one that may be refused, where nothing but the assistant that was given may say what to do."""
    body = step.body
    if step.operation != "create_thread_and_run" or not is_object(body) or body.get("instructions"):
        return step
    thread = body.get("thread")
    if is_object(thread) and thread.get("messages"):
        return step
    return replace(step, expectation=Either("the assistant that was given may have no instructions"))


def _within(request: Legal, broken: set[str]) -> Legal:
    """The legal request without the constraints that no negative breaks: their legal side alone is no verdict."""

    def kept(step: Step) -> Step:
        return replace(step, exercises=tuple(id_ for id_ in step.exercises if id_ in broken))

    return Legal(kept(request.step), tuple(kept(part) for part in request.parts))


def _twins(legal: Sequence[Legal], wanted: set[str]) -> tuple[Legal, ...]:
    """A few of the legal requests that together show all of the wanted constraints that they all show."""
    chosen: list[Legal] = []
    left = list(legal)
    while left:
        best = max(left, key=lambda request: len(wanted & set(request.step.exercises)))
        if not wanted & set(best.step.exercises):
            break
        chosen.append(best)
        left.remove(best)
        wanted -= set(best.step.exercises)
    return tuple(each for each in legal if each in chosen)


def _asked(control: Step, whole: Asked, parts: Sequence[Asked]) -> Legal:
    """A legal query added to the smallest body; where it has several values, with the queries of one value each."""

    def asking(query: Asked) -> Step:
        step = replace(control, query=query.query, role=Role.VALID, expectation=_ACCEPT, mutation=query.mutation)
        return replace(step, exercises=query.shows)

    if len(parts) == 1:
        return Legal(asking(parts[0]))
    return Legal(replace(asking(whole), tag=PACKED), tuple(asking(part) for part in parts))


def _with_query(legal: Sequence[Legal], asked: Sequence[Legal]) -> list[Legal]:
    """The legal requests with queries added to the first of them, one each, so that none is sent for a query alone."""
    added = [
        Legal(
            replace(
                request.step,
                query=other.step.query,
                exercises=(*request.step.exercises, *other.step.exercises),
                mutation=None,
                tag=PACKED,
            ),
            (*(request.parts or (request.step,)), *(other.parts or (other.step,))),
        )
        for request, other in zip(legal, asked, strict=False)
    ]
    return [*added, *legal[len(added) :]]


def _legal(usual: Step, payload: Payload) -> Legal:
    parts = tuple(_valid(usual, part) for part in payload.parts)
    step = _valid(usual, payload)
    return Legal(replace(step, tag=PACKED) if parts else step, parts)


def _valid(usual: Step, payload: Payload) -> Step:
    """The step of a legal payload; of a single one, the constraint whose edge it is comes first, and the mutation is
    where it departs from the smallest body.
    """
    expectation: Expectation = Either(payload.doubt) if payload.doubt else _ACCEPT
    return replace(
        usual,
        body=bound(payload.body),
        role=Role.VALID,
        expectation=expectation,
        exercises=(payload.constraint, *sorted(payload.shows - {payload.constraint})),
        stream=payload.body.get("stream") is True,
        mutation=None if payload.parts else _departure(payload),
    )


def _departure(payload: Payload) -> Mutation:
    path, value = payload.values[0]
    return Mutation(pointer(*path), payload.constraint.rpartition(".")[2], ABSENT, value)


def refused(usual: Step, negative: Negative) -> Step:
    """The step of a negative, which has to be refused."""
    return replace(
        usual,
        body=bound(negative.body),
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=negative.mutation,
        exercises=(negative.constraint,),
    )


def _unreadable(control: Step) -> Iterator[Step]:
    """Bodies that are not JSON, not there, or not declared as JSON."""
    negative = replace(control, role=Role.NEGATIVE, expectation=REFUSES_BODY, exercises=())
    cut = b'{"metadata": {"topic": "sample"}'
    yield replace(negative, raw=cut, mutation=_unlike("json"), tag=MALFORMED_JSON)
    if OPERATIONS[control.operation].body_required:
        yield replace(negative, raw=b"", mutation=_unlike("body"), tag=EMPTY_BODY)
    if control.operation == MOST_USED:
        # What a body is said to be is looked at before it is known which operation it is for.
        headers = {"Content-Type": "text/plain"}
        yield replace(negative, headers=headers, mutation=_unlike("content_type"), tag=WRONG_CONTENT_TYPE)


def _unlike(keyword: str) -> Mutation:
    return Mutation("", keyword, ABSENT, ABSENT)


def bound(value: object) -> object:
    """A body with references where samples stand for ids that only the target can give."""
    if isinstance(value, str):
        return _BOUND.get(value, value)
    if is_object(value):
        return {name: bound(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [bound(item) for item in value]
    return value
