"""Random invalid bodies: a valid body with exactly one mutation that violates one keyword."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from runs_conformance.contract.json_type import allowed_types, discriminator_of, json_type_of
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.invalid_values import MAX_ITEMS, wrong_type_values
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.boundary.sample import MissingResource
from runs_conformance.generation.payloads import text
from runs_conformance.generation.payloads.valid import ValueGenerator
from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object

Mutator = Callable[[Random], JSON | Absent]
_UNKNOWN_MEMBERS = ("unexpected", "user", "file_ids", "n", "Metadata", "maxTokens", "_", "")
_UNUSUAL_CHARACTERS = (" ", ".", "é", "/", "\n", "🙂", ":")


@dataclass(frozen=True, slots=True)
class MutationPoint:
    """A place where a mutation violates one keyword. `mutate` returns the new value of `path`; ABSENT removes it."""

    constraint: str
    keyword: str
    path: Path
    mutate: Mutator


def mutation_points(schema: Schema, body: JSON, generator: ValueGenerator, path: Path = ()) -> Iterator[MutationPoint]:
    """Every place and keyword of a valid body that a single change can violate."""
    at = schema.get("x-at", "")
    if "oneOf" in schema:
        yield from _union_points(schema, body, generator, path)
        return
    types = allowed_types(schema)
    if types:
        wrong = wrong_type_values(types, body)
        yield MutationPoint(f"{at}.type", "type", path, lambda random: random.choice(wrong))
    yield from _points_below_type(schema, body, generator, path)


def _points_below_type(schema: Schema, body: JSON, generator: ValueGenerator, path: Path) -> Iterator[MutationPoint]:
    """The mutation points of a place, apart from its type, and of all places below it."""
    yield from _scalar_points(schema, body, path)
    if is_array(body) and "items" in schema:
        yield from _array_points(schema, list(body), generator, path)
        for index, item in enumerate(body):
            yield from mutation_points(schema["items"], item, generator, (*path, index))
    if is_object(body):
        yield from _object_points(schema, body, generator, path)
        additional = schema.get("additionalProperties")
        for name, member in body.items():
            sub = schema.get("properties", {}).get(name, additional)
            if isinstance(sub, dict) and "x-at" in sub:
                yield from mutation_points(sub, member, generator, (*path, name))


def _union_points(schema: Schema, body: JSON, generator: ValueGenerator, path: Path) -> Iterator[MutationPoint]:
    at, discriminator = schema.get("x-at", ""), discriminator_of(schema)
    wrong = wrong_type_values(allowed_types(schema), body)
    if wrong:
        yield MutationPoint(f"{at}.type", "type", path, lambda random: random.choice(wrong))
    if is_object(body) and discriminator:
        member, values = discriminator
        yield MutationPoint(
            f"{at}.{member}.enum", "enum", (*path, member), lambda random: _other_word(list(values), random)
        )
        yield MutationPoint(f"{at}.{member}.required", "required", (*path, member), lambda random: ABSENT)
    branch = _branch_of(schema, body, discriminator[0] if discriminator else "")
    if branch is not None:
        yield from _points_below_type(branch, body, generator, path)


def _branch_of(schema: Schema, body: JSON, member: str) -> Schema | None:
    json_type = json_type_of(body)
    for branch in schema["oneOf"]:
        if json_type not in allowed_types(branch):
            continue
        if member and is_object(body):
            if branch["properties"][member]["const"] != body.get(member):
                continue
            required = [name for name in branch.get("required", ()) if name != member]
            return {**branch, "required": required}
        return dict(branch)
    return None


def _other_word(allowed: Sequence[JSON], random: Random) -> JSON:
    word = str(random.choice([each for each in allowed if isinstance(each, str)] or ["auto"]))
    others: list[JSON] = ["unexpected", word.upper(), f"{word} ", f"{word}s", word[:-1], "", 0, None]
    invalid = [each for each in others if each not in allowed and (isinstance(each, str) or None not in allowed)]
    return random.choice(invalid)


def _scalar_points(schema: Schema, body: JSON, path: Path) -> Iterator[MutationPoint]:
    at = schema.get("x-at", "")

    def point(keyword: str, mutate: Mutator) -> MutationPoint:
        return MutationPoint(f"{at}.{keyword}", keyword, path, mutate)

    if "enum" in schema:
        words = [word for word in schema["enum"] if isinstance(word, str)]
        yield point("enum", lambda random: _as_text(_other_word(words, random), random))
    types = allowed_types(schema)
    if "minimum" in schema:
        low, under = schema["minimum"], (1,) if "number" not in types else (0.01, 1, 1e-6)
        yield point("minimum", lambda random: random.choice((low - random.choice(under), -abs(low) - 1)))
    if "maximum" in schema:
        high, over = schema["maximum"], (1,) if "number" not in types else (0.01, 1, 1e-6)
        yield point("maximum", lambda random: random.choice((high + random.choice(over), high * 10 + 1)))
    if "string" not in types:
        return
    if schema.get("minLength", 0) > 0:
        yield point("minLength", lambda random: "x" * (schema["minLength"] - 1))
    if "maxLength" in schema and schema["maxLength"] < MAX_ITEMS:
        limit, has_pattern = schema["maxLength"], "pattern" in schema
        yield point("maxLength", lambda random: "x" * (limit + 1) if has_pattern else text.overlong_text(random, limit))
    if "pattern" in schema and isinstance(body, str):
        yield point("pattern", lambda random: _break_pattern(schema, body, random))


def _as_text(word: JSON, random: Random) -> JSON:
    return word if isinstance(word, str) else "unexpected"


def _break_pattern(schema: Schema, matching: str, random: Random) -> str:
    """The text with one character, at any position, that its pattern does not allow, such as a final newline."""
    forbidden = random.choice([each for each in _UNUSUAL_CHARACTERS if not re.search(schema["pattern"], each)])
    prefix = matching[: schema.get("maxLength", len(matching) + 1) - 1]
    position = random.choice((0, len(prefix), random.randint(0, len(prefix))))
    return prefix[:position] + forbidden + prefix[position:]


def _array_points(schema: Schema, body: list[JSON], generator: ValueGenerator, path: Path) -> Iterator[MutationPoint]:
    at = schema.get("x-at", "")
    shortest, longest = schema.get("minItems", 0), schema.get("maxItems", MAX_ITEMS + 1)
    if shortest > 0:
        yield MutationPoint(f"{at}.minItems", "minItems", path, lambda random: body[: shortest - 1])
    if longest <= MAX_ITEMS:

        def too_long(random: Random) -> JSON:
            count = longest + random.choice((1, 1, 2, 10))
            return [*body, *generator.items(schema["items"], count - len(body), random, existing=body)]

        yield MutationPoint(f"{at}.maxItems", "maxItems", path, too_long)


def _object_points(
    schema: Schema, body: Mapping[str, JSON], generator: ValueGenerator, path: Path
) -> Iterator[MutationPoint]:
    at = schema.get("x-at", "")
    properties, additional = schema.get("properties", {}), schema.get("additionalProperties")
    for member in schema.get("required", ()):
        if member in properties:
            yield MutationPoint(f"{at}.{member}.required", "required", (*path, member), lambda random: ABSENT)
    for member, sub in properties.items():
        if "x-atMostHalfOf" in sub and member in body:
            mutate = _above_half_of(body[sub["x-atMostHalfOf"]])
            yield MutationPoint(f"{sub['x-at']}.maximum", "maximum", (*path, member), mutate)
    if additional is False:
        name = next((each for each in _UNKNOWN_MEMBERS if each not in properties), "unexpected")
        names = [each for each in _UNKNOWN_MEMBERS if each not in properties] or [name]
        for unknown in names:
            yield MutationPoint(
                f"{at}.additionalProperties",
                "additionalProperties",
                (*path, unknown),
                lambda random: random.choice(("sample", 1, None, {}, [])),
            )
    if "not" in schema:
        yield from _exclusion_point(schema, body, generator, path)
    if isinstance(additional, dict):
        yield from _map_points(schema, additional, body, generator, path)


def _above_half_of(whole: JSON) -> Mutator:
    assert isinstance(whole, int)
    return lambda random: whole // 2 + 1


def _exclusion_point(
    schema: Schema, body: Mapping[str, JSON], generator: ValueGenerator, path: Path
) -> Iterator[MutationPoint]:
    """A mutation that sets all of the members that exclude each other, if some are set."""
    excluded: list[str] = schema["not"]["required"]
    absent = [name for name in excluded if name not in body]

    def all_excluded(random: Random) -> JSON:
        return {**body, **{name: generator.value(schema["properties"][name], random) for name in absent}}

    if len(absent) < len(excluded):
        yield MutationPoint(f"{schema.get('x-at', '')}.not", "not", path, all_excluded)


def _map_points(
    schema: Schema, values: Schema, body: Mapping[str, JSON], generator: ValueGenerator, path: Path
) -> Iterator[MutationPoint]:
    at, limit = schema.get("x-at", ""), schema.get("maxProperties")
    longest_key = schema.get("propertyNames", {}).get("maxLength")
    if limit is not None:
        yield MutationPoint(
            f"{at}.maxProperties",
            "maxProperties",
            path,
            lambda random: generator.pairs(schema, values, limit + random.choice((1, 1, 1, 4)), random, existing=body),
        )
    if longest_key is not None and (limit is None or len(body) < limit):
        key = "k" * (longest_key + 1)
        yield MutationPoint(
            f"{at}.propertyNames.maxLength", "maxLength", (*path, key), lambda random: generator.value(values, random)
        )


__all__ = ["MissingResource", "MutationPoint", "mutation_points"]
