"""`run --jobs`: the shards of a test run, each in a process of its own, and their joint report."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from runs_conformance.app import run
from runs_conformance.app.merge import read_run, rebuild_report
from runs_conformance.app.options import RunOptions
from runs_conformance.cli.signals import interruptible
from runs_conformance.engine.run_plan import ProgressListener
from runs_conformance.engine.shard import Shard
from runs_conformance.errors import ConformanceError, UsageError
from runs_conformance.reporting.folder import RunFolder, prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.targets import Target

PARTS = "processes"
"""The folder that contains the history of each process, below that of the report."""

POLL_SECONDS = 0.2
"""How often it is checked whether processes have ended."""

STOP_SECONDS = 60.0
"""How long interrupted processes may take to delete their objects."""


def judge_in_processes(
    target: Target, options: RunOptions, folder: RunFolder, listener: ProgressListener, jobs: int
) -> Report:
    """Execute the shards of the plan in `jobs` processes, and build one report from their histories.

    Limits on requests, runs, tokens and the rate are divided among the processes. An interruption ends all of them in
    an orderly way. Raises UsageError if a process cannot start its part.
    """
    context = multiprocessing.get_context("spawn")
    events: Any = context.Queue()
    parts = [options_of_part(options, Shard(index, jobs)) for index in range(1, jobs + 1)]
    paths = [folder.path / PARTS / str(index) for index in range(1, jobs + 1)]
    workers = [
        context.Process(target=_execute_part, args=(index, target, part, path, events), name=f"part {index}")
        for index, (part, path) in enumerate(zip(parts, paths, strict=True))
    ]
    progress = _JointProgress(listener, jobs)
    # The processes that an interruption ends have written what they know.
    with suppress(KeyboardInterrupt), _run_all(workers):
        _follow(workers, events, progress)
    listener.close()
    if progress.error:
        raise UsageError(progress.error)
    runs = [read_run(path / "history.jsonl") for path in paths if (path / "history.jsonl").exists()]
    if not runs:
        raise ConformanceError("no process of the test run has written a history")
    report = rebuild_report(runs, options.baseline_settings)
    if report.cut_reason is None and len(runs) < jobs:
        return replace(report, cut_reason=f"{jobs - len(runs)} of {jobs} processes did not start")
    return report


def check_divisible(options: RunOptions, views: Collection[str]) -> None:
    """Raise UsageError for options and views that several processes cannot share."""
    if options.shard:
        raise UsageError("--jobs and --shard exclude each other: --jobs runs all shards on this machine")
    if "thread" in options.use:
        raise UsageError("--jobs excludes --use thread=ID: the programs of all processes would share the thread")
    if options.restart_command:
        raise UsageError("--jobs excludes --restart-command: one process would restart the server below the others")
    if "har" in views:
        raise UsageError("--jobs and --report har exclude each other: each process writes a history of its own")


def options_of_part(options: RunOptions, shard: Shard) -> RunOptions:
    """The options of one process: its shard, and its share of every limit that concerns the target as a whole."""

    def share(limit: int | None) -> int | None:
        return None if limit is None else limit // shard.total + (shard.index <= limit % shard.total)

    rate = options.rate_limit
    return replace(
        options,
        shard=str(shard),
        max_requests=share(options.max_requests),
        max_runs=share(options.max_runs),
        max_tokens=share(options.max_tokens),
        rate_limit=None if rate is None else rate / shard.total,
    )


def _execute_part(index: int, target: Target, options: RunOptions, path: Path, events: Any) -> None:
    """Execute one shard; the entry point of a process."""
    # Ctrl-C reaches the whole process group of the terminal: the first process passes it on, once.
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    _end_with_parent()
    with interruptible() as interruption:
        try:
            plan = run.plan_run(target, options)
            listener = _Sender(index, events)
            run.judge(target, options, plan, prepare_folder(path), listener, interruption.defer)
        except KeyboardInterrupt:
            pass
        except ConformanceError as error:
            events.put((index, "error", (str(error),)))


def _end_with_parent() -> None:
    """End this process in an orderly way when the one that started it has ended."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


class _Sender(SilentProgress):
    """Sends the progress of a process to the first one."""

    def __init__(self, index: int, events: Any) -> None:
        self._index, self._events = index, events

    def on_plan(self, programs: int, requests: int, runs: int, limits: tuple[int | None, int | None]) -> None:
        """Send the size of the plan."""
        self._events.put((self._index, "plan", (programs, requests, runs, *limits)))

    def on_undeletable(self, estimates: Mapping[str, int]) -> None:
        """Send the estimates."""
        self._events.put((self._index, "undeletable", (dict(estimates),)))

    def on_program_judged(self, failing: Collection[str], requests: int, runs: int) -> None:
        """Send the failures and counts."""
        self._events.put((self._index, "judged", (list(failing), requests, runs)))

    def on_waiting(self, awaited: str, seconds: float) -> None:
        """Send what is awaited."""
        self._events.put((self._index, "waiting", (awaited, seconds)))

    def on_cleanup(self, leftovers: int) -> None:
        """Send the number of objects."""
        self._events.put((self._index, "cleanup", (leftovers,)))

    def on_leftovers(self, leftovers: Sequence[str]) -> None:
        """Send the objects."""
        self._events.put((self._index, "leftovers", (list(leftovers),)))


@dataclass(slots=True)
class _JointProgress:
    """The progress of all processes, passed on as that of one test run. `error` is the first usage error of any."""

    listener: ProgressListener
    jobs: int
    error: str = ""
    _plans: list[Sequence[int | None]] = field(default_factory=list)
    _early: list[tuple[int, str, Sequence[Any]]] = field(default_factory=list)
    _counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _has_reported_undeletable: bool = False

    def receive(self, index: int, kind: str, values: Sequence[Any]) -> None:
        """Pass an event of a process on, once the plans of all are known."""
        if kind == "error":
            self.error = self.error or str(values[0])
        elif kind == "plan":
            self._plans.append(values)
            if len(self._plans) == self.jobs:
                self._announce()
        elif len(self._plans) < self.jobs:
            self._early.append((index, kind, values))
        else:
            self._pass_on(index, kind, values)

    def _announce(self) -> None:
        programs, requests, runs, *limits = (
            None if None in column else sum(filter(None, column)) for column in zip(*self._plans, strict=True)
        )
        self.listener.on_plan(programs or 0, requests or 0, runs or 0, (limits[0], limits[1]))
        for event in self._early:
            self._pass_on(*event)

    def _pass_on(self, index: int, kind: str, values: Sequence[Any]) -> None:
        if kind == "judged":
            failing, requests, runs = values
            self._counts[index] = (requests, runs)
            totals = [sum(counts) for counts in zip(*self._counts.values(), strict=True)]
            self.listener.on_program_judged(failing, *totals)
        elif kind == "waiting":
            self.listener.on_waiting(*values)
        elif kind == "cleanup":
            self.listener.on_cleanup(values[0])
        elif kind == "leftovers":
            self.listener.on_leftovers(values[0])
        elif kind == "undeletable" and not self._has_reported_undeletable:
            self._has_reported_undeletable = True
            self.listener.on_undeletable({name: self.jobs * count for name, count in values[0].items()})


def _follow(workers: Sequence[BaseProcess], events: Any, progress: _JointProgress) -> None:
    """Pass the events of the processes on until all have ended."""
    is_running = True
    while is_running:
        is_running = any(worker.is_alive() for worker in workers)
        with suppress(queue.Empty):
            while True:
                progress.receive(*events.get(timeout=POLL_SECONDS))


@contextmanager
def _run_all(workers: Sequence[BaseProcess]) -> Iterator[None]:
    """Run processes during a block; if it ends early, interrupt them and wait until they have cleaned up."""
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()
        for worker in workers:
            worker.join(STOP_SECONDS)
            if worker.is_alive():
                worker.kill()
