"""How to fix a violation of a constraint, by the schema keyword that states it."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.model.rule import Constraint

FIXES: Mapping[str, tuple[str, str]] = {
    "type": (
        "Refuse values of any other type with HTTP 400 instead of converting them.",
        "Return a value of the documented type.",
    ),
    "enum": ("Refuse every other value with HTTP 400.", "Return one of the documented values."),
    "const": ("Refuse every other value with HTTP 400.", "Return the documented value."),
    "minimum": (
        "Refuse smaller numbers with HTTP 400, and accept the minimum itself.",
        "Return no smaller number.",
    ),
    "maximum": (
        "Refuse larger numbers with HTTP 400, and accept the maximum itself.",
        "Return no larger number.",
    ),
    "minLength": (
        "Refuse shorter strings with HTTP 400, and accept a string of exactly this length.",
        "Return no shorter string.",
    ),
    "maxLength": (
        "Count characters instead of bytes, refuse longer strings with HTTP 400, and accept this length itself.",
        "Return no longer string.",
    ),
    "pattern": (
        "Match the whole value against the pattern, and refuse other values with HTTP 400.",
        "Return a value that matches the pattern.",
    ),
    "minItems": (
        "Refuse shorter arrays with HTTP 400, and accept an array of exactly this length.",
        "Return no shorter array.",
    ),
    "maxItems": (
        "Refuse longer arrays with HTTP 400, and accept an array of exactly this length.",
        "Return no longer array.",
    ),
    "minProperties": (
        "Refuse objects with fewer members with HTTP 400.",
        "Return no object with fewer members.",
    ),
    "maxProperties": (
        "Refuse objects with more members with HTTP 400, and accept an object with exactly this number.",
        "Return no object with more members.",
    ),
    "required": (
        "Refuse requests without the member with HTTP 400.",
        "Always return the member, as null if it has no value and may be null.",
    ),
    "additionalProperties": (
        "Refuse members that the contract does not name with HTTP 400.",
        "Return only members that the contract names.",
    ),
    "not": (
        "Refuse requests that combine the excluded members with HTTP 400.",
        "Do not return the excluded members together.",
    ),
}
"""By keyword, the fix for a request constraint and the fix for a response constraint."""


def fix(constraint: Constraint) -> str:
    """One sentence on how to satisfy a constraint."""
    for_request, for_response = FIXES[constraint.id.rpartition(".")[2]]
    if constraint.condition:
        member = constraint.id.split(".")[-2]
        for_request = f"Refuse requests without `{member}` with HTTP 400 if {constraint.condition}."
        for_response = f"Always return `{member}` if {constraint.condition}."
    return for_request if constraint.side == "request" else for_response
