"""The response matrix: every constraint on responses is failed by a broken response, on each channel that shows it.

`python -m tests.quality.response_matrix` judges one test run of the standard profile on the emulator, breaks its
responses one by one, and writes `reports/reference/responses.json` and `.md`. The report states the means for each
channel:

* recorded: a response of that run, broken at one place of the history;
* generated: a response of that run, replaced by a valid object from the schema and broken at one place;
* either of them with --strict, if a known deviation of the real service excuses the constraint;
* the id of a rule that fails instead, if the whole object has another JSON type;
* the mutants of the emulator that fail the constraint, from the kill matrix: these are served over HTTP.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.contract.constraint import constraints, object_documents
from runs_conformance.contract.event import event_types
from runs_conformance.model.exchange import Event, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, replace_at
from runs_conformance.recordings.load import load_traffic
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.targets import Target
from tests.quality import kill_matrix
from tests.quality.emulator_host import serve_emulators
from tests.quality.judging import STEP_MS, target_at
from tests.quality.response_mutations import Holder, breaks, channels_of, generated_objects, holders
from tests.quality.tables import read_rows, write_rows, write_text

NAME = "responses"
RECORDED, GENERATED = "recorded", "generated"
STRICT = " with --strict"
MAX_TRIES = 10
"""Recorded responses that are broken for one constraint. Some are excused, since an invalid request was accepted."""
NO_PLACE = "no value of the schema has this place"


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """A constraint on responses, and the means by which each channel shows that a server that breaks it fails.

    `json` and `stream` are `recorded` or `generated`, perhaps with ` with --strict`, or the id of the rule that fails
    instead, or a reason why the constraint cannot be shown. They are empty if the channel does not carry the object.
    `mutants` are those of the emulator that fail it.
    """

    constraint: str
    level: str
    json: str
    stream: str
    mutants: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """Whether a broken response fails the constraint on every channel that carries the object."""
        return all(means != NO_PLACE for means in (self.json, self.stream))


def response_constraints() -> dict[str, str]:
    """The constraints on responses, each with its level."""
    return {id_: each.level.value for id_, each in constraints().items() if each.side == "response"}


def kind_of(constraint: str) -> str:
    """The kind of the object that a constraint is about."""
    return constraint.partition(".")[0].partition("[")[0]


def rule_on_whole_object(kind: str, channel: str) -> str:
    """The rule that fails if the whole object has another JSON type."""
    if channel == "stream":
        return "streaming.data_of_events_is_an_object"
    return "errors.message_is_a_text" if kind == "error" else "transport.success_is_a_json_object"


def failed_constraints(history: Sequence[Exchange], holder: Holder, value: JSON, *, strict: bool = False) -> set[str]:
    """The ids that fail if a value takes the place of an object in a history.

    Raises RuntimeError for an internal error.
    """
    changed = [holder.with_value(value) if each is holder.exchange else each for each in history]
    _, tallies = build_history_judge(RunOptions(strict=strict)).judge_exchanges(history[0].program, changed)
    if errors := [error for tally in tallies.values() for error in tally.errors]:
        raise RuntimeError(errors[0])
    return {id_ for id_, tally in tallies.items() if tally.findings}


class ResponseMeasurement:
    """Breaks the responses of recorded histories, the smallest history first."""

    def __init__(self, histories: Iterable[History]) -> None:
        self._histories: list[Sequence[Exchange]] = sorted((each.exchanges for each in histories), key=len)
        self._wanted = response_constraints()
        self._holders: dict[tuple[str, str], tuple[Sequence[Exchange], Holder]] = {}
        self._tries: Counter[tuple[str, str]] = Counter()
        self.means: dict[tuple[str, str], str] = {}

    def measure(self) -> None:
        """Fill `means` by constraint and channel."""
        for strict in (False, True):
            self._tries.clear()
            for history in self._histories:
                for exchange in history:
                    for holder in holders(exchange):
                        self._holders.setdefault((holder.kind, _channel(holder)), (history, holder))
                        self._break(history, holder, holder.value, RECORDED, strict=strict)
            self._add_unrecorded_events()
            for (kind, _), (history, holder) in self._holders.items():
                for value, _ in generated_objects(kind):
                    self._break(history, holder, value, GENERATED, strict=strict)
        for (kind, channel), (history, holder) in self._holders.items():
            rule = rule_on_whole_object(kind, channel)
            if rule in failed_constraints(history, holder, [holder.value]):
                self.means[f"{kind}.type", channel] = rule

    def _add_unrecorded_events(self) -> None:
        """Hold the kinds of events that no stream shows in place of the last event of a run."""
        history, holder = self._holders["run", "stream"]
        assert holder.event is not None
        for event in event_types().values():
            kind = event.payload_kind
            if kind in object_documents() and (kind, "stream") not in self._holders:
                exchange = holder.with_event(Event(event.name, {}))
                changed = [exchange if each is holder.exchange else each for each in history]
                self._holders[kind, "stream"] = changed, Holder(exchange, kind, {}, holder.event)

    def _break(self, history: Sequence[Exchange], holder: Holder, valid: JSON, means: str, *, strict: bool) -> None:
        channel = _channel(holder)

        def is_wanted(constraint: str) -> bool:
            key = constraint, channel
            return constraint in self._wanted and key not in self.means and self._tries[key] < MAX_TRIES

        for each in breaks(holder.kind, valid, is_wanted):
            key = each.constraint, channel
            if key in self.means or not each.path:
                continue
            self._tries[key] += 1
            broken = replace_at(valid, each.path, each.replacement)
            if each.constraint in failed_constraints(history, holder, broken, strict=strict):
                self.means[key] = means + STRICT * strict

    def rows(self) -> Iterator[ResponseRow]:
        """The rows of the matrix."""
        mutants = _mutants_by_id()
        for id_, level in sorted(self._wanted.items()):
            shown = {
                channel: self.means.get((id_, channel), NO_PLACE) if channel in channels_of(kind_of(id_)) else ""
                for channel in ("json", "stream")
            }
            yield ResponseRow(id_, level, shown["json"], shown["stream"], mutants.get(id_, ()))


def _channel(holder: Holder) -> str:
    return "json" if holder.event is None else "stream"


def _mutants_by_id() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in kill_matrix.read():
        for id_ in row.failed:
            found.setdefault(id_, []).append(row.mutant)
    return {id_: tuple(sorted(names)) for id_, names in found.items()}


def record() -> tuple[History, ...]:
    """The histories of one run of the standard profile on the emulator."""
    with serve_emulators({"correct": ((), ())}, STEP_MS) as urls:
        return record_target(target_at(urls["correct"]), RunOptions())


def record_target(target: Target, options: RunOptions) -> tuple[History, ...]:
    """The histories of one run on a target."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = prepare_folder(Path(scratch) / "report")
        run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
        return load_traffic(folder.history).histories


def read() -> list[ResponseRow]:
    """The committed rows."""
    return [ResponseRow(**{**row, "mutants": tuple(row["mutants"])}) for row in read_rows(NAME)]


def is_stale() -> bool:
    """Whether the committed rows are about other constraints, or other levels, than the contract has."""
    return {row.constraint: row.level for row in read()} != response_constraints()


def page(rows: Sequence[ResponseRow]) -> str:
    """The page of the matrix."""
    counts = Counter(means.removesuffix(STRICT) for row in rows for means in (row.json, row.stream))
    proven = sum(row.is_proven for row in rows)
    lines = [
        "# Response matrix",
        "",
        "Written by `python -m tests.quality.response_matrix`. Each constraint on responses is broken in a response",
        "of one test run of the standard profile on the emulator, at one place and on each channel that carries the",
        "object; the changed history is then judged. `recorded`: the emulator sent the place, and the history was",
        "changed there. `generated`: no recorded response has the place; a valid object from the schema took the place",
        "of a recorded one and was broken. With `--strict`: otherwise a known deviation of the real service excuses",
        "it. The id of a rule: the whole object had another JSON type, which that rule judges. The last column counts",
        "the mutants of the emulator that fail the constraint over HTTP.",
        "",
        f"{proven} of {len(rows)} constraints are failed on every channel: "
        + ", ".join(f"{counts[means]} times {means}" for means in (RECORDED, GENERATED))
        + f". {sum(bool(row.mutants) for row in rows)} are also failed by a mutant of the emulator.",
        "",
        "| constraint | level | JSON | stream | mutants |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{row.constraint}` | {row.level} | {row.json or '-'} | {row.stream or '-'} | {len(row.mutants)} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the table and the page."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    measurement = ResponseMeasurement(record())
    measurement.measure()
    rows = list(measurement.rows())
    write_rows(NAME, [asdict(row) for row in rows])
    write_text(f"{NAME}.md", page(rows))
    print(f"{sum(row.is_proven for row in rows)} of {len(rows)} constraints on responses are failed on every channel")
    for row in rows:
        if not row.is_proven:
            print(row)


if __name__ == "__main__":
    main()
