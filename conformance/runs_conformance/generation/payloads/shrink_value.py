"""Shrinking: finds a smaller value with the same property as a given one.

Each function is a generator: it yields a candidate, is sent whether the candidate has the property, and returns the
smallest value that has it. The caller defines the property and the cost of a test: a request, or a whole program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from runs_conformance.generation.boundary.place import Path
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, json_pointer, replace_at

T = TypeVar("T")
_SIMPLE_KEY = re.compile(r"[a-z_0-9]{1,30}\Z")
ShrinkGenerator: TypeAlias = Generator[T, bool, T]


def ddmin(items: Sequence[T], initial_fraction: float = 1.0) -> ShrinkGenerator[Sequence[T]]:
    """Delta debugging: remove items until the removal of any single one loses the property.

    `initial_fraction` is the share of the items in the first chunks to be removed.
    """
    size = max(1, int(len(items) * initial_fraction)) if items else 0
    while size >= 1:
        start, has_removed = 0, False
        while start < len(items):
            candidate = [*items[:start], *items[start + size :]]
            if (yield candidate):
                items, has_removed = candidate, True
            else:
                start += size
        if size == 1 and not has_removed:
            break
        size = 1 if has_removed and size == 1 else size // 2
    return items


def simplify(
    body: JSON, allowed: Callable[[JSON], bool], default: Mapping[str, JSON] | None = None
) -> ShrinkGenerator[JSON]:
    """Remove and simplify members and items until no further change keeps the property.

    Only values that are `allowed` become candidates. Members may take their values from the `default` body.
    """
    has_changed = True
    body = yield from _only_allowed(_with_default_members(body, default or {}), body, allowed)
    while has_changed:
        before = body
        for path in _containers(body):
            if isinstance(at(body, json_pointer(*path)), (dict, list)):
                body = yield from _only_allowed(_remove_items(body, path), body, allowed)
        body = yield from _only_allowed(_simplify_keys(body), body, allowed)
        body = yield from _only_allowed(_simplify_leaves(body), body, allowed)
        has_changed = body != before
    return body


def _with_default_members(body: JSON, default: Mapping[str, JSON]) -> ShrinkGenerator[JSON]:
    """The body with as many members of the default body as possible in place of its own."""
    for name, member in default.items():
        if is_object(body) and name in body and body[name] != member:
            candidate: JSON = {**body, name: member}
            if (yield candidate):
                body = candidate
    return body


def _only_allowed(
    candidates: ShrinkGenerator[JSON], body: JSON, allowed: Callable[[JSON], bool]
) -> ShrinkGenerator[JSON]:
    """Yield only the candidates that are allowed; the others do not have the property."""
    answer: bool | None = None
    while True:
        try:
            candidate = next(candidates) if answer is None else candidates.send(answer)
        except StopIteration as stop:
            shrunk: JSON = stop.value
            return shrunk
        answer = candidate != body and allowed(candidate) and (yield candidate)
        body = candidate if answer else body


def _containers(body: JSON, path: Path = ()) -> list[Path]:
    """The paths of all objects and lists, outer ones first."""
    paths, todo = list[Path](), [(path, body)]
    for here, value in todo:
        if is_object(value) or is_array(value):
            paths.append(here)
            todo += [((*here, step), inner) for step, inner in _children(value)]
    return paths


def _children(value: JSON) -> list[tuple[str | int, JSON]]:
    if is_object(value):
        return list(value.items())
    return list(enumerate(value)) if is_array(value) else []


def _remove_items(body: JSON, path: Path) -> ShrinkGenerator[JSON]:
    value = at(body, json_pointer(*path))
    members = _children(value)  # type: ignore[arg-type]
    shrinking = ddmin(members)
    try:
        candidate = next(shrinking)
        while True:
            container = _rebuild(value, candidate)  # type: ignore[arg-type]
            whole = replace_at(body, path, container)
            candidate = shrinking.send((yield whole))
    except StopIteration as stop:
        return replace_at(body, path, _rebuild(value, stop.value))  # type: ignore[arg-type]


def _rebuild(like: JSON, members: Sequence[tuple[str | int, JSON]]) -> JSON:
    return {str(name): inner for name, inner in members} if is_object(like) else [inner for _, inner in members]


def _simplify_keys(body: JSON) -> ShrinkGenerator[JSON]:
    """The value with the keys `k0`, `k1`, ... in maps with unusual keys."""
    for path in _containers(body):
        value = at(body, json_pointer(*path))
        if is_object(value) and not all(_SIMPLE_KEY.match(key) for key in value):
            candidate = replace_at(body, path, {f"k{index}": inner for index, inner in enumerate(value.values())})
            if (yield candidate):
                body = candidate
    return body


def _simplify_leaves(body: JSON) -> ShrinkGenerator[JSON]:
    """The value with simpler texts and numbers: all of them at once, or one after the other if that fails."""
    leaves = [
        path for path in _leaves(body) if next(_simpler_values(at(body, json_pointer(*path))), ABSENT) is not ABSENT
    ]
    simplest = body
    for path in leaves:
        simplest = replace_at(simplest, path, next(_simpler_values(at(body, json_pointer(*path)))))
    if len(leaves) > 1 and (yield simplest):
        return simplest
    for path in leaves:
        for simpler in _simpler_values(at(body, json_pointer(*path))):
            candidate = replace_at(body, path, simpler)
            if (yield candidate):
                body = candidate
                break
    return body


def _leaves(body: JSON, path: Path = ()) -> Iterator[Path]:
    inner = _children(body)
    if not inner:
        yield path
    for step, value in inner:
        yield from _leaves(value, (*path, step))


def _simpler_values(value: object) -> Iterator[JSON]:
    """Simpler values than a text or a number, the simplest first."""
    if isinstance(value, str):
        if len(value) > 1:
            yield "x"
            yield from ("x" * length for length in _shorter_lengths(len(value)) if length > 1)
            if value.strip("x"):
                yield "x" * len(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from (number for number in (1, 0) if abs(number) < abs(value))
        if value != int(value):
            yield int(value)


def _shorter_lengths(length: int) -> Iterator[int]:
    """Lengths below a length, in ever smaller steps towards it."""
    removed = length // 2
    while removed:
        yield length - removed
        removed //= 2
