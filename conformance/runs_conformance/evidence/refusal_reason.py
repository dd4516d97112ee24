"""The places of a request that an error response gives as the reason for the refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.known_members import known_body_members
from runs_conformance.contract.lifecycle import STATUSES
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import compile_schema
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object, spell_pointer

_QUOTED_NAME = re.compile(
    r"\b(?:unknown|unrecognized|unrecognised|unexpected|unsupported|extra|additional|missing required|required)\b"
    r"[^'\"`]{0,60}['\"`]([A-Za-z_][\w.\[\]-]{0,80})['\"`]",
    re.IGNORECASE,
)
_MISSING = re.compile(r"\b(?:missing|required|undefined|must (?:have|contain|include|provide))\b", re.IGNORECASE)
_MESSAGES = re.compile(r"\bmessages?\b", re.IGNORECASE)
_WRONG_TYPE = re.compile(
    r"\b(?:invalid|wrong|incorrect) (?:data ?)?type\b|\bnot of (?:the )?type\b"
    r"|\b(?:expected|must be|should be|is not|requires) (?:an? |the )?(?:valid )?"
    r"(?:type |json )?(?:string|text|str|object|dict(?:ionary)?|map|array|list)\b",
    re.IGNORECASE,
)
_LACKING = ("missing", "extra_forbidden", "value_error.missing", "value_error.extra")
_NOT_FOUND = (404, 405, 409, 410)
_MIN_ID_LENGTH = 8
"""Shorter ids may occur in other words of a message."""

_DIFFERENT_LOCATIONS = ("body", "query", "path", "header", "request")


def named_places(exchange: Exchange) -> tuple[str, ...]:
    """The places that a refusal names, as people write paths: `tools[0].type`. Empty if it names none.

    Sources: `error.param`, the `loc` of each entry of a FastAPI `detail`, and a quoted name in messages about unknown
    or missing members.
    """
    return tuple(dict.fromkeys(_named_places(exchange)))


def named_members(exchange: Exchange) -> frozenset[str]:
    """The members of the body that a refusal names, or in which it names a place."""
    return frozenset(words[0] for name in named_places(exchange) if (words := _words(name)))


def places_of_wrong_form(exchange: Exchange) -> Iterator[tuple[str, ...]]:
    """The places, as the names of members, whose type a refusal calls wrong, or that it calls missing or unknown.

    Sources: `error.param` with its message, and the entries of a FastAPI `detail`.
    """
    param = at(exchange.body, "/error/param")
    if isinstance(param, str) and param and _WRONG_TYPE.search(refusal_text(exchange)):
        yield tuple(_words(param))
    for place, entry in _detail_entries(exchange):
        kind = entry.get("type")
        if isinstance(kind, str) and (kind.endswith("_type") or kind.startswith("type_error") or kind in _LACKING):
            yield tuple(_words(place))


def is_refused_for_status(exchange: Exchange) -> bool:
    """Whether a refusal names the status of the run that the request is for."""
    text = refusal_text(exchange) if exchange.refused and "run_id" in exchange.path else ""
    return "status" in text.lower() and any(re.search(rf"\b{status}\b", text) for status in STATUSES)


def names_status(exchange: Exchange, status: str) -> bool:
    """Whether a refusal names this status, in whatever language: statuses are identifiers of the API."""
    return exchange.refused and re.search(rf"\b{re.escape(status)}\b", refusal_text(exchange)) is not None


def parameter_named_by_id(exchange: Exchange) -> str | None:
    """The path parameter whose object a refusal names by its id, unless the id is part of a path that is repeated."""
    said = refusal_text(exchange) if exchange.path else ""
    for parameter, id_ in exchange.path.items():
        if len(id_) >= _MIN_ID_LENGTH and re.search(rf"(?<![\w/-]){re.escape(id_)}(?![\w-])", said):
            return parameter
    return None


def member_named_instead(exchange: Exchange, pointer: str) -> str | None:
    """The place that a refusal names, if it is a member of the request that has nothing to do with `pointer`.

    None if the refusal names the place, something around or in it, nothing at all, or nothing that was sent. If it
    names no member, an id from the path counts, as the name of its parameter. If the body is not an object, any member
    of the operation counts as sent: the target may have read the body as an empty object.
    """
    body = exchange.request.body
    sent = set(body) if is_object(body) else set()
    sent |= {name for name, _ in exchange.request.query}
    tokens = _words(spell_pointer(pointer))
    names = named_places(exchange)
    if not names:
        return parameter_named_by_id(exchange)
    if any(set(_words(name)) & set(tokens) for name in names):
        return None
    if not tokens:
        sent = set() if is_object(body) else {*known_body_members(exchange.operation or "", exchange.edition or "")}
    return next((name for name in names if (words := _words(name)) and words[0] in sent), None)


def missing_sibling(exchange: Exchange, pointer: str) -> str | None:
    """The member that a refusal asks for, if it names nothing but members that are missing beside the one at `pointer`.

    With them the target might accept the invalid value there.
    """
    tokens = set(_words(spell_pointer(pointer)))
    related = [name for name in named_places(exchange) if tokens.intersection(_words(name))]
    if related and all(_is_missing_sibling(name, pointer, exchange.request.body) for name in related):
        return related[0]
    return None


def _is_missing_sibling(name: str, pointer: str, body: JSON | Absent) -> bool:
    """Whether a name is that of a member that the object around `pointer` does not have."""
    around, _, last = pointer.rpartition("/")
    *parents, member = _words(name)
    siblings = at(body, around)
    return (
        parents == _words(spell_pointer(around)) != []
        and member != last
        and is_object(siblings)
        and last in siblings
        and member not in siblings
    )


def may_concern_missing_object(exchange: Exchange, pointer: str) -> bool:
    """Whether a refusal says that something was not found, or is in conflict, and may not mean the value at `pointer`.

    It means the value if it names the place, or if the value is an id.
    """
    if exchange.status not in _NOT_FOUND or is_place_of_id(pointer):
        return False
    tokens = {*_words(spell_pointer(pointer))}
    return not any(tokens & {*_words(name)} for name in named_places(exchange))


def may_lack_file(exchange: Exchange) -> bool:
    """Whether a refusal names a file or vector store of the request, or says that something was not found."""
    ids = frozenset(_file_ids(exchange.request.body))
    if not ids or not exchange.refused:
        return False
    return exchange.status in _NOT_FOUND or any(id_ in refusal_text(exchange) for id_ in ids)


def _file_ids(value: object) -> Iterator[str]:
    if is_object(value):
        for name, member in value.items():
            if name in ("file_id", "file_ids", "vector_store_ids"):
                ids = member if is_array(member) else (member,)
                yield from (id_ for id_ in ids if isinstance(id_, str) and len(id_) >= _MIN_ID_LENGTH)
            else:
                yield from _file_ids(member)
    elif is_array(value):
        for item in value:
            yield from _file_ids(item)


def is_place_of_id(pointer: str) -> bool:
    """Whether the value at a pointer is the id of an object, or ids of several."""
    return pointer.endswith(("_id", "_ids")) or "_ids/" in pointer


def names_missing_messages(exchange: Exchange) -> bool:
    """Whether the refusal of a run names no member, and says of its thread that it has or needs messages.

    The real service refuses a run without instructions on a thread without a user message. A target that has lost the
    messages of a thread then refuses valid requests with the words of the contract.
    """
    text = refusal_text(exchange) if exchange.operation == "create_run" and not named_places(exchange) else ""
    return re.search(r"\bthread\b", text, re.IGNORECASE) is not None and _MESSAGES.search(text) is not None


def required_members(exchange: Exchange) -> frozenset[str]:
    """The members that the body of a request must have."""
    operation = OPERATIONS[exchange.operation or ""]
    if operation.body is None:
        return frozenset()
    schema = compile_schema(f"requests/{operation.body}", operation.name, exchange.edition or DEFAULT_EDITION)
    return frozenset(schema.get("required", ()))


def lacks_a_member(exchange: Exchange) -> bool:
    """Whether a refusal of a body that is not JSON says that a member is missing.

    The target has read the body, perhaps as an empty one, and would accept it with that member, or where nothing is
    required.
    """
    sent, said = exchange.request.text or "", refusal_text(exchange)
    if not sent or not _MISSING.search(said):
        return False
    if named_members(exchange) & known_body_members(exchange.operation or "", exchange.edition):
        return True
    return any(
        name in sent and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said)
        for name in required_members(exchange)
    )


OUTPUTS_ARE_COUNTED = "the tool outputs may have been refused for their number"
"""Why a refusal for which `may_count_outputs` holds says nothing of an output."""


def may_count_outputs(exchange: Exchange, pointer: str) -> bool:
    """Whether tool outputs may have been refused for their number, since one more than the run waits for was invalid.

    A refusal that names the item or its member, or speaks of a type, is about the item.
    """
    match = re.match(r"/tool_outputs/([1-9]\d*)(?:/([^/]+))?\Z", pointer)
    if exchange.operation != "submit_tool_outputs" or match is None or not exchange.refused:
        return False
    index, member = match.groups()
    said = " ".join((refusal_text(exchange), *named_places(exchange)))
    names_item = re.search(rf"\btool_outputs(?:\[{index}\]|\.{index}\b|/{index}\b)", said)
    names_member = member is not None and re.search(rf"\b{re.escape(member)}\b", said)
    return not (names_item or names_member or _WRONG_TYPE.search(said))


def is_taken_for_missing(exchange: Exchange, value: JSON | Absent) -> bool:
    """Whether a refusal calls an empty value that was sent missing, and does not call its type wrong.

    Such a target tests whether there is a value, so it may accept another one of the same type.
    """
    if isinstance(value, (Absent, bool, int, float)) or value:
        return False
    code, said = at(exchange.body, "/error/code"), refusal_text(exchange)
    words = f"{code.replace('_', ' ')} {said}" if isinstance(code, str) else said
    return _MISSING.search(words) is not None and not _WRONG_TYPE.search(words)


def _named_places(exchange: Exchange) -> Iterator[str]:
    param = at(exchange.body, "/error/param")
    if isinstance(param, str) and param:
        yield param
    yield from (place for place, _ in _detail_entries(exchange))
    yield from (match.group(1) for match in _QUOTED_NAME.finditer(refusal_text(exchange)))


def _detail_entries(exchange: Exchange) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    """The entries of a FastAPI `detail` with their places."""
    detail = exchange.member("detail")
    for entry in detail[:20] if is_array(detail) else ():
        location = entry.get("loc") if is_object(entry) else None
        if is_object(entry) and is_array(location):
            words = [str(part) for part in location[:20] if part is not None]
            if place := ".".join(words[1:] if words and words[0] in _DIFFERENT_LOCATIONS else words):
                yield place, entry


def _words(place: str) -> list[str]:
    """The member names in a place, without the indices."""
    return [word for word in re.split(r"[.\[\]]", place) if word and not word.isdecimal()]
