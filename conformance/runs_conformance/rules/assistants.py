"""Assistants: what was created or modified is what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.likeness import covers
from runs_conformance.evidence.observation import Sighting, assistants_seen
from runs_conformance.evidence.request_expectation import understood
from runs_conformance.evidence.timeline import Timeline, assistants
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at, is_array, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Result

_ASSISTANT = schema("openai-openapi f85dbe2 openapi.yaml AssistantObject")
_TEXTS = ("name", "description", "instructions", "tools")
_SETTINGS = ("model", "temperature", "top_p", "response_format", "reasoning_effort")


def _created(history: History) -> Iterable[Sighting]:
    return (seen for seen in assistants_seen(history) if seen.exchange.operation == "create_assistant")


def _as_given(assistant: Sighting, names: tuple[str, ...]) -> Iterator[Result]:
    for name in names if understood(assistant.exchange) else ():
        given, shown = at(assistant.exchange.request.body, f"/{name}"), assistant.get(name)
        if given is not ABSENT and given is not None and given not in ("", "auto") and shown is not ABSENT:
            yield assistant.check(covers(shown, given), f"{name} is not what was given", f"/{name}", given, shown)


@rule(over=_created, level=Level.MUST, source=_ASSISTANT, capability="core", operation="create_assistant")
def show_who_they_are(assistant: Sighting) -> Iterator[Result]:
    """A created assistant has the name, description, instructions and tools that its request gave.

    These are what people know an assistant by, and what its runs work with. Store the request before it is
    answered.
    """
    yield from _as_given(assistant, _TEXTS)


@rule(over=_created, level=Level.SHOULD, source=_ASSISTANT, capability="core", operation="create_assistant")
def show_their_settings(assistant: Sighting) -> Iterator[Result]:
    """A created assistant has the model, temperature, `top_p` and response format that its request gave.

    Runs inherit them. A setting that is dropped here is missing from every run without anybody noticing.
    """
    yield from _as_given(assistant, _SETTINGS)


@rule(over=_created, level=Level.SHOULD, source=_ASSISTANT, capability="core", operation="create_assistant")
def show_their_tool_resources(assistant: Sighting) -> Iterator[Result]:
    """A created assistant shows the files and vector stores that its request gave to its tools.

    A file search without its store, or a code interpreter without its files, finds nothing and says nothing.
    """
    for name in ("code_interpreter/file_ids", "file_search/vector_store_ids"):
        where = f"/tool_resources/{name}"
        given, shown = at(assistant.exchange.request.body, where), assistant.get(where)
        if is_array(given) and given and assistant.get("tool_resources") is not ABSENT:
            yield assistant.check(covers(shown, given), "other tool resources", where, given, shown)


@rule(over=assistants, level=Level.MUST, source=_ASSISTANT, capability="core", items=("L-54",), closed=True)
def change_only_when_modified(line: Timeline) -> Iterator[Result]:
    """Between two looks with no modification in between, an assistant is the same: what was accepted is stored.

    Reads, lists and the answers to creations and modifications show the same assistant. Judged on those created here:
    others may be modified by somebody who was not recorded.
    """
    attempts = [
        exchange
        for exchange in line.history
        if exchange.operation == "modify_assistant" and exchange.path.get("assistant_id") == line.id
    ]
    created = line.sightings[0].exchange.operation == "create_assistant"
    for earlier, later in line.pairs() if created else ():
        between = [e for e in attempts if e.ended > earlier.begins and e.started < later.ends]
        if any(exchange is not earlier.exchange for exchange in between):
            continue
        for name in (*_TEXTS, *_SETTINGS):
            was, now = earlier.get(name), later.get(name)
            if was is not ABSENT and now is not ABSENT:
                yield later.check(_alike(was, now), f"{name} has changed by itself", f"/{name}", was, now)


def _alike(was: JSON, now: JSON) -> bool:
    return same(was, now) or (was in (None, "") and now in (None, ""))
