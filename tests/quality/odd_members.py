"""Histories in which one member has an odd value: no value of a response may make the suite fail itself.

`python -m tests.quality.odd_members` runs the programs on the emulator once and tries every value in
every member of every object and event that it shows.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.cli import run_command
from runs_conformance.engine.program_verdicts import judge_program
from runs_conformance.model.exchange_decoding import exchange_from_json
from tests.garbled_histories import Program, load_programs

ODD_VALUES: Mapping[str, Any] = {
    "a list": [1, "a", {}],
    "an object": {"id": ["x"], "object": 1},
    "a number": 7,
    "null": None,
    "a long text": "x" * 1_000_000,
    "not a number": "NaN",
    "a lone surrogate": "\ud800",
}
"""The odd values by name. `NaN` is a text, as the parser replaces it."""

Place = tuple[str, ...]
"""The names that lead to a member; an item of an array is `*`."""


@dataclass(frozen=True, slots=True)
class OddMember:
    """One member of a response in a program, and the value that replaces it."""

    program: str
    exchange: int
    path: tuple[str | int, ...]
    place: Place
    value: str

    @property
    def name(self) -> str:
        """The case in words."""
        return f"{'/'.join(self.place)} is {self.value}"

    def problems(self, programs: Mapping[str, Program]) -> list[str]:
        """The internal errors in judging the program with this value."""
        entries = list(programs[self.program])
        entries[self.exchange] = copy.deepcopy(entries[self.exchange])
        holder: Any = entries[self.exchange]["response"]
        for token in self.path[:-1]:
            holder = holder[token]
        holder[self.path[-1]] = copy.deepcopy(ODD_VALUES[self.value])
        result = judge_program(self.program, [*map(exchange_from_json, entries)], build_history_judge(RunOptions()))
        errors = [error for tally in result.tallies.values() for error in tally.errors]
        return [*errors, *([result.internal_error] if result.internal_error else [])]


def odd_members(programs: Mapping[str, Program]) -> list[OddMember]:
    """Every value in every member, in the shortest program that shows it."""
    found: dict[Place, tuple[str, int, tuple[str | int, ...]]] = {}
    for program, entries in sorted(programs.items(), key=lambda item: len(item[1])):
        for number, entry in enumerate(entries):
            for place, path in _members(entry):
                found.setdefault(place, (program, number, path))
    return [
        OddMember(program, number, path, place, value)
        for place, (program, number, path) in found.items()
        for value in ODD_VALUES
    ]


def _members(entry: Mapping[str, Any]) -> Iterator[tuple[Place, tuple[str | int, ...]]]:
    response = entry["response"] or {}
    if "body" in response:
        yield from _walk(response["body"], (entry["operation"],), ("body",))
    for number, event in enumerate(response.get("events") or ()):
        yield from _walk(event["data"], ("event", event["event"]), ("events", number, "data"))


def _walk(value: Any, place: Place, path: tuple[str | int, ...]) -> Iterator[tuple[Place, tuple[str | int, ...]]]:
    yield place, path
    if isinstance(value, dict):
        for name, member in value.items():
            # Users name the members of metadata.
            shown = "*" if place[-1] == "metadata" else name
            yield from _walk(member, (*place, shown), (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, (*place, "*"), (*path, number))


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all; returns 1 if one makes the suite fail itself."""
    with tempfile.TemporaryDirectory(prefix="odd-") as folder:
        run_command(["run", "--report-dir", folder, "-q", "--no-database", *(arguments or [])])
        programs = load_programs(Path(folder) / "history.jsonl")
    cases = odd_members(programs)
    failing = 0
    for case in cases:
        problems = case.problems(programs)
        failing += bool(problems)
        for problem in problems[:3]:
            print(json.dumps(f"{case.name}: {problem}"[:300]), flush=True)
    print(f"{len(cases)} values, {failing} with problems")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
