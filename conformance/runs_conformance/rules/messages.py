"""Messages: stored as they were sent, kept, and named after those who wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from runs_conformance.evidence.complete_list import born_here, steps_after_the_end, whole_lists_of
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.likeness import covers
from runs_conformance.evidence.message_content import is_in_order, saying
from runs_conformance.evidence.observation import JSON_CHANNEL, Sighting, messages_seen
from runs_conformance.evidence.page import Page
from runs_conformance.evidence.request_expectation import understood
from runs_conformance.evidence.supplied_messages import Gift, gifts, given_by
from runs_conformance.evidence.timeline import RunLine, Timeline, find_run, messages, runs
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at, is_array, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import HELD, Result

_MESSAGE = "openai-openapi f85dbe2 openapi.yaml MessageObject"
_SENT = schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.role, content")
_DETAIL = schema("openai-openapi f85dbe2 openapi.yaml MessageContentImageUrlObject.image_url.detail")
_ADDED = schema("openai-openapi f85dbe2 openapi.yaml CreateRunRequest.additional_messages")
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/how-it-works.txt, threads and messages")


def _created(history: History) -> Iterable[Sighting]:
    made = {creation.exchange.id for creation in creations(history) if creation.kind == "message"}
    return (seen for seen in messages_seen(history) if seen.exchange.id in made)


@rule(over=_created, level=Level.MUST, source=_SENT, capability="messages", operation="create_message")
def answer_shows_what_was_sent(message: Sighting) -> Iterator[Result]:
    """A created message has the role and the content that were sent: a text becomes one text part.

    Text is kept to the letter, parts in their order, with their URLs and file ids.
    """
    sent = saying(message.exchange.request.body)
    shown = saying(message.value)
    if sent is not None and shown is not None:
        yield message.check(sent[0] == shown[0], "another role", "/role", sent[0], shown[0])
        holds = sent[1] == shown[1]
        asked = at(message.exchange.request.body, "/content")
        yield message.check(holds, "the content is not what was sent", "/content", asked, message.get("content"))


@rule(
    over=_created,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.attachments"),
    capability="messages",
    operation="create_message",
)
def answer_shows_the_attachments(message: Sighting) -> Iterator[Result]:
    """A created message has the attachments that were sent: files, with the tools they were added to.

    An attachment that is dropped is a file that the assistant never sees.
    """
    sent, shown = at(message.exchange.request.body, "/attachments"), message.get("attachments")
    if is_array(sent) and sent and shown is not ABSENT:
        yield message.check(covers(shown, sent), "other attachments", "/attachments", sent, shown)


@rule(over=_created, level=Level.SHOULD, source=_DETAIL, capability="messages", operation="create_message")
def answer_shows_the_detail_of_images(message: Sighting) -> Iterator[Result]:
    """A created message shows the detail at which its images are to be looked at.

    It decides what an image costs. Left out, it is `auto`.
    """
    sent = at(message.exchange.request.body, "/content")
    for place, part in enumerate(sent if is_array(sent) else ()):
        for kind in ("image_url", "image_file"):
            asked, shown = at(part, f"/{kind}/detail"), message.get(f"/content/{place}/{kind}/detail")
            if isinstance(asked, str) and shown is not ABSENT:
                yield message.check(shown == asked, "another detail", f"/content/{place}/{kind}/detail", asked, shown)


def _sent(history: History) -> Iterable[Sighting]:
    """Every sighting of a message that came to its thread by itself or with it, and not with a run."""
    made = {creation.id for creation in creations(history) if creation.kind == "message"}
    with_runs = {
        e.path["thread_id"] for e in history if e.operation == "create_run" and (given_by(e) or not understood(e))
    }
    for seen in messages_seen(history):
        thread_id = seen.exchange.path.get("thread_id", "")
        asked = seen.text("role") == "user" and thread_id not in with_runs
        if seen.id in made or (asked and born_here(history, thread_id) is not None):
            yield seen


@rule(over=_sent, level=Level.MUST, source=schema(f"{_MESSAGE}.run_id"), capability="messages", items=("L-59",))
def sent_message_has_no_run(message: Sighting) -> Iterator[Result]:
    """A message that a caller created, alone or with its thread, belongs to no run: `run_id` is null.

    Clients find a run's answer by this member. It is null for what people wrote, also after a run has read it.
    """
    value = message.get("run_id")
    if value is not ABSENT:
        yield message.check(value is None, "a caller's message names a run", "/run_id", None, value)


def _is_settled(message: Sighting, history: History) -> bool:
    """Whether a message can no longer grow: nobody's run writes it, or its run had ended, or the event says so."""
    if message.channel != JSON_CHANNEL:
        return message.event in ("thread.message.completed", "thread.message.incomplete")
    run_id = message.get("run_id")
    if not isinstance(run_id, str):
        return run_id is None
    run = find_run(history, run_id)
    return run is not None and run.surely_terminal(message.exchange)


@rule(over=messages, level=Level.MUST, source=_SENT, capability="messages", items=("L-54",))
def stays_as_it_is(line: Timeline) -> Iterator[Result]:
    """A message says the same wherever and whenever it is seen: nothing but its metadata can be modified.

    Messages of a run are compared from the run's end on.
    """
    settled = [seen for seen in line.sightings if _is_settled(seen, line.history)]
    for seen in settled[1:]:
        for name in ("content", "attachments"):
            was, now = settled[0].get(name), seen.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield seen.check(same(was, now), f"{name} has changed", f"/{name}", was, now)


@rule(
    over=messages_seen, level=Level.SHOULD, source=schema(f"{_MESSAGE}.run_id"), capability="messages", items=("L-59",)
)
def question_has_no_author(message: Sighting) -> Iterator[Result]:
    """A message of role `user` was not authored by an assistant.

    Clients tell the sides of a conversation by it. Only what a run wrote has an assistant.
    """
    if message.text("role") == "user" and message.get("assistant_id") is not ABSENT:
        value = message.get("assistant_id")
        yield message.check(value is None, "a user's message names an assistant", "/assistant_id", None, value)


def _answers(run: RunLine) -> Iterator[Sighting]:
    """The messages that a run wrote; those that its request brought along are told apart by what they say."""
    if run.creation is not None and not understood(run.creation):
        return
    brought = [saying(each) for each in _list(run.asked.get("additional_messages"))]
    for message in messages_seen(run.history):
        if message.text("run_id") == run.id and saying(message.value) not in brought:
            yield message


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


@rule(over=runs, level=Level.SHOULD, source=schema(f"{_MESSAGE}.assistant_id"), capability="messages", items=("L-58",))
def answer_names_its_assistant(run: RunLine) -> Iterator[Result]:
    """A message that a run wrote is an assistant's, and names the assistant that ran.

    In a thread that several assistants answer it is the only way to tell who said what.
    """
    for message in _answers(run):
        role, author = message.get("role"), message.get("assistant_id")
        wanted = run.sightings[0].get("assistant_id")
        yield message.check(role == "assistant", "a run's message has another role", "/role", "assistant", role)
        if wanted is not ABSENT and author is not ABSENT:
            yield message.check(author == wanted, "another assistant", "/assistant_id", wanted, author)


@rule(
    over=runs,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml RunStepDetailsMessageCreationObject"),
    capability="steps",
    items=("L-58",),
)
def answer_has_a_step(run: RunLine) -> Iterator[Result]:
    """Each message that a run wrote was created in one of its steps.

    Judged on a list of all its steps that was asked for after the run had ended.
    """
    page = steps_after_the_end(run.history, run.id)
    if page is not None:
        named = [step.get("/step_details/message_creation/message_id") for step in page.items]
        for id_ in dict.fromkeys(message.id for message in _answers(run)):
            yield HELD if id_ in named else page.exchange.finding(f"no step names the run's message {id_}", "/data")


def _lists(history: History) -> Iterable[tuple[tuple[str, ...], Page]]:
    """What a whole list of messages held that the next one has to hold, and the next one."""
    for thread_id in dict.fromkeys(e.path["thread_id"] for e in history if e.operation == "list_messages"):
        whole = list(whole_lists_of(history, "list_messages", thread_id=thread_id))
        deleted = [e for e in history if e.operation == "delete_thread" and e.path.get("thread_id") == thread_id]
        for former, later in pairwise(whole) if born_here(history, thread_id) and not deleted else ():
            if former.exchange.before(later.exchange):
                yield tuple(item.id for item in former.items if _has_to_stay(item, history)), later


def _has_to_stay(message: Sighting, history: History) -> bool:
    """Whether nobody deleted a message, and it is not what a run had begun to write when it was cut short."""
    deleted = any(e.operation == "delete_message" and e.path.get("message_id") == message.id for e in history)
    run = find_run(history, message.text("run_id"))
    return not deleted and (run is None or run.last.status in ("completed", "incomplete"))


@rule(over=_lists, level=Level.MUST, source=_GUIDE, capability="messages", closed=True)
def are_not_lost(lists: tuple[tuple[str, ...], Page]) -> Iterator[Result]:
    """A message that is in its thread stays there until somebody deletes it: threads hold their history.

    Truncation takes messages out of what the model reads, never out of the thread.
    """
    wanted, page = lists
    gone = [id_ for id_ in wanted if id_ not in page.ids]
    yield page.exchange.finding(f"{gone[0]} is no longer in the thread", "/data") if gone else HELD


def _additions(history: History) -> Iterable[Gift]:
    return (gift for gift in gifts(history) if gift.additional)


@rule(over=_additions, level=Level.MUST, source=_ADDED, capability="messages", operation="create_run", items=("L-77",))
def additional_messages_are_in_the_thread(gift: Gift) -> Iterator[Result]:
    """The additional messages of a run are in its thread afterwards, all of them, with their roles and contents.

    The run answers them, so whoever reads the thread later needs them. Add them to the thread, not only to the
    prompt.
    """
    for said in gift.lost:
        yield gift.page.exchange.finding(f"an additional message of role {said[0]!r} is not in the thread", "/data")
    if not gift.lost:
        yield HELD


@rule(
    over=_additions,
    level=Level.SHOULD,
    source=_ADDED,
    capability="messages",
    operation="create_run",
    items=("L-77",),
)
def additional_messages_keep_their_order(gift: Gift) -> Iterator[Result]:
    """The additional messages of a run are in its thread in the order in which they were given, before its answer.

    An answer above its question cannot be understood. Keep a running number beside the time, which is too coarse.
    """
    if gift.lost:
        return
    said = [each for item in gift.shown if (each := saying(item.value)) is not None]
    in_order = is_in_order(gift.sayings, said)
    yield HELD if in_order else gift.page.exchange.finding("the additional messages are in another order", "/data")
    answers = [place for place, item in enumerate(gift.shown) if _is_answer(item, gift)]
    if answers:
        late = any(gift.shown.index(item) > min(answers) for item in _added(gift))
        yield gift.page.exchange.finding("an additional message comes after the answer", "/data") if late else HELD


def _added(gift: Gift) -> Iterator[Sighting]:
    """The messages that say what was given; where others say the same, the first of them."""
    for said, count in Counter(gift.sayings).items():
        yield from [item for item in gift.shown if saying(item.value) == said][:count]


def _is_answer(message: Sighting, gift: Gift) -> bool:
    wrote = message.text("run_id") == gift.run_id and message.text("role") == "assistant"
    return wrote and saying(message.value) not in gift.sayings


@rule(
    over=_additions,
    level=Level.MUST,
    source=_ADDED,
    capability="messages",
    operation="create_run",
    items=("L-77",),
)
def additional_messages_come_before_the_answer(gift: Gift) -> Iterator[Result]:
    """The additional messages of a run are no younger than its answer: they are added before the run is created.

    The model reads them before it answers. Add them when the run is created, not when it ends.
    """
    answers = [item.time("created_at") for item in gift.shown if _is_answer(item, gift)]
    first = min((time for time in answers if time is not None), default=None)
    for item in _added(gift):
        made = item.time("created_at")
        if made is not None and first is not None:
            yield item.check(
                made <= first, "an additional message is younger than the answer", "/created_at", first, made
            )


@rule(
    over=gifts,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml CreateMessageRequest.metadata"),
    capability="messages",
    items=("L-46", "L-77"),
    closed=True,
)
def given_messages_keep_their_metadata(gift: Gift) -> Iterator[Result]:
    """Messages that come with a new thread or with a run have the metadata that was given with them.

    A message is one message, whichever request it came with. Use the same code for all of them.
    """
    for message in gift.given:
        wanted = at(message, "/metadata")
        like = [item for item in gift.shown if saying(item.value) == saying(message)]
        if wanted and like and wanted is not ABSENT and not gift.modified({item.id for item in like}):
            holds = any(same(item.get("metadata"), wanted) for item in like)
            yield like[0].check(holds, "the message's metadata is lost", "/metadata", wanted, like[0].get("metadata"))
