"""The lifecycle of runs as a graph: transitions that the contract allows and those observed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import STATUSES, TERMINAL, TRANSITIONS
from runs_conformance.reporting.report import Transition

WIDTH, HEIGHT = 920, 470
_BOX = (132, 36)

_POSITIONS: dict[str, tuple[int, int]] = {
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
"""The centre of the box of each status: active ones on the left, terminal ones on the right."""

DRAWING_ORDER = ("unseen", "between_looks", "direct", "illegal")
"""Kinds of edges in drawing order; the most important is drawn last, on top."""


@dataclass(frozen=True, slots=True)
class StatusNode:
    """A status and the position of its box. `seen` says whether a run was observed in it."""

    status: str
    x: float
    y: float
    terminal: bool
    seen: bool
    width: int = _BOX[0]
    height: int = _BOX[1]


@dataclass(frozen=True, slots=True)
class TransitionEdge:
    """A transition as an SVG path, with the position of its count. `kind` is one of `DRAWING_ORDER`."""

    earlier: str
    later: str
    kind: str
    count: int
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class LifecycleGraph:
    """The graph. `unknown` holds transitions from or to undocumented statuses, which are not drawn."""

    nodes: tuple[StatusNode, ...]
    edges: tuple[TransitionEdge, ...]
    unknown: tuple[Transition, ...]


def build_graph(transitions: Sequence[Transition]) -> LifecycleGraph:
    """Lay out the lifecycle with the observed transitions."""
    seen = {(transition.earlier, transition.later): transition for transition in transitions}
    known = {pair: transition for pair, transition in seen.items() if pair[0] in _POSITIONS and pair[1] in _POSITIONS}
    visited = {status for pair in known for status in pair}
    return LifecycleGraph(
        nodes=tuple(StatusNode(name, *_POSITIONS[name], name in TERMINAL, name in visited) for name in STATUSES),
        edges=tuple(sorted(_edges(known), key=lambda edge: DRAWING_ORDER.index(edge.kind))),
        unknown=tuple(transition for pair, transition in seen.items() if pair not in known),
    )


def _edges(seen: dict[tuple[str, str], Transition]) -> Iterator[TransitionEdge]:
    allowed = [(earlier, later) for earlier in TRANSITIONS for later in sorted(TRANSITIONS[earlier])]
    for earlier, later in dict.fromkeys([*allowed, *seen]):
        transition = seen.get((earlier, later))
        kind, count = (transition.kind, transition.count) if transition else ("unseen", 0)
        yield TransitionEdge(earlier, later, kind, count, *_curve(_POSITIONS[earlier], _POSITIONS[later]))


def _curve(start: tuple[int, int], end: tuple[int, int]) -> tuple[str, float, float]:
    """A path between two boxes, bent left so that the reverse path differs, and the position of its label."""
    # Within a column, a long curve goes around the boxes in between.
    bend = 0.42 if start[0] == end[0] and abs(start[1] - end[1]) > 300 else 0.13
    along = (end[0] - start[0], end[1] - start[1])
    control = ((start[0] + end[0]) / 2 + along[1] * bend, (start[1] + end[1]) / 2 - along[0] * bend)
    points = [_point_on_curve(start, control, end, step / 60) for step in range(61)]
    outside = [point for point in points if not _is_inside(point, start, 2) and not _is_inside(point, end, 5)]
    visible = outside or points
    label = visible[round(len(visible) * 0.42)]
    middle = _point_on_curve(start, control, end, 0.5)
    first, last = visible[0], visible[-1]
    # The shortened curve has the same middle.
    shortened = (2 * middle[0] - (first[0] + last[0]) / 2, 2 * middle[1] - (first[1] + last[1]) / 2)
    path = f"M{first[0]:.1f} {first[1]:.1f}Q{shortened[0]:.1f} {shortened[1]:.1f} {last[0]:.1f} {last[1]:.1f}"
    return path, round(label[0], 1), round(label[1], 1)


def _point_on_curve(
    start: tuple[float, float], control: tuple[float, float], end: tuple[float, float], fraction: float
) -> tuple[float, float]:
    left, middle, right = (1 - fraction) ** 2, 2 * fraction * (1 - fraction), fraction**2
    return (
        left * start[0] + middle * control[0] + right * end[0],
        left * start[1] + middle * control[1] + right * end[1],
    )


def _is_inside(point: tuple[float, float], box: tuple[int, int], margin: int) -> bool:
    return abs(point[0] - box[0]) <= _BOX[0] / 2 + margin and abs(point[1] - box[1]) <= _BOX[1] / 2 + margin
