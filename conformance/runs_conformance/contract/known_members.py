"""The members of objects and request bodies that the contract names."""

from __future__ import annotations

from functools import lru_cache

from runs_conformance.contract.constraint import body_documents, object_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.json_type import JSON_TYPES, accepted_types
from runs_conformance.contract.schema import compile_schema


@lru_cache(maxsize=64)
def known_members(kind: str, edition: str = "") -> frozenset[str]:
    """The members of a kind of object that an edition names. What other members mean, or when they change, is open."""
    return _members(object_documents().get(kind), kind, edition)


@lru_cache(maxsize=256)
def member_types(kind: str, member: str, edition: str = "") -> frozenset[str]:
    """The JSON types that an edition accepts for a member of a kind of object; all if it does not name the member."""
    document = object_documents().get(kind)
    schema = compile_schema(document, kind, edition or DEFAULT_EDITION) if document is not None else {}
    return accepted_types(schema.get("properties", {}).get(member, {})) or JSON_TYPES


@lru_cache(maxsize=64)
def known_body_members(operation: str, edition: str = "") -> frozenset[str]:
    """The members of an operation's request body that an edition names."""
    return _members(body_documents().get(operation), operation, edition)


def _members(document: str | None, name: str, edition: str) -> frozenset[str]:
    if document is None:
        return frozenset()
    return frozenset(compile_schema(document, name, edition or DEFAULT_EDITION).get("properties", ()))
