"""`run --jobs`: the shards of a test run, each in a process of its own, and their joint report."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from runs_conformance.app import run
from runs_conformance.app.merge import RecordedRun, read_run, rebuild_report
from runs_conformance.app.options import RunOptions
from runs_conformance.cli.joint_progress import JointProgress, ProgressSender
from runs_conformance.cli.signals import INTERRUPTED, Interruption, interruptible, signals_held
from runs_conformance.engine.plan_execution import ProgressListener
from runs_conformance.engine.shard import Shard
from runs_conformance.errors import ConformanceError, InternalError, UsageError
from runs_conformance.reporting.folder import RunFolder, prepare_folder
from runs_conformance.reporting.report import Report
from runs_conformance.targets import Target

POLL_SECONDS = 0.2
"""How often it is checked whether a process has ended."""

STOP_SECONDS = 60.0
"""How long interrupted processes may take, all together, to delete their objects."""

LAST_EVENTS_SECONDS = 5.0
"""How long the last events of processes may take to arrive. A process that was killed may have sent half of one."""


def judge_in_processes(
    target: Target,
    options: RunOptions,
    folder: RunFolder,
    listener: ProgressListener,
    jobs: int,
    on_target_released: Callable[[], object] = lambda: None,
) -> Report:
    """Execute the shards of the plan in `jobs` processes, and build one report from their histories.

    Limits on requests, runs, tokens and the rate are divided among the processes. An interruption ends all of them in
    an orderly way. Calls `on_target_released` when all have ended. If a process fails, the report says that the test
    run stopped early; its error is raised if no process has tested the target.
    """
    # An earlier test run in the same folder may have had another number of processes.
    folder.remove_histories()
    context = multiprocessing.get_context("spawn")
    events: Any = context.Queue()
    # If a killed process holds the lock of the queue, this one must not wait for it at its end.
    events.cancel_join_thread()
    workers = [
        context.Process(
            target=_execute_part,
            args=(index, target, options_of_part(options, Shard(index, jobs)), _part_folder(folder, index), events),
            name=f"part {index}",
        )
        for index in range(1, jobs + 1)
    ]
    progress = JointProgress(listener, jobs)
    is_interrupted = not _run_all(workers, events, progress)
    on_target_released()
    runs = list(_read_parts(folder, jobs))
    if not any(part.histories and not part.unreachable_reason for part in runs):
        if progress.errors:
            raise progress.errors[0]
        if is_interrupted and not runs:
            raise KeyboardInterrupt
    if not runs:
        raise InternalError("no process of the test run has written a history")
    missing = f"{jobs - len(runs)} of {jobs} processes wrote no history" if len(runs) < jobs else None
    return rebuild_report(runs, options.baseline_settings, str(progress.errors[0]) if progress.errors else missing)


def check_divisible(options: RunOptions, views: Collection[str], jobs: int) -> None:
    """Raise UsageError for options and views that several processes cannot share."""
    if options.shard:
        raise UsageError("--jobs and --shard exclude each other: --jobs runs all shards on this machine")
    if "thread" in options.use:
        raise UsageError("--jobs excludes --use thread=ID: the programs of all processes would share the thread")
    if options.restart_command:
        raise UsageError(
            "--jobs excludes --restart-command: one process would restart the server while the others use it"
        )
    if "har" in views:
        raise UsageError("--jobs and --report har exclude each other: each process writes a history of its own")
    limits = {"requests": options.max_requests, "runs": options.max_runs, "tokens": options.max_tokens}
    for name, limit in limits.items():
        if limit and limit < jobs:
            raise UsageError(
                f"--jobs {jobs} is more than --max-{name} {limit}: each process needs a share of the limit"
            )


def options_of_part(options: RunOptions, shard: Shard) -> RunOptions:
    """The options of one process: its shard, and its share of every limit that concerns the target as a whole."""

    def share(limit: int | None) -> int | None:
        return None if limit is None else limit // shard.total + (shard.index <= limit % shard.total)

    rate = options.rate_limit
    return replace(
        options,
        shard=str(shard),
        jobs=shard.total,
        max_requests=share(options.max_requests),
        max_runs=share(options.max_runs),
        max_tokens=share(options.max_tokens),
        rate_limit=None if rate is None else rate / shard.total,
    )


def _part_folder(folder: RunFolder, index: int) -> Path:
    return folder.history_of_process(index).parent


def _read_parts(folder: RunFolder, jobs: int) -> Iterator[RecordedRun]:
    """Read the histories; a process that was ended very early has none, or an empty one."""
    for index in range(1, jobs + 1):
        path = folder.history_of_process(index)
        if path.exists() and path.stat().st_size:
            yield read_run(path)


def _run_all(workers: Sequence[BaseProcess], events: Any, progress: JointProgress) -> bool:
    """Run processes to their end and pass their events on. Returns whether it was not interrupted.

    After an interruption, or if one does not start, the others are interrupted and may clean up.
    """
    # In a thread of its own, so that an interruption does not end it in the middle of an event. The processes cannot
    # end before their events are received.
    receiver = threading.Thread(target=_receive, args=(events, progress), name="events", daemon=True)
    receiver.start()
    try:
        for worker in workers:
            with signals_held():
                worker.start()
        _join(workers)
    except KeyboardInterrupt:
        progress.listener.close()
        return False
    finally:
        _stop([worker for worker in workers if worker.pid is not None])
        events.put(None)
        receiver.join(LAST_EVENTS_SECONDS)
        events.close()
        progress.listener.close()
        progress.close()
    return True


def _receive(events: Any, progress: JointProgress) -> None:
    """Pass the events of the processes on until there is None."""
    while (event := events.get()) is not None:
        # An error of the display must not keep the processes waiting.
        with suppress(Exception):
            progress.receive(*event)


def _join(workers: Sequence[BaseProcess], seconds: float = float("inf")) -> None:
    end = time.monotonic() + seconds
    for worker in workers:
        while worker.is_alive() and time.monotonic() < end:
            worker.join(POLL_SECONDS)


def _stop(workers: Sequence[BaseProcess]) -> None:
    """Interrupt the processes that still run, and wait until they have cleaned up."""
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
    _join(workers, STOP_SECONDS)
    for worker in workers:
        if worker.is_alive():
            worker.kill()
            worker.join()


def _execute_part(index: int, target: Target, options: RunOptions, path: Path, events: Any) -> None:
    """Execute one shard; the entry point of a process."""
    # Ctrl-C reaches the whole process group of the terminal: the first process passes it on, once.
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    listener = ProgressSender(index, events)
    # A supervisor may send its signal to all processes, to which the first one then adds its own.
    with interruptible(ignores_repeats=True) as interruption:
        _end_with_parent(interruption)
        try:
            plan = run.plan_run(target, options)
            run.judge(target, options, plan, prepare_folder(path), listener, interruption.defer)
        except KeyboardInterrupt:
            pass
        except ConformanceError as error:
            listener.on_error(error)
        except Exception as error:
            listener.on_error(InternalError(f"internal error: {type(error).__name__}: {error}"))
        finally:
            interruption.defer()
            listener.on_end()
            # A signal that ended this process while it writes to the queue would block the others.
            events.close()
            events.join_thread()


def _end_with_parent(interruption: Interruption) -> None:
    """End this process when the one that started it has ended.

    It ends in an orderly way, or immediately if it was interrupted before: a second signal has ended its parent.
    """
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            if interruption.received:
                os._exit(INTERRUPTED)
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
