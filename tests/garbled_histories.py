"""Histories with garbled responses: any JSON in any place, any HTTP status, or no response."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.exchange_decoding import exchange_from_json

_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 1e300, 10**30, "", "x", "completed", "2024-01-01T00:00:00Z", "\ud800",
    [], [1], [None], ["a", {}], [[]], {}, {"a": 1}, {"id": 5}, {"data": None},
]  # fmt: skip
_STATUSES = [200, 201, 204, 301, 400, 404, 418, 429, 500, 503]
_DELETED = object()

Program = list[dict[str, Any]]


def load_programs(history: Path) -> dict[str, Program]:
    """The exchanges of a history file as JSON, by program."""
    found: dict[str, Program] = {}
    for line in filter(None, history.read_text().split("\n")):
        entry = json.loads(line)
        if entry["type"] == "exchange" and entry["operation"]:
            found.setdefault(entry["program"], []).append(entry)
    return found


def garble_responses(program: Program, random: Random) -> list[Exchange]:
    """The exchanges of a program with some of their responses garbled."""
    entries = copy.deepcopy(program)
    share = random.choice([0.05, 0.3, 1.0])
    for entry in entries:
        if entry["response"] and random.random() < share:
            _garble_response(entry, random)
    return [exchange_from_json(entry) for entry in entries]


def _garble_response(entry: dict[str, Any], random: Random) -> None:
    answer, kind = entry["response"], random.random()
    if kind < 0.05:
        entry["response"], entry["completion"] = None, "unknown"
    elif kind < 0.1:
        answer["status"] = random.choice(_STATUSES)
    elif kind < 0.13:
        answer.pop("body", None)
        answer["text"] = "garbage"
    elif kind < 0.16:
        entry["started"] -= random.random()
        entry["ended"] += random.random()
    elif "body" in answer:
        for _ in range(random.choice([1, 1, 3])):
            answer["body"] = _mutate(answer["body"], random)
    else:
        for event in random.sample(answer.get("events", []), min(2, len(answer.get("events", [])))):
            event["data"] = _mutate(event["data"], random)


def _mutate(value: Any, random: Random) -> Any:
    path = random.choice(list(_paths(value)))
    if not path:
        return copy.deepcopy(random.choice(_VALUES))
    holder = value
    for token in path[:-1]:
        holder = holder[token]
    new = random.choice([*_VALUES, *[_DELETED] * 4])
    if new is _DELETED:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(new)
    return value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for token, member in members:
        yield from _paths(member, (*path, token))
