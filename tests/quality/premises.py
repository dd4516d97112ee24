"""Writes `engine/premises.json`: what fails for each defect of an emulator, and which rules it leaves undecided.

`python -m tests.quality.premises` derives it from the kill matrix. `python -m tests.quality.refresh` does so, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from runs_conformance.engine.premises import TABLE, Defect, encode_defects
from tests.quality import kill_matrix

MAX_FAILED = 25
"""A defect that fails more than this leaves rules undecided for more than one reason."""


def derive(rows: Iterable[kill_matrix.KillRow]) -> list[Defect]:
    """The defects that leave rules undecided."""
    return [
        Defect(row.failed, frozenset(row.undecided))
        for row in rows
        if row.killed and row.undecided and len(row.failed) <= MAX_FAILED
    ]


def main() -> None:
    """Write the table."""
    TABLE.write_text(encode_defects(derive(kill_matrix.read())), encoding="utf-8")


if __name__ == "__main__":
    main()
