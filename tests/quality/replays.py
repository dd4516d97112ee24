"""The replay table: failures on a mutant fail again from the report alone, and pass on the plain emulator.

`python -m tests.quality.replays` judges mutants of many topics by the standard profile, replays their failures, and
writes `reports/reference/replays.json` and `.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.app.replay import ReplayResult, replay_failures
from runs_conformance.app.report_file import ReportFile, load
from runs_conformance.emulator.catalogue import handwritten_mutants, standard_mutants
from runs_conformance.emulator.declaration import Mutant
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from tests.quality.emulator_host import serve_emulators
from tests.quality.judging import STEP_MS, target_at
from tests.quality.kill_matrix import concerns, trial_for
from tests.quality.tables import write_rows, write_text

PLAIN = "plain"
TOPIC_STRIDE = 3
"""One mutant of every third topic is judged."""
LEVELS = ("must", "should")


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One failure of one mutant: the cost of replaying it, and the outcomes on the mutant and on the plain emulator."""

    mutant: str
    id: str
    level: str
    steps: int
    requests: int
    on_mutant: str
    on_plain: str
    reason: str

    @property
    def is_reproduced(self) -> bool:
        """Whether the replay fails on the mutant and passes on the plain emulator."""
        return (self.on_mutant, self.on_plain) == (Outcome.FAIL, Outcome.PASS)


def sample(mutants: Sequence[Mutant]) -> list[Mutant]:
    """The first mutant of every third topic."""
    topics: dict[str, Mutant] = {}
    for mutant in mutants:
        topics.setdefault(mutant.item.partition(".")[0], mutant)
    return list(topics.values())[::TOPIC_STRIDE]


def replay_mutants(mutants: Sequence[Mutant], programs: Sequence[str] = ()) -> Iterator[ReplayRow]:
    """Judge mutants and replay their failures on the broken item. Only `programs` are run, if any are named."""
    emulators = {PLAIN: ((), ()), **{mutant.name: ((mutant.name,), ()) for mutant in mutants}}
    with serve_emulators(emulators, STEP_MS) as urls:
        for mutant in mutants:
            report = _judge(mutant, urls[mutant.name], programs)
            replays_on_mutant, replays_on_plain = _replay(report, urls[mutant.name]), _replay(report, urls[PLAIN])
            for failure, on_mutant, on_plain in zip(report.failures, replays_on_mutant, replays_on_plain, strict=True):
                yield ReplayRow(
                    mutant=mutant.name,
                    id=failure.id,
                    level=failure.level,
                    steps=len(failure.reproduction.steps) if failure.reproduction else 0,
                    requests=on_mutant.requests,
                    on_mutant=on_mutant.outcome.value,
                    on_plain=on_plain.outcome.value,
                    reason=on_mutant.reason if on_mutant.outcome is not Outcome.FAIL else on_plain.reason,
                )


def _judge(mutant: Mutant, url: str, programs: Sequence[str]) -> ReportFile:
    """The report on a mutant, loaded without its history, with the failures to replay."""
    trial = trial_for(mutant, generated=False)
    phases = () if programs else trial.phases
    options = RunOptions(select=tuple(programs) or trial.programs, phases=phases, workers=3)
    target = target_at(url)
    with tempfile.TemporaryDirectory(prefix="runs-conformance-") as scratch:
        folder = prepare_folder(Path(scratch) / "report")
        folder.write(run.judge(target, options, run.plan_run(target, options), folder, SilentProgress()))
        folder.history.unlink()
        report = load(folder.path)
    failures = tuple(failure for failure in report.failures if failure.level in LEVELS)
    on_item = tuple(failure for failure in failures if concerns(failure.id, mutant.item))
    return replace(report, failures=on_item or failures)


def _replay(report: ReportFile, url: str) -> list[ReplayResult]:
    return list(replay_failures(report, report.failures, target_at(url), None, 20.0))


def render_page(rows: Sequence[ReplayRow]) -> str:
    """The Markdown page."""
    reproduced = sum(row.is_reproduced for row in rows)
    lines = [
        "# Replays",
        "",
        "Written by `python -m tests.quality.replays`. Each failure of a mutant is replayed from `report.json` alone,",
        "on the mutant and on the plain emulator.",
        "",
        f"{reproduced} of {len(rows)} failures, of {len({row.mutant for row in rows})} mutants, fail again on the",
        "mutant and pass on the plain emulator. A failure that needs concurrent programs passes if replayed alone.",
        "",
        "| mutant | failure | level | steps | requests | on the mutant | on the plain emulator |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.mutant} | `{row.id}` | {row.level} | {row.steps} | {row.requests} | {row.on_mutant} | {row.on_plain} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[ReplayRow]) -> None:
    """Write the rows and the page."""
    write_rows("replays", map(asdict, rows))
    write_text("replays.md", render_page(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay failures; returns 1 if one is not reproduced."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="replay only failures of these mutants; write nothing")
    options = parser.parse_args(arguments)
    by_name = {mutant.name: mutant for mutant in standard_mutants()}
    mutants = [by_name[name] for name in options.names] or sample(handwritten_mutants())
    started = time.monotonic()
    rows = []
    for row in replay_mutants(mutants):
        rows.append(row)
        if not row.is_reproduced or options.names:
            print(f"{row.mutant}: {row.id}: {row.on_mutant}, {row.on_plain} ({row.reason})", flush=True)
    if not options.names:
        write(rows)
    reproduced = sum(row.is_reproduced for row in rows)
    print(
        f"{reproduced} of {len(rows)} failures of {len(mutants)} mutants reproduced; {time.monotonic() - started:.0f} s"
    )
    return 0 if reproduced == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
