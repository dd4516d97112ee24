"""Random illegal bodies: a legal one with exactly one mutation, somewhere in it, that breaks one keyword."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import discriminator_of, kind_of, types_of
from runs_conformance.generation.boundary.invalid_values import MOST_ITEMS, wrong_types
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.boundary.sample import Lacking
from runs_conformance.generation.payloads import text
from runs_conformance.generation.payloads.valid import Maker
from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object

Spoil = Callable[[Random], JSON | Absent]
_UNKNOWN = ("unexpected", "user", "file_ids", "n", "Metadata", "maxTokens", "_", "")
_OUTSIDE = (" ", ".", "é", "/", "\n", "🙂", ":")


@dataclass(frozen=True, slots=True)
class Weakness:
    """A place of a body where one keyword can be broken. `spoil` makes what is then at `path`; ABSENT takes it away."""

    constraint: str
    keyword: str
    path: Path
    spoil: Spoil


def weaknesses(schema: Schema, body: JSON, maker: Maker, path: Path = ()) -> Iterator[Weakness]:
    """Every place and keyword of a legal body that can be broken by a single change."""
    at = schema.get("x-at", "")
    if "oneOf" in schema:
        yield from _of_union(schema, body, maker, path)
        return
    kinds = types_of(schema)
    if kinds:
        wrong = wrong_types(kinds, body)
        yield Weakness(f"{at}.type", "type", path, lambda random: random.choice(wrong))
    yield from _inside(schema, body, maker, path)


def changed(body: JSON, path: Path, became: JSON | Absent) -> JSON:
    """The body with another value at a path; ABSENT takes away what is there."""
    if not path:
        assert not isinstance(became, Absent)
        return became
    step, below = path[0], path[1:]
    if is_array(body):
        place = int(step)
        return [changed(item, below, became) if index == place else item for index, item in enumerate(body)]
    assert is_object(body)
    if below:
        return {**body, str(step): changed(body[str(step)], below, became)}
    if isinstance(became, Absent):
        return {name: member for name, member in body.items() if name != step}
    return {**body, str(step): became}


def _inside(schema: Schema, body: JSON, maker: Maker, path: Path) -> Iterator[Weakness]:
    """The weaknesses of a place whose type is somebody else's matter, and of all below it."""
    yield from _of_scalar(schema, body, path)
    if is_array(body) and "items" in schema:
        yield from _of_array(schema, list(body), maker, path)
        for index, item in enumerate(body):
            yield from weaknesses(schema["items"], item, maker, (*path, index))
    if is_object(body):
        yield from _of_object(schema, body, maker, path)
        rest = schema.get("additionalProperties")
        for name, member in body.items():
            sub = schema.get("properties", {}).get(name, rest)
            if isinstance(sub, dict) and "x-at" in sub:
                yield from weaknesses(sub, member, maker, (*path, name))


def _of_union(schema: Schema, body: JSON, maker: Maker, path: Path) -> Iterator[Weakness]:
    at, told_apart = schema.get("x-at", ""), discriminator_of(schema)
    wrong = wrong_types(types_of(schema), body)
    if wrong:
        yield Weakness(f"{at}.type", "type", path, lambda random: random.choice(wrong))
    if is_object(body) and told_apart:
        member, named = told_apart
        yield Weakness(f"{at}.{member}.enum", "enum", (*path, member), lambda random: _other_word(list(named), random))
        yield Weakness(f"{at}.{member}.required", "required", (*path, member), lambda random: ABSENT)
    branch = _branch_of(schema, body, told_apart[0] if told_apart else "")
    if branch is not None:
        yield from _inside(branch, body, maker, path)


def _branch_of(schema: Schema, body: JSON, member: str) -> Schema | None:
    kind = kind_of(body)
    for branch in schema["oneOf"]:
        if kind not in types_of(branch):
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
    left = [each for each in others if each not in allowed and (isinstance(each, str) or None not in allowed)]
    return random.choice(left)


def _of_scalar(schema: Schema, body: JSON, path: Path) -> Iterator[Weakness]:
    at = schema.get("x-at", "")

    def weak(keyword: str, spoil: Spoil) -> Weakness:
        return Weakness(f"{at}.{keyword}", keyword, path, spoil)

    if "enum" in schema:
        words = [word for word in schema["enum"] if isinstance(word, str)]
        yield weak("enum", lambda random: _text_like(_other_word(words, random), random))
    kinds = types_of(schema)
    if "minimum" in schema:
        low, under = schema["minimum"], (1,) if "number" not in kinds else (0.01, 1, 1e-6)
        yield weak("minimum", lambda random: random.choice((low - random.choice(under), -abs(low) - 1)))
    if "maximum" in schema:
        high, over = schema["maximum"], (1,) if "number" not in kinds else (0.01, 1, 1e-6)
        yield weak("maximum", lambda random: random.choice((high + random.choice(over), high * 10 + 1)))
    if "string" not in kinds:
        return
    if schema.get("minLength", 0) > 0:
        yield weak("minLength", lambda random: "x" * (schema["minLength"] - 1))
    if "maxLength" in schema and schema["maxLength"] < MOST_ITEMS:
        most, named = schema["maxLength"], "pattern" in schema
        yield weak("maxLength", lambda random: "x" * (most + 1) if named else text.too_long(random, most))
    if "pattern" in schema and isinstance(body, str):
        yield weak("pattern", lambda random: _mismatched(schema, body, random))


def _text_like(word: JSON, random: Random) -> JSON:
    return word if isinstance(word, str) else "unexpected"


def _mismatched(schema: Schema, good: str, random: Random) -> str:
    """The text with one character that its pattern does not allow, at any place; a last newline is one as well."""
    odd = random.choice([each for each in _OUTSIDE if not re.search(schema["pattern"], each)])
    kept = good[: schema.get("maxLength", len(good) + 1) - 1]
    place = random.choice((0, len(kept), random.randint(0, len(kept))))
    return kept[:place] + odd + kept[place:]


def _of_array(schema: Schema, body: list[JSON], maker: Maker, path: Path) -> Iterator[Weakness]:
    at = schema.get("x-at", "")
    least, most = schema.get("minItems", 0), schema.get("maxItems", MOST_ITEMS + 1)
    if least > 0:
        yield Weakness(f"{at}.minItems", "minItems", path, lambda random: body[: least - 1])
    if most <= MOST_ITEMS:

        def longer(random: Random) -> JSON:
            count = most + random.choice((1, 1, 2, 10))
            return [*body, *maker.items(schema["items"], count - len(body), random, beside=body)]

        yield Weakness(f"{at}.maxItems", "maxItems", path, longer)


def _of_object(schema: Schema, body: Mapping[str, JSON], maker: Maker, path: Path) -> Iterator[Weakness]:
    at = schema.get("x-at", "")
    properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for member in schema.get("required", ()):
        if member in properties:
            yield Weakness(f"{at}.{member}.required", "required", (*path, member), lambda random: ABSENT)
    for member, sub in properties.items():
        if "x-atMostHalfOf" in sub and member in body:
            whole = body[sub["x-atMostHalfOf"]]
            yield Weakness(f"{sub['x-at']}.maximum", "maximum", (*path, member), lambda random, w=whole: w // 2 + 1)  # type: ignore[misc]
    if rest is False:
        name = next((each for each in _UNKNOWN if each not in properties), "unexpected")
        names = [each for each in _UNKNOWN if each not in properties] or [name]
        for unknown in names:
            yield Weakness(
                f"{at}.additionalProperties",
                "additionalProperties",
                (*path, unknown),
                lambda random: random.choice(("sample", 1, None, {}, [])),
            )
    if "not" in schema:
        yield from _of_exclusion(schema, body, maker, path)
    if isinstance(rest, dict):
        yield from _of_map(schema, rest, body, maker, path)


def _of_exclusion(schema: Schema, body: Mapping[str, JSON], maker: Maker, path: Path) -> Iterator[Weakness]:
    """Both of two members that exclude each other."""
    excluded: list[str] = schema["not"]["required"]
    absent = [name for name in excluded if name not in body]

    def both(random: Random) -> JSON:
        return {**body, **{name: maker.value(schema["properties"][name], random) for name in absent}}

    if len(absent) < len(excluded):
        yield Weakness(f"{schema.get('x-at', '')}.not", "not", path, both)


def _of_map(schema: Schema, rest: Schema, body: Mapping[str, JSON], maker: Maker, path: Path) -> Iterator[Weakness]:
    at, most = schema.get("x-at", ""), schema.get("maxProperties")
    longest = schema.get("propertyNames", {}).get("maxLength")
    if most is not None:
        yield Weakness(
            f"{at}.maxProperties",
            "maxProperties",
            path,
            lambda random: maker.pairs(schema, rest, most + random.choice((1, 1, 1, 4)), random, beside=body),
        )
    if longest is not None and (most is None or len(body) < most):
        key = "k" * (longest + 1)
        yield Weakness(
            f"{at}.propertyNames.maxLength", "maxLength", (*path, key), lambda random: maker.value(rest, random)
        )


__all__ = ["Lacking", "Weakness", "changed", "weaknesses"]
