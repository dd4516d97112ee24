"""Judges traffic while it passes through the proxy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from runs_conformance.app.judge_partition import judge_history
from runs_conformance.app.judge_recording import RecordingReview, judge
from runs_conformance.app.options import RunOptions, build_history_judge, requirements, selection_filter
from runs_conformance.contract.event import readable_events
from runs_conformance.engine.outcome import failing_levels
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Outcome
from runs_conformance.proxy.forwarding import ForwardedRequest, ForwardingApp
from runs_conformance.proxy.injection import FaultChooser, ProxyFault
from runs_conformance.proxy.proxy_server import serve_on_loopback
from runs_conformance.proxy.recording import ProxyRecorder, strip_credentials_and_query
from runs_conformance.proxy.status_page import ProxyStatus

REST_S = 0.3
"""Seconds without traffic of a thread after which what was recorded of it is judged."""

MAX_JUDGED = 200
"""Exchanges of a thread that are kept to judge it while traffic passes."""

OnFinding = Callable[[str, str], None]


class ProxySession:
    """A proxy that records, judges when traffic pauses, and reports at the end.

    `on_finding` is called with the id and the message of each requirement when it is first seen violated.
    """

    def __init__(
        self,
        upstream: str,
        history: Path,
        options: RunOptions,
        on_finding: OnFinding,
        edition: str | None = None,
        key_header: str = "",
        faults: Sequence[ProxyFault] = (),
    ) -> None:
        """Start the history. Raises UnwritableFile if it cannot be written."""
        self.history = history
        self.options = options
        self.failed: dict[str, str] = {}
        header: dict[str, JSON] = {
            "target": strip_credentials_and_query(upstream),
            "base_url": strip_credentials_and_query(upstream),
        }
        self.recorder = ProxyRecorder(history, {**header, "started": round(time.time(), 3)}, edition, key_header)
        self._injector = FaultChooser(faults)
        self.app = ForwardingApp(upstream, self._on_finished, self._injector, self.status)
        self.requests = 0
        self._upstream = strip_credentials_and_query(upstream)
        self._edition = edition
        self._on_finding = on_finding
        self._history_judge = build_history_judge(options)
        self._lock = threading.Lock()
        self._touched: dict[str, float] = {}
        self._exchanges: dict[str, list[Exchange]] = {}
        known = requirements(options.edition)
        is_selected = selection_filter(options, known)
        levels = failing_levels(options.fail_on)
        self._failing = {
            id_
            for id_ in known.ids()
            if is_selected(id_) and (known.rules.get(id_) or known.constraints[id_]).level.value in levels
        }

    def _on_finished(self, request: ForwardedRequest) -> None:
        exchange = self.recorder.record(request)
        with self._lock:
            self.requests += 1
            if exchange is not None:
                thread = _thread_of(exchange)
                self._exchanges.setdefault(thread, []).append(exchange)
                self._touched[thread] = time.monotonic()

    def status(self) -> ProxyStatus:
        """The state of the session."""
        with self._lock:
            threads = sum(1 for thread in self._exchanges if thread)
            return ProxyStatus(
                self._upstream,
                self.requests,
                self.app.in_flight,
                threads,
                self.recorder.skipped,
                self._injector.injected,
                dict(self.failed),
            )

    def judge_resting(self) -> None:
        """Judge each thread that had traffic since it was judged last, and has none now."""
        with self._lock:
            rested = time.monotonic() - REST_S
            resting = [thread for thread, last in self._touched.items() if last <= rested]
            touched = {thread: self._exchanges[thread][-MAX_JUDGED:] for thread in resting}
            for thread in resting:
                del self._touched[thread]
                # Only the end of a long thread is judged while traffic passes; all of it is in the end.
                self._exchanges[thread] = self._exchanges[thread][-MAX_JUDGED:]
        # Other threads and clients may explain what one thread shows, so it is judged as a partial recording.
        history_judge = replace(self._history_judge, partial=True)
        for exchanges in touched.values():
            for verdicts in judge_history(History.of(exchanges), exchanges, history_judge):
                for id_, tally in verdicts.tallies.items():
                    if tally.findings and id_ in self._failing and id_ not in self.failed:
                        with self._lock:
                            self.failed[id_] = tally.findings[0].message
                        self._on_finding(id_, tally.findings[0].message)

    def conclude(self) -> RecordingReview:
        """Close the history and judge all of it."""
        self.recorder.close()
        partial = self.options.partial or self.recorder.distinct_keys > 1
        return judge([self.history], replace(self.options, partial=partial), self._edition)


def _thread_of(exchange: Exchange) -> str:
    """The thread that an exchange concerns; an empty string for requests about no thread."""
    if thread := exchange.path.get("thread_id"):
        return thread
    shown = [exchange.body, *(event.data for event in readable_events(exchange.events))]
    for value in shown:
        if isinstance(value, dict):
            name = "id" if value.get("object") == "thread" else "thread_id"
            if isinstance(thread := value.get(name), str):
                return thread
    return ""


@dataclass(slots=True)
class TestProxy:
    """A proxy that serves one test. `problems` has a line for each violated MUST requirement once it is closed."""

    __test__ = False

    base_url: str
    problems: list[str] = field(default_factory=list)


@contextmanager
def open_test_proxy(upstream: str, history: Path) -> Iterator[TestProxy]:
    """Serve a proxy on a free loopback port, and judge what it recorded in the end."""
    session = ProxySession(upstream, history, RunOptions(), lambda id_, message: None)
    with serve_on_loopback(session.app, 0) as origin:
        proxy = TestProxy(f"{origin}{urlsplit(upstream).path.rstrip('/')}")
        yield proxy
    proxy.problems += [
        f"{verdict.id}: {finding.message}"
        for verdict in session.conclude().report.verdicts
        if verdict.outcome is Outcome.FAIL and verdict.level == "must"
        for finding in verdict.findings[:1]
    ]
