"""Reduction: smaller and smaller values that still do what a first one did.

Each function is a generator that yields a candidate and is sent whether it still does; what it returns in the end is
the smallest found. Who asks decides what "it" is, and what asking costs: a request, or a whole program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.payloads.invalid import changed
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, pointer

T = TypeVar("T")
_PLAIN_KEY = re.compile(r"[a-z_0-9]{1,30}\Z")
Reducing: TypeAlias = Generator[T, bool, T]


def fewer(items: Sequence[T], boldness: float = 1.0) -> Reducing[Sequence[T]]:
    """The items without as many of them as possible: in the end none can be left out alone.

    `boldness` is the share of them that is left out at first.
    """
    size = max(1, int(len(items) * boldness)) if items else 0
    while size >= 1:
        start, left_out = 0, False
        while start < len(items):
            candidate = [*items[:start], *items[start + size :]]
            if (yield candidate):
                items, left_out = candidate, True
            else:
                start += size
        if size == 1 and not left_out:
            break
        size = 1 if left_out and size == 1 else size // 2
    return items


def simpler(body: JSON, allowed: Callable[[JSON], bool], plain: Mapping[str, JSON] | None = None) -> Reducing[JSON]:
    """The value with nothing in it that can be left out or be simpler. Only what is `allowed` is a candidate; members
    may become what they are in the `plain` body.
    """
    changing = True
    body = yield from _asking(_likened(body, plain or {}), body, allowed)
    while changing:
        before = body
        for path in _containers(body):
            if isinstance(at(body, pointer(*path)), (dict, list)):
                body = yield from _asking(_emptier(body, path), body, allowed)
        body = yield from _asking(_plainer_keys(body), body, allowed)
        body = yield from _asking(_plainer(body), body, allowed)
        changing = body != before
    return body


def _likened(body: JSON, plain: Mapping[str, JSON]) -> Reducing[JSON]:
    """The body with the members of a plain one, as far as they can take the place of its own."""
    for name, member in plain.items():
        if is_object(body) and name in body and body[name] != member:
            candidate: JSON = {**body, name: member}
            if (yield candidate):
                body = candidate
    return body


def _asking(candidates: Reducing[JSON], body: JSON, allowed: Callable[[JSON], bool]) -> Reducing[JSON]:
    """Pass on what is allowed; what is not is answered at once."""
    answer: bool | None = None
    while True:
        try:
            candidate = next(candidates) if answer is None else candidates.send(answer)
        except StopIteration as stop:
            reduced: JSON = stop.value
            return reduced
        answer = candidate != body and allowed(candidate) and (yield candidate)
        body = candidate if answer else body


def _containers(body: JSON, path: Path = ()) -> list[Path]:
    """The paths of all objects and lists, outer ones first."""
    found, todo = list[Path](), [(path, body)]
    for here, value in todo:
        if is_object(value) or is_array(value):
            found.append(here)
            todo += [((*here, step), inner) for step, inner in _inner(value)]
    return found


def _inner(value: JSON) -> list[tuple[str | int, JSON]]:
    if is_object(value):
        return list(value.items())
    return list(enumerate(value)) if is_array(value) else []


def _emptier(body: JSON, path: Path) -> Reducing[JSON]:
    value = at(body, pointer(*path))
    members = _inner(value)  # type: ignore[arg-type]
    reducing = fewer(members)
    try:
        candidate = next(reducing)
        while True:
            made = _rebuilt(value, candidate)  # type: ignore[arg-type]
            whole = changed(body, path, made)
            candidate = reducing.send((yield whole))
    except StopIteration as stop:
        return changed(body, path, _rebuilt(value, stop.value))  # type: ignore[arg-type]


def _rebuilt(like: JSON, members: Sequence[tuple[str | int, JSON]]) -> JSON:
    return {str(name): inner for name, inner in members} if is_object(like) else [inner for _, inner in members]


def _plainer_keys(body: JSON) -> Reducing[JSON]:
    """The value with plain keys where a map has others."""
    for path in _containers(body):
        value = at(body, pointer(*path))
        if is_object(value) and not all(_PLAIN_KEY.match(key) for key in value):
            candidate = changed(body, path, {f"k{index}": inner for index, inner in enumerate(value.values())})
            if (yield candidate):
                body = candidate
    return body


def _plainer(body: JSON) -> Reducing[JSON]:
    """The value with texts and numbers as plain as can be: all of them at once, else one after the other."""
    leaves = [path for path in _leaves(body) if next(_plain(at(body, pointer(*path))), ABSENT) is not ABSENT]
    plain = body
    for path in leaves:
        plain = changed(plain, path, next(_plain(at(body, pointer(*path)))))
    if len(leaves) > 1 and (yield plain):
        return plain
    for path in leaves:
        for simple in _plain(at(body, pointer(*path))):
            candidate = changed(body, path, simple)
            if (yield candidate):
                body = candidate
                break
    return body


def _leaves(body: JSON, path: Path = ()) -> Iterator[Path]:
    inner = _inner(body)
    if not inner:
        yield path
    for step, value in inner:
        yield from _leaves(value, (*path, step))


def _plain(value: object) -> Iterator[JSON]:
    """Plainer values in place of a text or a number, the plainest first."""
    if isinstance(value, str):
        if len(value) > 1:
            yield "x"
            yield from ("x" * length for length in _lengths(len(value)) if length > 1)
            if value.strip("x"):
                yield "x" * len(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from (number for number in (1, 0) if abs(number) < abs(value))
        if value != int(value):
            yield int(value)


def _lengths(length: int) -> Iterator[int]:
    """Shorter lengths, in ever smaller steps towards the whole."""
    cut = length // 2
    while cut:
        yield length - cut
        cut //= 2
