"""Random valid values for any place of the contract, which combine its branches, limits and optional members."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from runs_conformance.contract.implementation_defined import is_safe
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.invalid_values import MAX_ITEMS
from runs_conformance.generation.boundary.sample import IMAGE_URL, MissingResource, Sampler
from runs_conformance.generation.payloads import text
from runs_conformance.generation.payloads.parameters import random_json_schema
from runs_conformance.generation.payloads.repair import repair
from runs_conformance.model.json import JSON, is_array, is_object

SINGLE_TOOLS = ("code_interpreter", "file_search")
"""Tools that occur at most once in a list, because no source states whether it may have two."""

_USUAL_ITEMS = 5
_NULL_PROBABILITY = 0.12
_TRIES = 4
_MAX_MEMBER_WEIGHT = 5


@dataclass(frozen=True, slots=True)
class ValueGenerator:
    """Generates random valid values.

    `density` is the share of optional members that are set. With `must_be_accepted`, values contain nothing
    implementation-defined.
    """

    sampler: Sampler
    density: float = 0.5
    must_be_accepted: bool = True

    def value(self, schema: Schema, random: Random) -> JSON:
        """A valid value for a place. Raises MissingResource if it needs an object that is not available."""
        if not self.must_be_accepted or "x-implementation-defined" not in schema:
            return self._generate(schema, random)
        if any(entry.get("always") for entry in schema["x-implementation-defined"]):
            raise MissingResource("choice")
        entries = schema["x-implementation-defined"]
        for _ in range(_TRIES):
            value = self._generate(schema, random)
            if self._is_safe(schema, entries, value):
                return value
            value = repair(schema, value, random, self.value, self._is_safe)
            if self._is_safe(schema, entries, value):
                return value
        if "null" in allowed_types(schema) and self._is_safe(schema, entries, None):
            return None
        raise MissingResource("choice")

    def items(self, schema: Schema, count: int, random: Random, existing: JSON = None) -> list[JSON]:
        """Generate `count` items of a list that can follow the `existing` ones.

        Function names are unique, and tools of `SINGLE_TOOLS` occur at most once.
        """
        others = [item for item in existing if is_object(item)] if is_array(existing) else []
        items: list[JSON] = []
        sparse = replace(self, density=self.density / 4)
        for serial in range(count):
            # In long lists, the number of items matters, not their content.
            generator = self if serial < _USUAL_ITEMS else sparse
            item = generator._item(schema, random, [*others, *(each for each in items if is_object(each))])
            items.append(_with_unique_name(item, len(others) + serial) if count > 1 or others else item)
        return items

    def _item(self, schema: Schema, random: Random, others: list[Mapping[str, JSON]]) -> JSON:
        used = {item.get("type") for item in others} & set(SINGLE_TOOLS)
        if used and "oneOf" in schema:
            branches = [branch for branch in schema["oneOf"] if _tool_type(branch) not in used]
            if not branches:
                raise MissingResource("choice")
            schema = {**schema, "oneOf": branches}
        return self.value(schema, random)

    def _generate(self, schema: Schema, random: Random) -> JSON:
        if "const" in schema:
            return schema["const"]  # type: ignore[no-any-return]
        if "oneOf" in schema:
            return self._branch(schema, random)
        if "enum" in schema:
            return random.choice(schema["enum"])  # type: ignore[no-any-return]
        types = allowed_types(schema)
        if "null" in types and random.random() < _NULL_PROBABILITY:
            return None
        json_type = next((each for each in types if each != "null"), "null")
        return _GENERATORS[json_type](self, schema, random)

    def _branch(self, schema: Schema, random: Random) -> JSON:
        branches = list(schema["oneOf"])
        while branches:
            branch = random.choices(branches, [_weight(branch) for branch in branches])[0]
            try:
                return self.value(branch, random)
            except MissingResource:
                branches.remove(branch)
        if "null" in allowed_types(schema):
            return None
        raise MissingResource("choice")

    def _text(self, schema: Schema, random: Random) -> JSON:
        match schema.get("x-references"):
            case "file" | "vector_store" as kind:
                return self._file(str(kind), random)
            case None:
                pass
            case _:
                return self.sampler.value(schema)
        limit = schema.get("maxLength")
        if schema.get("format") == "uri":
            return IMAGE_URL
        if "pattern" in schema:
            return text.random_name(random, limit or 64)
        if limit is None:
            limit = next(
                (entry["maxLength"] for entry in schema.get("x-implementation-defined", ()) if "maxLength" in entry),
                None,
            )
        return text.random_text(random, schema.get("minLength", 0), limit)

    def _file(self, kind: str, random: Random) -> str:
        if not self.sampler.accepts_any_file_id:
            if kind in self.sampler.use and not self.must_be_accepted:
                return self.sampler.use[kind]
            raise MissingResource(kind)
        return ("file-" if kind == "file" else "vs_") + "".join(random.choices(text.NAME_CHARACTERS[:62], k=24))

    def _array(self, schema: Schema, random: Random) -> JSON:
        shortest, longest = schema.get("minItems", 0), schema.get("maxItems", MAX_ITEMS + 1)
        if longest <= MAX_ITEMS and random.random() < 0.2:
            count = longest - random.choice((0, 0, 1))
        else:
            count = max(shortest, min(longest, random.choice((0, 1, 1, 2, 2, 3, _USUAL_ITEMS))))
        try:
            value = self.items(schema["items"], max(count, shortest), random)
        except MissingResource:
            if shortest:
                raise
            value = []
        override = self.sampler.overrides.get(schema.get("x-at", ""))
        return [*override, *value] if is_array(override) else value

    def _object(self, schema: Schema, random: Random) -> JSON:
        properties = schema.get("properties")
        additional = schema.get("additionalProperties")
        if is_object(additional):
            return self._map(schema, dict(additional), random)
        if not properties:
            return random_json_schema(random)
        override = self.sampler.overrides.get(schema.get("x-at", ""))
        value: dict[str, JSON] = dict(override) if is_object(override) else {}
        required = schema.get("required", ())
        halves: list[tuple[str, str]] = []
        for name, sub in properties.items():
            if name not in required and (random.random() > self.density or self._may_need_files(name)):
                continue
            try:
                value[name] = self._member(sub, value.get(name), name in required, random)
            except MissingResource:
                if name in required and name not in value:
                    raise
            if "x-atMostHalfOf" in sub:
                halves.append((name, sub["x-atMostHalfOf"]))
        for name, whole in halves:
            half = int(value[whole]) // 2  # type: ignore[arg-type]
            value[name] = random.choice((0, half, random.randint(0, half)))
        return _without_conflict(schema, value, random)

    def _may_need_files(self, name: str) -> bool:
        """Whether a server may look for files that it does not have, or create a vector store, for a member."""
        return name == "vector_stores" and self.must_be_accepted and not self.sampler.accepts_any_file_id

    def _member(self, schema: Schema, override: JSON, required: bool, random: Random) -> JSON:
        """The value of a member. An overridden list is extended, so that a thread keeps its first message, and an
        overridden required member is not replaced by an empty value.
        """
        value = self.value(schema, random)
        if is_array(override):
            return [*override, *value] if is_array(value) else override
        return override if required and override and not value else value

    def _map(self, schema: Schema, values: Schema, random: Random) -> JSON:
        limit = schema.get("maxProperties")
        usual = random.choice((0, 1, 1, 2, 3, 6))
        count = limit - random.choice((0, 0, 0, 1)) if limit is not None and random.random() < 0.4 else usual
        return self.pairs(schema, values, count, random)

    def pairs(
        self, schema: Schema, values: Schema, count: int, random: Random, existing: Mapping[str, JSON] | None = None
    ) -> dict[str, JSON]:
        """Generate a map of `count` pairs, including the `existing` ones."""
        longest_key = schema.get("propertyNames", {}).get("maxLength")
        pairs: dict[str, JSON] = dict(existing or {})
        while len(pairs) < count:
            key = text.random_key(random, longest_key)
            pairs[key if key not in pairs else f"key_{len(pairs)}"] = self.value(values, random)
        return pairs

    def _number(self, schema: Schema, random: Random) -> JSON:
        low, high = schema.get("minimum", 0), schema.get("maximum")
        highest = high if high is not None else low + 100_000
        choice = random.random()
        if choice < 0.2:
            return low  # type: ignore[no-any-return]
        if choice < 0.4 and high is not None:
            return high  # type: ignore[no-any-return]
        if "number" not in allowed_types(schema):
            return random.choice((low + 1, random.randint(int(low), int(highest))))
        return random.choice(
            (round(random.uniform(low, highest), 2), random.uniform(low, highest), (low + highest) / 2)
        )

    def _is_safe(self, schema: Schema, entries: list[Schema], value: JSON) -> bool:
        """Whether a server must accept a value as far as the entries of its own place are concerned."""
        effective = self._with_model(schema, value)
        return all(is_safe(entry, effective) for entry in entries)

    def _with_model(self, schema: Schema, value: JSON) -> JSON:
        """The body with the model of the target, if it names none itself."""
        if is_object(value) and schema.get("properties", {}).get("model", {}).get("x-references") == "model":
            return {**value, "model": value.get("model") or self.sampler.model}
        return value


_GENERATORS: dict[str, Callable[[ValueGenerator, Schema, Random], JSON]] = {
    "string": ValueGenerator._text,
    "integer": ValueGenerator._number,
    "number": ValueGenerator._number,
    "boolean": lambda generator, schema, random: random.random() < 0.5,
    "array": ValueGenerator._array,
    "object": ValueGenerator._object,
    "null": lambda generator, schema, random: None,
}


def _weight(branch: Schema) -> float:
    """The weight of a branch in the choice of a union: larger branches leave more to go wrong."""
    if branch.get("type") == "null":
        return _NULL_PROBABILITY
    return 1 + min(_MAX_MEMBER_WEIGHT, len(branch.get("properties", ())) + 2 * ("items" in branch) + _depth(branch))


def _depth(schema: Schema) -> int:
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ())]
    inner += [schema["items"]] if "items" in schema else []
    return 1 + max(map(_depth, inner)) if inner else 0


def _tool_type(branch: Schema) -> JSON:
    tool_type: JSON = branch.get("properties", {}).get("type", {}).get("const")
    return tool_type


def _with_unique_name(item: JSON, serial: int) -> JSON:
    """The item with a name that is unique in its list, if it is a function."""
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
