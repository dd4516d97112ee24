"""Runs that are created together with their thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.validation import is_valid
from runs_conformance.evidence.creation import uses_key_of_creator
from runs_conformance.evidence.observation import assistant_observations, observations_in, thread_observations
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import must_be_accepted, uses_default_auth
from runs_conformance.evidence.run_timeline import run_observations
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.evidence.working_operation import operation_works, pass_if_working
from runs_conformance.model.case import Key
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.text import contains_word
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_THREAD_AND_RUN = schema("openai-openapi f85dbe2 openapi.yaml CreateThreadAndRunRequest.thread")


def _threads_created_with_run(history: History) -> Iterable[tuple[Exchange, History]]:
    return ((e, history) for e in history if e.operation == "create_thread_and_run" and e.accepted)


@rule(
    units=_threads_created_with_run,
    level=Level.MUST,
    source=_THREAD_AND_RUN,
    capability="create_and_run",
    operation="create_thread_and_run",
    clauses=("thread-and-run-creates-messages",),
    needs_complete_history=True,
)
def run_gets_a_thread_of_its_own(created: tuple[Exchange, History]) -> Iterator[Result]:
    """A run that is created together with its thread names a new thread, and that thread can be read.

    Clients continue the conversation on this thread. The rule also applies to requests without `thread`: the new thread
    is then empty.

    Fix: Create and store a new thread for every `create_thread_and_run` request.
    """
    exchange, history = created
    run = next((observation for observation in observations_in(exchange) if observation.kind == "run"), None)
    thread_id = run.text("thread_id") if run is not None else ""
    if run is None or not thread_id:
        return  # A missing member is reported by its own constraint.
    earlier_requests = [e for e in history if e.happened_before(exchange) and e.path.get("thread_id") == thread_id]
    earlier_observations = [
        observation
        for observation in thread_observations(history)
        if observation.id == thread_id and observation.exchange.happened_before(exchange)
    ]
    earlier_runs = [
        observation
        for observation in run_observations(history)
        if observation.text("thread_id") == thread_id and observation.exchange.happened_before(exchange)
    ]
    is_new = not (earlier_requests or earlier_observations or earlier_runs)
    yield run.check(is_new, f"the run's thread {thread_id!r} already existed", "/thread_id", actual=thread_id)
    reads = [
        e
        for e in history
        if e.operation == "get_thread" and e.path.get("thread_id") == thread_id and _uses_auth_of_creator(history, e)
    ]
    for read in reads:
        if exchange.happened_before(read) and not _may_be_deleted(history, thread_id, read):
            if read.status == 404 and _is_other_thread_hidden(history, read):
                yield pass_if_working(read, works=False)
            elif read.status == 404:
                yield read.finding(f"the run's thread {thread_id!r} cannot be read", "", 200, 404)
            elif read.accepted:
                yield PASSED
            elif read.status is not None:
                yield Suspicion(f"the read of the run's thread got HTTP {read.status}")


def _uses_auth_of_creator(history: History, read: Exchange) -> bool:
    """Whether a read was sent with the key that created the thread, and with the default headers."""
    is_second = read.step is not None and read.step.key is Key.SECOND and not read.step.headers
    return (is_second or uses_default_auth(read)) and uses_key_of_creator(history, read)


def _is_other_thread_hidden(history: History, read: Exchange) -> bool:
    """Whether the read of a thread that was created without a run was refused, too, and no read was accepted."""
    refused = {
        each.path["thread_id"]
        for each in history.select("get_thread")
        if each.refused and uses_key_of_creator(history, each)
    }
    plain = {each.member("id") for each in history.select("create_thread") if each.accepted}
    return not operation_works(history, read) and not refused.isdisjoint(plain)


def _is_valid_body(body: JSON, edition: str) -> bool:
    return is_valid("requests/create_thread_and_run", "create_thread_and_run", edition)(body)


def _requests_without_thread(history: History) -> Iterable[tuple[Exchange, History]]:
    for exchange in history:
        body = exchange.request.body
        is_candidate = exchange.operation == "create_thread_and_run" and must_be_accepted(exchange)
        if is_candidate and is_object(body) and body.get("thread") is None and _is_valid_body(body, exchange.edition):
            yield exchange, history


def _has_instructions(exchange: Exchange, history: History) -> bool:
    """Whether the model has something to answer without a message. Otherwise an empty thread may be refused."""
    requested = at(exchange.request.body, "/instructions")
    if isinstance(requested, str):
        return bool(requested)
    return bool(_instructions(history, at(exchange.request.body, "/assistant_id"), exchange))


def _instructions(history: History, assistant_id: JSON | Absent, until: Exchange) -> str:
    observations = [
        observation
        for observation in assistant_observations(history)
        if observation.id == assistant_id and observation.exchange.happened_before(until)
    ]
    return observations[-1].text("instructions") if observations else ""


@rule(
    units=_requests_without_thread,
    level=Level.MUST,
    source=_THREAD_AND_RUN,
    capability="create_and_run",
    operation="create_thread_and_run",
    clauses=("thread-and-run-creates-messages",),
)
def run_needs_no_thread(request: tuple[Exchange, History]) -> Iterator[Result]:
    """`create_thread_and_run` accepts a request without `thread` and runs on a new, empty thread.

    The assistant's instructions are enough for the model to answer. A refusal counts only if nothing else explains it:
    the same request with a thread was accepted, or the request has no members but `assistant_id` and `instructions` and
    another run of this assistant was accepted.

    Fix: Treat a missing or null `thread` as an empty thread.
    """
    exchange, history = request
    if exchange.accepted:
        yield PASSED
    elif exchange.status in (400, 422) and _has_instructions(exchange, history):
        if _only_thread_explains_refusal(exchange, history) and not _is_refused_for_another_run(exchange):
            yield exchange.finding("a run without a thread was refused", "", 200, exchange.status)
        else:
            yield Inconclusive("the request may have been refused for another reason than the missing thread")


def _only_thread_explains_refusal(exchange: Exchange, history: History) -> bool:
    """Whether a request was accepted that differs by its thread alone, or in nothing that could be refused."""
    runs = [e for e in history if e.operation in ("create_run", "create_thread_and_run") and e.accepted]
    wanted = _without_thread(exchange)
    same_assistant = (e for e in runs if at(e.request.body, "/assistant_id") == wanted.get("assistant_id"))
    if wanted.keys() <= {"assistant_id", "instructions"}:
        return any(True for _ in same_assistant)
    return any(e.operation == exchange.operation and _without_thread(e) == wanted for e in same_assistant)


def _is_refused_for_another_run(exchange: Exchange) -> bool:
    """Whether a refusal says that a run is active: some servers let an assistant run on one thread at a time."""
    return says_locked(exchange) and contains_word(refusal_text(exchange), "run")


def _without_thread(exchange: Exchange) -> dict[str, JSON]:
    body = exchange.request.body
    return {name: value for name, value in body.items() if name != "thread"} if is_object(body) else {}


def _may_be_deleted(history: History, thread_id: str, until: Exchange) -> bool:
    return any(
        e.operation == "delete_thread"
        and e.path.get("thread_id") == thread_id
        and may_have_taken_effect(e)
        and e.started <= until.ended
        for e in history
    )
