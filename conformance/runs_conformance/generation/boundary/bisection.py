"""Narrows a packed request down to some of its members, to find those for which it was refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.model.case import Step
from runs_conformance.model.json import JSON, is_object

_QUERY = "?"


@dataclass(frozen=True, slots=True)
class MemberGroup:
    """The values of a packed request at one member of its body, or in its query.

    `members` are those that the values need; `singles` are the requests with one of the values each.
    """

    name: str
    members: frozenset[str]
    singles: tuple[Step, ...]


def group_by_member(parts: Sequence[Step], control: Step) -> list[MemberGroup]:
    """Group the single-value parts of a packed request by the member that each tests."""
    grouped: dict[str, list[Step]] = {}
    for part in parts:
        grouped.setdefault(tested_member(part), []).append(part)
    return [
        MemberGroup(name, frozenset[str]().union(*(_members(part, control) for part in singles)), tuple(singles))
        for name, singles in grouped.items()
    ]


def narrow(packed: Step, control: Step, groups: Sequence[MemberGroup]) -> Step | None:
    """The packed request with the values of these groups alone; None if they cannot be separated from the others."""
    if not is_object(packed.body) or not is_object(control.body) or any(not group.name for group in groups):
        return None
    members = frozenset[str]().union(*(group.members for group in groups))
    body = {**control.body, **{name: value for name, value in packed.body.items() if name in members}}
    return replace(
        packed,
        body=body,
        query=packed.query if any(group.name == _QUERY for group in groups) else control.query,
        exercises=tuple(id_ for id_ in packed.exercises if _is_exercised(id_, body, packed, groups)),
        stream=body.get("stream") is True,
        packed=True,
        mutation=None,
    )


def tested_member(part: Step) -> str:
    """The top-level member of the body that a request with one value tests; empty if it is the body itself."""
    if part.mutation is None:
        return ""
    return _QUERY if part.mutation.place == "query" else part.mutation.pointer.lstrip("/").partition("/")[0]


def tests_whole_list(part: Step) -> bool:
    """Whether a request with one value tests a list itself, or the name of an alternative, such as a type of tools."""
    mutation = part.mutation
    if mutation is None or not part.exercises:
        return False
    is_list = isinstance(mutation.mutated, (list, tuple)) and mutation.pointer == f"/{tested_member(part)}"
    return is_list or part.exercises[0].endswith(".type.enum")


def _members(part: Step, control: Step) -> Collection[str]:
    """The members in which a request differs from the smallest one."""
    body, smallest = part.body, control.body
    if not is_object(body) or not is_object(smallest):
        return ()
    differing = {name for name, value in body.items() if name not in smallest or smallest[name] != value}
    return {tested_member(part), *differing}


def _is_exercised(id_: str, body: Mapping[str, JSON], packed: Step, groups: Sequence[MemberGroup]) -> bool:
    """Whether a narrowed body has the packed value of the member that a constraint of the packed request is about."""
    _, _, place = id_.partition(".")
    name = place.partition(".")[0].partition("[")[0].partition("{")[0]
    if is_object(packed.body) and name in packed.body:
        return name in body and body[name] == packed.body[name]
    is_in_query = name in {key.removesuffix("[]") for key, _ in packed.query}
    return not is_in_query or any(group.name == _QUERY for group in groups)
