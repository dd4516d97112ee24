"""Plans which exchanges of a recording are judged together, from the ids that they mention."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

MAX_DEPENDENCIES = 60
"""Requests about an assistant that are judged with every thread that uses it."""

TOO_MANY_DEPENDENCIES = "its assistants are used by many other threads"


@dataclass(frozen=True, slots=True)
class PlannedPartition:
    """The numbers of exchanges that are judged together, in order.

    `dependencies` belong to other partitions, but are needed to judge this one, such as the creation of its assistant.
    `missing_data_reason` says why dependencies are left out.
    """

    members: Sequence[int]
    dependencies: Sequence[int] = ()
    missing_data_reason: str = ""


class PartitionPlanner:
    """Joins exchanges that mention the same object. Exchanges are numbered from 0 as they are added.

    Ids are kept as hashes: two ids with one hash would only enlarge a partition. After `finish` none can be added.
    """

    def __init__(self) -> None:
        self._node_of_id: dict[int, int] = {}
        self._parents = array("q")
        self._node = array("q")
        self._used: defaultdict[int, set[int]] = defaultdict(set)
        self._about: defaultdict[int, list[int]] = defaultdict(list)
        self._assistant_of_hash: dict[int, int] = {}

    def add(self, ids: Collection[str], managed: Collection[str] = (), used: Collection[str] = ()) -> None:
        """Add an exchange that mentions objects with these `ids`.

        `managed` are the assistants that a request is about, `used` those that a run uses.
        """
        number = len(self._node)
        node = -1
        for id_ in ids:
            key = hash(id_)
            found = self._node_of_id.get(key, -1)
            if found < 0:
                found = self._node_of_id[key] = self._new_node() if node < 0 else node
            node = found if node < 0 else self._join(node, found)
        node = self._new_node() if node < 0 else node
        self._node.append(node)
        for assistant in managed:
            self._about[self._number_of(assistant)].append(number)
        for assistant in used:
            self._used[node].add(self._number_of(assistant))

    def finish(self) -> None:
        """Forget the ids, which only `add` needs: they take most of the memory."""
        self._node_of_id = {}

    def plan(self, order: Sequence[int], size: int) -> Iterator[PlannedPartition]:
        """Divide the exchanges of these numbers into partitions of about `size` that share nothing but assistants.

        Components of joined exchanges are packed in the order of the first exchange of each.
        """
        positions = array("q", bytes(8 * len(self._node)))
        grouped: dict[int, list[int]] = {}
        for position, number in enumerate(order, 1):
            positions[number] = position
            grouped.setdefault(self._root(self._node[number]), []).append(number)
        used: defaultdict[int, set[int]] = defaultdict(set)
        for node, assistants in self._used.items():
            used[self._root(node)] |= assistants
        members: list[int] = []
        needed: set[int] = set()
        for root, component in grouped.items():
            members += component
            needed |= used.get(root, set())
            if len(members) >= size:
                yield self._partition(members, needed, positions)
                members, needed = [], set()
        if members:
            yield self._partition(members, needed, positions)

    def _partition(self, members: list[int], assistants: set[int], positions: Sequence[int]) -> PlannedPartition:
        own = set(members)
        about = (number for id_ in assistants for number in self._about.get(id_, ()))
        needed = {number for number in about if positions[number] and number not in own}
        reason = ""
        if len(needed) > MAX_DEPENDENCIES:
            needed, reason = set(), TOO_MANY_DEPENDENCIES
        members.sort(key=positions.__getitem__)
        return PlannedPartition(members, sorted(needed, key=positions.__getitem__), reason)

    def _number_of(self, assistant: str) -> int:
        return self._assistant_of_hash.setdefault(hash(assistant), len(self._assistant_of_hash))

    def _new_node(self) -> int:
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def _root(self, node: int) -> int:
        parents = self._parents
        while (parent := parents[node]) != node:
            parents[node] = node = parents[parent]
        return node

    def _join(self, left: int, right: int) -> int:
        left, right = self._root(left), self._root(right)
        if left != right:
            self._parents[max(left, right)] = min(left, right)
        return min(left, right)
