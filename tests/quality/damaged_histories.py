"""Damaged copies of a history: each is refused in one line, reported as incomplete or judged; none ends in an error.

`python -m tests.quality.damaged_histories` runs a few programs on the emulator and tries all damages.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs_conformance.app.cleanup import find_leftovers
from runs_conformance.app.merge import read_run, rebuild_report
from runs_conformance.cli import run_command
from runs_conformance.errors import UsageError
from tests.quality.odd_members import ODD_VALUES

Lines = Sequence[dict[str, Any]]
_FREE = ("body", "data", "was", "became", "path", "query", "approach", "not_sent_again")
"""Members whose value may be any JSON, in a step or in a response, or is replaced by a neutral one."""

_UNREAD = ("edition", "profile", "seed", "model", "run_id", "dialect_name", "key_header", "lasting", "type")
"""Members of the first line that say what `choice` says, or that only `cleanup` reads."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that is missing, or a member of a line that has another value or another name."""

    line: int
    path: tuple[str | int, ...] = ()
    value: str = ""

    @property
    def name(self) -> str:
        """The damage in words."""
        return f"{self.line}:{'/'.join(map(str, self.path))} {self.value or 'is missing'}"

    @property
    def is_structural(self) -> bool:
        """Whether the suite's own format forbids the value."""
        return not any(name in _FREE for name in self.path) and not (self.line == 0 and self.path[0] in _UNREAD)

    def apply(self, lines: Lines) -> list[dict[str, Any]]:
        """The damaged lines."""
        damaged = list(lines)
        if not self.path:
            del damaged[self.line]
            return damaged
        damaged[self.line] = copy.deepcopy(lines[self.line])
        holder: Any = damaged[self.line]
        for token in self.path[:-1]:
            holder = holder[token]
        last = self.path[-1]
        if self.value == "renamed":
            holder["renamed"] = holder.pop(last)
        elif self.value == "changed":
            holder[last] = f"{holder[last][:6]}7{holder[last][6:]}"
        else:
            holder[last] = copy.deepcopy(ODD_VALUES[self.value])
        return damaged


def damages(lines: Lines) -> list[Damage]:
    """All damages."""
    found = [Damage(number) for number in range(len(lines))]
    seen: set[tuple[str, ...]] = set()
    for number, line in enumerate(lines):
        for path, value in _members(line):
            place = (line["type"], *(each if isinstance(each, str) else "*" for each in path))
            if place in seen:
                continue
            seen.add(place)
            found += [Damage(number, path, name) for name in ODD_VALUES]
            found += [Damage(number, path, "changed")] if isinstance(value, str) else []
            found += [Damage(number, path, "renamed")] if isinstance(path[-1], str) else []
    return found


def _members(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in entries:
        yield (*path, key), member
        yield from _members(member, (*path, key))


def problem(damage: Damage, lines: Lines, folder: Path) -> str:
    """The mistake of the suite in reading a damaged history; empty if there is none."""
    file = folder / "history.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in damage.apply(lines)))
    try:
        find_leftovers(file)
        report = rebuild_report([read_run(file)])
    except UsageError as error:
        return "" if "\n" not in str(error) and len(str(error)) < 2_000 else f"{len(str(error))} characters"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    if report.exit_code == 4:
        return report.reason[:200]
    if report.exit_code == 0 and not damage.path and lines[damage.line]["type"] == "exchange":
        return "passes without an exchange"
    is_wrong_type = damage.value in ("a list", "an object") and damage.is_structural
    if is_wrong_type and report.exit_code == 0 and not _is_list_or_object(damage, lines):
        return "passes with a value of a wrong type"
    return ""


def _is_list_or_object(damage: Damage, lines: Lines) -> bool:
    holder: Any = lines[damage.line]
    for token in damage.path:
        holder = holder[token]
    return holder is None or isinstance(holder, (list, dict))


def small_history(history: Path, programs: int = 4) -> list[dict[str, Any]]:
    """The lines of a history with only its shortest programs that start a run, as if no others had been planned."""
    lines = [json.loads(line) for line in history.read_text().split("\n") if line]
    exchanges = [line for line in lines if line["type"] == "exchange"]
    sizes = {id_: sum(each["program"] == id_ for each in exchanges) for id_, _ in lines[0]["programs"]}
    with_runs = {each["program"] for each in exchanges if each["operation"] in ("create_run", "create_thread_and_run")}
    kept = sorted((id_ for id_ in sizes if id_ in with_runs), key=sizes.__getitem__)[:programs]
    first = {**lines[0], "programs": [pair for pair in lines[0]["programs"] if pair[0] in kept], "skipped_programs": []}
    chosen = [each for each in exchanges if each["program"] in (*kept, "preflight")]
    last = {**lines[-1], "exchanges": len(chosen), "examples": {}, "confirmations": {}, "early_ends": [], "limits": []}
    return [first, *({**each, "index": number} for number, each in enumerate(chosen, 1)), last]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all; returns 1 if one is judged wrongly."""
    failing = 0
    with tempfile.TemporaryDirectory(prefix="damaged-") as folder:
        run_command(["run", "--report-dir", folder, "-q", "--no-database", *(arguments or [])])
        lines = small_history(Path(folder) / "history.jsonl")
        every = damages(lines)
        for damage in every:
            found = problem(damage, lines, Path(folder))
            failing += bool(found)
            if found:
                print(json.dumps(f"{damage.name}: {found}"), flush=True)
    print(f"{len(every)} damages, {failing} with problems")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
