"""Cleaning up after a run that could not: what its history created and did not delete is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runs_conformance.app.live_run import TAG
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import HistoryFile, Recorder, Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import Limits, Transport
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.resources import PROGRAM, Ledger, Left, says_gone, sweep
from runs_conformance.errors import TargetError, UsageError
from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.recordings.load import Reading, read
from runs_conformance.reporting.folder import HOME
from runs_conformance.targets import Target

LIMITS = Limits(idle=20.0, total=20.0)
DELETED, CANCELLED, GONE, OVER = "deleted", "cancelled", "gone already", "over already"
"""What became of an object that does not stay."""

HOURS = 3600.0
PAGES = 50
"""So many pages of assistants are looked through for those that carry the run's id."""


@dataclass(slots=True)
class Cleaned:
    """What came of it: what was deleted, what was gone already, and what stays, with the reason."""

    deleted: list[Left] = field(default_factory=list)
    gone: list[Left] = field(default_factory=list)
    staying: list[tuple[Left, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Remains:
    """A history, and what its run left on the target. `unknown` counts creations whose answer never came."""

    path: Path
    reading: Reading
    ledger: Ledger

    @property
    def run(self) -> Mapping[str, JSON]:
        """What the history says of its run."""
        return self.reading.run

    def said(self, name: str) -> str | None:
        """A text that the history says of its run."""
        value = self.run.get(name)
        return value if isinstance(value, str) else None

    @property
    def last(self) -> int:
        """The number of the last exchange."""
        return max((exchange.index for history in self.reading.histories for exchange in history), default=0)


def last() -> Path:
    """The history of the run that began last. Raises UsageError where there is none."""
    found = [path for path in HOME.glob("*/history.jsonl") if path.parent.name != "latest"]
    if not found:
        raise UsageError(f"{HOME}: holds no history of a run; give the folder of a report, or its history")
    return max(found, key=_began)


def _began(history: Path) -> tuple[float, str]:
    """When a run began, as its history says; where it does not, the name of its folder has to."""
    try:
        with history.open("rb") as lines:
            data = json.loads(lines.readline())
    except (OSError, ValueError, RecursionError):
        data = None
    started = data.get("started") if is_object(data) else None
    return (float(started) if isinstance(started, (int, float)) else 0.0), history.parent.name


def remains(path: Path) -> Remains:
    """What is left of the run whose history or folder this is. Raises UsageError where there is none."""
    if path.name == "latest" and path.is_file():
        path = path.parent / path.read_text(encoding="utf-8").strip()
    found = path / "history.jsonl" if path.is_dir() else path
    if not found.is_file():
        raise UsageError(f"{path}: holds no history.jsonl; give the folder of a report, or its history")
    reading = read(found)
    if not reading.run:
        raise UsageError(f"{found}: not a history.jsonl of this suite, so what to delete is not known")
    given = reading.run.get("given")
    made = Ledger(frozenset(str(id_) for id_ in given.values()) if is_object(given) else frozenset())
    everything = (exchange for history in reading.histories for exchange in history)
    for exchange in sorted(everything, key=lambda exchange: exchange.index):
        made.note(exchange)
    return Remains(found, reading, made)


def clean(left: Remains, target: Target, done: Callable[[Left, str], object] = lambda thing, how: None) -> Cleaned:
    """Delete on the target what is left there, and write that into the history; `done` is told of each.

    Raises TargetError where the target does not answer.
    """
    cleaned = Cleaned()
    with _session(left, target) as session:

        def note(thing: Left, exchange: Exchange | None) -> None:
            how = _how(thing, exchange)
            if how in (DELETED, CANCELLED):
                cleaned.deleted.append(thing)
            elif how in (GONE, OVER):
                cleaned.gone.append(thing)
            else:
                cleaned.staying.append((thing, how))
            done(thing, how)

        _forgotten(left, session)
        sweep(left.ledger.left, session, seconds=HOURS, done=note)
    tried = {thing.id for thing, _ in cleaned.staying}
    cleaned.staying += [(thing, "not tried") for thing in left.ledger.left() if thing.id not in tried]
    return cleaned


def _how(thing: Left, exchange: Exchange | None) -> str:
    if exchange is None:
        return "needs --second-api-key" if thing.step.key is Key.SECOND else "not sent"
    if exchange.response is None:
        return exchange.problem or "no answer"
    cancels = exchange.operation == "cancel_run"
    if exchange.accepted:
        return CANCELLED if cancels else DELETED
    if cancels and exchange.status in (400, 409):
        return OVER
    return GONE if says_gone(exchange) else f"HTTP {exchange.status}"


def _forgotten(left: Remains, session: Session) -> None:
    """Enter the assistants that carry the run's id though no answer ever told theirs.

    Raises TargetError where the target does not answer.
    """
    run_id, after = left.said("run_id"), ""
    for _ in range(PAGES if run_id else 0):
        query = (("limit", "100"), *((("after", after),) if after else ()))
        page = session.send(Step(operation="list_assistants", query=query, role=Role.CLEANUP), PROGRAM, {})
        if page.response is None:
            raise TargetError(f"{session.transport.address.url} does not answer: {page.problem or 'no reason given'}")
        data = page.member("data")
        for item in data if is_array(data) else ():
            metadata = item.get("metadata") if is_object(item) else None
            if is_object(item) and is_object(metadata) and metadata.get(TAG) == run_id:
                left.ledger.found("assistant", str(item.get("id")))
        following = page.member("last_id")
        if page.member("has_more") is not True or not isinstance(following, str) or following == after:
            return
        after = following


@contextmanager
def _session(left: Remains, target: Target) -> Iterator[Session]:
    address = target.address
    credentials = Credentials(target.key, target.second_key, address.dialect.key_header, address.secrets)
    recorder: HistoryFile | None = None
    try:
        recorder = HistoryFile(left.path, None, credentials)
    except UsageError:
        # A history that cannot be written to is no reason to leave things behind.
        recorder = None
    to: Recorder = recorder or Unrecorded(credentials)
    collector = Collector(to, Budget(), left.ledger)
    try:
        with closing(Transport(address, LIMITS)) as wire:
            yield Session(wire, collector, credentials, throttle=Throttle(), already=left.last)
    finally:
        if recorder is not None:
            recorder.close()
