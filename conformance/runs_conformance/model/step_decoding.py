"""Reads steps from the JSON that `step_to_json` writes, and from the former format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from runs_conformance.model.case import (
    FLAGS,
    MAX_PAUSE,
    Accept,
    DanglingReference,
    Either,
    Expectation,
    Key,
    Mutation,
    Ref,
    Refuse,
    Role,
    Step,
)
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.require import (
    require_array,
    require_integer,
    require_number,
    require_object,
    require_optional_text,
    require_text,
    require_texts,
)


def step_from_json(data: Mapping[str, JSON]) -> Step:
    """The inverse of `step_to_json`. Also reads the former format, whose `tag` combined the fields of intent.

    Raises KeyError, TypeError or ValueError for invalid data.
    """
    raw = require_optional_text(data.get("raw"), "raw")
    mutation = data.get("mutation")
    expectation = data.get("expectation")
    return Step(
        operation=_text(data["operation"]),
        name=_text(data.get("name", "")),
        path={name: _value_or_reference(value) for name, value in _members(data.get("path", {})).items()},
        query=tuple(map(_pair, require_array(data.get("query", ()), "query"))),
        body=decode_references(data["body"]) if "body" in data else ABSENT,
        raw=None if raw is None else raw.encode("latin-1"),
        headers={name: require_optional_text(value, name) for name, value in _members(data.get("headers", {})).items()},
        key=Key(_text(data.get("key", "own"))),
        role=Role(_text(data.get("role", "act"))),
        expectation=None if expectation is None else _expectation(_members(expectation)),
        mutation=None if mutation is None else _mutation(_members(mutation)),
        exercises=require_texts(data.get("exercises", ()), "exercises"),
        until=require_texts(data.get("until", ()), "until"),
        pause=min(MAX_PAUSE, max(0.0, require_number(data.get("pause", 0), "pause"))),
        after_event=_text(data.get("after_event", "")),
        stream=bool(data.get("stream", False)),
        leave_at_event=_text(data.get("leave_at_event", "")),
        **_intent(data),
    )


_FORMER_ANOMALIES = ("malformed_json", "empty_body", "wrong_content_type")


def _intent(data: Mapping[str, JSON]) -> dict[str, Any]:
    """The fields that carry intent, from their own members or from the former `tag`."""
    tag = _text(data.get("tag", ""))
    prefix, colon, rest = tag.partition(":")
    if tag in {kind.value for kind in DanglingReference}:
        return {"dangling": DanglingReference(tag)}
    if tag in _FORMER_ANOMALIES:
        return {"anomaly": tag}
    if tag in ("packed", "limits"):
        return {"packed" if tag == "packed" else "limit_search": True}
    if colon and prefix in ("probe", "saying"):
        return {"anomaly": rest, "probe": True} if prefix == "probe" else {"append_message": rest}
    dangling, appended = data.get("dangling"), data.get("append_message")
    return {
        "dangling": None if dangling is None else DanglingReference(_text(dangling)),
        "anomaly": _text(data.get("anomaly", "")),
        **{flag: bool(data.get(flag, False)) for flag in FLAGS},
        "append_message": None if appended is None else _text(appended),
    }


def decode_references(value: JSON) -> object:
    """The inverse of `encode_references`."""
    if isinstance(value, Mapping):
        if value.keys() == {"$from", "at"}:
            return Ref(_text(value["$from"]), _text(value["at"]))
        return {key: decode_references(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [decode_references(item) for item in value]
    return value


def _expectation(data: Mapping[str, JSON]) -> Expectation:
    match data["is"]:
        case "accept":
            return Accept()
        case "reject":
            statuses = require_array(data["statuses"], "statuses")
            return Refuse(tuple(require_integer(status, "status") for status in statuses))
        case _:
            return Either(_text(data.get("reason", "")))


def _mutation(data: Mapping[str, JSON]) -> Mutation:
    return Mutation(
        _text(data["pointer"]),
        _text(data["keyword"]),
        data.get("was", ABSENT),
        data.get("became", ABSENT),
        _text(data.get("place", "body")),
    )


def _pair(value: JSON) -> tuple[str, JSON | Ref]:
    name, member = require_array(value, "query")
    return require_text(name, "query"), _value_or_reference(member)


def _value_or_reference(value: JSON) -> JSON | Ref:
    return cast("JSON | Ref", decode_references(value))


def _text(value: JSON) -> str:
    return require_text(value, "a member of the step")


def _members(value: JSON) -> Mapping[str, JSON]:
    return require_object(value, "a member of the step")
