"""The page about the words of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.testing.control_words import ACTS, FAULTS, Document


def page() -> list[str]:
    """The lines of the page."""
    return [
        "# The words of a scenario",
        "",
        "A scenario is an object with `script`, `faults` and `advance`. Each item of `script` is a *turn*, which one",
        "run performs: an act, or a list of acts in order. An act or fault is `{word: arguments}`; a lone value is the",
        "first argument, and a word without required arguments may stand alone. The methods of the pytest fixture, the",
        "control routes, scenario files and the npm package share these words.",
        "",
        "## Acts of a run",
        "",
        *_table(ACTS),
        "",
        "## Faults of requests",
        "",
        *_table(FAULTS),
        "",
        "A fault applies to the next `times` requests (default 1, null for every one) of one `operation` (default",
        "any), after letting `skip` requests pass.",
        "",
        "The operations are " + ", ".join(f"`{name}`" for name in OPERATIONS) + ".",
    ]


def _table(words: Mapping[str, Document]) -> list[str]:
    lines = ["| word | effect | arguments |", "| --- | --- | --- |"]
    for word, schema in words.items():
        arguments = [
            f"`{name}`{'' if name in schema['required'] else '?'}: {_type(one)}"
            for name, one in schema["properties"].items()
        ]
        lines.append(f"| `{word}` | {schema['description']} | {'; '.join(arguments) or 'none'} |")
    return lines


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        if {*schema["enum"]} == {*OPERATIONS, None}:
            return "an operation"
        return ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    text = " or ".join(kinds)
    if "array" in kinds:
        return f"list of {_type(schema['items'])}"
    if schema.get("properties"):
        members = [f"`{name}`{'' if name in schema['required'] else '?'}" for name in schema["properties"]]
        text = f"object with {', '.join(members)}"
    if "maximum" in schema:
        text += f" from {schema.get('minimum', 0):g} to {schema['maximum']:g}"
    return text
