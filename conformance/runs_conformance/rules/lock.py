"""The lock: what an active run keeps out of its thread, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.request_expectation import plain
from runs_conformance.evidence.thread_lock import (
    Attempt,
    Locked,
    additions,
    new_messages,
    new_runs,
    requests_while_locked,
    surely_working,
)
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose
from runs_conformance.model.verdict import HELD, Result, Undecided

_LOCKS = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, thread locks")


def _kept_out(attempt: Attempt, what: str, working: bool) -> Iterator[Result]:
    run, exchange = attempt.holder, attempt.exchange
    if run is None and working and exchange.accepted and (displaced := attempt.displaced) is not None:
        yield exchange.finding(f"{what} was taken, and run {displaced.id} cancelled for it", "", 400, exchange.status)
    if run is None or surely_working(run, exchange) is not working:
        return
    if exchange.accepted:
        before = run.before(exchange)
        status = before.status if before else "active"
        yield exchange.finding(f"{what} was taken while run {run.id} was {status!r}", "", 400, exchange.status)
    elif exchange.refused:
        yield HELD
    else:
        yield Undecided(f"the attempt was answered {exchange.status}")


@rule(over=new_messages, level=Level.MUST, source=_LOCKS, capability="messages", items=("L-25",), closed=True)
def no_message_while_a_run_works(attempt: Attempt) -> Iterator[Result]:
    """A thread takes no message while one of its runs is in progress or waits for tool outputs.

    The run has read the thread already; what is added under it is answered by nobody. Judged only where the run was
    seen at work before the attempt and after it. Refuse with 400.
    """
    yield from _kept_out(attempt, "a message", True)


@rule(over=new_runs, level=Level.MUST, source=_LOCKS, capability="core", items=("L-26",))
def no_second_run_while_a_run_works(attempt: Attempt) -> Iterator[Result]:
    """A thread takes no second run while one of its runs is in progress or waits for tool outputs.

    Two runs that write to one thread mix their answers. Refuse with 400, and let the check and the creation be one
    transaction.
    """
    yield from _kept_out(attempt, "a second run", True)


@rule(over=new_messages, level=Level.SHOULD, source=_LOCKS, capability="messages", items=("L-25", "L-27"))
def no_message_while_a_run_is_queued_or_cancelling(attempt: Attempt) -> Iterator[Result]:
    """The lock begins when a run is queued and ends when it has ended: a thread takes no message in between.

    The guide names the status in progress, and says that the lock holds until a terminal status.
    """
    yield from _kept_out(attempt, "a message", False)


@rule(over=new_runs, level=Level.SHOULD, source=_LOCKS, capability="core", items=("L-26", "L-27"))
def no_second_run_while_a_run_is_queued_or_cancelling(attempt: Attempt) -> Iterator[Result]:
    """The lock begins when a run is queued and ends when it has ended: a thread takes no second run in between.

    The same guide speaks for it. Count every status that is not terminal.
    """
    yield from _kept_out(attempt, "a second run", False)


def _let_in(attempt: Attempt, what: str) -> Iterator[Result]:
    run, exchange = attempt.freed_by, attempt.exchange
    if run is None or attempt.gone:
        return
    if exchange.accepted:
        yield HELD
    elif exchange.refused and attempt.plain and (exchange.step is not None or run.id in _message(exchange)):
        end = run.before(exchange)
        yield exchange.finding(
            f"{what} was refused although run {run.id} had ended {end.status if end else ''!r}",
            "",
            200,
            exchange.status,
        )


def _let_into_a_free_thread(attempt: Attempt, why: str) -> Iterator[Result]:
    """Not judged in recorded traffic, where a run that was not recorded may hold the lock."""
    exchange = attempt.exchange
    if exchange.step is None or attempt.gone:
        return
    if exchange.accepted:
        yield HELD
    elif exchange.refused and attempt.plain:
        yield exchange.finding(why, "", 200, exchange.status)


def _message(exchange: Exchange) -> str:
    """What a refusal says. In recorded traffic a run that was not recorded may hold the lock, and is named here."""
    return str(at(exchange.body, "/error/message"))


@rule(over=new_messages, level=Level.MUST, source=_LOCKS, capability="messages", items=("L-28",))
def message_is_taken_after_the_end(attempt: Attempt) -> Iterator[Result]:
    """A thread takes messages again as soon as its runs have ended, however they ended.

    A run that a client sees in a terminal status no longer holds the lock: release it before, or with, the status.
    """
    yield from _let_in(attempt, "a message")


@rule(over=new_runs, level=Level.MUST, source=_LOCKS, capability="core", items=("L-28",))
def run_is_taken_after_the_end(attempt: Attempt) -> Iterator[Result]:
    """A thread takes another run as soon as its runs have ended, however they ended.

    Clients start the next run as soon as they see the end of the last.
    """
    yield from _let_in(attempt, "a run")


@rule(over=new_messages, level=Level.MUST, source=_LOCKS, capability="messages", items=("L-28",), closed=True)
def refused_run_holds_no_lock(attempt: Attempt) -> Iterator[Result]:
    """A thread takes messages after a run was refused on it: what was never started holds no lock.

    A run that is refused for an unknown assistant never ends, so nothing would ever release the lock that it took.
    """
    refused = attempt.in_vain
    if refused is not None:
        why = f"a message was refused although no run was started on the thread, only one refused ({refused.status})"
        yield from _let_into_a_free_thread(attempt, why)


@rule(over=additions, level=Level.MUST, source=_LOCKS, capability="core", items=("L-28",))
def keeps_nobody_out_elsewhere(attempt: Attempt) -> Iterator[Result]:
    """An active run locks its own thread only: threads without one take messages and runs meanwhile.

    One lock for all threads serves one conversation at a time.
    """
    run = attempt.elsewhere
    if run is not None:
        yield from _let_into_a_free_thread(attempt, f"refused while run {run.id} of another thread was active")


_LOCKED_OUT = (400, 409, 423)


def _possible(locked: Locked, what: str) -> Iterator[Result]:
    exchange = locked.exchange
    if exchange.accepted:
        yield HELD
    elif exchange.status in _LOCKED_OUT and exchange.step is not None and plain(exchange):
        yield exchange.finding(f"{what} was refused while run {locked.run.id} was active", "", 200, exchange.status)


@rule(over=requests_while_locked, level=Level.SHOULD, source=_LOCKS, capability="core", items=("L-29",))
def reads_go_on(locked: Locked) -> Iterator[Result]:
    """A locked thread can be read: itself, its messages, runs and steps.

    The lock is said to keep out new messages and new runs, nothing else; clients poll and show while they wait.
    """
    cursors = {"after", "before"} & {name for name, _ in locked.exchange.request.query}
    # A cursor that is not in the list may be refused at any time.
    if locked.exchange.request.method == "GET" and not cursors:
        yield from _possible(locked, "a read")


@rule(over=requests_while_locked, level=Level.SHOULD, source=_LOCKS, capability="metadata", items=("L-29",))
def metadata_can_be_modified(locked: Locked) -> Iterator[Result]:
    """The metadata of a locked thread and of its messages can be modified.

    Nothing that a run reads changes by it, and clients keep their notes there while they wait.
    """
    if locked.exchange.operation in ("modify_thread", "modify_message"):
        yield from _possible(locked, "new metadata")
