"""The lifecycle of a run as a drawing: what the contract allows, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL, TRANSITIONS
from runs_conformance.reporting.report import Transition

WIDTH, HEIGHT = 920, 470
_BOX = (132, 36)

_PLACES: dict[str, tuple[int, int]] = {
    "queued": (90, 225),
    "in_progress": (390, 225),
    "requires_action": (390, 60),
    "cancelling": (390, 405),
    "completed": (820, 45),
    "incomplete": (820, 140),
    "failed": (820, 235),
    "expired": (820, 330),
    "cancelled": (820, 425),
}
"""The middle of each status: those that go on to the left, those that end to the right."""

KINDS = ("unseen", "between_looks", "direct", "illegal")
"""How an edge is drawn, what matters most last, so that it lies on top."""


@dataclass(frozen=True, slots=True)
class Node:
    """A status and where its box is. `seen` says that a run was seen in it."""

    status: str
    x: float
    y: float
    terminal: bool
    seen: bool
    width: int = _BOX[0]
    height: int = _BOX[1]


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition as a path, and where its count stands. `kind` is one of `KINDS`."""

    earlier: str
    later: str
    kind: str
    count: int
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Graph:
    """The drawing. `unknown` are the transitions from or to words that are no status, which have no place in it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    unknown: tuple[Transition, ...]


def graph(transitions: Sequence[Transition]) -> Graph:
    """The lifecycle with these transitions seen."""
    seen = {(each.earlier, each.later): each for each in transitions}
    known = {pair: each for pair, each in seen.items() if pair[0] in _PLACES and pair[1] in _PLACES}
    visited = {status for pair in known for status in pair}
    return Graph(
        nodes=tuple(Node(name, *_PLACES[name], name in TERMINAL, name in visited) for name in STATUSES),
        edges=tuple(sorted(_edges(known), key=lambda edge: KINDS.index(edge.kind))),
        unknown=tuple(each for pair, each in seen.items() if pair not in known),
    )


def _edges(seen: dict[tuple[str, str], Transition]) -> Iterator[Edge]:
    allowed = [(earlier, later) for earlier in TRANSITIONS for later in sorted(TRANSITIONS[earlier])]
    for earlier, later in dict.fromkeys([*allowed, *seen]):
        each = seen.get((earlier, later))
        path, x, y = _curve(_PLACES[earlier], _PLACES[later])
        yield Edge(earlier, later, each.kind if each else "unseen", each.count if each else 0, path, x, y)


def _curve(start: tuple[int, int], end: tuple[int, int]) -> tuple[str, float, float]:
    """A curve from box to box, bent to its left so that the way back is another, and a place on it for a number."""
    # From top to bottom of a column a curve goes around what is in between.
    bend = 0.42 if start[0] == end[0] and abs(start[1] - end[1]) > 300 else 0.13
    along = (end[0] - start[0], end[1] - start[1])
    pull = ((start[0] + end[0]) / 2 + along[1] * bend, (start[1] + end[1]) / 2 - along[0] * bend)
    points = [_at(start, pull, end, step / 60) for step in range(61)]
    outside = [point for point in points if not _inside(point, start, 2) and not _inside(point, end, 5)]
    shown = outside or points
    label = shown[round(len(shown) * 0.42)]
    middle = _at(start, pull, end, 0.5)
    first, last = shown[0], shown[-1]
    # The control point that makes a shorter curve through the same middle.
    through = (2 * middle[0] - (first[0] + last[0]) / 2, 2 * middle[1] - (first[1] + last[1]) / 2)
    path = f"M{first[0]:.1f} {first[1]:.1f}Q{through[0]:.1f} {through[1]:.1f} {last[0]:.1f} {last[1]:.1f}"
    return path, round(label[0], 1), round(label[1], 1)


def _at(
    start: tuple[float, float], pull: tuple[float, float], end: tuple[float, float], part: float
) -> tuple[float, float]:
    left, middle, right = (1 - part) ** 2, 2 * part * (1 - part), part**2
    return (
        left * start[0] + middle * pull[0] + right * end[0],
        left * start[1] + middle * pull[1] + right * end[1],
    )


def _inside(point: tuple[float, float], box: tuple[int, int], margin: int) -> bool:
    return abs(point[0] - box[0]) <= _BOX[0] / 2 + margin and abs(point[1] - box[1]) <= _BOX[1] / 2 + margin
