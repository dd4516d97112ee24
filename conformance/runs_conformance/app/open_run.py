"""Opens a test run: its connections, history, budget and limits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

from runs_conformance.app.live_run import LiveRun
from runs_conformance.app.options import RunOptions
from runs_conformance.client.base_url import Address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import HistoryWriter
from runs_conformance.client.recovery import Recovery
from runs_conformance.client.session import Session
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.engine import polling
from runs_conformance.engine.admission_control import AdmissionControl
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.plan_execution import ProgressListener
from runs_conformance.engine.resources import ResourceTracker
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext
from runs_conformance.reporting.folder import RunFolder
from runs_conformance.targets import Target

METADATA_TAG = "runs-conformance"
"""Metadata key of the assistants and threads that the suite creates; its value is the id of the test run."""


@contextmanager
def open_run(
    target: Target,
    options: RunOptions,
    context: ProgramContext,
    folder: RunFolder,
    header: Mapping[str, JSON],
    listener: ProgressListener,
) -> Iterator[LiveRun]:
    """Open a test run that records each exchange in the history of the folder; `header` is its first line.

    Raises UsageError if the history cannot be written.
    """
    address = target.address
    credentials = Credentials(target.api_key, target.second_api_key, address.dialect.key_header, address.secrets)
    budget = Budget(options.max_requests, options.max_runs, options.max_time)
    limits = ExchangeLimits(idle=options.timeout, total=options.timeout, stream=3 * options.timeout)
    # `runs-conformance cleanup` needs these members after a crash.
    first_line = {
        **header,
        "run_id": folder.run_id,
        "dialect_name": address.dialect.name,
        "key_header": address.dialect.key_header,
        "lasting": target.persistent,
        "given": dict(context.use),
    }
    with (
        closing(HistoryWriter(folder.history, first_line, credentials)) as file,
        closing(Transport(address, limits)) as transport,
    ):
        if options.max_time is not None:
            transport.end = time.monotonic() + options.max_time + options.timeout
        tracker = ResourceTracker(frozenset(context.use.values()))
        collector = Collector(file, budget, tracker)
        cleanup_cost = (lambda: len(tracker.leftovers())) if target.persistent else None
        yield LiveRun(
            target=target,
            options=options,
            context=context,
            limits=limits,
            session=Session(
                transport,
                collector,
                credentials,
                options.edition,
                sleep=budget.sleep,
                throttle=Throttle(
                    1 / options.rate_limit if options.rate_limit else 0.0,
                    sleep=budget.sleep,
                    on_wait=listener.on_throttled,
                ),
                fixture_metadata={METADATA_TAG: folder.run_id} if target.persistent else {},
                admission=AdmissionControl(budget, options.max_tokens, cleanup_cost),
                recovery=Recovery(address, options.restart_command or None, budget.record_recovery),
            ),
            collector=collector,
            file=file,
            budget=budget,
            schedule=replace(_poll_schedule(address, options), sleep=budget.sleep),
            listener=listener,
        )


def _poll_schedule(address: Address, options: RunOptions) -> polling.PollSchedule:
    schedule = polling.loopback_schedule() if address.is_loopback else polling.remote_schedule()
    if options.poll is None:
        return schedule
    return replace(schedule, min_interval=min(schedule.min_interval, options.poll), max_interval=options.poll)
