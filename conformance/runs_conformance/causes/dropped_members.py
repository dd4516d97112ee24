"""Members of requests that a server drops."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, in_query, kind_shown, place_of
from runs_conformance.causes.ignored_bodies import describe_ignored_bodies, find_ignored_bodies, members_of
from runs_conformance.causes.lost_metadata import (
    describe_lost_pairs,
    is_of_metadata,
    is_pair,
    kind_with_metadata,
    place_of_message_metadata,
    place_of_metadata_shown,
    places_of_lost_pairs,
)
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.known_members import known_body_members
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, is_object, json_equal
from runs_conformance.model.verdict import Finding

_Lost = tuple[str, str]
"""An operation, and the place of the member that it drops."""

_MAX_NAMED = 3
"""With more dropped members, the title has their number and the fix has their names."""

_DROP_RULES = {
    "threads.begin_with_the_messages_given": ("create_thread", "messages"),
    "threads.show_their_tool_resources": ("create_thread", "tool_resources"),
    "messages.additional_messages_are_in_the_thread": ("create_run", "additional_messages"),
    "messages.created_message_shows_its_attachments": ("create_message", "attachments"),
    "assistants.show_their_tool_resources": ("create_assistant", "tool_resources"),
}
"""By rule, the operation and the member whose loss it shows, unless its findings are of others with this member."""

_GIVEN_METADATA = "messages.given_messages_keep_their_metadata"
"""The rule that shows the loss of one member of messages, which are themselves kept."""
_FOLLOWING = {
    "tool_choice": (
        "choice.no_tool_is_called_when_none_may_be",
        "choice.a_tool_is_called_when_one_must_be",
        "choice.the_tool_that_is_named_is_called",
    ),
    "parallel_tool_calls": ("choice.calls_are_not_parallel_unless_allowed",),
}
"""By member, the rules violated by runs that lack its value."""
_CREATING_RUNS = frozenset(name for name, operation in OPERATIONS.items() if operation.creates == "run")
_ORIGIN = re.compile(rf"\bruns? of ({'|'.join(_CREATING_RUNS)})\b")
"""How findings of these rules name the operation that created the runs."""

_OTHER_MODEL = "settings.other_model_replaces_the_assistants"
"""The rule that fails, too, if the model of a run is dropped."""

_CREATING = tuple(name for name, operation in OPERATIONS.items() if operation.creates)
_WITHIN_REQUEST = re.compile(r"^(?:thread\.)?(?:(?:additional_)?messages\[\]\.)?")
"""Where requests contain what other operations send as their whole body."""
_OBJECT_IN_RESPONSE = re.compile(r"^/(?:events/\d+/data(?:/data)?|data/\d+)(?=/)")


def classify_dropped_members(classifier: FailureClassifier) -> None:
    """Classify the members of a request that are dropped: their values are never refused."""
    found = {failure.id: members for failure in classifier.rest if (members := _lost_members(failure))}
    lost = {member for members in found.values() for member in members}
    ignored = find_ignored_bodies(classifier, lost)
    _classify_ignored_bodies(classifier, ignored, found)
    lost = {(operation, place) for operation, place in lost if operation not in ignored}
    if not lost:
        return
    shown = _take_shown(classifier, found, lost)
    unchecked = [failure for failure in classifier.rest if _is_accepted_because_dropped(failure, lost, classifier)]
    classifier.mark_explained(unchecked)
    names = {place for _, place in lost}
    shown += classifier.take(lambda failure: failure.id == _OTHER_MODEL and "model" in names)
    unchecked += take_following(classifier, lost)
    by_operation: dict[str, list[str]] = defaultdict(list)
    for operation, place in sorted(lost):
        by_operation[operation].append(place)
    if all(map(is_pair, names)):
        classifier.add("data.dropped", *describe_lost_pairs(by_operation), shown, unchecked)
        return
    losing: dict[str, list[str]] = defaultdict(list)
    for name, places in by_operation.items():
        losing[", ".join(as_code(places))].append(name)
    every = [f"{places} of {' and '.join(names_losing)}" for places, names_losing in losing.items()]
    title = every if len(lost) <= _MAX_NAMED else [f"{len(p)} of {name}" for name, p in by_operation.items()]
    classifier.add(
        "data.dropped",
        f"Members of requests are dropped: {list_names(title)}",
        Severity.DATA_LOSS,
        "Store every documented member of a request and return it, not only a fixed list of members. The server "
        f"loses {'; '.join(every)}{_describe_alternative(shown, found, unchecked)}{_name_renamed(shown)}.",
        shown,
        unchecked,
    )


def _classify_ignored_bodies(
    classifier: FailureClassifier, ignored: Mapping[str, Sequence[str]], found: Mapping[str, set[_Lost]]
) -> None:
    """Classify all that follows where an operation loses every member of its body: it accepts whatever is sent."""
    if not ignored:
        return
    lost = {member for members in found.values() for member in members if member[0] in ignored}
    whole_bodies = {id_: members for id_, members in found.items() if members <= lost}
    shown = _take_shown(classifier, whole_bodies, lost)
    accepted = classifier.take(
        lambda failure: failure.is_accepted_violation and not failure.is_in_query and failure.subject in ignored
    )
    accepted += take_following(classifier, lost)
    classifier.add("data.ignored", *describe_ignored_bodies(ignored), shown, accepted)


def _take_shown(
    classifier: FailureClassifier, found: Mapping[str, set[_Lost]], lost: Collection[_Lost]
) -> list[Failure]:
    """Take the failures that show the loss of these members, at once or later."""
    shown = classifier.take(lambda failure: failure.id in found)
    forgetful = {kind_with_metadata(operation, place) for operation, place in lost if is_of_metadata(place)}
    return shown + classifier.take(
        lambda failure: failure.id == "metadata.is_kept" and _kinds_shown(failure) <= forgetful
    )


def take_following(classifier: FailureClassifier, lost: Collection[_Lost]) -> list[Failure]:
    """Take the rules that runs violate because the operations that created them lost the values of members."""
    losing: dict[str, set[str]] = defaultdict(set)
    for operation, member in lost:
        for rule in _FOLLOWING.get(member, ()):
            losing[rule].add(operation)
    return classifier.take(lambda failure: failure.id in losing and _is_of_runs_created_by(losing[failure.id], failure))


def _is_of_runs_created_by(operations: Collection[str], failure: Failure) -> bool:
    """Whether all findings may be about runs that these operations created.

    If none of the operations creates runs, as where only reads show a loss, any may have lost the value.
    """
    if _CREATING_RUNS.isdisjoint(operations):
        return True
    named = [_ORIGIN.search(finding.message) for finding in failure.verdict.findings]
    return all((_CREATING_RUNS if found is None else {found[1]}) <= set(operations) for found in named)


def _describe_alternative(
    shown: Sequence[Failure], found: Mapping[str, set[_Lost]], unchecked: Sequence[Failure]
) -> str:
    """Describe the other possible cause where only `false` is lost: a default that replaces falsy values.

    It is not possible if the operation drops other members entirely, or accepts invalid values of this member alone:
    then it does not read the member.
    """
    whole = {
        operation for failure in shown if not _loses_only_false(failure) for operation, _ in found.get(failure.id, ())
    }
    only_false = [
        failure.member
        for failure in shown
        if _loses_only_false(failure)
        and whole.isdisjoint(operation for operation, _ in found.get(failure.id, ()))
        and not any(_is_lost(each, found.get(failure.id, ())) for each in unchecked if each.is_accepted_violation)
    ]
    names = list_names(as_code(only_false))
    return f"; of {names} only false is lost, as by a default that replaces every falsy value" if names else ""


def _loses_only_false(failure: Failure) -> bool:
    return all(finding.expected is False for finding in failure.verdict.findings)


def _lost_members(failure: Failure) -> set[_Lost]:
    """The members whose loss a failure shows, each with the operation that drops it."""
    if failure.is_negative or failure.mutations:
        return set()
    if failure.id in _DROP_RULES and not failure.finding.pointer.endswith("/content"):
        # A member that is lost only occasionally was stored at first.
        return set() if failure.is_occasional else _losses_by_rule(failure)
    if failure.id == _GIVEN_METADATA:
        return {place_of_message_metadata(failure)}
    if failure.id == "metadata.is_shown_in_the_response":
        return {
            (finding.operation or "", place)
            for finding in failure.verdict.findings
            if (whole := place_of_metadata_shown(failure, finding))
            for place in places_of_lost_pairs(whole, finding)
        }
    if not (failure.id.startswith("settings.") and failure.id.endswith("_is_as_asked") and failure.finding.pointer):
        return set()
    creating = [each for each in failure.verdict.findings if each.operation in _CREATING] or [failure.finding]
    return {(finding.operation or "", place) for finding in creating for place in _places_lost(finding)}


def _losses_by_rule(failure: Failure) -> set[_Lost]:
    """The operations of the findings of such a rule, if they take its member; else the operation that it is about."""
    operation, member = _DROP_RULES[failure.id]
    taking = {
        finding.operation
        for finding in failure.verdict.findings
        if finding.operation and member in known_body_members(finding.operation)
    }
    return {(name, member) for name in taking} or {(operation, member)}


def _places_lost(finding: Finding) -> Sequence[str]:
    """The member that was lost, or, if others of its members were kept, the members of it that were not."""
    return _places_gone(member_shown(finding.pointer), finding.expected, finding.actual)


def _places_gone(name: str, expected: JSON | Absent, actual: JSON | Absent) -> list[str]:
    """The smallest members of a value that are gone; the value itself if something else in it was changed."""
    if not is_object(expected) or not is_object(actual):
        return [name]
    gone: list[str] = []
    for each, value in expected.items():
        shown = actual.get(each)
        if json_equal(value, shown):
            continue
        below = [f"{name}.{each}"] if shown is None else _places_gone(f"{name}.{each}", value, shown)
        if shown is not None and below == [f"{name}.{each}"]:
            return [name]
        gone += below
    return gone or [name]


def _name_renamed(failures: Sequence[Failure]) -> str:
    """The members of objects that are shown under another name."""
    findings = [finding for failure in failures for finding in failure.verdict.findings]
    found = [each for f in findings for each in _find_renamed(member_shown(f.pointer), f.expected, f.actual)]
    return "".join(f"; `{place}` is shown as `{name}`" for place, name in dict.fromkeys(found))


def _find_renamed(place: str, expected: JSON | Absent, actual: JSON | Absent) -> Iterator[tuple[str, str]]:
    if not is_object(expected) or not is_object(actual):
        return
    others = {name: value for name, value in actual.items() if name not in expected and is_object(value)}
    for name, value in expected.items():
        yield from _find_renamed(f"{place}.{name}", value, actual.get(name))
        if name not in actual and is_object(value):
            yield from ((f"{place}.{name}", other) for other, shown in others.items() if json_equal(value, shown))


def member_shown(pointer: str) -> str:
    """The member of the object that a pointer into a response leads to; the object may be in an event or a list."""
    return _OBJECT_IN_RESPONSE.sub("", pointer).strip("/").partition("/")[0]


def _is_accepted_because_dropped(failure: Failure, lost: Collection[_Lost], classifier: FailureClassifier) -> bool:
    """Whether an invalid value was accepted because the server drops its member.

    True if the server refuses the violation wherever it keeps such a member, false if it accepts the violation there.
    If neither is known, the violations of the same keyword in the operation decide, or in all operations if it has no
    others: true unless the server accepts some, and at least as many as it refuses.
    """
    if not failure.is_accepted_violation or not _is_lost(failure, lost):
        return False
    kept = [
        each
        for each in classifier.failing
        if each.is_accepted_violation and not each.is_in_query and not _is_lost(each, lost) and not _is_unshown(each)
    ]
    if any((each.place, each.keyword) == (failure.place, failure.keyword) for each in kept):
        return False
    if _is_refused_where_kept(failure, lost, classifier, kept):
        return True
    refusing = [
        verdict
        for verdict in classifier.passing
        if verdict.kind == "constraint"
        and verdict.operation is not None
        and not in_query(verdict)
        and verdict.id.endswith(f".{failure.keyword}")
        and not _is_below_any(verdict.operation, place_of(verdict.id), lost)
    ]
    accepting = [each for each in kept if each.keyword == failure.keyword]
    alike = sum(each.subject == failure.subject for each in accepting)
    refused = sum(verdict.operation == failure.subject for verdict in refusing)
    if alike == 0 and refused == 0:  # The operation does not show whether it checks the keyword, but others may.
        alike, refused = len(accepting), len(refusing)
    return alike == 0 or alike < refused


def _is_refused_where_kept(
    failure: Failure, lost: Collection[_Lost], classifier: FailureClassifier, kept: Sequence[Failure]
) -> bool:
    """Whether other operations refuse the violation in such an object, which they keep, and none accepts it."""
    violation = _place_in_object(failure.place), failure.keyword
    return all((_place_in_object(each.place), each.keyword) != violation for each in kept) and any(
        not _is_below_any(verdict.operation or "", place_of(verdict.id), lost)
        and (_place_in_object(place_of(verdict.id)), verdict.id.rpartition(".")[2]) == violation
        for verdict in classifier.refused_bodies
    )


def _place_in_object(place: str) -> str:
    """A place in a request relative to the object that it is in: a message, the thread, or the body itself."""
    return _WITHIN_REQUEST.sub("", place)


def _is_unshown(failure: Failure) -> bool:
    """Whether the response to an invalid value lacks the member or shows it as null.

    The server did not store the value then.
    """
    name = failure.finding.pointer.strip("/").partition("/")[0]
    kind = kind_shown(failure.operation)
    return (
        failure.keyword not in ("additionalProperties", "required")
        and failure.finding.actual is not None
        and is_object(failure.body)
        and "id" in failure.body
        and kind is not None
        and name in members_of(kind)
        and failure.body.get(name) is None
    )


def _is_lost(failure: Failure, lost: Collection[_Lost]) -> bool:
    return _is_below_any(failure.subject, failure.place, lost)


def _is_below_any(operation: str, place: str, lost: Collection[_Lost]) -> bool:
    return any(
        operation == name and (place == member or place.startswith((f"{member}.", f"{member}[", f"{member}{{")))
        for name, member in lost
    )


def _kinds_shown(failure: Failure) -> set[str | None]:
    return {kind_shown(finding.operation or "") for finding in failure.verdict.findings}
