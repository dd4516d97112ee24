"""Sample values: for any place of the contract one that a correct server accepts, as small as it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from runs_conformance.contract.implementation_defined import doubts
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import types_of
from runs_conformance.model.json import JSON, is_object

ASSISTANT, TOOL_CALL = "{assistant}", "{tool_call}"
"""Stand for ids that only the target can give; replaced by references when a step is made."""

TEXT = "sample"
ADDRESS = "https://example.com/image.png"
ANY_OBJECT: Mapping[str, JSON] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
"""What stands where any object may: in requests that is always a JSON Schema, and this one is even fit for `strict`."""


_ALWAYS = ("schema",)
"""Optional members that every sample has: whether a response format may go without its schema is not certain."""

_BESIDE: Mapping[str, tuple[str, ...]] = {"strict": ("parameters",)}
"""Optional members that come with the member that speaks of them."""

Value = TypeVar("Value")


def key_names(schema: Schema) -> list[str]:
    """The keys that legal maps of a place use, and no others: as many as fit, one of them as long as may be.

    A target may merge a map into what was there. With these keys alone it never comes to hold too many.
    """
    longest = schema.get("propertyNames", {}).get("maxLength")
    names = [str(schema.get("x-map-key", "key")), *(["k" * longest] if longest else [])]
    return names + [f"key_{number}" for number in range(len(names), schema.get("maxProperties", 0))]


class Lacking(LookupError):  # noqa: N818 -- it says what is lacking
    """There is no legal value here without something that the setting does not give: the id of a file, of a store."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def available(values: Iterator[Value]) -> Iterator[Value]:
    """The values up to the first that lacks something."""
    try:
        yield from values
    except Lacking:
        return


@dataclass(frozen=True, slots=True)
class Sampler:
    """Makes sample values. `seeds` are what a sample is at a certain place, or has if it is an object.

    `any_file` says that the target takes any well-formed id of a file or vector store; `given` holds ids that exist.
    """

    model: str
    any_file: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, JSON] = field(default_factory=dict)

    def value(self, schema: Schema, serial: int = 0) -> JSON:
        """A legal value for a place, without doubts where there is one. Samples with different serials differ where
        they can. Raises Lacking.
        """
        if "const" in schema:
            return schema["const"]  # type: ignore[no-any-return]
        if "oneOf" in schema:
            return self._best(schema, self._branches(schema, serial))
        if "enum" in schema:
            return self._best(schema, iter(sorted(schema["enum"], key=lambda value: value is None)))
        kind = next((kind for kind in types_of(schema) if kind != "null"), "null")
        match kind:
            case "string":
                return self._text(schema, serial)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return False
            case "array" if schema.get("x-at") in self.seeds:
                return self.seeds[schema["x-at"]]
            case "array":
                return self.several(schema["items"], _beyond(schema.get("minItems", 0)))
            case "object":
                return self._best(schema, self.objects(schema, serial))
        return None

    def several(self, items: Schema, count: int) -> list[JSON]:
        """So many legal items, different from one another where they can be."""
        if "oneOf" in items and count > 1:
            branches = [branch for branch in items["oneOf"] if self._varies(branch)]
            items = branches[-1] if branches else items
        return [self.value(items, serial) for serial in range(count)]

    def objects(self, schema: Schema, serial: int = 0, also: str = "") -> Iterator[dict[str, JSON]]:
        """The smallest legal objects for a place, with the member `also`: one for each choice that a required member
        offers. Raises Lacking.
        """
        properties = schema.get("properties", {})
        if not properties and not isinstance(schema.get("additionalProperties"), dict):
            yield dict(ANY_OBJECT)
            return
        seeded = self.seeds.get(schema.get("x-at", ""))
        seed = dict(seeded) if is_object(seeded) else {}
        needed = (*schema.get("required", ()), *_BESIDE.get(also, ()), *_ALWAYS)
        wanted = [name for name in dict.fromkeys(needed) if name in properties and name not in seed]
        choice = self.choice(schema)
        for chosen in properties[choice]["enum"] if choice else (None,):
            value = seed | {name: self.value(properties[name], serial) for name in wanted if name != choice}
            if choice:
                value[choice] = chosen
            if also and also not in value:
                value[also] = self.value(properties[also], serial)
            yield self._mended(schema, value, serial)

    def choice(self, schema: Schema) -> str | None:
        """The required member of an object whose value says what else belongs into it: a type, a role."""
        seeded = self.seeds.get(schema.get("x-at", ""))
        members = schema.get("properties", {})
        wanted = (name for name in schema.get("required", ()) if not (is_object(seeded) and name in seeded))
        return next((name for name in wanted if "enum" in members.get(name, {})), None)

    def _mended(self, schema: Schema, value: dict[str, JSON], serial: int) -> dict[str, JSON]:
        """The object with the members that make it safe where the schema alone does not require them."""
        for entry in schema.get("x-either", ()):
            demanded = [*entry.get("required", ()), *entry.get("then", {}).get("required", ())]
            alone: Schema = {"x-either": [entry], "x-at": ""}
            if demanded and doubts(alone, value):
                trial = dict(value)
                for name in demanded:
                    if name in schema["properties"] and name not in trial:
                        trial[name] = self.value(schema["properties"][name], serial)
                if not doubts(alone, trial):
                    value = trial
        return value

    def _best(self, schema: Schema, candidates: Iterator[JSON]) -> JSON:
        """The first candidate that nothing is doubtful about, else the first."""
        first: list[JSON] = []
        for candidate in candidates:
            if not doubts(schema, candidate):
                return candidate
            first.append(candidate)
        return first[0]

    def _branches(self, schema: Schema, serial: int) -> Iterator[JSON]:
        missing: Lacking | None = None
        found = False
        for branch in schema["oneOf"]:
            if branch.get("type") == "null":
                continue
            try:
                yield self.value(branch, serial)
                found = True
            except Lacking as lacking:
                missing = lacking
        if missing and not found:
            raise missing

    def _varies(self, branch: Schema) -> bool:
        try:
            return self.value(branch, 0) != self.value(branch, 1)
        except Lacking:
            return False

    def _text(self, schema: Schema, serial: int) -> str:
        match schema.get("x-references"):
            case "assistant":
                return ASSISTANT
            case "tool_call":
                return TOOL_CALL
            case "model":
                return self.model
            case "file" | "vector_store" as kind:
                return self._file(kind, serial)
        if schema.get("format") == "uri":
            return ADDRESS
        text = TEXT if serial == 0 else f"{TEXT}_{serial}"
        return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text) + 64)]

    def _file(self, kind: str, serial: int) -> str:
        if self.any_file:
            prefix = "file-" if kind == "file" else "vs_"
            return f"{prefix}{serial:024d}"
        if serial == 0 and kind in self.given:
            return self.given[kind]
        raise Lacking(kind)


def _beyond(least: int) -> int:
    """How many items a sample has: none, or one more than it must, so that it is not at the bound itself."""
    return least and least + 1


def _number(schema: Schema) -> JSON:
    """A number inside the bounds, not at one of them."""
    low, high = schema.get("minimum"), schema.get("maximum")
    value: float
    if low is None:
        value = 1 if high is None else high - 1
    elif "integer" in types_of(schema) or high is None:
        value = low + 1
    else:
        value = (low + high) / 2
    return int(value) if value == int(value) else value


def depends_on_files(value: JSON) -> bool:
    """Whether a body makes the target look for files or vector stores, or make one: what then happens is its affair."""
    if is_object(value):
        for name, member in value.items():
            if name in ("file_id", "vector_store_ids", "file_ids", "vector_stores") and member not in ([], None):
                return True
            if depends_on_files(member):
                return True
        return False
    return isinstance(value, list) and any(depends_on_files(item) for item in value)
