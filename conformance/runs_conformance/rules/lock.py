"""The thread lock: requests that an active run excludes, and requests that it must not exclude."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.metadata import is_ordinary_metadata
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.request_while_locked import RequestWhileLocked, requests_while_locked
from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.evidence.server_failure import describe_unclear_status, is_server_error
from runs_conformance.evidence.thread_lock import was_working_throughout
from runs_conformance.evidence.thread_write import ThreadWrite, message_writes, run_writes, thread_writes
from runs_conformance.evidence.working_operation import neither_accepted_nor_refused
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import PASSED, Inconclusive, Passed, Result, Suspicion

_WHILE_WORKING = {
    "in_progress": "an attempt while a run was in_progress",
    "requires_action": "an attempt while a run was in requires_action",
}
_AFTER_END = {
    "completed": "a request after a completed run",
    "cancelled": "a request after a cancelled run",
}
"""The parts of the evidence by the status of the run: servers that list the statuses may forget one."""

_PARTS_WHILE_WORKING = (
    (_WHILE_WORKING["in_progress"], "get_run"),
    (_WHILE_WORKING["requires_action"], "get_run", "submit_tool_outputs"),
)
_PARTS_AFTER_END = ((_AFTER_END["completed"], "get_run"), (_AFTER_END["cancelled"], "get_run", "cancel_run"))

_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")


def _check_excluded(write: ThreadWrite, subject: str, is_working: bool) -> Iterator[Result]:
    run, exchange = write.lock_holder, write.exchange
    if run is None and is_working and exchange.accepted and (displaced := write.displaced_run) is not None:
        yield exchange.finding(
            f"{subject} was accepted, and run {displaced.id} was cancelled because of it", "", 400, exchange.status
        )
    if run is None or was_working_throughout(run, exchange) is not is_working:
        return
    if exchange.accepted:
        before = run.latest_before(exchange)
        status = before.status if before else "active"
        message = f"{subject} was accepted while run {run.id}{_origin(run)} was {status!r}"
        yield exchange.finding(message, "", 400, exchange.status)
    elif exchange.refused and write.foreign_run is not None:
        yield Inconclusive(_describe_foreign_run(write))
    elif exchange.refused and write.is_refused_for_lock(run):
        yield Passed(_WHILE_WORKING.get(_status_throughout(run, exchange), ""))
    elif exchange.refused:
        yield Inconclusive(f"{subject} was refused, possibly for another reason than the run")
    elif write.is_refused_in_stream(run):
        yield PASSED  # A refusal in substance: another rule reports its form.
    else:
        yield neither_accepted_nor_refused(exchange, f"the request got {describe_unclear_status(exchange)}")


def _status_throughout(run: RunTimeline, exchange: Exchange) -> str:
    """The status of a run before and after an exchange; empty if it changed or is unknown."""
    before, after = run.latest_before(exchange), run.earliest_after(exchange)
    return before.status if before is not None and after is not None and before.status == after.status else ""


def _origin(run: RunTimeline) -> str:
    """How a run was created, if not as usual: a lock may be forgotten there only."""
    is_of_both = run.creation is not None and run.creation.operation == "create_thread_and_run"
    return " of create_thread_and_run" if is_of_both else ""


@rule(
    units=message_writes,
    level=Level.MUST,
    source=_LOCKS,
    capability="messages",
    clauses=("active-run-blocks-new-messages",),
    needs_complete_history=True,
    needs_parts=_PARTS_WHILE_WORKING,
)
def no_message_while_a_run_works(write: ThreadWrite) -> Iterator[Result]:
    """No message can be added to a thread while one of its runs is `in_progress` or `requires_action`.

    The run has already read the thread, so a message that is added now is never answered. Judged only if the run was
    seen in one of these statuses before and after the attempt.

    Fix: Refuse the message with HTTP 400 while the thread has an active run.
    """
    yield from _check_excluded(write, "a message", True)


@rule(
    units=run_writes,
    level=Level.MUST,
    source=_LOCKS,
    capability="core",
    clauses=("active-run-blocks-second-run",),
    needs_parts=_PARTS_WHILE_WORKING,
)
def no_second_run_while_a_run_works(write: ThreadWrite) -> Iterator[Result]:
    """No second run can be created on a thread while one of its runs is `in_progress` or `requires_action`.

    Two runs that write to one thread interleave their answers.

    Fix: Check for an active run and create the new one in a single transaction, and refuse with HTTP 400 if there is
    one.
    """
    yield from _check_excluded(write, "a second run", True)


@rule(
    units=message_writes,
    level=Level.SHOULD,
    source=_LOCKS,
    capability="messages",
    clauses=("active-run-blocks-new-messages", "lock-covers-all-active-statuses"),
)
def no_message_while_a_run_is_queued_or_cancelling(write: ThreadWrite) -> Iterator[Result]:
    """No message can be added to a thread while one of its runs is `queued` or `cancelling`.

    The guide names only `in_progress`, but says that the thread stays locked until the run reaches a terminal status.

    Fix: Treat every status that is not terminal as holding the lock, and refuse the message with HTTP 400.
    """
    yield from _check_excluded(write, "a message", False)


@rule(
    units=run_writes,
    level=Level.SHOULD,
    source=_LOCKS,
    capability="core",
    clauses=("active-run-blocks-second-run", "lock-covers-all-active-statuses"),
)
def no_second_run_while_a_run_is_queued_or_cancelling(write: ThreadWrite) -> Iterator[Result]:
    """No second run can be created on a thread while one of its runs is `queued` or `cancelling`.

    The guide names only `in_progress`, but says that the thread stays locked until the run reaches a terminal status.

    Fix: Treat every status that is not terminal as holding the lock, and refuse the run with HTTP 400.
    """
    yield from _check_excluded(write, "a second run", False)


def _describe_foreign_run(write: ThreadWrite) -> str:
    return f"the refusal names run {write.foreign_run}, which may belong to another thread"


def _check_accepted_after_end(write: ThreadWrite, subject: str) -> Iterator[Result]:
    run, exchange = write.last_ended_run, write.exchange
    if run is None or write.target_may_be_deleted:
        return
    names_the_run = write.names(run)
    if exchange.accepted:
        end = run.latest_before(exchange)
        yield Passed(_AFTER_END.get(end.status if end is not None else "", ""))
    elif write.foreign_run is not None:
        is_valid = exchange.step is not None and write.must_be_accepted_if_unlocked
        yield (Suspicion if is_valid else Inconclusive)(_describe_foreign_run(write))
    elif exchange.refused and any(run.reopened_after_end(each) for each in run.observations):
        yield Suspicion(f"run {run.id} did not stay ended, and may hold the lock again")
    elif exchange.refused and (
        (write.must_be_accepted_if_unlocked and (exchange.step is not None or names_the_run))
        # The refusal itself says that the run is the reason.
        or (names_the_run and exchange.step is not None and must_be_accepted(exchange))
    ):
        end = run.latest_before(exchange)
        message = f"{subject} was refused although run {run.id} had ended {end.status if end else ''!r}"
        if write.target_may_be_lost and not names_the_run:
            yield _not_found(write)
        else:
            yield exchange.finding(message, "", 200, exchange.status)


def _not_found(write: ThreadWrite) -> Suspicion:
    what = "the thread" if write.exchange.operation == "create_message" else "the thread or the assistant"
    return Suspicion(f"{write.exchange.operation} got HTTP {write.exchange.status}; {what} may have been lost")


def _check_accepted_on_free_thread(write: ThreadWrite, message: str, is_elsewhere: bool) -> Iterator[Result]:
    """Skip recorded traffic, where an unrecorded run may hold the lock.

    `is_elsewhere` says that the active run is on another thread. A refusal that names a run of the other kind is not
    judged.
    """
    exchange = write.exchange
    if exchange.step is None or write.target_may_be_deleted:
        return
    if exchange.accepted:
        yield Passed(exchange.operation or "")
    elif exchange.refused and write.must_be_accepted_if_unlocked:
        names_other_kind = write.names_own_run if is_elsewhere else write.foreign_run is not None
        if names_other_kind:
            yield Suspicion("the refusal names a run that should not lock the thread")
        elif write.target_may_be_lost:
            yield _not_found(write)
        else:
            yield exchange.finding(message, "", 200, exchange.status)
    elif is_server_error(exchange):
        got = f"{exchange.operation} got HTTP {exchange.status}"
        yield Suspicion(f"{got}, which is neither acceptance nor refusal")


@rule(
    units=message_writes,
    level=Level.MUST,
    source=_LOCKS,
    capability="messages",
    clauses=("end-of-run-releases-lock",),
    needs_parts=_PARTS_AFTER_END,
)
def message_is_taken_after_the_end(write: ThreadWrite) -> Iterator[Result]:
    """A thread accepts messages again as soon as its runs have ended, whatever their final status.

    A client that sees a terminal status takes the thread to be free and continues the conversation at once.

    Fix: Release the lock before the terminal status is stored, or in the same transaction.
    """
    yield from _check_accepted_after_end(write, "a message")


@rule(
    units=run_writes,
    level=Level.MUST,
    source=_LOCKS,
    capability="core",
    clauses=("end-of-run-releases-lock",),
    needs_parts=_PARTS_AFTER_END,
)
def run_is_taken_after_the_end(write: ThreadWrite) -> Iterator[Result]:
    """A thread accepts a new run as soon as its previous runs have ended, whatever their final status.

    Clients start the next run as soon as they see the previous one end.

    Fix: Release the lock before the terminal status is stored, or in the same transaction.
    """
    yield from _check_accepted_after_end(write, "a run")


@rule(
    units=message_writes,
    level=Level.MUST,
    source=_LOCKS,
    capability="messages",
    clauses=("end-of-run-releases-lock",),
    needs_complete_history=True,
)
def refused_run_holds_no_lock(write: ThreadWrite) -> Iterator[Result]:
    """A thread accepts messages after a request to create a run on it was refused.

    A run that was never started never ends, so nothing would ever release the lock it took.

    Fix: Take the lock after the request has been validated, or release it when the request is refused.
    """
    refused = write.refused_run
    if refused is not None:
        message = f"a message was refused although the last run on the thread had been refused (HTTP {refused.status})"
        yield from _check_accepted_on_free_thread(write, message, is_elsewhere=False)


@rule(
    units=thread_writes,
    level=Level.MUST,
    source=_LOCKS,
    capability="core",
    clauses=("end-of-run-releases-lock",),
    needs_on_each=("create_message", "create_run"),
    formerly=("lock.keeps_nobody_out_elsewhere",),
)
def other_threads_stay_open(write: ThreadWrite) -> Iterator[Result]:
    """An active run locks only its own thread; other threads accept messages and runs meanwhile.

    With a single lock for all threads, a server handles one conversation at a time.

    Fix: Key the lock by thread id.
    """
    run = write.active_run_on_other_thread
    if run is not None:
        yield from _check_accepted_on_free_thread(
            write, f"the request was refused while only run {run.id} of another thread was active", is_elsewhere=True
        )


_LOCKED_STATUSES = (400, 409, 423)


def _check_allowed(locked: RequestWhileLocked, subject: str) -> Iterator[Result]:
    exchange = locked.exchange
    if exchange.accepted:
        yield PASSED
    elif exchange.status in _LOCKED_STATUSES and exchange.step is not None and must_be_accepted(exchange):
        message = f"{subject} was refused while run {locked.run.id} was active"
        if locked.is_refused_without_lock:
            yield Inconclusive(f"{exchange.operation} is refused on a thread without an active run, too")
        else:
            yield exchange.finding(message, "", 200, exchange.status)


@rule(
    units=requests_while_locked,
    level=Level.SHOULD,
    source=_LOCKS,
    capability="core",
    clauses=("locked-thread-stays-readable",),
)
def reads_go_on(locked: RequestWhileLocked) -> Iterator[Result]:
    """A locked thread and its messages, runs and steps can be read.

    The lock is documented to exclude new messages and new runs, nothing else; clients poll and display the thread while
    they wait.

    Fix: Do not check the lock in GET operations.
    """
    cursors = {"after", "before"} & {name for name, _ in locked.exchange.request.query}
    # An unknown cursor may be refused at any time.
    if locked.exchange.request.method == "GET" and not cursors:
        yield from _check_allowed(locked, "a read")


@rule(
    units=requests_while_locked,
    level=Level.SHOULD,
    source=_LOCKS,
    capability="metadata",
    clauses=("locked-thread-stays-readable",),
)
def metadata_can_be_modified(locked: RequestWhileLocked) -> Iterator[Result]:
    """The metadata of a locked thread and of its messages can be modified.

    A run does not read metadata, and clients keep notes in it while they wait.

    Fix: Do not check the lock in `modify_thread` and `modify_message`.
    """
    if locked.exchange.operation not in ("modify_thread", "modify_message"):
        return
    body = locked.exchange.request.body
    if locked.exchange.accepted or (is_object(body) and is_ordinary_metadata(body.get("metadata")) and len(body) == 1):
        yield from _check_allowed(locked, "a metadata update")
    elif locked.exchange.refused:
        yield Inconclusive(f"{locked.exchange.operation} was refused, possibly because of the values in its request")
