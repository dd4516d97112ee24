"""Modifying objects: what changes, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.schema_violation import is_valid
from runs_conformance.evidence.likeness import covers
from runs_conformance.evidence.metadata import may_overflow
from runs_conformance.evidence.modification import Modification, modifications
from runs_conformance.evidence.request_expectation import plain, understood
from runs_conformance.evidence.run_action import is_there
from runs_conformance.evidence.standing import message_stands
from runs_conformance.evidence.timeline import RunLine
from runs_conformance.model.json import ABSENT, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import HELD, Result

_RUN = schema("openai-openapi f85dbe2 openapi.yaml ModifyRunRequest")
_OTHERS = schema("openai-openapi f85dbe2 openapi.yaml ModifyMessageRequest, ModifyThreadRequest")
_MESSAGE = schema("openai-openapi f85dbe2 openapi.yaml modifyMessage")
_ASSISTANT = schema("openai-openapi f85dbe2 openapi.yaml ModifyAssistantRequest")
_SEEN = observed("recorded traffic: ruby-openai runs_modify; openai-openapi f85dbe2 openapi.yaml modifyRun example")
_REFUSED = (400, 403, 409, 422)
"""Refusals by a server that has the operation."""

_VARYING = frozenset({"metadata", "tool_resources", "expires_at"})
"""Members that may differ between two answers that show the same object: `tool_resources` does between channels."""

_IDENTITY = frozenset({"id", "object", "created_at", "thread_id", "run_id", "assistant_id"})
"""Members that another rule watches, whoever changes them."""


@rule(
    over=modifications,
    level=Level.SHOULD,
    source=_SEEN,
    capability="metadata",
    operation="modify_run",
    items=("L-44",),
    closed=True,
)
def ended_run_can_be_modified(change: Modification) -> Iterator[Result]:
    """The metadata of a run that has ended can be modified.

    Whether that of an active run can, is not stated: the real service refused it.
    """
    run = change.line
    if not isinstance(run, RunLine) or not change.at_rest or not plain(change.exchange):
        return
    if not is_there(run, change.exchange):
        return
    body = change.exchange.request.body
    if change.exchange.accepted:
        yield HELD
    elif (
        change.exchange.refused
        and body is not ABSENT
        and not may_overflow(change.line.history, change.exchange)
        and is_valid("requests/modify_run", "modify_run", change.exchange.edition)(body)
    ):
        yield change.exchange.finding(
            "the metadata of a run that has ended was refused", "", 200, change.exchange.status
        )


@rule(
    over=modifications,
    level=Level.MUST,
    source=_MESSAGE,
    capability="metadata",
    operation="modify_message",
    closed=True,
)
def message_can_be_modified(change: Modification) -> Iterator[Result]:
    """The metadata of a message can be modified, whoever wrote it: the caller or a run.

    Clients note there what became of an answer. Judged where every run of the thread has ended.
    """
    exchange, history = change.exchange, change.line.history
    if change.kind != "message" or not plain(exchange):
        return
    if exchange.accepted:
        yield HELD
    elif (
        exchange.status in _REFUSED
        and exchange.request.body is not ABSENT
        and message_stands(history, exchange)
        and not may_overflow(history, exchange)
        and is_valid("requests/modify_message", "modify_message", exchange.edition)(exchange.request.body)
    ):
        yield exchange.finding("the metadata of a message was refused", "", 200, exchange.status)


def _same_otherwise(change: Modification) -> Iterator[Result]:
    before, answer = change.before, change.answer
    if not change.exchange.accepted or before is None or answer is None or not change.at_rest:
        return
    for name in before.value.keys() & answer.value.keys() - _VARYING - _IDENTITY - change.given.keys():
        was, now = before.get(name), answer.get(name)
        yield answer.check(same(was, now), f"the modification changed {name}", f"/{name}", was, now)


@rule(over=modifications, level=Level.MUST, source=_RUN, capability="metadata", operation="modify_run", items=("L-43",))
def run_changes_in_metadata_only(change: Modification) -> Iterator[Result]:
    """Modifying a run changes its metadata and nothing else.

    It is the only member of the request. Judged on runs that have ended, since others change by themselves.
    """
    if change.kind == "run":
        yield from _same_otherwise(change)


@rule(over=modifications, level=Level.MUST, source=_OTHERS, capability="metadata")
def message_and_thread_change_in_what_is_given_only(change: Modification) -> Iterator[Result]:
    """Modifying a message or thread changes nothing but the members that the request gives.

    A message keeps its content and role, a thread its time of creation.
    """
    if change.kind in ("message", "thread"):
        yield from _same_otherwise(change)


@rule(
    over=modifications,
    level=Level.SHOULD,
    source=_ASSISTANT,
    capability="core",
    operation="modify_assistant",
    closed=True,
)
def assistant_keeps_what_is_not_given(change: Modification) -> Iterator[Result]:
    """Modifying an assistant changes nothing but the members that the request gives.

    Merge the request into what is stored; writing its defaults over the rest wipes tools and instructions.
    """
    if change.kind == "assistant":
        yield from _same_otherwise(change)


@rule(over=modifications, level=Level.MUST, source=_ASSISTANT, capability="core", operation="modify_assistant")
def assistant_shows_what_is_given(change: Modification) -> Iterator[Result]:
    """The answer to an assistant's modification shows the members that the request gives.

    A target may show the model by another of its names, so the model is left out here.
    """
    answer = change.answer
    if change.kind != "assistant" or not change.exchange.accepted or not understood(change.exchange) or answer is None:
        return
    for name, given in change.given.items():
        shown = answer.get(name)
        if (
            name not in ("metadata", "model", "tool_resources")
            and given is not None
            and given != "auto"
            and shown is not ABSENT
        ):
            yield answer.check(covers(shown, given), f"{name} is not what was given", f"/{name}", given, shown)


@rule(over=modifications, level=Level.SHOULD, source=_SEEN, capability="metadata", items=("L-44", "L-46"), closed=True)
def metadata_stays_where_none_is_given(change: Modification) -> Iterator[Result]:
    """A modification that says nothing of metadata leaves it as it was.

    Clients rename an assistant, and find it by its metadata afterwards. Absent is not empty.
    """
    before, answer = change.before, change.answer
    if not change.exchange.accepted or not understood(change.exchange) or before is None or answer is None:
        return
    was, now = before.get("metadata"), answer.get("metadata")
    if "metadata" not in change.given and was is not ABSENT and now is not ABSENT:
        yield answer.check(same(was, now), "the modification changed metadata", "/metadata", was, now)
