"""Replays reproduce: what fails on a mutant fails there again from its report alone, and passes on the plain emulator.

`python -m tests.quality.replays` judges mutants of every topic by the standard profile and writes
`reports/reference/replays.json` and `.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import Choice
from runs_conformance.app.replay import Repeat, repeats
from runs_conformance.app.report_file import Saved, saved
from runs_conformance.emulator.catalogue import Mutant, catalogue, written
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.folder import folder
from runs_conformance.reporting.progress import Silent
from tests.quality.bench import STEP_MS, target_at
from tests.quality.host import hosted
from tests.quality.kill_matrix import FOLDER, concerns, trial_of

PLAIN = "plain"
TOPICS = 3
"""One mutant is taken of every so many topics."""
LEVELS = ("must", "should")


@dataclass(frozen=True, slots=True)
class Row:
    """One failure of one mutant: how often it was sent again, and what came of it there and on the plain emulator."""

    mutant: str
    id: str
    level: str
    steps: int
    sends: int
    on_mutant: str
    on_plain: str
    because: str

    @property
    def reproduces(self) -> bool:
        """Whether it fails where it failed, and passes where nothing is wrong."""
        return (self.on_mutant, self.on_plain) == (Outcome.FAIL, Outcome.PASS)


def chosen(every: Sequence[Mutant]) -> list[Mutant]:
    """The first mutant of every third topic."""
    topics: dict[str, Mutant] = {}
    for mutant in every:
        topics.setdefault(mutant.item.partition(".")[0], mutant)
    return list(topics.values())[::TOPICS]


def rows(mutants: Sequence[Mutant], programs: Sequence[str] = ()) -> Iterator[Row]:
    """What comes of the failures of each mutant that are about what it breaks; `programs` are those that are played
    to find them, else all that may.
    """
    emulators = {PLAIN: ((), ()), **{mutant.name: ((mutant.name,), ()) for mutant in mutants}}
    with hosted(emulators, STEP_MS) as urls:
        for mutant in mutants:
            kept = _judged(mutant, urls[mutant.name], programs)
            there, plain = _again(kept, urls[mutant.name]), _again(kept, urls[PLAIN])
            for failure, on_mutant, on_plain in zip(kept.failures, there, plain, strict=True):
                yield Row(
                    mutant=mutant.name,
                    id=failure.id,
                    level=failure.level,
                    steps=len(failure.moves.steps) if failure.moves else 0,
                    sends=on_mutant.sends,
                    on_mutant=on_mutant.outcome.value,
                    on_plain=on_plain.outcome.value,
                    because=on_mutant.because if on_mutant.outcome is not Outcome.FAIL else on_plain.because,
                )


def _judged(mutant: Mutant, url: str, programs: Sequence[str]) -> Saved:
    """What a mutant fails, read back from the report alone."""
    one = trial_of(mutant, made=False)
    phases = () if programs else one.phases
    choice = Choice(select=tuple(programs) or one.programs, phases=phases, workers=3)
    target = target_at(url)
    with tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        here = folder(Path(scratch) / "report")
        here.write(run.judge(target, choice, run.plan_for(target, choice), here, Silent()))
        here.history.unlink()
        kept = saved(here.path)
    found = tuple(failure for failure in kept.failures if failure.level in LEVELS)
    return replace(kept, failures=tuple(each for each in found if concerns(each.id, mutant.item)) or found)


def _again(kept: Saved, url: str) -> list[Repeat]:
    return list(repeats(kept, kept.failures, target_at(url), None, 20.0))


def page(every: Sequence[Row]) -> str:
    """The table for people."""
    good = sum(row.reproduces for row in every)
    lines = [
        "# Replays",
        "",
        "Written by `python -m tests.quality.replays`. Each failure of a mutant is sent again from `report.json`",
        "alone, to the mutant and to the plain emulator.",
        "",
        f"{good} of {len(every)} failures, of {len({row.mutant for row in every})} mutants, fail again on the mutant",
        "and pass on the plain emulator. What needed other programs to be played at the same time passes when it is",
        "sent alone, and is listed so.",
        "",
        "| mutant | failure | level | steps | requests | on the mutant | on the plain emulator |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.mutant} | `{row.id}` | {row.level} | {row.steps} | {row.sends} | {row.on_mutant} | {row.on_plain} |"
        for row in every
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay failures; exit 1 where one does not reproduce."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these mutants; nothing is written then")
    given = parser.parse_args(arguments)
    by_name = {mutant.name: mutant for mutant in catalogue()}
    mutants = [by_name[name] for name in given.names] or chosen([m for m in written() if not m.corner])
    begun = time.monotonic()
    every = []
    for row in rows(mutants):
        every.append(row)
        if not row.reproduces or given.names:
            print(f"{row.mutant}: {row.id}: {row.on_mutant}, {row.on_plain} ({row.because})", flush=True)
    if not given.names:
        FOLDER.mkdir(parents=True, exist_ok=True)
        text = json.dumps([asdict(row) for row in every], indent=1)
        (FOLDER / "replays.json").write_text(text + "\n", encoding="utf-8")
        (FOLDER / "replays.md").write_text(page(every), encoding="utf-8")
    good = sum(row.reproduces for row in every)
    print(f"{good} of {len(every)} failures of {len(mutants)} mutants reproduce; {time.monotonic() - begun:.0f} s")
    return 0 if good == len(every) else 1


if __name__ == "__main__":
    sys.exit(main())
