"""Failures that another failing rule explains: the server is wrong once, and a second requirement shows it too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, kind_shown
from runs_conformance.causes.lagging_lists import find_lag, is_due_to_lag
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import Finding

_ORDER = ("listing.newest_come_first_by_default", "listing.order_is_kept", "listing.ascending_reverses_descending")
_TIES = "listing.ties_keep_one_order"
"""Explains messages in another order if they were created together, as those of one request are."""
_REVIVED = ("lifecycle.terminal_status_is_final",)

_AS_STREAMED = (*_REVIVED, "usage.is_given_when_completed", "usage.is_given_when_ended")
"""Explain runs that differ from the end of their stream, by the members that differ."""
_UNKNOWN_MEMBERS = ("modify_assistant.additionalProperties", "modify_thread.additionalProperties")
"""Explain identities that modifications overwrite, if these contain them."""
_ANY_UNKNOWN_MEMBERS = ("modify_*.additionalProperties",)
"""Explain other members that modifications overwrite, if these contain them and must not."""

_OVERWRITTEN_RUN = ("modify.run_changes_in_metadata_only",)
_OVERWRITTEN_MESSAGE = ("modify.message_and_thread_change_in_what_is_given_only",)
"""Explain members that have changed later, if a modification changed them to the same values."""
_OVERWRITTEN = (*_ANY_UNKNOWN_MEMBERS, *_OVERWRITTEN_RUN, *_OVERWRITTEN_MESSAGE)
"""Explain members that never change by themselves, if a modification contained them, as they are shown since then."""
_END_MEMBERS = frozenset({"status", "completed_at", "cancelled_at", "failed_at"})
"""The members of which a revived run shows at least one differently."""

_SHARED_ID = ("ids.no_two_objects_share_an_id",)
"""Explains failures of rules that expect an id to name one object, if it is one of the shared ids."""

_FOREIGN_PAIRS = ("metadata.holds_nothing_else",)
"""Explains metadata with too many pairs, if it holds some of the pairs that were never given."""

_OUTLIVE = ("races.changes_outlive_the_run",)
"""Explains metadata that is lost, if it is the metadata that was modified while a run was active."""

_UNMATCHED_OUTPUTS = ("tools.missing_outputs_are_refused", "tools.unknown_outputs_are_refused")
"""Explain steps with wrong outputs, if each was submitted for another call."""
_OUTPUT_OF_ANOTHER_CALL = "the step shows the output that was submitted for another call"
"""The message about such a step."""

_NOT_JSON = ("robustness.malformed_json_is_refused",)
"""Explains NaN in responses, if the body that was accepted is repeated in them."""
_NAN = "not_a_number"

_EXPLAINED_BY = {
    "transport.json_is_valid": _NOT_JSON,
    "identity.response_shows_the_requested_object": _UNKNOWN_MEMBERS,
    "cancel.happens_only_when_asked_for": _OVERWRITTEN,
    "identity.never_changes": _OVERWRITTEN,
    "lifecycle.terminal_status_is_final": _OVERWRITTEN,
    "messages.stays_as_it_is": _OVERWRITTEN_MESSAGE,
    "modify.message_and_thread_change_in_what_is_given_only": _ANY_UNKNOWN_MEMBERS,
    "modify.run_changes_in_metadata_only": _ANY_UNKNOWN_MEMBERS,
    "settings.never_change": _OVERWRITTEN_RUN,
    "metadata.changes_only_when_modified": _OUTLIVE,
    "metadata.is_kept": _OUTLIVE,
    "deletion.deleted_assistant_runs_nothing": _SHARED_ID,
    "deletion.deleted_thread_shows_nothing": _SHARED_ID,
    "deletion.deleted_thread_takes_nothing": _SHARED_ID,
    "deletion.nothing_is_deleted_twice": _SHARED_ID,
    "deletion.what_is_deleted_cannot_be_read": _SHARED_ID,
    "listing.what_was_deleted_is_not_listed": _SHARED_ID,
    "paging.after_excludes_its_item": _SHARED_ID,
    "tools.step_records_the_outputs": _UNMATCHED_OUTPUTS,
    "references.objects_are_found_under_their_own_parent_only": _SHARED_ID,
    "threads.run_gets_a_thread_of_its_own": _SHARED_ID,
    "robustness.odd_ids_name_nothing": ("references.unknown_and_malformed_ids_are_refused",),
    "messages.additional_messages_keep_their_order": (*_ORDER, _TIES),
    "threads.keep_the_order_of_their_messages": (*_ORDER, _TIES),
    "messages.answer_has_a_step": ("steps.named_messages_exist",),
    "lock.message_is_taken_after_the_end": _REVIVED,
    "lock.run_is_taken_after_the_end": _REVIVED,
    "stored.run_is_as_its_stream_ended": _AS_STREAMED,
    "times.are_in_order": _REVIVED,
    "times.start_moves_only_when_resumed": _REVIVED,
    "run.metadata.maxProperties": _FOREIGN_PAIRS,
    "thread.metadata.maxProperties": _FOREIGN_PAIRS,
    "ending.failed_run_says_why": ("run.last_error.code.enum",),
    "ending.incomplete_run_says_why": ("run.incomplete_details.reason.enum",),
    "acceptance.members_are_accepted_together": ("*.metadata.maxProperties", "*metadata*.maxLength"),
}
"""For each rule, patterns of ids. A failure of one of these explains the failure of the rule."""

_CHAINED = (_OVERWRITTEN_RUN, _OVERWRITTEN_MESSAGE)

_REFUSALS = "acceptance"
"""The topic of rules on valid requests that are refused. Only the refusal of a valid value explains them."""

_END = re.compile(r"had ended '(\w+)'")
_END_BEFORE_START = re.compile(r"`(cancelled|failed|completed)_at` is earlier than the start of the run\Z")
"""The message about a run that had ended and was then started again."""
_RUN_IN_PATH = re.compile(r"/runs/([^/]+)")


def is_explained(failure: Failure, classifier: FailureClassifier) -> bool:
    """Whether another failing rule explains a failure."""
    return bool(_explanations(failure, classifier.failing))


def take_explained(classifier: FailureClassifier) -> list[Failure]:
    """Take the unexplained failures that another failing rule explains."""
    return classifier.take(lambda failure: is_explained(failure, classifier))


def add_explained(classifier: FailureClassifier, explained: Sequence[Failure]) -> None:
    """Record failures as consequences of the causes that have the rules which explain them."""
    # A failure that explains another may itself be explained, and must be recorded first.
    for failure in sorted(explained, key=_rank):
        ids = {each.id for each in _explanations(failure, classifier.failing)}
        drafts = (d for d in classifier.drafts if any(each.id in ids for each in (*d.members, *d.consequences)))
        if (draft := next(drafts, None)) is not None:
            draft.consequences.append(failure)


def _rank(failure: Failure) -> int:
    """The order in which explained failures are recorded.

    First come those that only unexplained failures explain (0), then those that a failure of a lower rank may explain
    (1, 2).
    """
    patterns = _EXPLAINED_BY.get(failure.id)
    return 2 if patterns in (_REVIVED, _AS_STREAMED) else int(patterns in (*_CHAINED, _OVERWRITTEN))


def _explanations(failure: Failure, failing: Sequence[Failure]) -> list[Failure]:
    patterns = _EXPLAINED_BY.get(failure.id, ())
    lag = find_lag(failing)
    if lag is not None and is_due_to_lag(failure):
        return [lag]
    return [
        each
        for each in failing
        if any(fnmatchcase(each.id, pattern) for pattern in patterns)
        and (each.id not in _REVIVED or _is_about_revived_run(failure, each))
        and (lag is None or each.id not in _REVIVED or not is_due_to_lag(each))
        and (failure.subject != _REFUSALS or each.is_refused_valid)
        and (patterns is not _SHARED_ID or bool(_texts_sent(failure) & _shared_ids(each)))
        and (patterns is not _FOREIGN_PAIRS or _has_foreign_pair(failure, each))
        and (patterns is not _UNKNOWN_MEMBERS or each.id.partition(".")[0] in _operations(failure))
        and (patterns not in (_UNKNOWN_MEMBERS, _ANY_UNKNOWN_MEMBERS) or _is_overwritten(failure))
        and (patterns is not _OVERWRITTEN or _is_set_by_modification(failure, each))
        and (patterns not in _CHAINED or _shows_the_same(failure, each))
        and (patterns is not _AS_STREAMED or _explains_difference(failure, each))
        and (patterns is not _UNMATCHED_OUTPUTS or _shows_outputs_of_other_calls(failure))
        and (patterns is not _NOT_JSON or _repeats_nan(failure, each))
        and (patterns is not _OUTLIVE or _loses_the_same(failure, each))
    ]


def _is_overwritten(failure: Failure) -> bool:
    """Whether modifications store a member that they must not contain, and thereby overwrite it.

    The request in the counterexample contains the value that the response shows.
    """
    sent = at(failure.verdict.counterexample, "/request/body")
    return (
        all(operation.startswith("modify_") for operation in _operations(failure))
        and is_object(sent)
        and failure.finding.actual == sent.get(_member(failure.finding), ABSENT)
    )


def _is_set_by_modification(failure: Failure, explaining: Failure) -> bool:
    """Whether members were in the request of a modification, and show the same value in its response or later reads."""
    if explaining.id not in (*_OVERWRITTEN_RUN, *_OVERWRITTEN_MESSAGE):
        return _is_overwritten(failure)
    sent = at(explaining.verdict.counterexample, "/request/body")
    pairs = list(sent.items()) if is_object(sent) else []
    modifying = {finding.exchange for finding in explaining.verdict.findings}
    findings = failure.verdict.findings
    return any(finding.exchange in modifying for finding in findings) and all(
        (_member(finding), finding.actual) in pairs and (finding.exchange in modifying or _is_read(finding))
        for finding in findings
    )


def _is_read(finding: Finding) -> bool:
    operation = OPERATIONS.get(finding.operation or "")
    return operation is not None and operation.method == "GET"


def _operations(failure: Failure) -> set[str]:
    return {finding.operation or "" for finding in failure.verdict.findings}


def _shows_the_same(failure: Failure, explaining: Failure) -> bool:
    """Whether all values that have changed are some that another rule found changed."""
    changed = [(_member(finding), finding.actual) for finding in explaining.verdict.findings]
    return all((_member(finding), finding.actual) in changed for finding in failure.verdict.findings)


def _member(finding: Finding) -> str:
    return finding.pointer.rpartition("/")[2]


def _explains_difference(failure: Failure, explaining: Failure) -> bool:
    """Whether runs that differ from the end of their stream do so in what another rule found.

    A revived run has another status or another end. Usage that the events lacked may be all that differs.
    """
    findings = failure.verdict.findings
    members = {finding.pointer.rpartition("/")[2] for finding in findings}
    if explaining.id in _REVIVED:
        return bool(members & _END_MEMBERS)
    is_missing_in_events = any(finding.pointer.startswith("/events/") for finding in explaining.verdict.findings)
    return members == {"usage"} and all(finding.expected is None for finding in findings) and is_missing_in_events


def _shows_outputs_of_other_calls(failure: Failure) -> bool:
    return all(finding.message == _OUTPUT_OF_ANOTHER_CALL for finding in failure.verdict.findings)


def _repeats_nan(failure: Failure, explaining: Failure) -> bool:
    """Whether responses with NaN belong to accepted bodies that are not JSON, or show objects made from them."""
    accepted = {finding.exchange: kind_shown(finding.operation or "") for finding in explaining.verdict.findings}
    findings = failure.verdict.findings
    kinds = {accepted[finding.exchange] for finding in findings if finding.exchange in accepted}
    return all(
        isinstance(finding.actual, str)
        and finding.actual.startswith(_NAN)
        and kind_shown(finding.operation or "") in kinds
        for finding in findings
    )


def _loses_the_same(failure: Failure, explaining: Failure) -> bool:
    """Whether all metadata that is lost is what another rule found lost, of the same kind of object."""
    lost = [_lost_metadata(finding) for finding in explaining.verdict.findings]
    return all(_lost_metadata(finding) in lost for finding in failure.verdict.findings)


def _lost_metadata(finding: Finding) -> tuple[str | None, set[tuple[str, str]], set[tuple[str, str]]]:
    return kind_shown(finding.operation or ""), _pairs(finding.expected), _pairs(finding.actual)


def _has_foreign_pair(failure: Failure, explaining: Failure) -> bool:
    """Whether all metadata with too many pairs has a pair that, as another rule found, an object was never given."""
    foreign = {
        pair for finding in explaining.verdict.findings for pair in _pairs(finding.actual) - _pairs(finding.expected)
    }
    return all(_pairs(finding.actual) & foreign for finding in failure.verdict.findings)


def _pairs(metadata: JSON | Absent) -> set[tuple[str, str]]:
    return {(name, str(value)) for name, value in metadata.items()} if is_object(metadata) else set()


def _shared_ids(failure: Failure) -> set[str]:
    return {finding.actual for finding in failure.verdict.findings if isinstance(finding.actual, str)}


def _texts_sent(failure: Failure) -> set[str]:
    """The texts in the request that may be ids, and the one in the finding."""
    request = at(failure.verdict.counterexample, "/request")
    path, query, body = (at(request, f"/{name}") for name in ("path", "query", "body"))
    texts: list[JSON | Absent] = [failure.finding.actual, *(body.values() if is_object(body) else ())]
    texts += path.split("/") if isinstance(path, str) else ()
    texts += [value for pair in query if is_array(pair) for value in pair[1:]] if is_array(query) else ()
    return {text for text in texts if isinstance(text, str)}


def _is_about_revived_run(failure: Failure, revived: Failure) -> bool:
    """Whether a failure names only ends of runs that were revived, or, if it names none, shows one of these runs."""
    if ends := _ends(failure):
        return ends <= _ends(revived)
    exchanges, others = ({finding.exchange for finding in each.verdict.findings} for each in (failure, revived))
    return bool(exchanges & others - {""} or _runs_shown(failure) & _runs_shown(revived))


def _runs_shown(failure: Failure) -> set[str]:
    """The ids of runs in the path of the request and in its response."""
    found = set(_RUN_IN_PATH.findall(str(at(failure.verdict.counterexample, "/request/path"))))
    id_ = at(failure.body, "/id") if at(failure.body, "/object") == "thread.run" else ABSENT
    return found | ({id_} if isinstance(id_, str) else set())


def _ends(failure: Failure) -> set[str]:
    """The terminal statuses that the findings name. A revived run explains nothing about runs that ended otherwise."""
    messages = [finding.message for finding in failure.verdict.findings]
    found = (pattern.search(message) for message in messages for pattern in (_END, _END_BEFORE_START))
    return {match[1] for match in found if match is not None}
