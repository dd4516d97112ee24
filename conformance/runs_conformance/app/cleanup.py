"""Cleans up after an earlier test run: deletes what its history created and did not delete."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.app.open_run import METADATA_TAG
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import HistoryWriter, NullRecorder, Recorder
from runs_conformance.client.session import Session
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.resources import PROGRAM, Leftover, ResourceTracker, delete_leftovers, reports_missing
from runs_conformance.errors import TargetError, UsageError
from runs_conformance.files import open_file, read_text
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.list_body import listed_items
from runs_conformance.model.require import require_text_members
from runs_conformance.recordings.load import RecordedTraffic, load_traffic
from runs_conformance.reporting.folder import HOME, histories_in
from runs_conformance.targets import Target

LIMITS = ExchangeLimits(idle=20.0, total=20.0)
DELETED, CANCELLED, ALREADY_GONE, ALREADY_ENDED = "deleted", "cancelled", "already gone", "already ended"
"""How an object was disposed of."""

TIME_LIMIT = 3600.0
"""Seconds after which cleanup stops."""

MAX_ASSISTANT_PAGES = 50
"""Maximum number of assistant pages searched for the tag of the test run."""


@dataclass(slots=True)
class CleanupResult:
    """The deleted objects, those already gone, and those that remain, each with the reason."""

    deleted: list[Leftover] = field(default_factory=list)
    already_gone: list[Leftover] = field(default_factory=list)
    remaining: list[tuple[Leftover, str]] = field(default_factory=list)

    def add(self, other: CleanupResult) -> None:
        """Add the objects of another history."""
        self.deleted += other.deleted
        self.already_gone += other.already_gone
        self.remaining += other.remaining


@dataclass(frozen=True, slots=True)
class Leftovers:
    """A history and the objects that its test run left on the target."""

    path: Path
    traffic: RecordedTraffic
    tracker: ResourceTracker

    @property
    def header(self) -> Mapping[str, JSON]:
        """The first line of the history."""
        return self.traffic.header

    def header_text(self, name: str) -> str | None:
        """A member of the header if it is a string."""
        value = self.header.get(name)
        return value if isinstance(value, str) else None

    @property
    def last_index(self) -> int:
        """The index of the last exchange."""
        return max((exchange.index for history in self.traffic.histories for exchange in history), default=0)


def latest_folder() -> Path:
    """Find the folder of the latest test run. Raises UsageError if there is none."""
    folders = [path for path in HOME.glob("*") if path.name != "latest" and histories_in(path)]
    if not folders:
        raise UsageError(f"{HOME}: holds no history of a test run; name the folder of a report, or its history")
    return max(folders, key=lambda folder: (max(map(_start_time, histories_in(folder))), folder.name))


def _start_time(history: Path) -> float:
    """The start time in the history; 0 for histories without one."""
    try:
        with open_file(history, sys.maxsize) as lines:
            data = json.loads(lines.readline())
    except (OSError, ValueError, RecursionError):
        data = None
    started = data.get("started") if is_object(data) else None
    return float(started) if isinstance(started, (int, float)) else 0.0


def find_all_leftovers(path: Path) -> tuple[Leftovers, ...]:
    """Read what a test run left behind from its history, or from all histories in its folder.

    Raises UsageError if there is no history.
    """
    if path.name == "latest" and path.is_file():
        path = path.parent / read_text(path).strip()
    histories = histories_in(path) if path.is_dir() else (path,) if path.is_file() else ()
    if not histories:
        raise UsageError(f"{path}: holds no history.jsonl; name the folder of a report, or its history")
    return tuple(map(find_leftovers, histories))


def find_leftovers(history: Path) -> Leftovers:
    """Read what a test run left behind from a history. Raises UsageError for any other file."""
    traffic = load_traffic(history)
    if not traffic.header:
        raise UsageError(f"{history}: not a history.jsonl of this suite, so the objects to delete are unknown")
    try:
        # These objects are the user's: without their ids, they would be deleted.
        given = require_text_members(traffic.header.get("given", {}), "given")
    except TypeError as error:
        raise UsageError(f"{history}:1: not the first line of a history ({error})") from None
    tracker = ResourceTracker(frozenset(given.values()))
    exchanges = (exchange for recorded in traffic.histories for exchange in recorded)
    for exchange in sorted(exchanges, key=lambda exchange: exchange.index):
        tracker.record(exchange)
    return Leftovers(history, traffic, tracker)


def delete(
    leftovers: Leftovers, target: Target, on_object: Callable[[Leftover, str], object] = lambda leftover, outcome: None
) -> CleanupResult:
    """Delete the leftovers on the target and record the requests in the history.

    Calls `on_object` for each object with its outcome. Raises TargetError if the target does not respond.
    """
    result = CleanupResult()
    with _open_session(leftovers, target) as session:

        def record(leftover: Leftover, exchange: Exchange | None) -> None:
            outcome = _describe_outcome(leftover, exchange)
            if outcome in (DELETED, CANCELLED):
                result.deleted.append(leftover)
            elif outcome in (ALREADY_GONE, ALREADY_ENDED):
                result.already_gone.append(leftover)
            else:
                result.remaining.append((leftover, outcome))
            on_object(leftover, outcome)

        _track_unanswered_assistants(leftovers, session)
        delete_leftovers(leftovers.tracker.leftovers, session, seconds=TIME_LIMIT, on_attempt=record)
    tried = {leftover.id for leftover, _ in result.remaining}
    result.remaining += [
        (leftover, "not tried") for leftover in leftovers.tracker.leftovers() if leftover.id not in tried
    ]
    return result


def _describe_outcome(leftover: Leftover, exchange: Exchange | None) -> str:
    if exchange is None:
        return "needs --second-api-key" if leftover.deletion.key is Key.SECOND else "not sent"
    if exchange.response is None:
        return exchange.problem or "no response"
    cancels = exchange.operation == "cancel_run"
    if exchange.accepted:
        return CANCELLED if cancels else DELETED
    if cancels and exchange.status in (400, 409):
        return ALREADY_ENDED
    return ALREADY_GONE if reports_missing(exchange) else f"HTTP {exchange.status}"


def _track_unanswered_assistants(leftovers: Leftovers, session: Session) -> None:
    """Track assistants that carry the tag of the test run but whose creation got no response.

    Raises TargetError if the target does not respond.
    """
    run_id, after = leftovers.header_text("run_id"), ""
    for _ in range(MAX_ASSISTANT_PAGES if run_id else 0):
        query = (("limit", "100"), *((("after", after),) if after else ()))
        page = session.send(Step(operation="list_assistants", query=query, role=Role.CLEANUP), PROGRAM, {})
        if page.response is None:
            raise TargetError(f"{session.transport.address.url} does not respond: {page.problem or 'no reason given'}")
        for item in listed_items(page.body)[1]:
            metadata = item.get("metadata") if is_object(item) else None
            if is_object(item) and is_object(metadata) and metadata.get(METADATA_TAG) == run_id:
                leftovers.tracker.add("assistant", str(item.get("id")))
        last_id = page.member("last_id")
        if page.member("has_more") is not True or not isinstance(last_id, str) or last_id == after:
            return
        after = last_id


@contextmanager
def _open_session(leftovers: Leftovers, target: Target) -> Iterator[Session]:
    address = target.address
    credentials = Credentials(target.api_key, target.second_api_key, address.dialect.key_header, address.secrets)
    recorder: HistoryWriter | None = None
    try:
        recorder = HistoryWriter(leftovers.path, None, credentials)
    except UsageError:
        # Objects must be deleted even if the history is not writable.
        recorder = None
    sink: Recorder = recorder or NullRecorder(credentials)
    collector = Collector(sink, Budget(), leftovers.tracker)
    try:
        with closing(Transport(address, LIMITS)) as wire:
            yield Session(wire, collector, credentials, throttle=Throttle(), recorded_exchanges=leftovers.last_index)
    finally:
        if recorder is not None:
            recorder.close()
