"""The steps that show each violation again, put into the counterexamples that a report holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.run_plan import Course, Judging
from runs_conformance.engine.shrinking.history import excerpt
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.long_text import packed
from runs_conformance.recordings import history_file

_HEAD = 2_000
"""An exchange says within so many bytes which program it is of."""


def with_steps(way: Course, histories: Iterable[History], judging: Judging, model: str | None = None) -> Course:
    """The course whose counterexamples hold the steps that show them, as far as these histories have them.

    `model` is the one that runs used, so that another can be put in its place.
    """
    by_program = {history.program: history for history in histories}
    return replace(
        way, examples={id_: _told(id_, example, by_program, judging, model) for id_, example in way.examples.items()}
    )


def recorded(path: Path, way: Course) -> tuple[History, ...]:
    """The histories that the counterexamples of a course are from, read back from the file they were written to;
    none where that is gone.
    """
    wanted = [
        b'"program":' + json.dumps(example.get("program")).encode()
        for example in way.examples.values()
        if is_object(example) and "steps" not in example
    ]
    if not wanted:
        return ()
    parts = set(wanted)
    try:
        with path.open("rb") as file:
            # Reading the lines that are wanted is much less than reading all of them.
            lines = [line for line in file if any(part in line[:_HEAD] for part in parts)]
    except OSError:
        return ()
    return history_file.read(path.name, b"".join(lines), None).histories


def _told(id_: str, example: JSON, by_program: Mapping[str, History], judging: Judging, model: str | None) -> JSON:
    if not is_object(example):
        return example
    shown: dict[str, JSON] = {**example} if model is None else {**example, "model": model}
    steps = example.get("steps")
    if is_array(steps):
        return {**shown, "steps": [packed(step) for step in steps]}
    history = by_program.get(str(example.get("program")))
    exchange = history.find(str(example.get("exchange"))) if history is not None else None
    if history is None or exchange is None or exchange.step is None:
        return shown
    moves = Reproduction.of(excerpt(history, id_, exchange, judging))
    return {**shown, "steps": moves.to_json()}
