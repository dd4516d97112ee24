"""The alternatives of unions that a value chooses by their discriminators: `content[].type: image_url`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.implementation_defined import branch_of
from runs_conformance.contract.json_type import discriminator_of
from runs_conformance.contract.schema import Schema
from runs_conformance.model.json import JSON, is_array, is_object


@dataclass(frozen=True, slots=True)
class UnionChoice:
    """One value of the discriminator at a place, which is named as in constraint ids."""

    place: str
    value: str


def union_choices(schema: Schema, value: JSON) -> Iterator[UnionChoice]:
    """Yield the choices in a value of a compiled schema, outermost first; none within an object of no known branch."""
    if "oneOf" in schema:
        branch = branch_of(schema, value)
        if branch is None:
            return
        discriminator = discriminator_of(schema)
        if discriminator is not None and is_object(value) and "x-at" in schema:
            yield UnionChoice(f"{schema['x-at']}.{discriminator[0]}", str(value[discriminator[0]]))
        schema = branch
    if is_object(value):
        properties = schema.get("properties", {})
        for name, member in value.items():
            if name in properties:
                yield from union_choices(properties[name], member)
    elif is_array(value) and isinstance(schema.get("items"), dict):
        for item in value:
            yield from union_choices(schema["items"], item)
