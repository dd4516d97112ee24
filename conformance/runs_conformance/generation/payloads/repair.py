"""Repairs random objects that a correct server may refuse, so that it must accept them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from runs_conformance.contract.condition import listed_values
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.invalid_values import MAX_ITEMS
from runs_conformance.generation.boundary.sample import MissingResource
from runs_conformance.model.json import JSON, is_array, is_object, pointer_tokens

Generate = Callable[[Schema, Random], JSON]
"""Generates a valid value for a place. Raises MissingResource."""

IsSafe = Callable[[Schema, list[Schema], JSON], bool]
"""Whether a server must accept a value of a place, as far as these entries of `x-implementation-defined` go."""


def repair(schema: Schema, value: JSON, random: Random, generate: Generate, is_safe: IsSafe) -> JSON:
    """The object with members added or removed until as few entries as possible make it implementation-defined."""
    if not is_object(value):
        return value
    for entry in schema["x-implementation-defined"]:
        if is_safe(schema, [entry], value):
            continue
        for candidate in _candidates(schema, entry, value, random, generate):
            if is_safe(schema, [entry], candidate):
                value = candidate
                break
    return value


def _candidates(
    schema: Schema, entry: Schema, value: Mapping[str, JSON], random: Random, generate: Generate
) -> Iterator[dict[str, JSON]]:
    """Objects that may satisfy an entry: first with the values that it requires, then without one member each."""
    for pointer, places in entry.get("x-listed", {}).items():
        yield from (_replace_at(value, pointer_tokens(pointer), listed) for listed in listed_values(value, places))
    then = entry.get("then", entry)
    completed = dict(value)
    for name, expected in then.get("properties", {}).items():
        if "const" in expected:
            completed[name] = expected["const"]
        elif expected.get("type") == "null":
            completed.pop(name, None)
        elif "contains" in expected and is_object(completed.get("tool_choice")):
            tool_type = expected["contains"]["properties"]["type"]["const"]
            tools = completed.get(name)
            limit = schema["properties"][name].get("maxItems", MAX_ITEMS)
            completed[name] = [*(list(tools)[: limit - 1] if is_array(tools) else []), {"type": tool_type}]
    for name in then.get("required", ()):
        if completed.get(name) is None and name in schema["properties"]:
            try:
                completed[name] = generate(schema["properties"][name], random)
            except MissingResource:
                continue
    yield completed
    names = [name for name in value if name not in schema.get("required", ())]
    random.shuffle(names)
    for removed in names:
        yield {name: member for name, member in value.items() if name != removed}


def _replace_at(value: JSON, tokens: Sequence[str], new: JSON) -> dict[str, JSON]:
    """An object with another value at a place that exists in it."""
    members = dict(value) if is_object(value) else {}
    members[tokens[0]] = _replace_at(members[tokens[0]], tokens[1:], new) if tokens[1:] else new
    return members
