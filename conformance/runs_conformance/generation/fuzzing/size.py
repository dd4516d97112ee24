"""How the payloads of an exploration are shared out among the operations, given what an accepted one costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dose:
    """The size of an exploration: so many payloads and walks, and the most runs that the walks may start."""

    payloads: int
    walks: int
    runs: int | None = None

    def of(self, payloads: int) -> Dose:
        """The dose of so many payloads, with walks in proportion."""
        runs = self.runs if payloads <= self.payloads else None
        return Dose(payloads, -(-payloads * self.walks // self.payloads), runs)


BESIDE = Dose(100, 5, runs=2)
"""What has room beside the other phases of the standard profile, whose requests and runs are counted."""
ALONE = Dose(300, 20)
"""What is sent where exploring is all that is asked for."""
THOROUGH = Dose(5_000, 300)
"""What the full profile sends."""

_CHUNK = 45
"""Programs of about this many payloads, so that several can be played at once."""


@dataclass(frozen=True, slots=True)
class Share:
    """One operation's part in a thousand payloads, and how many of its own are legal in a hundred."""

    payloads: int
    legal: int


SHARES: Mapping[str, Share] = {
    "create_run": Share(240, 5),
    "create_thread_and_run": Share(90, 10),
    "submit_tool_outputs": Share(20, 0),
    "create_assistant": Share(180, 40),
    "modify_assistant": Share(80, 40),
    "create_thread": Share(150, 40),
    "modify_thread": Share(60, 40),
    "create_message": Share(125, 35),
    "modify_message": Share(30, 40),
    "modify_run": Share(25, 40),
}
"""Each accepted payload of the first three uses up a run, so most of theirs are illegal, and the legal ones full."""


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
