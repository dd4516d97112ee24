"""Modifications: the members they change, and those they must not change."""

from __future__ import annotations

from collections.abc import Iterator, Set

from runs_conformance.contract.known_members import known_body_members, known_members
from runs_conformance.contract.validation import is_valid
from runs_conformance.evidence.accepted_invalid import may_be_invalid
from runs_conformance.evidence.complete_list import message_certainly_exists
from runs_conformance.evidence.member_form import check_kept, same_value
from runs_conformance.evidence.metadata import is_ordinary_metadata, may_exceed_metadata_limit
from runs_conformance.evidence.modification import Modification, modifications
from runs_conformance.evidence.number import has_fewer_digits
from runs_conformance.evidence.observation import JSON_CHANNEL
from runs_conformance.evidence.refusal_reason import named_places
from runs_conformance.evidence.request_expectation import is_interpretable, must_be_accepted
from runs_conformance.evidence.run_action import targets_existing_run
from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.evidence.spontaneous_change import CHANGES_ANYWAY, changes_by_itself
from runs_conformance.model.json import ABSENT, JSON, Absent, contains, is_array, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion, with_part

_RUN = schema("openai-openapi f85dbe2 openapi.yaml ModifyRunRequest")
_OTHERS = schema("openai-openapi f85dbe2 openapi.yaml ModifyMessageRequest, ModifyThreadRequest")
_MESSAGE = schema("openai-openapi f85dbe2 openapi.yaml modifyMessage")
_ASSISTANT = schema("openai-openapi f85dbe2 openapi.yaml ModifyAssistantRequest")
_RECORDED = observed("recorded traffic: ruby-openai runs_modify; openai-openapi f85dbe2 openapi.yaml modifyRun example")
_REFUSED = (400, 403, 409, 422)
"""HTTP statuses with which a server refuses an operation that it implements."""

_OF_RUN = "a modification of a message that a run wrote"

_VARYING = frozenset({"metadata", "tool_resources", "expires_at"})
"""Members that may differ between two responses that show the same object; `tool_resources` differs in streams."""

_IDENTITY = frozenset({"id", "object", "created_at", "thread_id", "run_id", "assistant_id"})
"""Members that `identity.never_changes` judges, whatever changes them."""


@rule(
    units=modifications,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="metadata",
    operation="modify_run",
    clauses=("ended-run-can-be-modified",),
    needs_complete_history=True,
)
def ended_run_can_be_modified(modification: Modification) -> Iterator[Result]:
    """The metadata of an ended run can be modified.

    Clients label finished runs. Whether the metadata of an active run can be modified is not documented: the real
    service refused it.

    Fix: Accept `modify_run` in every terminal status.
    """
    run = modification.timeline
    if not isinstance(run, RunTimeline) or not modification.is_quiescent or not must_be_accepted(modification.exchange):
        return
    if not targets_existing_run(run, modification.exchange):
        return
    body = modification.exchange.request.body
    if modification.exchange.accepted:
        yield _pass_if_stored(modification)
    elif (
        modification.exchange.refused
        and body is not ABSENT
        and not may_exceed_metadata_limit(modification.timeline.history, modification.exchange)
        and is_valid("requests/modify_run", "modify_run", modification.exchange.edition)(body)
    ):
        yield _report_refused_object(modification, "a metadata update of an ended run was refused")


def _report_refused_object(modification: Modification, message: str) -> Result:
    """A finding if a valid modification was refused because of the object, `Inconclusive` if the value may explain it.

    The value may be, if it is not ordinary: how long and how many entries may be is for other requirements to judge. It
    may be, too, if the refusal names a member, and another modification of the same object was accepted.
    """
    exchange = modification.exchange
    others = (other for other in modifications(modification.timeline.history) if other.exchange.path == exchange.path)
    is_modifiable = any(other.exchange.accepted and other.is_quiescent for other in others)
    if not is_ordinary_metadata(modification.requested.get("metadata")) or (is_modifiable and named_places(exchange)):
        return Inconclusive(f"{exchange.operation} was refused, possibly because of the value of `metadata`")
    return exchange.finding(message, "", 200, exchange.status)


@rule(
    units=modifications,
    level=Level.MUST,
    source=_MESSAGE,
    capability="metadata",
    operation="modify_message",
    needs_complete_history=True,
    needs_parts=((_OF_RUN, "modify_message"),),
)
def message_can_be_modified(modification: Modification) -> Iterator[Result]:
    """The metadata of a message can be modified, whether a caller or a run wrote it.

    Clients record in it how an answer was used. Judged only if every run of the thread has ended.

    Fix: Accept `modify_message` for messages of either role.
    """
    exchange, history = modification.exchange, modification.timeline.history
    if modification.kind != "message" or not must_be_accepted(exchange):
        return
    if exchange.accepted:
        yield with_part(_pass_if_stored(modification), _OF_RUN if _is_of_run(modification) else "")
    elif (
        exchange.status in _REFUSED
        and exchange.request.body is not ABSENT
        and message_certainly_exists(history, exchange)
        and not may_exceed_metadata_limit(history, exchange)
        and is_valid("requests/modify_message", "modify_message", exchange.edition)(exchange.request.body)
    ):
        yield _report_refused_object(modification, "a metadata update of a message was refused")


def _is_of_run(modification: Modification) -> bool:
    shown = (modification.response_object, modification.state_after)
    return any(each is not None and isinstance(each.get("run_id"), str) for each in shown)


def _pass_if_stored(modification: Modification) -> Result:
    """`PASSED` if the response, or the next one that shows the object, has the metadata given in the request."""
    given = modification.requested.get("metadata") or {}
    shown = [
        each.get("metadata") for each in (modification.response_object, modification.state_after) if each is not None
    ]
    if any(not isinstance(metadata, Absent) and contains(metadata or {}, given) for metadata in shown):
        return PASSED
    return Inconclusive("the modification was accepted, but no response shows the given metadata")


def _check_others_unchanged(modification: Modification) -> Iterator[Result]:
    before, response = modification.state_before, modification.response_object
    if not modification.exchange.accepted or before is None or response is None or not modification.is_quiescent:
        return
    if not is_interpretable(modification.exchange):
        return
    known = known_members(modification.kind, modification.exchange.edition)
    shown = known & before.value.keys() & response.value.keys()
    for name in shown - _VARYING - _IDENTITY - _members_to_set(modification):
        if may_be_invalid(modification.timeline.history, response, name):
            continue
        now = response.get(name)
        holds = any(same_value(each, now) for each in (before.get(name), _last_written(modification, name)))
        if not holds and changes_by_itself(modification.timeline, name, same_value):
            yield Suspicion(CHANGES_ANYWAY.format(name))
        else:
            yield check_kept(before, response, name, holds, f"the modification changed `{name}`")


def _members_to_set(modification: Modification) -> Set[str]:
    """The members of the request that it can set. A server may ignore others, or refuse the request for them."""
    requested = modification.requested.keys()
    if modification.kind == "assistant":
        return requested
    exchange = modification.exchange
    return requested & known_body_members(exchange.operation or "", exchange.edition)


def _last_written(modification: Modification, name: str) -> JSON | Absent:
    """A member as the last write before the modification showed it: what a read shows since may be stale."""
    return modification.last_written.get(name) if modification.last_written is not None else ABSENT


@rule(
    units=modifications,
    level=Level.MUST,
    source=_RUN,
    capability="metadata",
    operation="modify_run",
    clauses=("modify-run-changes-only-metadata",),
)
def run_changes_in_metadata_only(modification: Modification) -> Iterator[Result]:
    """Modifying a run changes only its metadata.

    Metadata is the only member of the request: others, such as `instructions` and `status`, are refused or ignored.
    Judged on ended runs, since others change by themselves. An ended run whose status changes although the request does
    not name it was revived, which another rule reports.

    Fix: Update only the metadata of the stored run.
    """
    before, response = modification.state_before, modification.response_object
    is_revived = before is not None and response is not None and before.status != response.status
    if modification.kind == "run" and (not is_revived or "status" in modification.requested):
        yield from _check_others_unchanged(modification)


@rule(units=modifications, level=Level.MUST, source=_OTHERS, capability="metadata", needs_complete_history=True)
def message_and_thread_change_in_what_is_given_only(modification: Modification) -> Iterator[Result]:
    """Modifying a message or thread leaves the members that the request does not name, or cannot set, as they are.

    A message keeps its content, role and status, even if the request has other values: they are refused or ignored. A
    thread keeps the files and vector stores of its tools. Clients rely on both. The metadata is judged by
    `modify.metadata_stays_where_none_is_given`.

    Fix: Update only the given members of the stored object.
    """
    if modification.kind == "message":
        yield from _check_others_unchanged(modification)
    elif modification.kind == "thread" and "tool_resources" not in modification.requested:
        yield from _check_files_kept(modification)


def _check_files_kept(modification: Modification) -> Iterator[Result]:
    """Files and vector stores may be added meanwhile, by a message with attachments, and must not be lost."""
    before, response, after = modification.state_before, modification.response_object, modification.state_after
    if not modification.exchange.accepted or before is None or response is None or before.channel != JSON_CHANNEL:
        return
    for pointer in ("/tool_resources/code_interpreter/file_ids", "/tool_resources/file_search/vector_store_ids"):
        was, now = before.get(pointer), response.get(pointer)
        if is_array(was) and was and response.get("tool_resources") is not ABSENT:
            later = after.get(pointer) if after is not None else ABSENT
            # A read may be stale, and a response may show too little of what is stored.
            holds = any(
                _has_all(shown, each) for shown in (now, later) for each in (was, _last_written(modification, pointer))
            )
            yield response.check(holds, "the thread has lost files or vector stores of its tools", pointer, was, now)


def _has_all(shown: JSON | Absent, ids: JSON | Absent) -> bool:
    return is_array(shown) and is_array(ids) and all(id_ in shown for id_ in ids)


@rule(
    units=modifications,
    level=Level.SHOULD,
    source=_ASSISTANT,
    capability="core",
    operation="modify_assistant",
    needs_complete_history=True,
)
def assistant_keeps_what_is_not_given(modification: Modification) -> Iterator[Result]:
    """Modifying an assistant changes only the members given in the request.

    A server that resets omitted members to their defaults erases tools and instructions.

    Fix: Merge the request into the stored assistant.
    """
    if modification.kind == "assistant":
        yield from _check_others_unchanged(modification)


@rule(units=modifications, level=Level.MUST, source=_ASSISTANT, capability="core", operation="modify_assistant")
def assistant_shows_what_is_given(modification: Modification) -> Iterator[Result]:
    """The response to a modification of an assistant shows the members given in the request.

    Clients take the response to be the stored assistant. The model is not compared, since a server may show it under
    another of its names, nor are the id and other members that no request can set.

    Fix: Return the assistant as it is stored after the modification.
    """
    response = modification.response_object
    if (
        modification.kind != "assistant"
        or not modification.exchange.accepted
        or not is_interpretable(modification.exchange)
        or response is None
    ):
        return
    for name, requested in modification.requested.items():
        actual = response.get(name)
        if (
            name not in {"metadata", "model", "tool_resources"} | _IDENTITY
            and requested is not None
            and requested != "auto"
            and actual is not ABSENT
        ):
            is_cleared = requested == "" and actual is None
            holds = is_cleared or contains(actual, requested) or has_fewer_digits(actual, requested)
            yield response.check(
                holds, f"the assistant's `{name}` differs from the request", f"/{name}", requested, actual
            )


@rule(
    units=modifications,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="metadata",
    clauses=("ended-run-can-be-modified", "metadata-is-echoed"),
    needs_complete_history=True,
)
def metadata_stays_where_none_is_given(modification: Modification) -> Iterator[Result]:
    """A modification without `metadata` leaves the metadata unchanged.

    Clients rename an assistant and find it by its metadata afterwards, so an omitted `metadata` must not count as `{}`.

    Fix: Change the metadata only if the request contains it.
    """
    before, response = modification.state_before, modification.response_object
    if (
        not modification.exchange.accepted
        or not is_interpretable(modification.exchange)
        or before is None
        or response is None
        or may_be_invalid(modification.timeline.history, response, "metadata")
    ):
        return
    was, now = before.get("metadata"), response.get("metadata")
    if "metadata" not in modification.requested and was is not ABSENT and now is not ABSENT:
        holds = json_equal(was, now) or json_equal(_last_written(modification, "metadata"), now)
        if not holds and changes_by_itself(modification.timeline, "metadata", json_equal):
            yield Suspicion(CHANGES_ANYWAY.format("metadata"))
            return
        yield response.check(holds, "the modification changed `metadata`", "/metadata", was, now)
