"""Strategies for request bodies: valid ones, and invalid ones with the place that is invalid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from runs_conformance.config import require_known
from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.edition import DEFAULT_EDITION, EDITIONS, is_edition
from runs_conformance.errors import UsageError
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.payload_factory import PayloadFactory
from runs_conformance.generation.boundary.sample import ASSISTANT_PLACEHOLDER, TOOL_CALL_PLACEHOLDER, Sampler
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.strategies.drawn_random import random_values

BODY_OPERATIONS = tuple(body_documents())
"""The operations with a request body."""


@dataclass(frozen=True, slots=True)
class InvalidBody:
    """A body that a correct server refuses, because it violates exactly one constraint at one place.

    `constraint` is the id of the violated constraint, `keyword` its JSON Schema keyword, `pointer` the JSON Pointer of
    the place, and `valid` the valid body that was changed there.
    """

    body: Any
    constraint: str
    keyword: str
    pointer: str
    valid: Mapping[str, Any]


def valid_bodies(
    operation: str,
    edition: str = DEFAULT_EDITION,
    *,
    model: str = "gpt-4o",
    assistant_id: str = "asst_1",
    tool_call_id: str = "call_1",
    accepts_any_file_id: bool = False,
    must_be_accepted: bool = True,
) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of an operation that satisfy the schema of an edition.

    With `must_be_accepted`, a correct server accepts each of them; otherwise some hold values that the contract leaves
    to the server, such as a model-specific option. `assistant_id` and `tool_call_id` are ids of existing objects; ids
    of files and vector stores occur with `accepts_any_file_id`. Raises UsageError for an unknown operation or edition.
    """
    ids = {ASSISTANT_PLACEHOLDER: assistant_id, TOOL_CALL_PLACEHOLDER: tool_call_id}
    factory = _factory(operation, edition, model, accepts_any_file_id)

    def make(random: Random) -> Any:
        generator = PayloadGenerator(factory, random, must_be_accepted, valid_count=random.randrange(3))
        return _with_ids(dict(generator.valid().body), ids)

    return random_values(make)


def invalid_bodies(
    operation: str,
    edition: str = DEFAULT_EDITION,
    *,
    model: str = "gpt-4o",
    assistant_id: str = "asst_1",
    tool_call_id: str = "call_1",
    accepts_any_file_id: bool = False,
) -> st.SearchStrategy[InvalidBody]:
    """Bodies of an operation that violate one constraint of an edition, each with the place that is invalid.

    The arguments are those of `valid_bodies`.
    """
    ids = {ASSISTANT_PLACEHOLDER: assistant_id, TOOL_CALL_PLACEHOLDER: tool_call_id}
    factory = _factory(operation, edition, model, accepts_any_file_id)

    def make(random: Random) -> InvalidBody | None:
        generator = PayloadGenerator(factory, random, valid_count=random.randrange(3))
        payload = generator.valid()
        negative = generator.negative(payload)
        if negative is None:
            return None
        mutation = negative.mutation
        body, valid = _with_ids(negative.body, ids), _with_ids(dict(payload.body), ids)
        assert is_object(valid)
        return InvalidBody(body, negative.constraint, mutation.keyword, mutation.pointer, valid)

    return random_values(make)


def _factory(operation: str, edition: str, model: str, accepts_any_file_id: bool) -> PayloadFactory:
    require_known(operation, BODY_OPERATIONS, "operation with a body")
    if not is_edition(edition):
        raise UsageError(f"there is no edition {edition!r}; use one of {', '.join(EDITIONS)}, or another date")
    return payload_factory(operation, edition, Sampler(model, accepts_any_file_id))


def _with_ids(value: JSON, ids: Mapping[str, str]) -> JSON:
    """The value with ids in place of their placeholders."""
    if isinstance(value, str):
        return ids.get(value, value)
    if is_object(value):
        return {name: _with_ids(member, ids) for name, member in value.items()}
    return [_with_ids(item, ids) for item in value] if is_array(value) else value
