"""Alternatives of unions that a target refuses in valid requests, and that may explain why it refuses invalid ones.

A correct server may refuse some alternatives, such as images for a model that reads only text. Where it does, the
refusal of an image part with an invalid type does not show that types are checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import compile_schema
from runs_conformance.contract.union_choice import UnionChoice, union_choices
from runs_conformance.evidence.blame import named_places
from runs_conformance.model.case import Mutation
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent, pointer_tokens, spell_pointer

_INDEX = re.compile(r"\[[0-9]+\]")


def refused_choices(valid: Iterable[Exchange]) -> frozenset[UnionChoice]:
    """The choices in valid requests that were refused or failed, less those in any that was accepted."""
    refused, accepted = set[UnionChoice](), set[UnionChoice]()
    several = list(valid)
    if all(exchange.accepted for exchange in several):
        return frozenset()
    for exchange in several:
        if exchange.accepted:
            accepted.update(_choices_in(exchange))
        elif exchange.refused or (exchange.status or 0) >= 500:
            refused.update(_choices_in(exchange))
    return frozenset(refused - accepted)


def refused_choice_in(exchange: Exchange, mutation: Mutation, refused: frozenset[UnionChoice]) -> UnionChoice | None:
    """The first of the refused choices that an invalid request makes, if the refusal does not name the invalid value.

    An object whose discriminator is mutated keeps the other members of the alternative that it had chosen.
    """
    if not refused or names_invalid_value(exchange, mutation):
        return None
    place = f"{exchange.operation}.{_INDEX.sub('[]', spell_pointer(mutation.pointer))}"
    original = UnionChoice(place, str(mutation.original))
    return next((choice for choice in (original, *_choices_in(exchange)) if choice in refused), None)


def untaken_choice(exchange: Exchange, refused: frozenset[UnionChoice]) -> UnionChoice | None:
    """The outermost of the refused choices that a valid request makes."""
    return next((choice for choice in _choices_in(exchange) if choice in refused), None) if refused else None


def names_invalid_value(exchange: Exchange, mutation: Mutation) -> bool:
    """Whether a refusal names the member that is mutated, or quotes its invalid value."""
    member = next((token for token in reversed(pointer_tokens(mutation.pointer)) if not token.isdecimal()), "")
    if any(name.endswith(f".{member}") or name == member for name in named_places(exchange)):
        return True
    value = mutation.mutated
    if isinstance(value, Absent) or not isinstance(value, str) or not value:
        return False
    text = refusal_text(exchange)
    return any(f"{quote}{value}{quote}" in text for quote in "'\"`")


def _choices_in(exchange: Exchange) -> Iterator[UnionChoice]:
    body, operation = exchange.request.body, exchange.operation or ""
    document = body_documents().get(operation)
    if document is not None and not isinstance(body, Absent):
        yield from union_choices(compile_schema(document, operation, exchange.edition or DEFAULT_EDITION), body)
