"""Responses broken at one place: for each constraint on responses, a value that violates it, in JSON and in streams.

The values come from the schemas. A response of a recorded history is broken where the constraint applies; if no
recorded response has the place, a valid object is generated from the schema, takes the place of a recorded one, and is
broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from runs_conformance.contract.constraint import object_documents, schema_constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_types
from runs_conformance.contract.json_type import allowed_types, discriminator_of
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.validation import validate_document
from runs_conformance.generation.boundary.invalid_values import wrong_type_values
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.boundary.sample import MissingResource, Sampler
from runs_conformance.generation.payloads.valid import ValueGenerator
from runs_conformance.model.exchange import Event, Exchange
from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object, replace_at
from runs_conformance.rules.constraints.response_schemas import objects_in_response

CHANNELS = ("json", "stream")
MAX_PLACES = 3
"""Places of one object that are broken for one constraint, such as the items of a list."""
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Break:
    """One change of a valid value that violates one constraint: the new value of `path`, or ABSENT to remove it."""

    constraint: str
    path: Path
    replacement: JSON | Absent


@dataclass(frozen=True, slots=True)
class Holder:
    """An exchange that holds an object of a kind, and where: in the body, or in the event of this number."""

    exchange: Exchange
    kind: str
    value: JSON
    event: int | None

    def with_value(self, value: JSON) -> Exchange:
        """The exchange with another value in place of the object."""
        response = self.exchange.response
        assert response is not None
        if self.event is None:
            return replace(self.exchange, response=replace(response, body=value))
        return self.with_event(replace((response.events or ())[self.event], data=value))

    def with_event(self, event: Event) -> Exchange:
        """The exchange with another event in place of that of the object."""
        response = self.exchange.response
        assert response is not None
        assert self.event is not None
        events = list(response.events or ())
        events[self.event] = event
        return replace(self.exchange, response=replace(response, events=tuple(events)))


def channels_of(kind: str) -> tuple[str, ...]:
    """The channels on which a server sends objects of a kind."""
    in_stream = any(event.payload_kind == kind for event in event_types().values())
    in_json = kind == "error" or any(operation.response_kind == kind for operation in OPERATIONS.values())
    return tuple(channel for channel, used in zip(CHANNELS, (in_json, in_stream), strict=True) if used)


def holders(exchange: Exchange) -> Iterator[Holder]:
    """The objects of a response."""
    for object_ in objects_in_response(exchange):
        number = int(object_.pointer.split("/")[2]) if object_.pointer else None
        yield Holder(exchange, object_.kind, object_.value, number)


def schema_of(kind: str) -> Schema:
    """The schema of an object."""
    return compile_schema(object_documents()[kind], kind, DEFAULT_EDITION)


def breaks(kind: str, value: JSON, is_wanted: Callable[[str], bool] = lambda id_: True) -> Iterator[Break]:
    """The changes of a valid object that violate a wanted constraint, at up to `MAX_PLACES` places for each.

    Null counts as a change of the type if it is not allowed.
    """
    yielded: Counter[str] = Counter()
    for each in _breaks(schema_of(kind), value, ()):
        if yielded[each.constraint] >= MAX_PLACES or not is_wanted(each.constraint):
            continue
        if each.path or not isinstance(each.replacement, Absent):
            broken = replace_at(value, each.path, each.replacement)
            if each.constraint in _violated(kind, broken):
                yielded[each.constraint] += 1
                yield each


@cache
def generated_objects(kind: str) -> tuple[tuple[JSON, frozenset[str]], ...]:
    """Valid objects of a kind that together have every place of its schema, each with the constraints it adds."""
    wanted = {id_ for id_, *_ in schema_constraints(schema_of(kind))}
    found: list[tuple[JSON, frozenset[str]]] = []
    seen: set[str] = set()
    for number in range(_TRIES):
        if wanted <= seen:
            break
        generator = ValueGenerator(
            Sampler("gpt-4o", accepts_any_file_id=True), 1 - number % 2 / 4, must_be_accepted=False
        )
        try:
            value = generator.value(schema_of(kind), Random(f"{kind}/{number}"))
        except MissingResource:
            continue
        if not validate_document(object_documents()[kind], kind, value).valid:
            continue
        checked = frozenset(each.constraint for each in breaks(kind, value, (wanted - seen).__contains__))
        if checked:
            seen |= checked
            found.append((value, checked))
    return tuple(found)


def _violated(kind: str, value: JSON) -> set[str]:
    return {each.constraint for each in validate_document(object_documents()[kind], kind, value).violations}


def _breaks(schema: Schema, value: JSON, path: Path) -> Iterator[Break]:
    at = schema.get("x-at", "")
    types = allowed_types(schema)
    if types:
        wrong = wrong_type_values(types, value)
        chosen = ([None] if None in wrong else []) + [each for each in wrong if each is not None][:2]
        yield from (Break(f"{at}.type", path, each) for each in chosen)
    if "oneOf" in schema:
        yield from _union_breaks(schema, value, path)
        return
    yield from _breaks_below_type(schema, value, path)


def _union_breaks(schema: Schema, value: JSON, path: Path) -> Iterator[Break]:
    at, discriminator = schema.get("x-at", ""), discriminator_of(schema)
    member = discriminator[0] if discriminator else ""
    if member and is_object(value):
        yield Break(f"{at}.{member}.required", (*path, member), ABSENT)
        yield Break(f"{at}.{member}.enum", (*path, member), "unexpected")
    for branch in schema["oneOf"]:
        if _fits(branch, value, member):
            required = [name for name in branch.get("required", ()) if name != member]
            yield from _breaks_below_type({**branch, "required": required}, value, path)
            return


def _fits(branch: Schema, value: JSON, member: str) -> bool:
    if member and is_object(value) and "properties" in branch:
        return bool(branch["properties"][member].get("const") == value.get(member))
    kinds = {"object": is_object(value), "array": is_array(value), "string": isinstance(value, str)}
    return any(kinds.get(name, value is None if name == "null" else False) for name in allowed_types(branch))


def _breaks_below_type(schema: Schema, value: JSON, path: Path) -> Iterator[Break]:
    yield from _keyword_breaks(schema, value, path)
    if is_array(value) and "items" in schema:
        for index, item in enumerate(value):
            yield from _breaks(schema["items"], item, (*path, index))
    if is_object(value):
        for name in schema.get("required", ()):
            yield Break(f"{schema.get('x-at', '')}.{name}.required", (*path, name), ABSENT)
        additional = schema.get("additionalProperties")
        for name, member in value.items():
            sub = schema.get("properties", {}).get(name, additional)
            if isinstance(sub, dict):
                yield from _breaks(sub, member, (*path, name))
            if isinstance(schema.get("propertyNames"), dict):
                longest = schema["propertyNames"].get("maxLength", 0)
                yield Break(f"{schema['propertyNames']['x-at']}.maxLength", (*path, "k" * (longest + 1)), member)
                break


def _keyword_breaks(schema: Schema, value: JSON, path: Path) -> Iterator[Break]:
    """Violations of a place's own keywords, of those that apply to the value."""
    at = schema.get("x-at", "")
    replacements: dict[str, JSON] = {}
    if "const" in schema or "enum" in schema:
        replacements |= {keyword: "unexpected" for keyword in ("const", "enum") if keyword in schema}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        replacements |= {"minimum": schema["minimum"] - 1} if "minimum" in schema else {}
        replacements |= {"maximum": schema["maximum"] + 1} if "maximum" in schema else {}
    if isinstance(value, str):
        replacements |= {"minLength": "x" * (schema["minLength"] - 1)} if schema.get("minLength") else {}
        replacements |= {"maxLength": "x" * (schema["maxLength"] + 1)} if "maxLength" in schema else {}
        replacements |= {"pattern": f"{value}\n !"} if "pattern" in schema else {}
    if is_array(value):
        replacements |= {"minItems": list(value)[: schema["minItems"] - 1]} if schema.get("minItems") else {}
        if "maxItems" in schema and value:
            replacements["maxItems"] = _repeated(value, schema["maxItems"] + 1)
    if is_object(value) and "maxProperties" in schema and value:
        member = next(iter(value.values()))
        replacements["maxProperties"] = {f"k{number}": member for number in range(schema["maxProperties"] + 1)}
    if is_object(value) and schema.get("additionalProperties") is False:
        yield Break(f"{at}.additionalProperties", (*path, "unexpected"), "sample")
    yield from (Break(f"{at}.{keyword}", path, replacement) for keyword, replacement in replacements.items())


def _repeated(items: Sequence[JSON], count: int) -> list[JSON]:
    return [items[number % len(items)] for number in range(count)]
