"""Random legal values: any place of the contract filled in, its branches, bounds and optional members combined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from runs_conformance.contract.implementation_defined import is_safe
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import types_of
from runs_conformance.generation.boundary.invalid_values import MOST_ITEMS
from runs_conformance.generation.boundary.sample import ADDRESS, Lacking, Sampler
from runs_conformance.generation.payloads import text
from runs_conformance.generation.payloads.parameters import parameters
from runs_conformance.model.json import JSON, is_array, is_object

ONCE = ("code_interpreter", "file_search")
"""Tools of which a list has one at most: whether it may hold two is not stated."""

_USUAL_ITEMS = 5
_NULL = 0.12
_TRIES = 4
_MOST_WEIGHT = 5


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes random legal values.

    `density` is the share of optional members that are there. A `certain` maker makes only what a correct server
    must accept; one that is not also makes what `doubts` leaves open.
    """

    sampler: Sampler
    density: float = 0.5
    certain: bool = True

    def value(self, schema: Schema, random: Random) -> JSON:
        """A legal value for a place. Raises Lacking where there is none in this setting."""
        if not self.certain or "x-either" not in schema:
            return self._made(schema, random)
        if any(entry.get("always") for entry in schema["x-either"]):
            raise Lacking("choice")
        entries = schema["x-either"]
        for _ in range(_TRIES):
            value = self._made(schema, random)
            if self._certain(schema, entries, value):
                return value
            value = self._mended(schema, value, random)
            if self._certain(schema, entries, value):
                return value
        if "null" in types_of(schema) and self._certain(schema, entries, None):
            return None
        raise Lacking("choice")

    def items(self, schema: Schema, count: int, random: Random, beside: JSON = None) -> list[JSON]:
        """So many items of a list, different from one another where it matters: of some kinds it has one at most,
        and functions have names of their own. They go well with those `beside`.
        """
        taken = [item for item in beside if is_object(item)] if is_array(beside) else []
        made: list[JSON] = []
        spare = replace(self, density=self.density / 4)
        for serial in range(count):
            # Beyond a few, the number of items is what matters.
            maker = self if serial < _USUAL_ITEMS else spare
            item = maker._item(schema, random, [*taken, *(each for each in made if is_object(each))])
            made.append(_renamed(item, len(taken) + serial) if count > 1 or taken else item)
        return made

    def _item(self, schema: Schema, random: Random, taken: list[Mapping[str, JSON]]) -> JSON:
        used = {item.get("type") for item in taken} & set(ONCE)
        if used and "oneOf" in schema:
            left = [branch for branch in schema["oneOf"] if _kind(branch) not in used]
            if not left:
                raise Lacking("choice")
            schema = {**schema, "oneOf": left}
        return self.value(schema, random)

    def _made(self, schema: Schema, random: Random) -> JSON:
        if "const" in schema:
            return schema["const"]  # type: ignore[no-any-return]
        if "oneOf" in schema:
            return self._branch(schema, random)
        if "enum" in schema:
            return random.choice(schema["enum"])  # type: ignore[no-any-return]
        kinds = types_of(schema)
        if "null" in kinds and random.random() < _NULL:
            return None
        kind = next((kind for kind in kinds if kind != "null"), "null")
        return _MAKERS[kind](self, schema, random)

    def _branch(self, schema: Schema, random: Random) -> JSON:
        branches = list(schema["oneOf"])
        while branches:
            branch = random.choices(branches, [_weight(branch) for branch in branches])[0]
            try:
                return self.value(branch, random)
            except Lacking:
                branches.remove(branch)
        if "null" in types_of(schema):
            return None
        raise Lacking("choice")

    def _text(self, schema: Schema, random: Random) -> JSON:
        match schema.get("x-references"):
            case "file" | "vector_store" as kind:
                return self._file(str(kind), random)
            case None:
                pass
            case _:
                return self.sampler.value(schema)
        most = schema.get("maxLength")
        if schema.get("format") == "uri":
            return ADDRESS
        if "pattern" in schema:
            return text.name(random, most or 64)
        if most is None:
            most = next((entry["maxLength"] for entry in schema.get("x-either", ()) if "maxLength" in entry), None)
        return text.text(random, schema.get("minLength", 0), most)

    def _file(self, kind: str, random: Random) -> str:
        if not self.sampler.any_file:
            if kind in self.sampler.given and not self.certain:
                return self.sampler.given[kind]
            raise Lacking(kind)
        return ("file-" if kind == "file" else "vs_") + "".join(random.choices(text.NAME[:62], k=24))

    def _array(self, schema: Schema, random: Random) -> JSON:
        least, most = schema.get("minItems", 0), schema.get("maxItems", MOST_ITEMS + 1)
        if most <= MOST_ITEMS and random.random() < 0.2:
            count = most - random.choice((0, 0, 1))
        else:
            count = max(least, min(most, random.choice((0, 1, 1, 2, 2, 3, _USUAL_ITEMS))))
        try:
            value = self.items(schema["items"], max(count, least), random)
        except Lacking:
            if least:
                raise
            value = []
        seeded = self.sampler.seeds.get(schema.get("x-at", ""))
        return [*seeded, *value] if is_array(seeded) else value

    def _object(self, schema: Schema, random: Random) -> JSON:
        properties = schema.get("properties")
        rest = schema.get("additionalProperties")
        if is_object(rest):
            return self._map(schema, dict(rest), random)
        if not properties:
            return parameters(random)
        seeded = self.sampler.seeds.get(schema.get("x-at", ""))
        value: dict[str, JSON] = dict(seeded) if is_object(seeded) else {}
        required = schema.get("required", ())
        halves: list[tuple[str, str]] = []
        for name, sub in properties.items():
            if name not in required and (random.random() > self.density or self._uncertain(name)):
                continue
            try:
                value[name] = self._member(sub, value.get(name), name in required, random)
            except Lacking:
                if name in required and name not in value:
                    raise
            if "x-atMostHalfOf" in sub:
                halves.append((name, sub["x-atMostHalfOf"]))
        for name, whole in halves:
            half = int(value[whole]) // 2  # type: ignore[arg-type]
            value[name] = random.choice((0, half, random.randint(0, half)))
        return _without_conflict(schema, value, random)

    def _uncertain(self, name: str) -> bool:
        """Whether a member makes the target look for files that it may not have, or make a store of them."""
        return name == "vector_stores" and self.certain and not self.sampler.any_file

    def _member(self, schema: Schema, seeded: JSON, required: bool, random: Random) -> JSON:
        """A member's value. A seeded list goes on with it, so that a thread keeps its first message; and where a
        required member has a seed, nothing empty takes its place.
        """
        value = self.value(schema, random)
        if is_array(seeded):
            return [*seeded, *value] if is_array(value) else seeded
        return seeded if required and seeded and not value else value

    def _map(self, schema: Schema, rest: Schema, random: Random) -> JSON:
        most = schema.get("maxProperties")
        usual = random.choice((0, 1, 1, 2, 3, 6))
        count = most - random.choice((0, 0, 0, 1)) if most is not None and random.random() < 0.4 else usual
        return self.pairs(schema, rest, count, random)

    def pairs(
        self, schema: Schema, rest: Schema, count: int, random: Random, beside: Mapping[str, JSON] | None = None
    ) -> dict[str, JSON]:
        """A map that has so many pairs, those `beside` among them."""
        longest = schema.get("propertyNames", {}).get("maxLength")
        made: dict[str, JSON] = dict(beside or {})
        while len(made) < count:
            chosen = text.key(random, longest)
            made[chosen if chosen not in made else f"key_{len(made)}"] = self.value(rest, random)
        return made

    def _number(self, schema: Schema, random: Random) -> JSON:
        low, high = schema.get("minimum", 0), schema.get("maximum")
        top = high if high is not None else low + 100_000
        edge = random.random()
        if edge < 0.2:
            return low  # type: ignore[no-any-return]
        if edge < 0.4 and high is not None:
            return high  # type: ignore[no-any-return]
        if "number" not in types_of(schema):
            return random.choice((low + 1, random.randint(int(low), int(top))))
        return random.choice((round(random.uniform(low, top), 2), random.uniform(low, top), (low + top) / 2))

    def _certain(self, schema: Schema, entries: list[Schema], value: JSON) -> bool:
        """Whether the place itself leaves nothing open about a value; what is inside was looked at already."""
        meant = self._as_meant(schema, value)
        return all(is_safe(entry, meant) for entry in entries)

    def _as_meant(self, schema: Schema, value: JSON) -> JSON:
        """A body as it is meant: without a model it is meant for the setting's."""
        if is_object(value) and schema.get("properties", {}).get("model", {}).get("x-references") == "model":
            return {**value, "model": value.get("model") or self.sampler.model}
        return value

    def _mended(self, schema: Schema, value: JSON, random: Random) -> JSON:
        """The object with the members that make it certain, or else without those that make it uncertain."""
        if not is_object(value):
            return value
        for entry in schema["x-either"]:
            if self._certain(schema, [entry], value):
                continue
            for candidate in self._candidates(schema, entry, value, random):
                if self._certain(schema, [entry], candidate):
                    value = candidate
                    break
        return value

    def _candidates(
        self, schema: Schema, entry: Schema, value: Mapping[str, JSON], random: Random
    ) -> Iterator[dict[str, JSON]]:
        """What might make an object certain: first what the entry asks for, then leaving out one member."""
        then = entry.get("then", entry)
        asked = dict(value)
        for name, wanted in then.get("properties", {}).items():
            if "const" in wanted:
                asked[name] = wanted["const"]
            elif wanted.get("type") == "null":
                asked.pop(name, None)
            elif "contains" in wanted and is_object(asked.get("tool_choice")):
                kind = wanted["contains"]["properties"]["type"]["const"]
                given = asked.get(name)
                kept = (
                    list(given)[: schema["properties"][name].get("maxItems", MOST_ITEMS) - 1] if is_array(given) else []
                )
                asked[name] = [*kept, {"type": kind}]
        for name in then.get("required", ()):
            if asked.get(name) is None and name in schema["properties"]:
                try:
                    asked[name] = self.value(schema["properties"][name], random)
                except Lacking:
                    continue
        yield asked
        names = [name for name in value if name not in schema.get("required", ())]
        random.shuffle(names)
        for left_out in names:
            yield {name: member for name, member in value.items() if name != left_out}


_MAKERS: dict[str, Callable[[Maker, Schema, Random], JSON]] = {
    "string": Maker._text,
    "integer": Maker._number,
    "number": Maker._number,
    "boolean": lambda maker, schema, random: random.random() < 0.5,
    "array": Maker._array,
    "object": Maker._object,
    "null": lambda maker, schema, random: None,
}


def _weight(branch: Schema) -> float:
    """How often a branch of a union is taken: the more there is in it, the more can go wrong with it."""
    if branch.get("type") == "null":
        return _NULL
    return 1 + min(_MOST_WEIGHT, len(branch.get("properties", ())) + 2 * ("items" in branch) + _depth(branch))


def _depth(schema: Schema) -> int:
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
    inner += [schema["items"]] if "items" in schema else []
    return 1 + max(map(_depth, inner)) if inner else 0


def _kind(branch: Schema) -> JSON:
    kind: JSON = branch.get("properties", {}).get("type", {}).get("const")
    return kind


def _renamed(item: JSON, serial: int) -> JSON:
    """A function with a name that no other in its list has."""
    function = item.get("function") if is_object(item) else None
    if not is_object(item) or not is_object(function) or not isinstance(function.get("name"), str):
        return item
    suffix = f"_{serial}"
    named = str(function["name"])[: 64 - len(suffix)] + suffix
    return {**item, "function": {**function, "name": named}}


def _without_conflict(schema: Schema, value: dict[str, JSON], random: Random) -> dict[str, JSON]:
    """The object without one of the members that exclude each other."""
    excluded: list[str] = schema.get("not", {}).get("required", [])
    if excluded and all(name in value for name in excluded):
        del value[random.choice(excluded)]
    return value
