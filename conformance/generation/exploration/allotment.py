"""How the payloads of an exploration are shared out among the operations, given what an accepted one costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

from conformance.contract.constraint import constraints

STANDARD_PAYLOADS, STANDARD_WALKS = 300, 20
"""The size of an exploration in the standard profile."""

_CHUNK = 45
"""Programs of about this many payloads, so that several can be played at once."""


@dataclass(frozen=True, slots=True)
class Share:
    """One operation's part in a thousand payloads, and how many of its own are legal in a hundred."""

    payloads: int
    legal: int


SHARES: Mapping[str, Share] = {
    "create_run": Share(210, 5),
    "create_thread_and_run": Share(130, 6),
    "submit_tool_outputs": Share(40, 0),
    "create_assistant": Share(150, 30),
    "modify_assistant": Share(80, 25),
    "create_thread": Share(130, 25),
    "modify_thread": Share(40, 25),
    "create_message": Share(130, 25),
    "modify_message": Share(40, 25),
    "modify_run": Share(50, 25),
}
"""Each accepted payload of the first three uses up a run, so most of theirs are illegal, and the legal ones full."""


def owner(constraint: str, seed: int) -> str:
    """The operation that breaks a constraint before the others that have it as well.

    Metadata is the same in nine of them, and in most servers it is the same code that checks it.
    """
    place = constraint.partition(".")[2]
    sharing = sorted(id_.partition(".")[0] for id_ in _places().get(place, ()))
    return Random(f"{seed}/{place}").choice(sharing) if sharing else ""


@cache
def _places() -> Mapping[str, list[str]]:
    """The constraints of explored operations by their place, whatever the operation."""
    found: dict[str, list[str]] = {}
    for id_, constraint in constraints().items():
        if constraint.side == "request" and constraint.operation in SHARES:
            found.setdefault(id_.partition(".")[2], []).append(id_)
    return found


@dataclass(frozen=True, slots=True)
class Portion:
    """What one program sends: so many legal payloads of an operation, and so many negatives made of them."""

    operation: str
    number: int
    legal: int
    negatives: int


def portions(payloads: int) -> Iterator[Portion]:
    """An exploration of so many payloads, in portions for single programs."""
    for operation, share in SHARES.items():
        count = max(1, round(payloads * share.payloads / 1000))
        chunks = max(1, round(count / _CHUNK))
        for number in range(chunks):
            size = count // chunks + (number < count % chunks)
            legal = max(1, round(size * share.legal / 100)) if share.legal else 0
            yield Portion(operation, number, legal, size - legal)
