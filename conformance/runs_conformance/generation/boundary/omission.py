"""Leaves out invalid values once a target has accepted many of an operation, since each accepted one starts a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from runs_conformance.contract.json_type import json_type_of
from runs_conformance.model.case import Either, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import Absent
from runs_conformance.model.turns import take_turns

SAMPLE_SIZE, SAMPLE_RATIO = 3, 1
"""Invalid values of one keyword, and of one member, that are sent although each of them was accepted, and the number of
further ones for each that was refused: an unknown id is refused even where no value is validated.
"""

ENOUGH_ACCEPTED = 12
"""Accepted invalid values of all keywords that show that an operation validates little; then one of each keyword is
sent.
"""

Shape = tuple[str, str]


def wrong_shape(step: Step) -> Shape | None:
    """The list that is to be something else, by its place; or an object, or any value, that is to be a list or object.

    None if no list or object is involved, or the step violates something else than a type.
    """
    mutation = step.mutation
    if mutation is None or mutation.keyword != "type" or mutation.place != "body":
        return None
    if isinstance(mutation.mutated, Absent) or isinstance(mutation.original, Absent):
        return None
    was, became = json_type_of(mutation.original), json_type_of(mutation.mutated)
    if became not in ("array", "object"):
        return None
    if was == "array":
        return mutation.pointer, became
    return ("object" if was == "object" else "scalar"), became


def order_by_turns(negatives: Sequence[Step]) -> list[Step]:
    """Order negatives so that the members of a body take turns, those of each object within it, too.

    Where accepted negatives end the sampling of a keyword, it has then not been spent on the first members. Those of
    one constraint stay together, since one that is refused is no evidence for the others.
    """
    by_constraint: dict[tuple[str, ...], list[Step]] = {}
    for step in negatives:
        by_constraint.setdefault(step.exercises or (step.anomaly,), []).append(step)
    constraints = [(_path(steps[0]), steps) for steps in by_constraint.values()]
    depth = max((len(path) for path, _ in constraints), default=0)
    segments = (partial(_segment, depth=each) for each in range(depth))
    return [step for _, steps in take_turns(constraints, *segments) for step in steps]


def _segment(constraint: tuple[Sequence[str], object], depth: int) -> str | None:
    path, _ = constraint
    return path[depth] if depth < len(path) else None


def _path(step: Step) -> Sequence[str]:
    return step.mutation.pointer.split("/")[1:] if step.mutation is not None else ()


@dataclass(slots=True)
class Omission:
    """Which invalid values need not be sent, by what the target accepted and refused of those before."""

    accepted_keywords: Counter[str] = field(default_factory=Counter)
    refused_keywords: Counter[str] = field(default_factory=Counter)
    accepted_members: Counter[str] = field(default_factory=Counter)
    refused_members: Counter[str] = field(default_factory=Counter)
    tried_shapes: set[Shape] = field(default_factory=set)

    def record(self, step: Step, exchange: Exchange) -> None:
        """Add a negative that was sent."""
        if shape := wrong_shape(step):
            self.tried_shapes.add(shape)
        keyword = step.mutation.keyword if step.mutation is not None else ""
        member = body_member(step)
        if exchange.accepted and step.exercises and not isinstance(step.expectation, Either):
            self.accepted_keywords[keyword] += 1
            self.accepted_members[member] += 1
        elif exchange.refused:
            self.refused_keywords[keyword] += 1
            self.refused_members[member] += 1

    def covers(self, step: Step) -> bool:
        """Whether most others of a negative's member, or of its keyword, were accepted.

        A member whose values are refused is validated, even if others are not. One of each wrong shape is sent even so:
        what a server does not check may break what it does with it later.
        """
        if step.mutation is None or ((shape := wrong_shape(step)) and shape not in self.tried_shapes):
            return False
        member = body_member(step)
        accepted, refused = self.accepted_members[member], self.refused_members[member]
        if member and accepted >= SAMPLE_SIZE + SAMPLE_RATIO * refused:
            return True
        return not (member and refused > accepted) and self._covers_keyword(step.mutation.keyword)

    def _covers_keyword(self, keyword: str) -> bool:
        accepted, refused = self.accepted_keywords.total(), self.refused_keywords.total()
        validates_little = accepted >= ENOUGH_ACCEPTED + SAMPLE_RATIO * refused
        wanted = (1 if validates_little else SAMPLE_SIZE) + SAMPLE_RATIO * self.refused_keywords[keyword]
        return self.accepted_keywords[keyword] >= wanted


def body_member(step: Step) -> str:
    """The member of the body that a negative is about, one of the thread for a body with a thread; empty if none."""
    if step.mutation is None or step.mutation.place != "body":
        return ""
    return "/".join(_path(step)[: 2 if step.mutation.pointer.startswith("/thread/") else 1])
