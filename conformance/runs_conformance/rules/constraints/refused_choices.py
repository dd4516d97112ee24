"""Alternatives of unions that a target refuses in valid requests, and that may explain why it refuses invalid ones.

A correct server may refuse some alternatives, such as images for a model that reads only text. Where it does, the
refusal of an image part with an invalid type does not show that types are checked. A target that knows the alternative
in another form is not such a server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.implementation_defined import implementation_defined
from runs_conformance.contract.schema import compile_schema
from runs_conformance.contract.union_choice import UnionChoice, union_choices
from runs_conformance.evidence.refusal_reason import named_places, places_of_wrong_form
from runs_conformance.model.case import Mutation
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent, at, pointer_tokens, spell_pointer

_INDEX = re.compile(r"\[[0-9]+\]")
_NAMES_CONTENT = re.compile(
    r"fetch|download|retriev|reach|resolv|connect|timed?.?out|not found|(could|can) ?not (load|open|read)"
    r"|support|vision",
    re.IGNORECASE,
)


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
    original = UnionChoice(_place(exchange, mutation.pointer), str(mutation.original))
    return next((choice for choice in (original, *_choices_in(exchange)) if choice in refused), None)


def untaken_choice(exchange: Exchange, refused: frozenset[UnionChoice]) -> UnionChoice | None:
    """The outermost of the refused choices that a valid request makes."""
    return next((choice for choice in _choices_in(exchange) if choice in refused), None) if refused else None


def is_refused_with_others(choice: UnionChoice, refused: frozenset[UnionChoice]) -> bool:
    """Whether other alternatives at the place of a choice are refused, too, perhaps because all of them are."""
    return any(other.place == choice.place and other != choice for other in refused)


def untaken_type(exchange: Exchange, pointer: str, valid: Iterable[Exchange]) -> UnionChoice | None:
    """The `type` next to a tested member, if valid requests were accepted with other types at its place and none
    with this one.

    For objects such as `truncation_strategy`, which belong to neither a union nor an array.
    """
    parent, _, member = pointer.rpartition("/")
    type_ = at(exchange.request.body, f"{parent}/type")
    if not parent or member == "type" or not isinstance(type_, str) or any(map(str.isdecimal, pointer_tokens(parent))):
        return None
    types = (at(each.request.body, f"{parent}/type") for each in valid if each.accepted)
    accepted = {each for each in types if isinstance(each, str)}
    return None if type_ in accepted or not accepted else UnionChoice(_place(exchange, f"{parent}/type"), type_)


def _place(exchange: Exchange, pointer: str) -> str:
    return f"{exchange.operation}.{_INDEX.sub('[]', spell_pointer(pointer))}"


def expects_other_form(refused: Exchange, choice: UnionChoice, negatives: Iterable[Sequence[Exchange]]) -> bool:
    """Whether a target that refuses a valid alternative knows it in another form, so that its content is no reason.

    It complains of the type or lack of a member in it, or has accepted an invalid value of that member and does not
    name the content. Only alternatives that may be refused for what they refer to, such as images, are considered.
    """
    alternative = choice.place.rpartition(".")[0]
    document = body_documents().get(refused.operation or "")
    if document is None or isinstance(refused.request.body, Absent):
        return False
    schema = compile_schema(document, refused.operation or "", refused.edition or DEFAULT_EDITION)
    places = [each.at for each in implementation_defined(schema, refused.request.body)]
    if not places or not all(place.startswith(f"{alternative}.") for place in places):
        return False
    members = {place.removeprefix(f"{alternative}.").partition(".")[0] for place in places}
    if any(not members.isdisjoint(words) for words in places_of_wrong_form(refused)):
        return True
    known = any(
        exchange.accepted and exchange.step is not None and id_.startswith(f"{alternative}.{member}.")
        for attempts in negatives
        for exchange in attempts
        for id_ in (exchange.step.exercises if exchange.step else ())
        for member in members
    )
    return known and not _NAMES_CONTENT.search(refusal_text(refused))


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
