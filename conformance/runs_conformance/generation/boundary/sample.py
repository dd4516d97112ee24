"""Sample values: the smallest value that a correct server accepts, for any place of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from runs_conformance.contract.implementation_defined import implementation_defined, is_safe
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema
from runs_conformance.model.json import JSON, is_object

ASSISTANT_PLACEHOLDER, TOOL_CALL_PLACEHOLDER = "{assistant}", "{tool_call}"
"""Stand-ins for ids that only the target can supply; `cases.bind_placeholders` replaces them with references."""

SAMPLE_TEXT = "sample"
IMAGE_URL = "https://example.com/image.png"
EMPTY_OBJECT_SCHEMA: Mapping[str, JSON] = {
    "type": "object",
    "properties": {},
    "required": [],
    "additionalProperties": False,
}
"""The sample where any object is allowed: in requests always a JSON Schema, and this one is valid with `strict`."""

_ALWAYS_INCLUDED = ("schema",)
"""Optional members of every sample: it is not certain that a response format may omit its schema."""

_REQUIRED_BESIDE: Mapping[str, tuple[str, ...]] = {"strict": ("parameters",)}
"""Optional members that accompany the member that refers to them."""

T = TypeVar("T")


def key_names(schema: Schema) -> list[str]:
    """The keys of valid maps of a place, as many as fit. They are short: their length has a limit of its own.

    A target may merge a map into the stored one. With these keys alone the result never exceeds the maximum.
    """
    names = [str(schema.get("x-map-key", "key"))]
    return names + [f"key_{number}" for number in range(1, schema.get("maxProperties", 0))]


class MissingResource(LookupError):  # noqa: N818 -- expected, and always handled
    """A valid value needs an object that the configuration does not supply: a file or a vector store."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def until_missing(values: Iterator[T]) -> Iterator[T]:
    """Yield the values up to the first that raises MissingResource."""
    try:
        yield from values
    except MissingResource:
        return


@dataclass(frozen=True, slots=True)
class Sampler:
    """Generates sample values.

    `overrides` replace the sample at a place, or supply members of it if it is an object. `accepts_any_file_id` says
    that the target accepts any well-formed id of a file or vector store; `use` holds ids of existing ones, by kind.
    """

    model: str
    accepts_any_file_id: bool = False
    use: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, JSON] = field(default_factory=dict)

    def value(self, schema: Schema, serial: int = 0) -> JSON:
        """A valid value for a place, if possible one that is not implementation-defined.

        Samples with different serials differ if the schema allows it. Raises MissingResource.
        """
        if "const" in schema:
            return schema["const"]  # type: ignore[no-any-return]
        if "oneOf" in schema:
            return self._first_certain(schema, self._branch_samples(schema, serial))
        if "enum" in schema:
            return self._first_certain(schema, iter(sorted(schema["enum"], key=lambda value: value is None)))
        kind = next((kind for kind in allowed_types(schema) if kind != "null"), "null")
        match kind:
            case "string":
                return self._text(schema, serial)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return False
            case "array" if schema.get("x-at") in self.overrides:
                return self.overrides[schema["x-at"]]
            case "array":
                return self.distinct_items(schema["items"], _sample_length(schema.get("minItems", 0)))
            case "object":
                return self._first_certain(schema, self.smallest_objects(schema, serial))
        return None

    def distinct_items(self, items: Schema, count: int) -> list[JSON]:
        """`count` valid items, distinct if the schema allows it."""
        if "oneOf" in items and count > 1:
            branches = [branch for branch in items["oneOf"] if self._can_vary(branch)]
            items = branches[-1] if branches else items
        return [self.value(items, serial) for serial in range(count)]

    def smallest_objects(self, schema: Schema, serial: int = 0, member: str = "") -> Iterator[dict[str, JSON]]:
        """Yield the smallest valid objects that have `member`, one for each value of the discriminator.

        Raises MissingResource.
        """
        properties = schema.get("properties", {})
        if not properties and not isinstance(schema.get("additionalProperties"), dict):
            yield dict(EMPTY_OBJECT_SCHEMA)
            return
        override = self.overrides.get(schema.get("x-at", ""))
        preset = dict(override) if is_object(override) else {}
        required = (*schema.get("required", ()), *_REQUIRED_BESIDE.get(member, ()), *_ALWAYS_INCLUDED)
        names = [name for name in dict.fromkeys(required) if name in properties and name not in preset]
        discriminator = self.discriminator(schema)
        for discriminator_value in properties[discriminator]["enum"] if discriminator else (None,):
            value = preset | {name: self.value(properties[name], serial) for name in names if name != discriminator}
            if discriminator:
                value[discriminator] = discriminator_value
            if member and member not in value:
                value[member] = self.value(properties[member], serial)
            yield self._complete(schema, value, serial)

    def discriminator(self, schema: Schema) -> str | None:
        """The required enum member of an object that decides its other members: a type, a role."""
        override = self.overrides.get(schema.get("x-at", ""))
        members = schema.get("properties", {})
        candidates = (name for name in schema.get("required", ()) if not (is_object(override) and name in override))
        return next((name for name in candidates if "enum" in members.get(name, {})), None)

    def _complete(self, schema: Schema, value: dict[str, JSON], serial: int) -> dict[str, JSON]:
        """Add the optional members without which the object is implementation-defined."""
        for entry in schema.get("x-implementation-defined", ()):
            added = [*entry.get("required", ()), *entry.get("then", {}).get("required", ())]
            if added and not is_safe(entry, value):
                trial = dict(value)
                for name in added:
                    if name in schema["properties"] and name not in trial:
                        trial[name] = self.value(schema["properties"][name], serial)
                if is_safe(entry, trial):
                    value = trial
        return value

    def _first_certain(self, schema: Schema, candidates: Iterator[JSON]) -> JSON:
        """The first candidate that is not implementation-defined, else the first."""
        fallbacks: list[JSON] = []
        for candidate in candidates:
            if not implementation_defined(schema, candidate):
                return candidate
            fallbacks.append(candidate)
        return fallbacks[0]

    def _branch_samples(self, schema: Schema, serial: int) -> Iterator[JSON]:
        missing: MissingResource | None = None
        has_sample = False
        for branch in schema["oneOf"]:
            if branch.get("type") == "null":
                continue
            try:
                yield self.value(branch, serial)
                has_sample = True
            except MissingResource as error:
                missing = error
        if missing and not has_sample:
            raise missing

    def _can_vary(self, branch: Schema) -> bool:
        try:
            return self.value(branch, 0) != self.value(branch, 1)
        except MissingResource:
            return False

    def _text(self, schema: Schema, serial: int) -> str:
        match schema.get("x-references"):
            case "assistant":
                return ASSISTANT_PLACEHOLDER
            case "tool_call":
                return TOOL_CALL_PLACEHOLDER
            case "model":
                return self.model
            case "file" | "vector_store" as kind:
                return self._file_id(kind, serial)
        if schema.get("format") == "uri":
            return IMAGE_URL
        text = SAMPLE_TEXT if serial == 0 else f"{SAMPLE_TEXT}_{serial}"
        return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text) + 64)]

    def _file_id(self, kind: str, serial: int) -> str:
        if self.accepts_any_file_id:
            prefix = "file-" if kind == "file" else "vs_"
            return f"{prefix}{serial:024d}"
        if serial == 0 and kind in self.use:
            return self.use[kind]
        raise MissingResource(kind)


def _sample_length(minimum: int) -> int:
    """The length of a sample list: none, or one more than the minimum, so that it does not test the bound itself."""
    return minimum and minimum + 1


def _number(schema: Schema) -> JSON:
    """A number strictly inside the bounds."""
    low, high = schema.get("minimum"), schema.get("maximum")
    value: float
    if low is None:
        value = 1 if high is None else high - 1
    elif "integer" in allowed_types(schema) or high is None:
        value = low + 1
    else:
        value = (low + high) / 2
    return int(value) if value == int(value) else value


def depends_on_files(value: JSON) -> bool:
    """Whether a body refers to or creates files or vector stores; the response then depends on the target's storage."""
    if is_object(value):
        for name, member in value.items():
            if name in ("file_id", "vector_store_ids", "file_ids", "vector_stores") and member not in ([], None):
                return True
            if depends_on_files(member):
                return True
        return False
    return isinstance(value, list) and any(depends_on_files(item) for item in value)
