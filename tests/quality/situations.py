"""The situations that a test run of the standard profile meets, and those that it does not, each with the reason.

A situation is the state of the thread, the status of its last run, the operation and the channel of the response.
`python -m tests.quality.situations` runs the profile on the emulator and writes `reports/reference/situations.json`
and `.md`, and the same of sequences of requests (see `sequences`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass, field, replace

from runs_conformance.app.options import RunOptions
from runs_conformance.contract.lifecycle import STATUSES, TERMINAL
from runs_conformance.evidence.observation import observations_in
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from tests.quality import sequences
from tests.quality.emulator_host import serve_emulators
from tests.quality.judging import STEP_MS, target_at
from tests.quality.response_matrix import record, record_target
from tests.quality.tables import read_rows, write_rows, write_text

NAME = "situations"
NEW, FIRST, DELETED = "new", "first run", "deleted"
AFTER = {status: f"after {status}" for status in STATUSES if status in TERMINAL}
"""The states of a thread: it has had no run, its last run is its first, or it was deleted; otherwise the status in
which the run before the last ended.
"""
LATER = tuple(AFTER.values())

JSON_ONLY = (
    "get_thread",
    "modify_thread",
    "delete_thread",
    "create_message",
    "get_message",
    "modify_message",
    "delete_message",
    "list_messages",
    "list_runs",
    "get_run",
    "modify_run",
    "cancel_run",
    "list_run_steps",
    "get_run_step",
)
WITH_STREAM = ("create_run", "submit_tool_outputs")
ON_RUNS = ("get_run", "modify_run", "cancel_run", "list_run_steps", "get_run_step", "submit_tool_outputs")
TRANSIENT = ("queued", "in_progress", "cancelling")

REASONS = {
    "A": "the object is gone: whether a request of each kind is refused then is covered for reading and listing",
    "B": "which transient status a request meets depends on time; the request is covered in some of them",
    "C": "the last run decides the response, not how the run before it ended: covered with the same status of the last "
    "run, after another end or with the first run of a thread",
    "D": "the end of the run makes no difference to the request: covered after other endings, or before any run",
    "E": "the channel makes no difference to whether the request is accepted: covered on the other one, in this status "
    "or another transient one",
    "F": "a run of the emulator expires after ten minutes, longer than a test run waits: covered on an emulator whose "
    "runs expire after two seconds. On other targets it is covered if they state an `expires_at` within "
    "`--expiry-timeout`; otherwise the report lists the rules about it as not judged",
    "G": "the request does not concern what an active run does: covered while one waits for tool outputs",
}
"""The reasons for which a situation is not covered."""

REQUIRED = (
    (FIRST, "completed", "create_run", "stream"),
    (AFTER["cancelled"], "completed", "create_run", "stream"),
    (AFTER["cancelled"], "cancelled", "create_run", "json"),
    (AFTER["completed"], "requires_action", "cancel_run", "json"),
    (FIRST, "cancelled", "cancel_run", "json"),
    (FIRST, "completed", "cancel_run", "json"),
    (FIRST, "failed", "create_run", "stream"),
    (FIRST, "requires_action", "create_run", "stream"),
)
"""Situations in which servers were wrong, so that they must be covered."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A situation; `status` is empty for a thread without a run, and for a deleted one."""

    thread: str
    status: str
    operation: str
    channel: str


@dataclass(frozen=True, slots=True)
class SituationRow:
    """A situation, and whether it is covered; otherwise `reason` is a key of `REASONS`."""

    thread: str
    status: str
    operation: str
    channel: str
    covered: bool
    reason: str


@dataclass(slots=True)
class _Thread:
    run_ids: list[str]
    statuses: dict[str, str] = field(default_factory=dict)
    is_deleted: bool = False

    @property
    def status(self) -> str:
        """The last known status of the last run."""
        return self.statuses.get(self.run_ids[-1], "") if self.run_ids else ""

    @property
    def state(self) -> str:
        """The state; the run before the last counts as completed if its end was not seen."""
        if self.is_deleted:
            return DELETED
        if len(self.run_ids) < 2:
            return FIRST if self.run_ids else NEW
        return AFTER.get(self.statuses.get(self.run_ids[-2], ""), AFTER["completed"])


def met_situations(history: Iterable[Exchange]) -> Iterator[Situation]:
    """The situation of every request to a thread, in the order of the requests."""
    threads: dict[str, _Thread] = {}
    for exchange in history:
        id_ = exchange.path.get("thread_id", "")
        if id_ and exchange.operation in (*JSON_ONLY, *WITH_STREAM):
            thread = threads.setdefault(id_, _Thread([]))
            status = "" if thread.is_deleted else thread.status
            yield Situation(thread.state, status, exchange.operation, _channel(exchange))
        _update(threads, exchange)


def _channel(exchange: Exchange) -> str:
    return "stream" if exchange.step is not None and exchange.step.stream else "json"


def _update(threads: dict[str, _Thread], exchange: Exchange) -> None:
    for observation in observations_in(exchange):
        if observation.kind == "run" and observation.text("thread_id"):
            thread = threads.setdefault(observation.text("thread_id"), _Thread([]))
            if observation.id not in thread.run_ids and exchange.operation in ("create_run", "create_thread_and_run"):
                thread.run_ids.append(observation.id)
            thread.statuses[observation.id] = observation.status
    if exchange.operation == "delete_thread" and exchange.accepted:
        threads.setdefault(exchange.path["thread_id"], _Thread([])).is_deleted = True


def all_situations() -> Iterator[Situation]:
    """Every possible situation."""
    states = [(NEW, ""), *((state, status) for state in (FIRST, *LATER) for status in STATUSES), (DELETED, "")]
    for thread, status in states:
        for operation in (*JSON_ONLY, *WITH_STREAM):
            if thread == NEW and operation in ON_RUNS:
                continue
            for channel in ("json", "stream") if operation in WITH_STREAM else ("json",):
                yield Situation(thread, status, operation, channel)


def reason_for(situation: Situation, covered: Set[Situation], early_expiry: Set[Situation] = frozenset()) -> str:
    """The key of the reason for which a situation is not covered; empty if there is none.

    `early_expiry` are those that are covered if runs expire early.
    """
    if situation.thread == DELETED:
        return "A"
    if situation in early_expiry:
        return "F"
    covered = covered | early_expiry
    others = [other for other in covered if other.operation == situation.operation]
    in_same_status = [other for other in others if other.status == situation.status]
    if situation.status in TRANSIENT:
        channels = {other.channel for other in others if other.status in TRANSIENT}
        if channels:
            return "B" if situation.channel in channels else "E"
        return "G" if any(other.status == "requires_action" for other in others) else ""
    if any(other.thread == situation.thread for other in in_same_status):
        return "E"
    if situation.thread in LATER:
        return "C" if in_same_status else reason_for(replace(situation, thread=FIRST), covered)
    is_about_run = situation.operation in (*ON_RUNS, "create_run")
    return "D" if any(other.status in TERMINAL or not is_about_run for other in others) else ""


def rows_of(histories: Iterable[History], early_expiry: Iterable[History] = ()) -> list[SituationRow]:
    """The rows of the table, for the histories of one test run, and of one on an emulator whose runs expire early."""
    met = {situation for history in histories for situation in met_situations(history)}
    met_early = {situation for history in early_expiry for situation in met_situations(history)} - met
    return [
        SituationRow(
            **asdict(each), covered=each in met, reason="" if each in met else reason_for(each, met, met_early)
        )
        for each in all_situations()
    ]


def record_early_expiry() -> tuple[History, ...]:
    """The history of the program that waits for an expiry, on an emulator whose runs expire after two seconds."""
    with serve_emulators({"early": ((), ("lives_two_seconds",))}, STEP_MS) as urls:
        return record_target(target_at(urls["early"]), RunOptions(select=("lifecycle.expired",)))


def read() -> list[SituationRow]:
    """The committed rows."""
    return [SituationRow(**row) for row in read_rows(NAME)]


def page(rows: Sequence[SituationRow]) -> str:
    """The page of the table: one line per operation, one column per status."""
    lines = [
        "# Situations",
        "",
        "Written by `python -m tests.quality.situations`: the situations that a standard test run meets on",
        "the emulator. `x`: covered. A letter: not covered, for the reason below.",
        "",
    ]
    lines += [f"- {key}: {reason}." for key, reason in REASONS.items()]
    for thread in (NEW, FIRST, *LATER, DELETED):
        of_thread = [row for row in rows if row.thread == thread]
        statuses = list(dict.fromkeys(row.status for row in of_thread))
        lines += ["", f"## Thread: {thread}", ""]
        lines += [
            f"| operation | {' | '.join(status or 'any' for status in statuses)} |",
            "| --- " * (len(statuses) + 1) + "|",
        ]
        cells: dict[str, dict[str, str]] = {}
        for row in of_thread:
            name = row.operation + (" (stream)" if row.channel == "stream" else "")
            cells.setdefault(name, {})[row.status] = "x" if row.covered else row.reason or "?"
        lines += [f"| {name} | {' | '.join(marks[status] for status in statuses)} |" for name, marks in cells.items()]
    lines += [
        "",
        f"{sum(row.covered for row in rows)} of {len(rows)} situations are covered, and "
        f"{sum(row.reason == 'F' for row in rows)} more if runs expire early.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the profile, and write the table and the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    histories, early_expiry = record(), record_early_expiry()
    rows = rows_of(histories, early_expiry)
    write_rows(NAME, [asdict(row) for row in rows])
    write_text(f"{NAME}.md", page(rows))
    print(page(rows).splitlines()[-1])
    sequences.write(sequences.rows_of(histories, early_expiry))


if __name__ == "__main__":
    main()
