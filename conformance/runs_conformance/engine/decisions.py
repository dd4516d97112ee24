"""Which ids each program decides on the emulator, and which programs reveal violations of each id.

The tables are measured, not written by hand: `python -m tests.quality.decisions` writes the one of whole programs from
test runs on the bundled emulator and from the kill matrix, with `--quick` the one of the programs of profile quick.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("decisions.json")
QUICK_TABLE = Path(__file__).with_name("quick_decisions.json")


@dataclass(frozen=True, slots=True)
class Decisions:
    """The ids that programs decide on a correct server.

    `deciders` maps an id to the programs that decide it. `revealers` holds, for an id, groups of programs: each group
    is all the programs that reveal one known way to violate the id. `occasions` holds, for such an id, the fewest
    occasions on which each of these programs judges it on a correct server. A missing number means 1; 0 means that the
    program judges the id only where it is violated, or need only run to its end. `on_files` holds, for an id, the
    programs that see as many occasions only on a server with files that requests can name.
    """

    deciders: Mapping[str, frozenset[str]]
    revealers: Mapping[str, tuple[frozenset[str], ...]]
    occasions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    on_files: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def programs_for(self, ids: Iterable[str]) -> frozenset[str]:
        """The programs that decide any of these ids."""
        return frozenset[str]().union(*(self.deciders.get(id_, frozenset()) for id_ in ids))


@cache
def load_decisions(table: Path = TABLE) -> Decisions:
    """A measured table, by default that of whole programs; empty if it was never written."""
    if not table.is_file():
        return Decisions({}, {})
    data = json.loads(table.read_text(encoding="utf-8"))
    programs: list[str] = data["programs"]

    def name_programs(numbers: Iterable[int]) -> frozenset[str]:
        return frozenset(programs[number] for number in numbers)

    return Decisions(
        {id_: name_programs(numbers) for id_, numbers in data["deciders"].items()},
        {id_: tuple(map(name_programs, groups)) for id_, groups in data["revealers"].items()},
        {
            id_: {programs[int(number)]: count for number, count in counts.items()}
            for id_, counts in data.get("occasions", {}).items()
        },
        {id_: name_programs(numbers) for id_, numbers in data.get("on_files", {}).items()},
    )


def encode_decisions(decisions: Decisions) -> str:
    """The text of the table: programs by number, one id a line."""
    every = [*decisions.deciders.values(), *(group for groups in decisions.revealers.values() for group in groups)]
    programs = sorted(frozenset[str]().union(*every))
    number = {program: index for index, program in enumerate(programs)}

    def numbers(group: Iterable[str]) -> list[int]:
        return sorted(number[program] for program in group)

    deciders = {id_: numbers(group) for id_, group in sorted(decisions.deciders.items())}
    revealers = {id_: sorted(map(numbers, groups)) for id_, groups in sorted(decisions.revealers.items())}
    occasions = {
        id_: {number[program]: count for program, count in sorted(counts.items())}
        for id_, counts in sorted(decisions.occasions.items())
    }
    on_files = {id_: numbers(group) for id_, group in sorted(decisions.on_files.items())}
    return (
        "{\n"
        f'"programs": {json.dumps(programs)},\n'
        f'"deciders": {_lines(deciders)},\n'
        f'"revealers": {_lines(revealers)},\n'
        f'"occasions": {_lines(occasions)},\n'
        f'"on_files": {_lines(on_files)}\n'
        "}\n"
    )


def _lines(table: Mapping[str, object]) -> str:
    rows = ",\n".join(f"{json.dumps(id_)}: {json.dumps(value, separators=(',', ':'))}" for id_, value in table.items())
    return f"{{\n{rows}\n}}"
