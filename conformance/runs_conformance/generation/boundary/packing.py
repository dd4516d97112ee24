"""Packing: few payloads that carry all legal edges, since each accepted one may start a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.errors import SuiteFault
from runs_conformance.generation.boundary.payload_factory import Bench, Payload
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.boundary.sample import TEXT
from runs_conformance.model.json import JSON, is_array, is_object, same

_ONCE = ("code_interpreter", "file_search")
"""Tools that a list has once at most: whether it may hold two is not stated."""

_TELLING = (("type",), ("role",))
"""Members that say what else belongs into their object, and so are never filler."""


def packed(bench: Bench, singles: Iterable[Payload]) -> list[Payload]:
    """Payloads that together show every edge; each remembers the single payloads that it was packed from.

    Further ones are kept where a body has room for them. What changes how the answer comes goes into the leanest body
    that takes it. Doubtful payloads are only kept for constraints of which no other shows a legal value, and are packed
    apart.
    """
    distinct = _distinct(singles)
    certain = [payload for payload in distinct if not payload.doubt]
    shown = frozenset[str]().union(*(payload.shows for payload in certain))
    doubtful = _needed([payload for payload in distinct if payload.doubt], shown)
    needed = [payload for payload in certain if not payload.further]
    groups = _groups(bench, _first_of_each_first([payload for payload in needed if not payload.alone]))
    groups = _groups(bench, [payload for payload in needed if payload.alone], groups[::-1])[::-1]
    for payload in certain:
        if payload.further:
            groups = _with(bench, groups, payload) or groups
    return [*groups, *_groups(bench, doubtful)]


def _first_of_each_first(singles: Sequence[Payload]) -> list[Payload]:
    """The payloads with one edge of each constraint before the second of any, so that few groups show them all."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, Payload]] = []
    for payload in singles:
        ranked.append((seen[payload.constraint], payload))
        seen[payload.constraint] += 1
    return [payload for _, payload in sorted(ranked, key=lambda pair: pair[0])]


def _needed(doubtful: Sequence[Payload], shown: frozenset[str]) -> list[Payload]:
    """Those doubtful payloads that show a constraint of which nothing before them shows a legal value."""
    needed: list[Payload] = []
    for payload in sorted(doubtful, key=lambda payload: -len(payload.shows)):
        if not payload.shows <= shown:
            needed.append(payload)
            shown |= payload.shows
    return needed


def _distinct(singles: Iterable[Payload]) -> list[Payload]:
    found: dict[str, Payload] = {}
    for payload in singles:
        found.setdefault(json.dumps(payload.body, sort_keys=True), payload)
    return list(found.values())


def _groups(bench: Bench, singles: Iterable[Payload], groups: Sequence[Payload] = ()) -> list[Payload]:
    """The payloads, each in the first group that takes it, or in one of its own."""
    made = list(groups)
    for single in singles:
        made = _with(bench, made, single) or [*made, single]
    return made


def _with(bench: Bench, groups: Sequence[Payload], single: Payload) -> list[Payload]:
    """The groups with a payload in the first that takes it; nothing where none does."""
    for index, group in enumerate(groups):
        joined = _joined(bench, group, single)
        if joined is not None:
            return [*groups[:index], joined, *groups[index + 1 :]]
    return []


def _joined(bench: Bench, group: Payload, single: Payload) -> Payload | None:
    """The two as one payload, or None where an edge would be lost or a new doubt would come in."""
    control = bench.subject.control
    left, right = _own(group, control, single.body), _own(single, control, group.body)
    values = (*group.values, *single.values)
    for united in (False, True):
        edges = _Edges(group.values, single.values, united)
        body = None if edges.clash() else _merged(left, right, edges)
        if not is_object(body) or not all(_holds(body, path, value) for path, value in values):
            continue
        joined = _payload(bench, body, values, group.constraint)
        if joined is not None and bool(joined.doubt) == bool(single.doubt):
            return replace(joined, parts=(*(group.parts or (group,)), single))
    return None


def _payload(
    bench: Bench, body: Mapping[str, JSON], values: tuple[tuple[Path, JSON], ...], constraint: str
) -> Payload | None:
    try:
        return bench.payload(body, values, constraint) if bench.subject.fits(body) else None
    except SuiteFault:
        return None


def _own(payload: Payload, control: Mapping[str, JSON], other: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The body without those members that are the control's and that the other body has in its own way."""
    edges = {path[0] for path, _ in payload.values if path}
    return {
        name: value
        for name, value in payload.body.items()
        if name in edges or name not in other or not same(value, control.get(name)) or same(value, other[name])
    }


class _Conflict(Exception):  # noqa: N818 -- nothing went wrong
    """Two bodies say different things of one place."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """Which values two bodies were made for. Everything else in them is filler, and gives way; but where `united` is
    set, a list that is filler adds to the other, since what it holds may be what the body needs.
    """

    left: tuple[tuple[Path, JSON], ...]
    right: tuple[tuple[Path, JSON], ...]
    united: bool

    def clash(self) -> bool:
        """Whether a value of one lies in a list, a text or a number that the other was made for."""
        return any(
            not _open(value) and other[: len(path)] == path and not _among(inner, value)
            for here, there in ((self.left, self.right), (self.right, self.left))
            for path, value in here
            for other, inner in there
        )

    def preferred(self, path: Path, left: JSON, right: JSON) -> JSON:
        """Which of two values stays at a place. Raises _Conflict where both must."""
        if path[-1:] in _TELLING:
            raise _Conflict
        if not _made_for(path, self.right):
            return left
        if not _made_for(path, self.left):
            return right
        raise _Conflict


def _made_for(path: Path, values: tuple[tuple[Path, JSON], ...]) -> bool:
    return any(path[: len(edge)] == edge for edge, _ in values)


def _touched(path: Path, values: tuple[tuple[Path, JSON], ...]) -> bool:
    return any(edge[: len(path)] == path or path[: len(edge)] == edge for edge, _ in values)


def _among(inner: JSON, value: JSON) -> bool:
    return is_array(value) and any(same(inner, item) for item in value)


def _open(value: JSON) -> bool:
    """Whether more may be said inside a value without its ceasing to be the edge that it is."""
    return is_object(value) or (is_array(value) and len(value) == 1)


def _merged(left: JSON, right: JSON, edges: _Edges) -> JSON:
    try:
        return _merge(left, right, edges, ())
    except _Conflict:
        return None


def _merge(left: JSON, right: JSON, edges: _Edges, path: Path) -> JSON:
    if same(left, right):
        return left
    if is_object(left) and is_object(right):
        return {
            **left,
            **{
                name: _merge(left[name], value, edges, (*path, name)) if name in left else value
                for name, value in right.items()
            },
        }
    if is_array(left) and is_array(right):
        if not edges.united and not _touched(path, edges.right):
            return left
        if not edges.united and not _touched(path, edges.left):
            return right
        return _merge_lists(left, right, edges, (*path, 0))
    return edges.preferred(path, left, right)


def _merge_lists(left: Iterable[JSON], right: Iterable[JSON], edges: _Edges, path: Path) -> list[JSON]:
    """Both lists in one: what says the same is said once, functions keep names of their own."""
    out = list(left)
    for item in right:
        for index, there in enumerate(out):
            try:
                out[index] = _merge(there, item, edges, path)
                break
            except _Conflict:
                if is_object(item) and is_object(there) and _once(item, there):
                    raise
        else:
            out.append(_renamed(item, len(out)))
    return out


def _once(item: Mapping[str, JSON], there: Mapping[str, JSON]) -> bool:
    return item.get("type") in _ONCE and item["type"] == there.get("type")


def _renamed(item: JSON, serial: int) -> JSON:
    function = item.get("function") if is_object(item) else None
    if is_object(item) and is_object(function) and function.get("name") == TEXT:
        return {**item, "function": {**function, "name": f"{TEXT}_{serial}"}}
    return item


def _holds(body: JSON, path: Path, value: JSON) -> bool:
    """Whether a value is still at its place; in a list, at any position."""
    if not path:
        if is_array(value) and is_array(body):
            return len(value) == len(body)
        return same(body, value) or (is_object(value) and len(value) > 0)
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        return is_array(body) and any(_holds(item, rest, value) for item in body)
    return is_object(body) and head in body and _holds(body[head], rest, value)
