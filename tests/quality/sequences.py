"""Sequences of two and three requests to one thread that change its runs, and the reasons for those not covered.

A change is an accepted request that starts, resumes or cancels a run: the status of the last run before it, the
operation and the channel of the response. A pair is a change and the next request to write to the thread, in the status
that it meets; a triple has two changes before it. A request that is refused changes nothing, so it only ends a
sequence. The table has a line for each beginning of a sequence: the changes before the last request, and the status
that it meets.
`python -m tests.quality.situations` writes `reports/reference/sequences.json` and `.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.evidence.observation import observations_in
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from tests.quality.tables import read_rows, write_rows, write_text

NAME = "sequences"
NONE, WORKING, WAITING, EXPIRED = "none", "working", "requires_action", "expired"
"""States of the last run: there is none, it is queued, in progress or cancelling, it waits, it expired."""
_ENDS = ("completed", "cancelled", "failed", "incomplete", EXPIRED)
STATES = (NONE, WORKING, WAITING, *_ENDS)


class ThreadRequest(NamedTuple):
    """A request that writes to a thread; `stream` says whether the response is a stream."""

    operation: str
    stream: bool = False

    @property
    def name(self) -> str:
        """The operation, marked if the response is a stream."""
        return f"{self.operation} (stream)" if self.stream else self.operation


START, START_STREAM = ThreadRequest("create_run"), ThreadRequest("create_run", stream=True)
SUBMIT, SUBMIT_STREAM = ThreadRequest("submit_tool_outputs"), ThreadRequest("submit_tool_outputs", stream=True)
CANCEL, MESSAGE = ThreadRequest("cancel_run"), ThreadRequest("create_message")
REQUESTS = (START, START_STREAM, SUBMIT, SUBMIT_STREAM, CANCEL, MESSAGE)
_STARTED = (WAITING, "completed", "failed", "incomplete", EXPIRED)
NEXT_STATES = {
    START: (WORKING, *_STARTED),
    START_STREAM: _STARTED,
    SUBMIT: (WORKING, *_STARTED),
    SUBMIT_STREAM: _STARTED,
    CANCEL: (WORKING, "cancelled", "completed"),
}
"""The states of a run that the next request may meet. A stream lasts until its run waits or has ended.

Only the first run of a thread, which is not streamed, expires: one that does takes no other way later.
"""

REASONS = {
    "A": "covered on an emulator whose runs expire after two seconds",
    "B": "whether a request meets a working run depends on time; the request to a working run is covered by itself",
    "C": "no run of a standard test run expires, and of those that expire early only some are followed by others",
    "D": "each two neighbours of the three are covered, on different threads; all three together need more runs than "
    "the limit of the profile",
    "E": "two neighbours of the three are not covered, for the reason in the line of that pair",
    "F": "the request in this state of the last run is covered after another change; after this one it needs more runs "
    "than the limit of the profile",
    "G": "the request in this state is not covered after any change, for the reason in the table of situations",
    "H": "whether a cancelled run still completes is up to the server: no run of the emulator does",
    "I": "a working run makes no difference between the channels of a request: the other one is covered",
}
"""The reasons for which a sequence is not covered."""

REQUIRED = (
    ("none: create_run (stream), completed", "create_run (stream)"),
    ("none: create_run, completed", "create_run"),
    ("none: create_run, requires_action: cancel_run, cancelled", "cancel_run"),
    ("none: create_run, working: cancel_run, cancelled", "cancel_run"),
    ("none: create_run, working: cancel_run, cancelled", "create_run"),
    ("none: create_run, requires_action: submit_tool_outputs, failed", "create_run (stream)"),
)
"""Sequences in which servers were wrong, so that they must be covered."""


class Change(NamedTuple):
    """An accepted request that starts, resumes or cancels a run, and the state of the last run that it met."""

    state: str
    request: ThreadRequest


@dataclass(frozen=True, slots=True)
class Beginning:
    """One or two changes, and the state that the last request of the sequence meets."""

    changes: tuple[Change, ...]
    state: str

    @property
    def name(self) -> str:
        """The changes with their states, then the last state."""
        return ", ".join([*(f"{state}: {request.name}" for state, request in self.changes), self.state])


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """A beginning, and for each request that may follow `x` if it is covered, or a key of `REASONS`."""

    length: int
    beginning: str
    requests: dict[str, str]


def all_beginnings() -> Iterator[Beginning]:
    """Every beginning that the lifecycle allows, those of pairs first."""
    pairs = [Beginning((change,), state) for change in _changes() for state in _next_states(change)]
    yield from pairs
    for first in pairs:
        for change in _changes():
            if change.state == first.state:
                yield from (Beginning((*first.changes, change), state) for state in _next_states(change))


def _next_states(change: Change) -> Iterator[str]:
    can_expire = change == Change(NONE, START)
    return (state for state in NEXT_STATES[change.request] if state != EXPIRED or can_expire)


def _changes() -> Iterator[Change]:
    for state in STATES:
        requests = {WORKING: (CANCEL,), WAITING: (SUBMIT, SUBMIT_STREAM, CANCEL)}.get(state, (START, START_STREAM))
        yield from (Change(state, request) for request in requests)


def met_sequences(history: Iterable[Exchange]) -> Iterator[tuple[Beginning, ThreadRequest]]:
    """The pairs and triples of a history, in the order of their last requests."""
    changes: dict[str, list[Change]] = {}
    statuses: dict[str, str] = {}
    for exchange in history:
        thread = exchange.path.get("thread_id", "") or _thread_of_answer(exchange)
        request = _request_of(exchange)
        if request is not None and thread:
            state, before = _state(statuses.get(thread, "")), changes.setdefault(thread, [])
            yield from ((Beginning(tuple(before[-count:]), state), request) for count in (1, 2) if len(before) >= count)
            if exchange.accepted and request is not MESSAGE:
                before.append(Change(state, request))
        for observation in observations_in(exchange):
            if observation.kind == "run" and (thread_id := observation.text("thread_id")):
                is_new = exchange.operation in ("create_run", "create_thread_and_run", "submit_tool_outputs")
                if is_new or exchange.operation in ("get_run", "cancel_run"):
                    statuses[thread_id] = observation.status


def _request_of(exchange: Exchange) -> ThreadRequest | None:
    operation = "create_run" if exchange.operation == "create_thread_and_run" else exchange.operation
    stream = exchange.step is not None and exchange.step.stream
    return next((each for each in REQUESTS if each == ThreadRequest(operation or "", stream)), None)


def _thread_of_answer(exchange: Exchange) -> str:
    return next((each.text("thread_id") for each in observations_in(exchange) if each.kind == "run"), "")


def _state(status: str) -> str:
    if not status:
        return NONE
    return status if status in TERMINAL or status == WAITING else WORKING if status in ACTIVE else NONE


def rows_of(histories: Iterable[History], early_expiry: Iterable[History] = ()) -> list[SequenceRow]:
    """The rows of the table, for the histories of one test run, and of one on an emulator whose runs expire early."""
    met = {sequence for history in histories for sequence in met_sequences(history)}
    met_early = {sequence for history in early_expiry for sequence in met_sequences(history)}
    by_itself = {(beginning.state, request) for beginning, request in met}

    def mark(beginning: Beginning, request: ThreadRequest) -> str:
        if (beginning, request) in met:
            return "x"
        if (beginning, request) in met_early:
            return "A"
        states = (*(change.state for change in beginning.changes), beginning.state)
        if EXPIRED in states:
            return "C"
        if WORKING in states[1:]:
            is_covered = beginning.state != WORKING or (WORKING, request) in by_itself
            return "B" if is_covered else "I" if (WORKING, request._replace(stream=False)) in by_itself else "G"
        if any(
            change.request == CANCEL and state == "completed"
            for change, state in zip(beginning.changes, states[1:], strict=True)
        ):
            return "H"
        if len(beginning.changes) == 1:
            return "F" if (beginning.state, request) in by_itself else "G"
        first, second = beginning.changes
        halves = (Beginning((first,), second.state), second.request), (Beginning((second,), beginning.state), request)
        return "D" if met.issuperset(halves) else "E"

    return [
        SequenceRow(len(each.changes) + 1, each.name, {request.name: mark(each, request) for request in REQUESTS})
        for each in all_beginnings()
    ]


def read() -> list[SequenceRow]:
    """The committed rows."""
    return [SequenceRow(**row) for row in read_rows(NAME)]


def page(rows: Sequence[SequenceRow]) -> str:
    """The page of the table."""
    lines = [
        "# Sequences",
        "",
        "Written by `python -m tests.quality.situations`: the sequences of two and three requests to one thread that a",
        "standard test run on the emulator contains. All but the last are *changes*, accepted requests that start,",
        "resume or cancel a run, each after the state of the last run that it meets; the columns are the last request,",
        "which may be refused. `working`: queued, in progress or cancelling. `x`: covered. A letter: not covered, for",
        "the reason below. Lines of triples with nothing but the letters B, C, E, H and I are left out here.",
        "",
        *(f"- {key}: {reason}." for key, reason in REASONS.items()),
    ]
    for length, title in ((2, "Pairs"), (3, "Triples")):
        of_length = [row for row in rows if row.length == length]
        counts = Counter(mark for row in of_length for mark in row.requests.values())
        total = ", ".join(f"{key}: {count}" for key, count in sorted(counts.items()))
        lines += [
            "",
            f"## {title}",
            "",
            f"{counts['x']} of {counts.total()} are covered ({total}).",
            "",
            f"| beginning | {' | '.join(request.name for request in REQUESTS)} |",
            "| --- " * (len(REQUESTS) + 1) + "|",
        ]
        lines += [
            f"| {row.beginning} | {' | '.join(row.requests.values())} |"
            for row in of_length
            if length == 2 or not {*row.requests.values()} <= {"B", "C", "E", "H", "I"}
        ]
    return "\n".join(lines) + "\n"


def write(rows: Sequence[SequenceRow]) -> None:
    """Write the table and the page."""
    write_rows(NAME, [asdict(row) for row in rows])
    write_text(f"{NAME}.md", page(rows))
