"""The members of objects that the contract names."""

from __future__ import annotations

from functools import lru_cache

from runs_conformance.contract.constraint import object_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import compile_schema


@lru_cache(maxsize=64)
def known_members(kind: str, edition: str = "") -> frozenset[str]:
    """The members of a kind of object that an edition names. What other members mean, or when they change, is open."""
    document = object_documents().get(kind)
    if document is None:
        return frozenset()
    return frozenset(compile_schema(document, kind, edition or DEFAULT_EDITION).get("properties", ()))
