"""Redacts the secrets in an exchange before anything sees it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.exchange_decoding import exchange_from_json
from runs_conformance.model.json import JSON, is_object
from runs_conformance.wire.redactor import Redactor

_Leaf = tuple[Any, Any, str]
"""A text of a JSON value: its container, its name or index there, and the text."""

_MAX_JOINED = 1024 * 1024
"""Texts of a longer exchange are not joined: that takes too long, and the last step before any output finds a key."""

_CONTENT, _MEASURED = ("request", "response", "path", "problem", "step"), ("status", "size")
_LABELS = ("id", "index", "object")
_MAY_HOLD_TEXT = (str, dict, list)


def redact_exchange(exchange: Exchange, data: Mapping[str, JSON], text: str, redactor: Redactor) -> Exchange:
    """The exchange without any trace of the secrets; the same one if it has none.

    `data` is the exchange as JSON, and `text` its JSON text. Pieces that form a secret when joined, as deltas of a
    stream, are redacted, too.
    """
    if not redactor or not _has_traces(data, text, redactor):
        return exchange
    original: dict[str, JSON] = json.loads(text)
    copy: dict[str, JSON] = json.loads(text)
    for group in _pieces(copy, text):
        _replace(group, redactor)
    redacted = {**copy, **{name: redactor.redact_json(copy[name]) for name in _CONTENT if name in copy}}
    _restore_numbers(redacted["response"], original["response"])
    repeats_key = None if exchange.response is None else redacted["response"] != original["response"]
    return replace(exchange_from_json(redacted), repeats_key=repeats_key)


def _restore_numbers(redacted: Any, original: Any) -> None:
    """Restore what the suite counts and measures, which is not a key even if its digits are those of one."""
    for name in _MEASURED if redacted else ():
        redacted[name] = original[name]
    for new, old in zip((redacted or {}).get("events", ()), (original or {}).get("events", ()), strict=True):
        new["at"] = old["at"]


def _has_traces(data: Mapping[str, JSON], text: str, redactor: Redactor) -> bool:
    if redactor.occurs_in_json(text, dict(data)):
        return True
    joined = ["".join([leaf[2] for leaf in group]) for group in _pieces(data, text)]
    # One search for all of them: no trace continues behind a line break, but one may seem to.
    return bool(joined) and redactor.occurs_in("\n".join(joined)) and any(map(redactor.occurs_in, joined))


def _replace(group: list[_Leaf], redactor: Redactor) -> None:
    redacted = redactor.redact_pieces([text for _, _, text in group])
    for (container, key, text), new in zip(group, redacted, strict=True):
        if new != text:
            container[key] = new


def _pieces(data: Mapping[str, JSON], text: str) -> list[list[_Leaf]]:
    """The texts of a response that clients join: those of the same member of the same object, in their order."""
    if len(text) > _MAX_JOINED:
        return []
    groups: defaultdict[str, list[_Leaf]] = defaultdict(list)
    response = data.get("response")
    if is_object(response):
        for name in ("body", "events"):
            if name in response:
                _collect(response, name, response[name], "", groups)
    return [group for group in groups.values() if len(group) > 1]


def _collect(container: Any, key: Any, value: Any, path: str, groups: defaultdict[str, list[_Leaf]]) -> None:
    """Add each text to the group of its path: the names of members, and the ids and indexes of the objects."""
    if isinstance(value, str):
        groups[path].append((container, key, value))
    elif isinstance(value, dict):
        for label in _LABELS:
            if isinstance(each := value.get(label), (str, int)):
                path += f" {str(each)[:64]}"
        for name, member in value.items():
            if isinstance(member, _MAY_HOLD_TEXT):
                _collect(value, name, member, f"{path}/{name[:64]}", groups)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, _MAY_HOLD_TEXT):
                _collect(value, number, item, path, groups)
