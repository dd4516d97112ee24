"""Adds the steps that reproduce each violation to the counterexamples of a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.run_result import Judges, RunResult
from runs_conformance.engine.shrinking.subhistory import minimal_subhistory
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.long_text import compress
from runs_conformance.recordings import history_file

_PROGRAM_PREFIX = 2_000
"""The program id stands within this many bytes of the beginning of an exchange's line."""


def attach_steps(
    result: RunResult, histories: Iterable[History], judges: Judges, model: str | None = None
) -> RunResult:
    """Add the steps that reproduce each counterexample to the result, as far as these histories hold them.

    `model` is the model that the runs used; it is recorded so that a replay can replace it.
    """
    by_program = {history.program: history for history in histories}
    return replace(
        result,
        counterexamples={
            id_: _with_steps(id_, example, by_program, judges, model) for id_, example in result.counterexamples.items()
        },
    )


def read_counterexample_histories(path: Path, result: RunResult) -> tuple[History, ...]:
    """Read the histories that the counterexamples come from back from the file at `path`.

    Returns no history if the file cannot be read.
    """
    markers = {
        b'"program":' + json.dumps(example.get("program")).encode()
        for example in result.counterexamples.values()
        if is_object(example) and "steps" not in example
    }
    if not markers:
        return ()
    try:
        with path.open("rb") as file:
            # Parsing only the matching lines is much faster than parsing the whole file.
            lines = [line for line in file if any(marker in line[:_PROGRAM_PREFIX] for marker in markers)]
    except OSError:
        return ()
    return history_file.read_history(path.name, b"".join(lines), None).histories


def _with_steps(id_: str, example: JSON, by_program: Mapping[str, History], judges: Judges, model: str | None) -> JSON:
    if not is_object(example):
        return example
    extended: dict[str, JSON] = {**example} if model is None else {**example, "model": model}
    steps = example.get("steps")
    if is_array(steps):
        return {**extended, "steps": [compress(step) for step in steps]}
    history = by_program.get(str(example.get("program")))
    exchange = history.find(str(example.get("exchange"))) if history is not None else None
    if history is None or exchange is None or exchange.step is None:
        return extended
    reproduction = Reproduction.of(minimal_subhistory(history, id_, exchange, judges))
    return {**extended, "steps": reproduction.to_json()}
