"""Checks: each compiled schema turned into a tree of small functions that judge a value keyword by keyword."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runs_conformance.contract.json_type import discriminator_of, kind_of, types_of
from runs_conformance.contract.schema import Schema
from runs_conformance.errors import SuiteFault
from runs_conformance.model.json import ABSENT, JSON, Absent, pointer, same

KEYWORDS = (
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "maxProperties",
    "minProperties",
    "not",
    "required",
    "additionalProperties",
)
"""The keywords that make constraints."""

_STRUCTURE = {"properties", "items", "propertyNames", "oneOf"}
_REMARKS = {"title", "description", "default", "format", "examples", "deprecated"}

_Where = tuple[Any, str | int] | None
"""A path from the root as a linked list, written out only where a fault needs it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One constraint that a value breaks. `pointer` is where: for `required` and `additionalProperties` the object,
    not the member.
    """

    constraint: str
    pointer: str
    message: str
    expected: JSON | Absent = ABSENT
    actual: JSON | Absent = ABSENT
    member: str | None = None

    @property
    def place(self) -> str:
        """The pointer to what would have to change: the missing or unknown member itself."""
        return self.pointer if self.member is None else self.pointer + pointer(self.member)


class Record:
    """What one examination has seen so far."""

    __slots__ = ("faults", "judged")

    def __init__(self) -> None:
        self.judged: list[str] = []
        self.faults: list[Fault] = []

    def fault(self, constraint: str, where: _Where, says: str, expected: Any, actual: Any) -> None:
        """Note a fault at a path."""
        self.faults.append(Fault(constraint, _pointer(where), says, expected, actual))


Check = Callable[[Any, _Where, Record], None]


def _pointer(where: _Where) -> str:
    tokens: list[str | int] = []
    while where is not None:
        where, token = where
        tokens.append(token)
    return pointer(*reversed(tokens))


def compiled_check(schema: Schema) -> Check:
    """The function that checks a value at this place and at everything below it."""
    at = schema.get("x-at", "")
    unknown = {key for key in schema if not key.startswith("x-")} - set(KEYWORDS) - _STRUCTURE - _REMARKS
    if unknown:
        raise SuiteFault(f"{at or 'a schema'} uses {', '.join(sorted(unknown))}, which nothing examines")
    if "oneOf" in schema:
        return _union(schema, at)
    whole, by_kind = _own_keywords(schema, at)
    kinds = frozenset(types_of(schema))
    accepts = kinds | {"integer"} if "number" in kinds else kinds
    type_id = f"{at}.type"
    wanted = types_of(schema)

    def check(value: Any, where: _Where, record: Record) -> None:
        kind = kind_of(value)
        if kinds:
            record.judged.append(type_id)
            if kind not in accepts:
                says = f"{at} is {_shown(value)}, not {_either(wanted)}"
                record.fault(type_id, where, says, wanted if len(wanted) > 1 else wanted[0], value)
                return
        for part in whole:
            part(value, where, record)
        for part in by_kind.get(kind, ()):
            part(value, where, record)

    return check


def _own_keywords(schema: Schema, at: str) -> tuple[tuple[Check, ...], dict[str, tuple[Check, ...]]]:
    whole = [make(schema[key], f"{at}.{key}", at) for key, make in _WHOLE.items() if key in schema]
    by_kind: dict[str, list[Check]] = {}
    for kinds, key, make in _KEYED:
        if key in schema:
            check = make(schema[key], f"{at}.{key}", at)
            for kind in kinds:
                by_kind.setdefault(kind, []).append(check)
    if members := _members(schema, at):
        by_kind.setdefault("object", []).append(members)
    if "items" in schema:
        by_kind.setdefault("array", []).append(_items(compiled_check(schema["items"])))
    return tuple(whole), {kind: tuple(checks) for kind, checks in by_kind.items()}


def _simple(holds: Callable[[Any, Any], bool], says: str) -> Callable[[Any, str, str], Check]:
    """A keyword that compares a value with the keyword's own; `says` may use {at}, {value} and {wanted}."""

    def make(wanted: Any, id_: str, at: str) -> Check:
        def check(value: Any, where: _Where, record: Record) -> None:
            record.judged.append(id_)
            if not holds(value, wanted):
                text = says.format(at=at, value=_shown(value), wanted=wanted, length=_length(value))
                record.fault(id_, where, text, wanted, value)

        return check

    return make


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, Sequence, Mapping)) else 0


def _enum(wanted: Any, id_: str, at: str) -> Check:
    texts = frozenset(item for item in wanted if isinstance(item, str))
    others = [item for item in wanted if not isinstance(item, str)]

    def check(value: Any, where: _Where, record: Record) -> None:
        record.judged.append(id_)
        if not (value in texts if isinstance(value, str) else any(same(value, other) for other in others)):
            record.fault(id_, where, f"{at} is {_shown(value)}, not one of {_either(wanted)}", wanted, value)

    return check


def _pattern(wanted: Any, id_: str, at: str) -> Check:
    # In JSON Schema `$` is the very end; in Python it is also the place before a last newline.
    search = re.compile(re.sub(r"(?<!\\)\$\Z", r"\\Z", wanted)).search

    def check(value: Any, where: _Where, record: Record) -> None:
        record.judged.append(id_)
        if search(value) is None:
            record.fault(id_, where, f"{at} is {_shown(value)}, which does not match {wanted}", wanted, value)

    return check


def _not(wanted: Any, id_: str, at: str) -> Check:
    inner = compiled_check(wanted)

    def check(value: Any, where: _Where, record: Record) -> None:
        record.judged.append(id_)
        trial = Record()
        inner(value, where, trial)
        if not trial.faults:
            both = " and ".join(wanted.get("required", ["what excludes each other"]))
            record.fault(id_, where, f"{at} holds {both}, which exclude each other", {"not": wanted}, value)

    return check


_WHOLE: dict[str, Callable[[Any, str, str], Check]] = {
    "enum": _enum,
    "const": _simple(same, "{at} is {value}, not {wanted!r}"),
    "not": _not,
}
_NUMERIC = ("integer", "number")
_KEYED: tuple[tuple[tuple[str, ...], str, Callable[[Any, str, str], Check]], ...] = (
    (_NUMERIC, "minimum", _simple(lambda v, w: v >= w, "{at} is {value}, less than {wanted}")),
    (_NUMERIC, "maximum", _simple(lambda v, w: v <= w, "{at} is {value}, more than {wanted}")),
    (("string",), "minLength", _simple(lambda v, w: len(v) >= w, "{at} has {length} characters of at least {wanted}")),
    (("string",), "maxLength", _simple(lambda v, w: len(v) <= w, "{at} has {length} characters of at most {wanted}")),
    (("string",), "pattern", _pattern),
    (("array",), "minItems", _simple(lambda v, w: len(v) >= w, "{at} has {length} items of at least {wanted}")),
    (("array",), "maxItems", _simple(lambda v, w: len(v) <= w, "{at} has {length} items of at most {wanted}")),
    (("object",), "minProperties", _simple(lambda v, w: len(v) >= w, "{at} has {length} members of at least {wanted}")),
    (("object",), "maxProperties", _simple(lambda v, w: len(v) <= w, "{at} has {length} members of at most {wanted}")),
)


def _items(inner: Check) -> Check:
    def check(value: Any, where: _Where, record: Record) -> None:
        for index, item in enumerate(value):
            inner(item, (where, index), record)

    return check


def _members(schema: Schema, at: str) -> Check | None:
    """The check of an object's members: which must be there, which may, and what each of them is."""
    required = [(member, f"{at}.{member}.required") for member in schema.get("required", ())]
    required_ids = [id_ for _, id_ in required]
    properties = {name: compiled_check(sub) for name, sub in schema.get("properties", {}).items()}
    names = compiled_check(schema["propertyNames"]) if "propertyNames" in schema else None
    rest = schema.get("additionalProperties", True)
    others = compiled_check(rest) if isinstance(rest, dict) else None
    closed_id = f"{at}.additionalProperties" if rest is False else None
    halves = [
        (name, sub["x-atMostHalfOf"], f"{sub.get('x-at', '')}.maximum")
        for name, sub in schema.get("properties", {}).items()
        if "x-atMostHalfOf" in sub
    ]
    if not (required or properties or names or others or closed_id):
        return None

    def check(value: Any, where: _Where, record: Record) -> None:
        record.judged.extend(required_ids)
        for member, id_ in required:
            if member not in value:
                says = f"{at}.{member} is missing"
                record.faults.append(Fault(id_, _pointer(where), says, member, ABSENT, member))
        if closed_id:
            record.judged.append(closed_id)
        for member, inner in value.items():
            if names:
                names(member, (where, member), record)
            known = properties.get(member)
            if known:
                known(inner, (where, member), record)
            elif closed_id:
                says = f"{member!r} is not a member of {at}"
                record.faults.append(Fault(closed_id, _pointer(where), says, ABSENT, member, member))
            elif others:
                others(inner, (where, member), record)
        for member, whole, id_ in halves:
            _at_most_half(value.get(member), value.get(whole), (where, member), id_, record)

    return check


def _at_most_half(part: Any, whole: Any, where: _Where, id_: str, record: Record) -> None:
    if kind_of(part) in _NUMERIC and kind_of(whole) in _NUMERIC:
        record.judged.append(id_)
        if part * 2 > whole:
            says = f"{id_.removesuffix('.maximum')} is {part}, more than half of {whole}"
            record.fault(id_, where, says, whole / 2, part)


def _union(schema: Schema, at: str) -> Check:
    """The check of a union: by the JSON type of the value first, then by the discriminator if there is one."""
    branches = [(_accepted(branch), compiled_check(_without_type(branch))) for branch in schema["oneOf"]]
    wanted = types_of(schema)
    type_id = f"{at}.type"
    told_apart = _discriminated(schema, at)

    def check(value: Any, where: _Where, record: Record) -> None:
        record.judged.append(type_id)
        kind = kind_of(value)
        if kind == "object" and told_apart:
            told_apart(value, where, record)
            return
        for kinds, inner in branches:
            if kind in kinds:
                inner(value, where, record)
                return
        record.fault(type_id, where, f"{at} is {_shown(value)}, not {_either(wanted)}", wanted, value)

    return check


def _accepted(branch: Schema) -> frozenset[str]:
    kinds = frozenset(types_of(branch))
    return kinds | {"integer"} if "number" in kinds else kinds


def _discriminated(schema: Schema, at: str) -> Check | None:
    found = discriminator_of(schema)
    if found is None:
        return None
    member, kinds = found
    required_id, enum_id = f"{at}.{member}.required", f"{at}.{member}.enum"
    shaped = [branch for branch in schema["oneOf"] if "properties" in branch]
    bare = [compiled_check(_without_discriminator(branch, member)) for branch in shaped]
    by_kind = dict(zip(kinds, bare, strict=True))

    def check(value: Any, where: _Where, record: Record) -> None:
        record.judged.append(required_id)
        if member not in value:
            says = f"{at}.{member} is missing"
            record.faults.append(Fault(required_id, _pointer(where), says, member, ABSENT, member))
            return
        record.judged.append(enum_id)
        named = value[member]
        branch = by_kind.get(named) if isinstance(named, str) else None
        if branch:
            branch(value, where, record)
            return
        says = f"{at}.{member} is {_shown(named)}, not one of {_either(kinds)}"
        record.fault(enum_id, (where, member), says, list(kinds), named)

    return check


def _without_type(branch: Schema) -> Schema:
    """The branch without its type, which is judged once for the whole union."""
    return {key: value for key, value in branch.items() if key != "type"}


def _without_discriminator(branch: Schema, member: str) -> Schema:
    """The branch without what the union has judged already; the member stays known, so that closed objects take it."""
    kept = _without_type(branch)
    kept["required"] = [name for name in branch.get("required", ()) if name != member]
    kept["properties"] = {**branch["properties"], member: {}}
    return kept


def _shown(value: Any, most: int = 80) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def _either(values: Sequence[Any]) -> str:
    shown = ["null" if value is None else str(value) for value in values]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]
