"""Run steps: whose they are, what they name, and how they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runs_conformance.contract.lifecycle import STEP_END_STAMPS, STEP_STATUSES, STEP_TERMINAL
from runs_conformance.evidence.complete_list import steps_after_the_end, whole_lists_of
from runs_conformance.evidence.observation import JSON_CHANNEL, Sighting, messages_seen, steps_seen
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.timeline import RunLine, Timeline, runs, steps
from runs_conformance.evidence.tool_call import calls_in_step, steps_of
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import HELD, Result

_STEP = "openai-openapi f85dbe2 openapi.yaml RunStepObject"
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, run steps")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_STAMPS = tuple(STEP_END_STAMPS.values())
_NAMED = "/step_details/message_creation/message_id"


@rule(
    over=runs,
    level=Level.MUST,
    source=schema(f"{_STEP}.thread_id, assistant_id"),
    capability="steps",
    items=("L-54", "L-55"),
)
def belong_to_their_run(run: RunLine) -> Iterator[Result]:
    """A step names the thread and the assistant of its run.

    Clients follow these ids from a step to its message and assistant. Copy them from the run.
    """
    for step in steps_of(run):
        for name in ("thread_id", "assistant_id"):
            wanted, shown = run.sightings[0].get(name), step.get(name)
            if wanted is not ABSENT and shown is not ABSENT:
                yield step.check(shown == wanted, f"{name} is not the run's", f"/{name}", wanted, shown)


@rule(
    over=steps_seen, level=Level.MUST, source=schema(f"{_STEP}.type, step_details"), capability="steps", items=("L-55",)
)
def details_fit_the_type(step: Sighting) -> Iterator[Result]:
    """A step's details are of the step's type: `message_creation` names a message, `tool_calls` holds calls.

    Clients choose by the type how to read the details. The two are set together.
    """
    kind, shown = step.text("type"), step.get("/step_details/type")
    if kind and step.get("step_details") is not ABSENT:
        yield step.check(shown == kind, "the details are of another type", "/step_details/type", kind, shown)
        member = step.get(f"/step_details/{kind}")
        yield step.check(member is not ABSENT, f"the details have no {kind}", "/step_details", kind, None)


@rule(
    over=runs,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsMessageCreationObject"),
    capability="steps",
    items=("L-55", "L-58"),
    closed=True,
)
def named_messages_exist(run: RunLine) -> Iterator[Result]:
    """A step of type `message_creation` names a message of the thread that its run wrote.

    Judged when the run has ended, on any look at that message, or else on a list of all messages of the thread.
    """
    for id_, step in {step.text("id"): step for step in steps_of(run)}.items():
        named = step.get(_NAMED)
        if not id_ or not isinstance(named, str) or not run.surely_terminal(step.exchange):
            continue
        seen = [message for message in messages_seen(run.history) if message.id == named]
        for message in seen[:1]:
            wrote = message.get("run_id")
            yield step.check(wrote in (run.id, ABSENT), f"the message {named} is not the run's", _NAMED, run.id, wrote)
            there = message.get("thread_id")
            yield step.check(
                there in (run.thread_id, ABSENT),
                f"the message {named} is in another thread",
                _NAMED,
                run.thread_id,
                there,
            )
        if not seen and (page := _all_messages(run)) is not None:
            yield step.finding(f"no message {named} is in the thread", _NAMED, list(page.ids), named)


def _all_messages(run: RunLine) -> Page | None:
    """A whole list of the thread's messages from after the run's end, if none was ever deleted."""
    of = run.thread_id
    if any(e.operation == "delete_message" and e.path.get("thread_id") == of for e in run.history):
        return None
    whole = whole_lists_of(run.history, "list_messages", thread_id=of)
    return next((page for page in whole if run.surely_terminal(page.exchange)), None)


@rule(over=steps_seen, level=Level.MUST, source=schema(f"{_STEP}.status"), capability="steps", items=("L-56",))
def status_is_known(step: Sighting) -> Iterator[Result]:
    """A step's status is one of the five that the contract names.

    There is no `queued` step and no `requires_action` step: one that waits for outputs is `in_progress`.
    """
    known, status = list(STEP_STATUSES), step.get("status")
    yield step.check(step.status in known, f"the step's status is {status!r}", "/status", known, status)


@rule(over=steps, level=Level.MUST, source=_GUIDE, capability="steps", items=("L-56",))
def ended_step_stays_ended(line: Timeline) -> Iterator[Result]:
    """A step that has ended keeps its status for good; its statuses mean what those of a run mean.

    A step that opens again, or ends otherwise, contradicts what was shown. Write its end once.
    """
    for earlier, later in line.pairs():
        if earlier.status in STEP_TERMINAL and later.status in STEP_STATUSES:
            holds = later.status == earlier.status
            yield later.check(holds, f"the step had ended {earlier.status!r}", "/status", earlier.status, later.status)


@rule(
    over=steps_seen,
    level=Level.MUST,
    source=schema(f"{_STEP}, the description of each stamp"),
    capability="steps",
    items=("L-56",),
)
def ended_step_says_when(step: Sighting) -> Iterator[Result]:
    """A completed, failed or cancelled step says when: the stamp of that end is set.

    An expired step's stamp was never seen, so it is not judged.
    """
    name = STEP_END_STAMPS.get(step.status)
    if name is not None:
        value = step.get(name)
        yield step.check(
            value not in (None, ABSENT), f"a {step.status} step has no {name}", f"/{name}", "a time", value
        )


@rule(over=steps_seen, level=Level.SHOULD, source=_SEEN, capability="steps", items=("L-56",))
def open_step_has_no_end(step: Sighting) -> Iterator[Result]:
    """A step in progress was not completed, failed or cancelled at any time.

    The stamp is what clients sort and measure by. Set it together with the status.
    """
    for name in _STAMPS if step.status == "in_progress" else ():
        value = step.get(name)
        if value is not ABSENT:
            yield step.check(value is None, f"a step in progress has a {name}", f"/{name}", None, value)


@rule(
    over=steps,
    level=Level.MUST,
    source=schema(f"{_STEP}, the description of each stamp"),
    capability="steps",
    items=("L-54", "L-56"),
)
def stamps_of_an_ended_step_stay(line: Timeline) -> Iterator[Result]:
    """When a step has ended, the time of its end is the same wherever and whenever it is seen.

    An end that moves is the time of the look. Store it when the step ends.
    """
    ended = [seen for seen in line.sightings if seen.status in STEP_TERMINAL]
    for seen in ended[1:]:
        for name in _STAMPS if seen.status == ended[0].status else ():
            was, now = ended[0].get(name), seen.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield seen.check(same(was, now), f"{name} has changed since the step ended", f"/{name}", was, now)


@rule(over=steps, level=Level.SHOULD, source=_GUIDE, capability="steps", items=("L-54", "L-74"))
def ended_step_shows_the_same(line: Timeline) -> Iterator[Result]:
    """When a step has ended, it names the same message, or shows the same calls, wherever and whenever it is seen.

    Steps are the record of what a run did. Reads, lists and events show the one that is stored.
    """
    ended = [seen for seen in line.sightings if seen.status in STEP_TERMINAL]
    for seen in ended[1:]:
        was, now = ended[0].get(_NAMED), seen.get(_NAMED)
        yield seen.check(same(was, now), "the step names another message", _NAMED, was, now)
        alike = calls_in_step(ended[0]) == calls_in_step(seen)
        yield seen.check(alike, "the step shows other calls", "/step_details", None, seen.get("step_details"))


@rule(over=steps_seen, level=Level.SHOULD, source=schema(f"{_STEP}.usage"), capability="steps", items=("L-57",))
def usage_goes_with_the_status(step: Sighting) -> Iterator[Result]:
    """A step in progress has no usage; a completed one says how many tokens it used.

    Usage is known when the step has ended, and is then counted once.
    """
    value = step.get("usage")
    if step.status == "in_progress" and value is not ABSENT:
        yield step.check(value is None, "a step in progress has usage", "/usage", None, value)
    elif step.status == "completed" and value is not ABSENT:
        yield step.check(is_object(value), "a completed step has no usage", "/usage", "an object", value)


@rule(over=steps_seen, level=Level.MUST, source=schema(f"{_STEP}.last_error"), capability="steps", items=("L-07",))
def completed_step_has_no_error(step: Sighting) -> Iterator[Result]:
    """A completed step has no `last_error`: it is null if there are no errors.

    Clients that look at `last_error` first would report a success as a failure.
    """
    value = step.get("last_error")
    if step.status == "completed" and value is not ABSENT:
        yield step.check(value is None, "a completed step has an error", "/last_error", None, value)


@rule(over=runs, level=Level.SHOULD, source=_GUIDE, capability="steps", items=("L-35", "L-56"))
def end_with_their_run(run: RunLine) -> Iterator[Result]:
    """When a run has ended, none of its steps is in progress.

    Whoever waits for the last step would wait for ever. End the steps in the transaction that ends the run.
    """
    for step in steps_of(run):
        if run.surely_terminal(step.exchange):
            open_still = step.status == "in_progress"
            yield step.check(not open_still, "the run has ended, and the step has not", "/status", None, step.status)


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="steps", items=("L-21",))
def are_younger_than_their_run(run: RunLine) -> Iterator[Result]:
    """A step was created no earlier than its run.

    An older one has its time from another clock, or from the message that it names.
    """
    born = run.sightings[0].time("created_at")
    for step in steps_of(run):
        made = step.time("created_at")
        if born is not None and made is not None:
            yield step.check(born <= made, "the step is older than its run", "/created_at", born, made)


def _ended(history: History) -> Iterable[tuple[RunLine, Page]]:
    found = ((run, steps_after_the_end(history, run.id)) for run in runs(history))
    return ((run, page) for run, page in found if page is not None)


@rule(over=_ended, level=Level.SHOULD, source=_GUIDE, capability="steps", items=("L-35",))
def are_not_lost(found: tuple[RunLine, Page]) -> Iterator[Result]:
    """A step that was once seen is in the list of its run's steps when the run has ended.

    Steps say how a run came to its answer, and what was paid for. They are kept whatever the end.
    """
    run, page = found
    former = {step.id for step in steps_of(run) if step.exchange.before(page.exchange)}
    gone = sorted(former - set(page.ids) - {""})
    if former:
        yield page.exchange.finding(f"the step {gone[0]} is no longer listed", "/data") if gone else HELD


@rule(
    over=steps_seen,
    level=Level.MAY,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsToolCallsFileSearchResultObject.content"),
    capability="steps",
    items=("L-89",),
)
def results_show_their_content_if_asked(step: Sighting) -> Iterator[Result]:
    """The results of a file search show their content if the request includes it, and only then.

    The content is large, so clients ask for it by `include[]`. The document does not say what happens otherwise.
    """
    asked = any(name == "include[]" for name, _ in step.exchange.request.query)
    for place, results in enumerate(_results(step) if step.channel == JSON_CHANNEL else ()):
        for result in results:
            where = f"/step_details/tool_calls/{place}/file_search/results"
            yield step.check((at(result, "/content") is not ABSENT) is asked, "content", where, asked, not asked)


def _results(step: Sighting) -> Iterator[Sequence[JSON]]:
    calls = step.get("/step_details/tool_calls")
    for call in calls if is_array(calls) else ():
        results = at(call, "/file_search/results")
        yield results if is_array(results) else ()
