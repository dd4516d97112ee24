"""Adds the steps that reproduce each violation to the counterexamples of a report."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.subhistory import minimal_subhistory, positive_controls
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_array, is_object, json_pointer
from runs_conformance.model.list_body import ITEMS, listed_items
from runs_conformance.model.long_text import compress
from runs_conformance.recordings import history_file

_MAX_MINIMIZED = 4 * 1024 * 1024
"""Bytes of the responses of a history that is minimized."""
_PROGRAM_PREFIX = 2_000
"""The program id stands within this many bytes of the beginning of an exchange's line."""


def attach_steps(
    result: RunResult,
    histories: Iterable[History],
    history_judge: HistoryJudge,
    model: str | None = None,
    larger_than: Mapping[str, int] | None = None,
    *,
    keeps_times: bool = False,
) -> RunResult:
    """Add the steps that reproduce each counterexample to the result, as far as these histories contain them.

    `model` is the model that the runs used; it is recorded so that a replay can replace it. `larger_than` has the
    number of steps, by id, that did not suffice to reproduce it. Steps that keep their times have pauses between them.
    """
    insufficient = larger_than or {}
    examples = dict(result.counterexamples)
    pending: defaultdict[str, list[str]] = defaultdict(list)
    for id_, example in examples.items():
        if is_object(example):
            pending[str(example.get("program"))].append(id_)
    # Each history may be large, so that only one is held at a time.
    for history in histories:
        for id_ in pending.pop(history.program, ()):
            size = insufficient.get(id_, 0)
            examples[id_] = _with_steps(id_, examples[id_], history, history_judge, model, size, keeps_times)
    for id_ in itertools.chain.from_iterable(pending.values()):
        examples[id_] = _with_steps(id_, examples[id_], None, history_judge, model)
    return replace(result, counterexamples=examples)


def attach_larger_steps(
    result: RunResult, ids: Collection[str], path: Path, history_judge: HistoryJudge, model: str | None = None
) -> RunResult:
    """The counterexamples of these ids with more steps, of which the former steps may be a part, where there are more.

    `path` is the file with the exchanges of the test run.
    """
    former = _reproductions(result, ids)
    sizes = {id_: len(reproduction.steps) for id_, reproduction in former.items()}
    bare = {id_: _without_steps(result.counterexamples[id_]) for id_ in sizes}
    enlarged = replace(result, counterexamples=bare)
    histories = read_counterexample_histories(path, enlarged)
    enlarged = attach_steps(enlarged, histories, history_judge, model, sizes)
    grown = {
        id_: enlarged.counterexamples[id_]
        for id_, reproduction in _reproductions(enlarged, sizes).items()
        if len(reproduction.steps) > sizes[id_]
    }
    return replace(result, counterexamples=grown)


def attach_timed_steps(
    result: RunResult, ids: Collection[str], path: Path, history_judge: HistoryJudge, model: str | None = None
) -> RunResult:
    """The counterexamples of these ids with the pauses that the test run made between the steps, where it made some."""
    former = _reproductions(result, ids)
    timed = replace(result, counterexamples={id_: _without_steps(result.counterexamples[id_]) for id_ in former})
    histories = read_counterexample_histories(path, timed)
    timed = attach_steps(timed, histories, history_judge, model, keeps_times=True)
    paused = {
        id_: timed.counterexamples[id_]
        for id_, reproduction in _reproductions(timed, former).items()
        if reproduction != former[id_]
    }
    return replace(result, counterexamples=paused)


def attach_late_steps(result: RunResult, ids: Collection[str]) -> RunResult:
    """The counterexamples of these ids with a pause before the last step, which shows what became of a run."""
    late = {
        id_: (result.counterexamples[id_], later)
        for id_, reproduction in _reproductions(result, ids).items()
        if (later := reproduction.ending_late()) != reproduction
    }
    examples = {
        id_: {**example, "steps": later.to_json()} for id_, (example, later) in late.items() if is_object(example)
    }
    return replace(result, counterexamples=examples)


def _reproductions(result: RunResult, ids: Iterable[str]) -> dict[str, Reproduction]:
    """The reproductions of the counterexamples of these ids that have steps."""
    found = ((id_, reproduction_of(result.counterexamples.get(id_))) for id_ in ids)
    return {id_: reproduction for id_, reproduction in found if reproduction is not None}


def reproduction_of(example: JSON) -> Reproduction | None:
    """The steps of a counterexample; None if it has none."""
    steps = example.get("steps") if is_object(example) else None
    return Reproduction.from_json(steps) if is_array(steps) else None


def _without_steps(example: JSON) -> JSON:
    return {name: value for name, value in example.items() if name != "steps"} if is_object(example) else example


def read_counterexample_histories(path: Path, result: RunResult, edition: str | None = None) -> Iterator[History]:
    """Read from the file at `path` the histories that contain the counterexamples, one after the other.

    `edition` overrides theirs. Yields no history if the file cannot be read.
    """
    markers = [
        b'"program":' + json.dumps(program).encode()
        for program in {
            example.get("program"): None
            for example in result.counterexamples.values()
            if is_object(example) and "steps" not in example
        }
    ]
    if not markers:
        return
    positions: defaultdict[bytes, list[tuple[int, int]]] = defaultdict(list)
    try:
        with path.open("rb") as file:
            # Parsing only the matching lines is much faster than parsing the whole file.
            start = 0
            for line in file:
                beginning = line[:_PROGRAM_PREFIX]
                for marker in markers:
                    if marker in beginning:
                        positions[marker].append((start, len(line)))
                start += len(line)
            for locations in positions.values():
                lines = (_read_at(file, *location) for location in locations)
                yield from history_file.read_lines(path.name, lines, edition).histories
    except OSError:
        return


def _read_at(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _with_steps(
    id_: str,
    example: JSON,
    history: History | None,
    history_judge: HistoryJudge,
    model: str | None,
    larger_than: int = 0,
    keeps_times: bool = False,
) -> JSON:
    if not is_object(example):
        return example
    # The same order of members, whether the steps were recorded or are attached now.
    extended: dict[str, JSON] = {name: value for name, value in example.items() if name not in ("model", "steps")}
    model = str(example["model"]) if model is None and "model" in example else model
    extended |= {} if model is None else {"model": model}
    steps = example.get("steps")
    if is_array(steps):
        return {**extended, "steps": [compress(step) for step in steps]}
    exchange = history.find(str(example.get("exchange"))) if history is not None else None
    if history is None or exchange is None or exchange.step is None:
        return extended
    size = sum(each.response.size for each in history if each.response is not None)
    # Each attempt at a smaller history judges it again.
    needed = (
        minimal_subhistory(history, id_, exchange, history_judge, larger_than)
        if size <= _MAX_MINIMIZED
        else _until(history, id_, exchange)
    )
    sent = _with_metadata_of_fixtures(needed) if "metadata" in id_ else needed
    reproduction = Reproduction.of(sent, keeps_times=keeps_times)
    items = _places_of_items(needed)
    return {**extended, "steps": reproduction.to_json(), **({"items_at": items} if items else {})}


def _with_metadata_of_fixtures(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """The exchanges with steps that have the metadata that the session added to their requests."""
    for exchange in exchanges:
        step, sent = exchange.step, exchange.request.body
        if (
            step is not None
            and step.role is Role.FIXTURE
            and isinstance(step.body, Mapping)
            and is_object(sent)
            and "metadata" in sent.keys() - step.body.keys()
        ):
            step = replace(step, body={**step.body, "metadata": sent["metadata"]})
        yield replace(exchange, step=step)


def _places_of_items(exchanges: Iterable[Exchange]) -> dict[str, JSON]:
    """The places of the items of lists that do not have them in `data`, by step name."""
    return {
        exchange.step.name: place
        for exchange in exchanges
        if exchange.step is not None and exchange.step.name and _lists(exchange)
        for place, items in [listed_items(exchange.body)]
        if items and place != json_pointer(ITEMS)
    }


def _lists(exchange: Exchange) -> bool:
    return exchange.operation in OPERATIONS and OPERATIONS[exchange.operation].listed_kind is not None


def _until(history: History, id_: str, failing: Exchange) -> list[Exchange]:
    """Everything until the failure, and the accepted requests that give it its meaning, which may come later."""
    later = {each.index for each in positive_controls(history, id_, failing)}
    return [each for each in history if each.index <= failing.index or each.index in later]
