"""Measures the state machine for Hypothesis: it reports nothing on the emulator, and finds mutants of several steps.

`python -m tests.quality.state_machine` judges `EXAMPLES` examples on the emulator, and counts for each of ten mutants
the examples until one breaks a requirement. It writes `reports/reference/state-machine.json` and `.md`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from hypothesis import Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from runs_conformance.app.options import RunOptions
from runs_conformance.emulator.app import build
from runs_conformance.emulator.catalogue import fuzzing_mutants, handwritten_mutants
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.strategies import RequirementViolated, RunsStateMachine, state_machine
from runs_conformance.strategies.state_machine import DEFAULT_SETTINGS
from tests.quality.tables import read_rows, write_rows, write_text

NAME = "state-machine"
EXAMPLES = 2_000
CORRECT = "none"
MUTANTS = (
    "cannot_cancel_what_was_modified",
    "forgets_the_temperature_of_a_modified_run",
    "keeps_no_metadata_of_a_second_run",
    "opens_the_thread_after_two_refusals",
    "shows_deleted_messages_in_ascending_lists",
    "takes_no_messages_with_a_second_run",
    "revives_on_modify",
    "stays_locked_after_cancelling",
    "renames_calls_on_wrong_outputs",
    "fails_what_is_cancelled_while_it_waits",
)
"""Mutants that no single request shows: they need several steps in a certain order."""
_KEYS = ("sk-machine", "sk-machine-other")
_STEP_MS = 1.0
_OPTIONS = RunOptions(fail_on="should")
"""Requirements of level SHOULD count, too, since several of the mutants break no other."""


@dataclass(frozen=True, slots=True)
class MachineRow:
    """A measurement. `mutant` is `none` for the correct emulator; `failed` is the broken requirement, empty if none.

    `examples` is the number of examples until then.
    """

    mutant: str
    defect: str
    examples: int
    failed: str
    seconds: float


def measure(mutant: str, examples: int = EXAMPLES) -> MachineRow:
    """Judge examples on a mutant, or on the correct emulator, until one breaks a requirement."""
    app = build(EmulatorOptions(step_ms=_STEP_MS, keys=_KEYS), () if mutant == CORRECT else (mutant,))
    machine = _counting(state_machine(app, _OPTIONS, api_key=_KEYS[0], second_api_key=_KEYS[1]))
    chosen = settings(DEFAULT_SETTINGS, max_examples=examples, phases=[Phase.generate, Phase.target], database=None)
    started = time.monotonic()
    with suppress(RequirementViolated, Flaky):
        # An example that is flaky broke a requirement, too: whether it does again depends on time.
        run_state_machine_as_test(machine, settings=settings(chosen, derandomize=True, report_multiple_bugs=False))
    return MachineRow(mutant, _defect(mutant), machine.count, machine.failed, round(time.monotonic() - started, 1))


def _counting(machine: type[RunsStateMachine]) -> Any:
    """The machine, which counts its examples until the first that breaks a requirement, and remembers which."""

    class CountingMachine(machine):  # type: ignore[valid-type, misc]
        count = 0
        failed = ""

        def teardown(self) -> None:
            type(self).count += not type(self).failed
            try:
                super().teardown()
            except RequirementViolated as error:
                type(self).failed = type(self).failed or error.id
                raise

    return CountingMachine


def _defect(mutant: str) -> str:
    known = {each.name: each.text for each in (*handwritten_mutants(), *fuzzing_mutants())}
    return known.get(mutant, "")


def read() -> list[MachineRow]:
    """The committed rows."""
    return [MachineRow(**row) for row in read_rows(NAME)]


def page(rows: Sequence[MachineRow]) -> str:
    """The page of the measurements."""
    (correct,) = (row for row in rows if row.mutant == CORRECT)
    verdict = f"broke `{correct.failed}`" if correct.failed else "broke nothing"
    lines = [
        "# State machine",
        "",
        "Written by `python -m tests.quality.state_machine`. The state machine of `runs_conformance.strategies` judges",
        "the emulator in process.",
        "",
        f"{correct.examples} examples on the correct emulator {verdict} (in {correct.seconds:.0f} s).",
        "",
        "| mutant | defect | examples until found | broken requirement |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.mutant} | {row.defect} | {row.examples if row.failed else f'not in {row.examples}'} | "
        f"{f'`{row.failed}`' if row.failed else '-'} |"
        for row in rows
        if row.mutant != CORRECT
    ]
    return "\n".join(lines) + "\n"


def write(rows: Iterable[MachineRow]) -> None:
    """Write the table and the page."""
    ordered = sorted(rows, key=lambda row: (row.mutant != CORRECT, row.mutant))
    write_rows(NAME, [asdict(row) for row in ordered])
    write_text(f"{NAME}.md", page(ordered))


def main() -> None:
    """Measure the named ones, or all, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants, or `none` for the correct emulator")
    names = parser.parse_args().names or [CORRECT, *MUTANTS]
    rows = {row.mutant: row for row in read() if row.mutant in (CORRECT, *MUTANTS)}
    for name in names:
        rows[name] = measure(name)
        print(rows[name], flush=True)
    write(rows.values())


if __name__ == "__main__":
    main()
