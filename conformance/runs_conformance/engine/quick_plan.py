"""The programs of profile quick, and the steps that it omits from them.

The table is derived, not written by hand: `python -m tests.quality.quick_plan` measures which defects of the emulator
each step reveals, and keeps the steps that reveal the most for their requests and runs.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from runs_conformance.engine.unsent import unsent_exchange
from runs_conformance.model.case import Key, Step, encode_references
from runs_conformance.model.program import Program, ProgramContext, StepGenerator

TABLE = Path(__file__).with_name("quick_plan.json")

OMITTED_REASON = "outside profile quick"
"""Why a step of a program is not sent, and why a requirement is not judged if only such steps judge it."""


@dataclass(frozen=True, slots=True)
class QuickProgram:
    """A program of profile quick: it sends all steps but the omitted ones. `requests` and `runs` are as measured.

    A label that ends with EVERY stands for all repetitions of a step.
    """

    requests: int
    runs: int
    omitted: frozenset[str]


EVERY = ":*"
"""The end of a label that stands for all repetitions of a step."""


SPARE_REQUESTS, SPARE_POLLS = 2, 4
"""Requests that a program may send on a correct server beyond the measured ones, and further ones for each run."""


class StepLabels:
    """Labels the steps of one execution of a program, whatever model and ids the target has."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def label(self, step: Step) -> str:
        """The label of the next step: its operation, a hash of what is fixed in it, and its number if it repeats."""
        mutation = step.mutation and (step.mutation.place, step.mutation.pointer, step.mutation.keyword)
        fixed: list[Any] = [step.name, step.role, step.key, step.dangling, step.anomaly, mutation, dict(step.headers)]
        fixed += [encode_references(step.path), encode_references(step.query)]
        digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:6]
        label = f"{step.operation}:{digest}"
        self._seen[label] += 1
        return label if self._seen[label] == 1 else f"{label}:{self._seen[label]}"


@cache
def load_quick_programs() -> Mapping[str, QuickProgram]:
    """The programs of profile quick by id; empty if they were never derived."""
    if not TABLE.is_file():
        return {}
    return decode_quick_programs(TABLE.read_text(encoding="utf-8"))


def decode_quick_programs(text: str) -> dict[str, QuickProgram]:
    """The inverse of `encode_quick_programs`."""
    return {
        id_: QuickProgram(entry["requests"], entry["runs"], frozenset(entry["omitted"]))
        for id_, entry in json.loads(text).items()
    }


def encode_quick_programs(programs: Mapping[str, QuickProgram]) -> str:
    """The text of the table, one program a line."""
    lines = [
        f"{json.dumps(id_)}: "
        + json.dumps({"requests": each.requests, "runs": each.runs, "omitted": sorted(each.omitted)})
        for id_, each in sorted(programs.items())
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def select_quick_programs(
    programs: Iterable[Program], table: Mapping[str, QuickProgram] | None = None, *, omits_steps: bool = True
) -> list[Program]:
    """Mark the programs that profile quick executes, and shorten those of the table.

    Boundary programs are sampled where they are built. Programs of a read-only test run have no costs to save.
    """
    known = load_quick_programs() if table is None else table
    return [_select(program, known.get(program.id), omits_steps) for program in programs]


def _select(program: Program, entry: QuickProgram | None, omits_steps: bool) -> Program:
    if entry is None:
        return replace(program, quick=program.phase == "boundary" or not program.writes)
    return shorten_program(program, entry) if omits_steps else replace(program, quick=True)


def shorten_program(program: Program, entry: QuickProgram) -> Program:
    """The program without the omitted steps."""
    return replace(
        program,
        quick=True,
        generate=_omit_steps(program, entry.omitted),
        requests=min(program.requests, entry.requests + SPARE_REQUESTS + SPARE_POLLS * entry.runs),
        runs=min(program.runs, entry.runs),
    )


def is_among(label: str, labels: Collection[str]) -> bool:
    """Whether a label, or all repetitions of its step, are among these."""
    return label in labels or first_label(label) + EVERY in labels


def first_label(label: str) -> str:
    """The label of the first of the steps that differ in their number only."""
    return ":".join(label.split(":")[:2])


def _is_omitted(step: Step, labels: StepLabels, omitted: Collection[str]) -> bool:
    return not step.until and is_among(labels.label(step), omitted) and not _shows_key_checks(step)


def _shows_key_checks(step: Step) -> bool:
    """Whether a step is sent even if the table omits it: a read without a key, or with a wrong one.

    On a server that lacks operations, only these reads may show that it checks keys.
    """
    return step.operation in ("get_thread", "list_runs") and step.key in (Key.NONE, Key.WRONG)


def _omit_steps(program: Program, omitted: Collection[str]) -> Callable[[ProgramContext], StepGenerator]:
    def generate(context: ProgramContext) -> StepGenerator:
        steps, labels = program.generate(context), StepLabels()
        answer = None
        while True:
            try:
                move = steps.send(answer)
            except StopIteration:
                return
            if isinstance(move, Step) and _is_omitted(move, labels, omitted):
                answer = unsent_exchange(move, program.id, OMITTED_REASON)
            else:
                answer = yield move

    return generate
