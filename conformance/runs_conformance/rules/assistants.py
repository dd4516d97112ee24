"""Assistants: responses show what was created or modified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.accepted_invalid import valid_assistants
from runs_conformance.evidence.modification import Modification, modifications
from runs_conformance.evidence.number import has_fewer_digits
from runs_conformance.evidence.observation import Observation, assistant_observations
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.stale_item import is_list_item
from runs_conformance.evidence.timeline import Timeline
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, at, contains, equal_but_for_nulls, is_array, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Result

_ASSISTANT = schema("openai-openapi f85dbe2 openapi.yaml AssistantObject")
_TEXTS = ("name", "description", "instructions", "tools")
_NULLABLE_TEXTS = ("name", "description", "instructions")
_SETTINGS = ("model", "temperature", "top_p", "response_format", "reasoning_effort")
_RESOURCES = "tool_resources"
_SAMPLING = ("temperature", "top_p")


def _created_assistants(history: History) -> Iterable[Observation]:
    return (
        assistant for assistant in assistant_observations(history) if assistant.exchange.operation == "create_assistant"
    )


def _check_requested(assistant: Observation, names: tuple[str, ...]) -> Iterator[Result]:
    for name in names if is_interpretable(assistant.exchange) else ():
        requested, shown = at(assistant.exchange.request.body, f"/{name}"), assistant.get(name)
        if requested is not ABSENT and requested is not None and requested not in ("", "auto") and shown is not ABSENT:
            holds = contains(shown, requested) or has_fewer_digits(shown, requested)
            yield assistant.check(
                holds, f"the assistant's `{name}` differs from the request", f"/{name}", requested, shown
            )


@rule(units=_created_assistants, level=Level.MUST, source=_ASSISTANT, capability="core", operation="create_assistant")
def show_who_they_are(assistant: Observation) -> Iterator[Result]:
    """A created assistant has the name, description, instructions and tools of its request.

    Users identify an assistant by its name, and its runs depend on its instructions and tools.

    Fix: Store the members of the request before responding.
    """
    yield from _check_requested(assistant, _TEXTS)


@rule(units=_created_assistants, level=Level.SHOULD, source=_ASSISTANT, capability="core", operation="create_assistant")
def show_their_settings(assistant: Observation) -> Iterator[Result]:
    """A created assistant has the model, temperature, `top_p` and response format of its request.

    Runs inherit these settings, so a dropped one is silently missing from every run. A temperature or `top_p` that is
    null or omitted is shown as null or as the default of 1; a 0 would make every answer the same.

    Fix: Store all settings of the request with the assistant.
    """
    yield from _check_requested(assistant, _SETTINGS)
    for name in _SAMPLING if is_interpretable(assistant.exchange) else ():
        requested, shown = at(assistant.exchange.request.body, f"/{name}"), assistant.get(name)
        if requested in (ABSENT, None) and shown is not ABSENT:
            holds = shown is None or json_equal(shown, 1)
            yield assistant.check(
                holds, f"the assistant's `{name}` is not the default, although none was requested", f"/{name}", 1, shown
            )


@rule(units=_created_assistants, level=Level.SHOULD, source=_ASSISTANT, capability="core", operation="create_assistant")
def show_their_tool_resources(assistant: Observation) -> Iterator[Result]:
    """A created assistant shows the files and vector stores that its request gave to its tools.

    Without files and vector stores, file search and code interpreter find nothing and report no error.

    Fix: Store `tool_resources` with the assistant.
    """
    for name in ("code_interpreter/file_ids", "file_search/vector_store_ids"):
        pointer = f"/tool_resources/{name}"
        requested, shown = at(assistant.exchange.request.body, pointer), assistant.get(pointer)
        is_judged = is_interpretable(assistant.exchange) and assistant.get("tool_resources") is not ABSENT
        if is_array(requested) and requested and is_judged:
            yield assistant.check(
                contains(shown, requested),
                "the assistant's tool resources differ from the request",
                pointer,
                requested,
                shown,
            )


@rule(
    units=modifications,
    level=Level.SHOULD,
    source=schema(
        "openai-openapi f85dbe2 openapi.yaml ModifyAssistantRequest: name, description and instructions are nullable",
        note="no document says what null does in a modification",
    ),
    capability="core",
    operation="modify_assistant",
    needs_complete_history=True,
)
def lose_a_text_that_is_set_to_null(modification: Modification) -> Iterator[Result]:
    """A modification that sets the name, description or instructions of an assistant to null removes the text.

    Callers who want to keep a text leave the member out. If null keeps it, too, what was set once cannot be removed.

    Fix: Change every member that the request contains, even if its value is null.
    """
    before, response = modification.state_before, modification.response_object
    is_meant = modification.exchange.accepted and is_interpretable(modification.exchange)
    if modification.kind != "assistant" or not is_meant or before is None or response is None:
        return
    for name in _NULLABLE_TEXTS:
        text, shown = before.get(name), response.get(name)
        if modification.requested.get(name, ABSENT) is not None or not isinstance(text, str) or not text:
            continue
        if shown == text:
            yield response.finding(
                f"the assistant keeps its `{name}` although the request set it to null", f"/{name}", None, shown
            )
        elif shown is None or shown == "":
            yield PASSED


@rule(
    units=valid_assistants,
    level=Level.MUST,
    source=_ASSISTANT,
    capability="core",
    operation="create_assistant",
    clauses=("run-identity-never-changes",),
    needs_complete_history=True,
)
def change_only_when_modified(timeline: Timeline) -> Iterator[Result]:
    """An assistant does not change between two responses without a modification in between.

    Reads, lists, and the responses to creations and modifications show the same assistant, with the same files and
    vector stores of its tools. Judged only for assistants that were created here, since others may be modified by other
    clients.

    Fix: Build every response from the stored assistant.
    """
    attempts = [
        exchange
        for exchange in timeline.history
        if exchange.operation == "modify_assistant" and exchange.path.get("assistant_id") == timeline.id
    ]
    is_created_here = timeline.observations[0].exchange.operation == "create_assistant"
    for earlier, later in timeline.pairs() if is_created_here else ():
        between = [e for e in attempts if e.ended > earlier.earliest and e.started < later.latest]
        if any(exchange is not earlier.exchange for exchange in between):
            continue
        is_listed = is_list_item(later) and not is_list_item(earlier)
        for name in (*_TEXTS, *_SETTINGS, _RESOURCES):
            before, after = earlier.get(name), later.get(name)
            if before is not ABSENT and after is not ABSENT:
                are_equal = _name_the_same if name == _RESOURCES else _are_equal
                message = f"the assistant's `{name}` changed without a modification"
                if is_listed:
                    message = f"the list shows another `{name}` than the assistant has"
                yield later.check(are_equal(before, after), message, f"/{name}", before, after)


def _name_the_same(before: JSON, after: JSON) -> bool:
    """Whether two values of `tool_resources` name the same files and vector stores.

    A tool without any may be absent.
    """
    return _resources(before) == _resources(after)


def _resources(value: JSON) -> dict[str, frozenset[str]]:
    """The ids by tool and member, for the tools that have any."""
    named = {
        f"{tool}.{member}": frozenset(id_ for id_ in ids if isinstance(id_, str)) if is_array(ids) else frozenset[str]()
        for tool, members in (value.items() if is_object(value) else ())
        for member, ids in (members.items() if is_object(members) else ())
    }
    return {name: ids for name, ids in named.items() if ids}


def _are_equal(before: JSON, after: JSON) -> bool:
    if has_fewer_digits(before, after) or has_fewer_digits(after, before):
        return True
    return equal_but_for_nulls(before, after) or (before in (None, "") and after in (None, ""))
