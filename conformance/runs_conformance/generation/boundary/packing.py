"""Packing: few payloads that together carry all boundary values, since each accepted request may start a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.errors import InternalError
from runs_conformance.generation.boundary.payload_factory import Payload, PayloadFactory
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.boundary.sample import SAMPLE_TEXT
from runs_conformance.model.json import JSON, is_array, is_object, json_equal

_UNIQUE_TOOLS = ("code_interpreter", "file_search")
"""Tools that a list holds at most once: the contract does not state whether duplicates are allowed."""

_DISCRIMINATORS = (("type",), ("role",))
"""Members that decide which other members their object has, and so are never filler."""


def pack(factory: PayloadFactory, singles: Iterable[Payload]) -> list[Payload]:
    """Pack single-value payloads into few; each keeps the payloads that it was packed from as its `parts`.

    Optional payloads are kept if a body has room for them. Separate payloads go into the smallest body that accepts
    them. Implementation-defined payloads are kept only for constraints that no other payload exercises, and are packed
    apart.
    """
    distinct = _deduplicate(singles)
    certain = [payload for payload in distinct if not payload.implementation_defined]
    covered = frozenset[str]().union(*(payload.exercises for payload in certain))
    uncertain = _select_uncovered([payload for payload in distinct if payload.implementation_defined], covered)
    needed = [payload for payload in certain if not payload.optional]
    groups = _add_all(factory, _interleave_constraints([payload for payload in needed if not payload.separate]))
    groups = _add_all(factory, [payload for payload in needed if payload.separate], groups[::-1])[::-1]
    for payload in certain:
        if payload.optional:
            groups = _add_to_first(factory, groups, payload) or groups
    return [*groups, *_add_all(factory, uncertain)]


def _interleave_constraints(singles: Sequence[Payload]) -> list[Payload]:
    """Order the payloads by rank within their constraint, so that the first groups exercise every constraint."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, Payload]] = []
    for payload in singles:
        ranked.append((seen[payload.constraint], payload))
        seen[payload.constraint] += 1
    return [payload for _, payload in sorted(ranked, key=lambda pair: pair[0])]


def _select_uncovered(uncertain: Sequence[Payload], covered: frozenset[str]) -> list[Payload]:
    """The implementation-defined payloads that exercise a constraint that no earlier payload exercises."""
    needed: list[Payload] = []
    for payload in sorted(uncertain, key=lambda payload: -len(payload.exercises)):
        if not payload.exercises <= covered:
            needed.append(payload)
            covered |= payload.exercises
    return needed


def _deduplicate(singles: Iterable[Payload]) -> list[Payload]:
    distinct: dict[str, Payload] = {}
    for payload in singles:
        distinct.setdefault(json.dumps(payload.body, sort_keys=True), payload)
    return list(distinct.values())


def _add_all(factory: PayloadFactory, singles: Iterable[Payload], groups: Sequence[Payload] = ()) -> list[Payload]:
    """Add each payload to the first group that accepts it, or to a new one."""
    result = list(groups)
    for single in singles:
        result = _add_to_first(factory, result, single) or [*result, single]
    return result


def _add_to_first(factory: PayloadFactory, groups: Sequence[Payload], single: Payload) -> list[Payload]:
    """Add a payload to the first group that accepts it; an empty list if none does."""
    for index, group in enumerate(groups):
        joined = _join(factory, group, single)
        if joined is not None:
            return [*groups[:index], joined, *groups[index + 1 :]]
    return []


def _join(factory: PayloadFactory, group: Payload, single: Payload) -> Payload | None:
    """Join two payloads; None if a boundary value would be lost or the result would become implementation-defined."""
    control = factory.profile.control
    left, right = (
        _without_overridden_defaults(group, control, single.body),
        _without_overridden_defaults(single, control, group.body),
    )
    values = (*group.values, *single.values)
    for combine_lists in (False, True):
        targets = _TargetValues(group.values, single.values, combine_lists)
        body = None if targets.has_conflict() else _merge_bodies(left, right, targets)
        if not is_object(body) or not all(_has_value_at(body, path, value) for path, value in values):
            continue
        joined = _build_if_valid(factory, body, values, group.constraint)
        if joined is not None and bool(joined.implementation_defined) == bool(single.implementation_defined):
            return replace(joined, parts=(*(group.parts or (group,)), single))
    return None


def _build_if_valid(
    factory: PayloadFactory, body: Mapping[str, JSON], values: tuple[tuple[Path, JSON], ...], constraint: str
) -> Payload | None:
    try:
        return factory.build_payload(body, values, constraint) if factory.profile.matches_state(body) else None
    except InternalError:
        return None


def _without_overridden_defaults(
    payload: Payload, control: Mapping[str, JSON], other: Mapping[str, JSON]
) -> Mapping[str, JSON]:
    """The body without members that only repeat the control's value where the other body has a different one."""
    targets = {path[0] for path, _ in payload.values if path}
    return {
        name: value
        for name, value in payload.body.items()
        if name in targets
        or name not in other
        or not json_equal(value, control.get(name))
        or json_equal(value, other[name])
    }


class _MergeConflict(Exception):  # noqa: N818 -- expected, and always handled
    """Two bodies require different values at one place."""


@dataclass(frozen=True, slots=True)
class _TargetValues:
    """The values that two bodies were built for; everything else in them is filler and may be overwritten.

    With `combine_lists` a filler list is appended to the other list instead, since the body may depend on its items.
    """

    left: tuple[tuple[Path, JSON], ...]
    right: tuple[tuple[Path, JSON], ...]
    combine_lists: bool

    def has_conflict(self) -> bool:
        """Whether a value of one body lies within a list, string or number that the other was built for."""
        return any(
            not _is_extensible(value) and other[: len(path)] == path and not _is_item_of(inner, value)
            for own, others in ((self.left, self.right), (self.right, self.left))
            for path, value in own
            for other, inner in others
        )

    def choose(self, path: Path, left: JSON, right: JSON) -> JSON:
        """Choose which of two values stays at a place. Raises _MergeConflict if both are required."""
        if path[-1:] in _DISCRIMINATORS:
            raise _MergeConflict
        if not _is_required(path, self.right):
            return left
        if not _is_required(path, self.left):
            return right
        raise _MergeConflict


def _is_required(path: Path, values: tuple[tuple[Path, JSON], ...]) -> bool:
    return any(path[: len(required_path)] == required_path for required_path, _ in values)


def _overlaps(path: Path, values: tuple[tuple[Path, JSON], ...]) -> bool:
    return any(
        required_path[: len(path)] == path or path[: len(required_path)] == required_path for required_path, _ in values
    )


def _is_item_of(inner: JSON, value: JSON) -> bool:
    return is_array(value) and any(json_equal(inner, item) for item in value)


def _is_extensible(value: JSON) -> bool:
    """Whether a value stays the same boundary value when members are added inside it."""
    return is_object(value) or (is_array(value) and len(value) == 1)


def _merge_bodies(left: JSON, right: JSON, targets: _TargetValues) -> JSON:
    try:
        return _merge(left, right, targets, ())
    except _MergeConflict:
        return None


def _merge(left: JSON, right: JSON, targets: _TargetValues, path: Path) -> JSON:
    if json_equal(left, right):
        return left
    if is_object(left) and is_object(right):
        return {
            **left,
            **{
                name: _merge(left[name], value, targets, (*path, name)) if name in left else value
                for name, value in right.items()
            },
        }
    if is_array(left) and is_array(right):
        if not targets.combine_lists and not _overlaps(path, targets.right):
            return left
        if not targets.combine_lists and not _overlaps(path, targets.left):
            return right
        return _merge_lists(left, right, targets, (*path, 0))
    return targets.choose(path, left, right)


def _merge_lists(left: Iterable[JSON], right: Iterable[JSON], targets: _TargetValues, path: Path) -> list[JSON]:
    """Merge two lists: compatible items are merged, and functions keep distinct names."""
    merged = list(left)
    for item in right:
        for index, existing in enumerate(merged):
            try:
                merged[index] = _merge(existing, item, targets, path)
                break
            except _MergeConflict:
                if is_object(item) and is_object(existing) and _is_duplicate_tool(item, existing):
                    raise
        else:
            merged.append(_rename_function(item, len(merged)))
    return merged


def _is_duplicate_tool(item: Mapping[str, JSON], existing: Mapping[str, JSON]) -> bool:
    return item.get("type") in _UNIQUE_TOOLS and item["type"] == existing.get("type")


def _rename_function(item: JSON, serial: int) -> JSON:
    function = item.get("function") if is_object(item) else None
    if is_object(item) and is_object(function) and function.get("name") == SAMPLE_TEXT:
        return {**item, "function": {**function, "name": f"{SAMPLE_TEXT}_{serial}"}}
    return item


def _has_value_at(body: JSON, path: Path, value: JSON) -> bool:
    """Whether a value is still at its place (within a list, at any index)."""
    if not path:
        if is_array(value) and is_array(body):
            return len(value) == len(body)
        return json_equal(body, value) or (is_object(value) and len(value) > 0)
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        return is_array(body) and any(_has_value_at(item, rest, value) for item in body)
    return is_object(body) and head in body and _has_value_at(body[head], rest, value)
