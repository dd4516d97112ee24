"""The size of the fuzzing phase, and its distribution over operations and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FuzzingSize:
    """The numbers of payloads and walks, and the maximum number of runs that the walks may start (None: any)."""

    payloads: int
    walks: int
    runs: int | None = None

    def scaled_to(self, payloads: int) -> FuzzingSize:
        """The size with this number of payloads, and walks in proportion."""
        runs = self.runs if payloads <= self.payloads else None
        return FuzzingSize(payloads, -(-payloads * self.walks // self.payloads), runs)


SHARED_RUN = FuzzingSize(12, 1, runs=0)
"""The size together with the other phases of the standard profile, within its numbers of requests and runs."""
EXPLORE_ONLY = FuzzingSize(300, 20)
"""The size if `explore` is the only phase."""
THOROUGH = FuzzingSize(5_000, 300)
"""The size in the full profile."""

_PAYLOADS_PER_PROGRAM = 45
"""Approximate number of payloads per program; several programs run in parallel."""


@dataclass(frozen=True, slots=True)
class OperationShare:
    """The share of one operation: its payloads per 1,000, the percentage of valid ones, and the least number."""

    payloads: int
    valid_percent: int
    least: int = 1


SHARES: Mapping[str, OperationShare] = {
    "create_run": OperationShare(240, 5),
    "create_thread_and_run": OperationShare(90, 10),
    "submit_tool_outputs": OperationShare(20, 0, least=0),
    "create_assistant": OperationShare(180, 40),
    "modify_assistant": OperationShare(80, 40),
    "create_thread": OperationShare(150, 40),
    "modify_thread": OperationShare(60, 40),
    "create_message": OperationShare(125, 35),
    "modify_message": OperationShare(30, 40),
    "modify_run": OperationShare(25, 40),
}
"""Each accepted payload of the first three operations consumes a run, so most of their payloads are invalid. Tool
outputs need a run that waits for them, which costs more than a single payload shows.
"""


@dataclass(frozen=True, slots=True)
class Portion:
    """The payloads of one program: numbers of valid ones, and of negatives derived from them."""

    operation: str
    number: int
    valid: int
    negatives: int


def split_into_portions(payloads: int) -> Iterator[Portion]:
    """Split this many payloads into portions for single programs."""
    for operation, share in SHARES.items():
        count = max(share.least, round(payloads * share.payloads / 1000))
        if not count:
            continue
        chunks = max(1, round(count / _PAYLOADS_PER_PROGRAM))
        for number in range(chunks):
            size = count // chunks + (number < count % chunks)
            valid = max(1, round(size * share.valid_percent / 100)) if share.valid_percent else 0
            yield Portion(operation, number, valid, size - valid)
