"""Options and counts as members of a history's first and last line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from runs_conformance.app.options import RunOptions
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.require import (
    require_boolean,
    require_integer,
    require_number,
    require_text,
    require_text_members,
    require_texts,
)

_Record = TypeVar("_Record")

_HISTORY_NAMES: Mapping[type, Mapping[str, str]] = {
    RunOptions: {
        "max_inconclusive": "most_inconclusive",
        "capabilities": "declared",
        "no_capabilities": "denied",
        "allow_stress": "stress",
        "max_requests": "most_requests",
        "max_runs": "most_runs",
        "max_tokens": "most_tokens",
        "max_time": "most_seconds",
        "max_examples": "most_examples",
        "rate_limit": "spacing",
    },
    ProgramContext: {
        "run_timeout": "patience",
        "expiry_timeout": "expiry_patience",
        "use": "given",
        "allow_stress": "stress",
        "has_second_api_key": "second_key",
    },
}
"""Members of a history whose name differs from the field: the file format does not change with the code."""


def record_to_json(record: Any) -> dict[str, JSON]:
    """The fields of a dataclass that JSON can represent directly, under the names that histories use."""
    names = _HISTORY_NAMES.get(type(record), {})
    members: dict[str, JSON] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if value is None or isinstance(value, (bool, int, float, str)):
            members[names.get(each.name, each.name)] = value
        elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
            members[names.get(each.name, each.name)] = list(value)
        elif isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()):
            members[names.get(each.name, each.name)] = dict(value)
    return members


def record_from_json(kind: type[_Record], data: Mapping[str, JSON]) -> _Record:
    """Build a dataclass from what `record_to_json` returned; ignores unknown members.

    Raises TypeError for a member of a wrong type, or a missing one.
    """
    names = _HISTORY_NAMES.get(kind, {})
    known = {names.get(each.name, each.name): each for each in fields(kind)}  # type: ignore[arg-type]
    checked = {
        known[name].name: _check(str(known[name].type), value, name)
        for name, value in data.items()
        if name in known and _is_representable(str(known[name].type))
    }
    return kind(**checked)


_OPTIONAL = " | None"


def _is_representable(annotation: str) -> bool:
    return annotation.removesuffix(_OPTIONAL) in _REQUIRE


def _check(annotation: str, value: JSON, name: str) -> Any:
    if value is None and annotation.endswith(_OPTIONAL):
        return None
    return _REQUIRE[annotation.removesuffix(_OPTIONAL)](value, name)


_REQUIRE: Mapping[str, Callable[[Any, str], Any]] = {
    "str": require_text,
    "bool": require_boolean,
    "int": require_integer,
    "float": require_number,
    "tuple[str, ...]": require_texts,
    "Mapping[str, str]": require_text_members,
}
"""The check of each type of field that JSON can represent; others are not in histories."""
