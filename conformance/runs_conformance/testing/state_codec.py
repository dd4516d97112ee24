"""Stored objects of an emulator as JSON text, and back. Only known classes are restored."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections import deque
from typing import Any, get_args

from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.state import Assistant, Message, Run, RunStep, Thread
from runs_conformance.emulator.tokens import TokenUsage
from runs_conformance.testing.scripted_acts import AwaitOutputsThen, FailRun, HoldCancelling

_CLASSES: dict[str, type] = {
    one.__name__: one
    for one in (
        *(Assistant, Message, Run, RunStep, Thread, TokenUsage),
        *get_args(ModelAction),
        *(AwaitOutputsThen, FailRun, HoldCancelling),
    )
}
_NOT_STORED = ("changed", "events")
"""Members of a run that belong to open streams, which end with the server."""


def encode_object(value: Any) -> str:
    """The JSON text of an assistant, a thread, a file or a vector store."""
    return json.dumps(_encode(value, value.messages if isinstance(value, Thread) else {}), separators=(",", ":"))


def decode_object(text: str) -> Any:
    """The object of a JSON text that `encode_object` made. Raises ValueError for any other text."""
    try:
        value = _decode(json.loads(text))
        if isinstance(value, Thread):
            _share_messages(value)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return value


def _encode(value: Any, messages: dict[str, Message]) -> Any:
    def encode(one: Any) -> Any:
        return _encode(one, messages)

    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [encode(one) for one in value]
    if isinstance(value, tuple | deque | frozenset):
        return {f"${type(value).__name__}": [encode(one) for one in value]}
    if isinstance(value, dict):
        if all(isinstance(name, str) and not name.startswith("$") for name in value):
            return {name: encode(one) for name, one in value.items()}
        return {"$dict": [[encode(name), encode(one)] for name, one in value.items()]}
    if type(value).__name__ not in _CLASSES:
        raise TypeError(f"a {type(value).__name__} cannot be stored")
    members: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        member = getattr(value, field.name)
        if field.name in _NOT_STORED and isinstance(value, Run):
            continue
        if field.name == "message" and isinstance(member, Message) and messages.get(member.id) is member:
            members[field.name] = {"$message": member.id}
        elif field.name == "notes":
            members[field.name] = _encode_notes(member, messages)
        else:
            members[field.name] = encode(member)
    return {"$object": type(value).__name__, "members": members}


def _encode_notes(notes: dict[str, Any], messages: dict[str, Message]) -> Any:
    """The notes that can be stored; those of some mutants cannot."""
    encoded = {}
    for name, value in notes.items():
        try:
            encoded[name] = _encode(value, messages)
        except TypeError:
            continue
    return encoded


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$bytes": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"$tuple": list(items)}:
            return tuple(_decode(one) for one in items)
        case {"$deque": list(items)}:
            return deque(_decode(one) for one in items)
        case {"$frozenset": list(items)}:
            return frozenset(_decode(one) for one in items)
        case {"$dict": list(items)}:
            return {_decode(name): _decode(one) for name, one in items}
        case {"$message": str()}:
            return value
        case {"$object": str(name), "members": dict(members)}:
            return _CLASSES[name](**{name: _decode(one) for name, one in members.items()})
    return {name: _decode(one) for name, one in value.items()}


def _share_messages(thread: Thread) -> None:
    """Let the steps of a thread's runs refer to its messages again."""
    for run in thread.runs.values():
        for step in run.steps:
            reference: Any = step.message
            if isinstance(reference, dict):
                step.message = thread.messages[reference["$message"]]
