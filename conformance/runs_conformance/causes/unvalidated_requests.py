"""Mistakes in the validation of requests: none, of one keyword, of one member; and the consequences of each."""

from __future__ import annotations

from collections import Counter, defaultdict

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.failure import Failure, in_query
from runs_conformance.causes.groups import Group, Sorting
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, json_equal

_SHARE = 0.8
"""An operation that accepts at least this share of the invalid values validates nothing."""
_MIN_ACCEPTED = 3
_MAX_MEMBERS = 3
"""The number of members named as separate causes; with more, the validation is incomplete as a whole."""

_PARSING_RULES = (
    "robustness.malformed_json_is_refused",
    "robustness.invalid_utf8_is_refused",
    "robustness.empty_bodies_are_refused_where_members_are_required",
    "robustness.misshapen_bodies_are_refused",
    "robustness.nothing_follows_the_body",
    "robustness.empty_bodies_are_refused_elsewhere",
    "refusals.status_says_that_the_body_is_at_fault",
)
"""Rules that a server breaks which never checks a body."""

OUTPUT_RULES = (
    "tools.missing_outputs_are_refused",
    "tools.unknown_outputs_are_refused",
    "tools.repeated_outputs_are_refused",
)
"""Rules that a server breaks which never checks what is in a body of submit_tool_outputs."""

_DROP_RULES = {
    "threads.begin_with_the_messages_given": ("create_thread", "messages"),
    "messages.given_messages_keep_their_metadata": ("create_thread", "messages"),
    "threads.show_their_tool_resources": ("create_thread", "tool_resources"),
    "messages.additional_messages_are_in_the_thread": ("create_run", "additional_messages"),
    "messages.answer_shows_the_attachments": ("create_message", "attachments"),
    "assistants.show_their_tool_resources": ("create_assistant", "tool_resources"),
}
"""By rule, the operation and the member whose loss it shows."""

_BOUNDS = ("maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems", "maxProperties", "pattern", "enum")
"""Keywords that a server does not break by itself, only by repeating what it accepted."""

_VALIDATE = "Validate every body against its schema before use, and refuse what breaks it with HTTP 400."

_KEYWORDS = {
    "additionalProperties": ("Unknown members are accepted", "Refuse members that the contract does not name."),
    "required": ("Missing members are accepted", "Refuse requests without a required member."),
    "type": ("Types are not checked", "Refuse values of another type with HTTP 400."),
    "enum": ("Values outside an enumeration are accepted", "Refuse values that are not listed."),
    "pattern": ("Patterns are not checked", "Match the whole value against the pattern."),
    "maxLength": ("Lengths of strings are not limited", "Refuse strings over `maxLength`, counted in characters."),
    "minLength": ("Empty and short strings are accepted", "Refuse strings under `minLength`."),
    "maximum": ("Numbers over their maximum are accepted", "Refuse numbers over `maximum`."),
    "minimum": ("Numbers under their minimum are accepted", "Refuse numbers under `minimum`."),
    "maxItems": ("Lengths of arrays are not limited", "Refuse arrays with more items than `maxItems`."),
    "minItems": ("Empty arrays are accepted", "Refuse arrays with fewer items than `minItems`."),
    "maxProperties": ("The number of members is not limited", "Refuse objects with more than `maxProperties`."),
}


def sort_accepted_requests(sorting: Sorting) -> None:
    """Sort the invalid requests that were accepted, the responses that repeat them, and the crashes they lead to."""
    _sort_dropped(sorting)
    for query in (False, True):
        _sort_unvalidated(sorting, query)
    _sort_echoes(sorting)
    _sort_partial(sorting)


def _sort_unvalidated(sorting: Sorting, query: bool) -> None:
    """Sort the operations that validate nothing into one cause."""
    accepted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for failure in sorting.rest:
        if failure.is_accepted_violation and failure.is_in_query is query:
            accepted[failure.subject] += 1
    for verdict in sorting.passing:
        if verdict.kind == "constraint" and verdict.operation and in_query(verdict) is query:
            refused[verdict.operation] += 1
    if query:
        # An operation has too few parameters for a statement of its own.
        decided = sum(accepted.values()) + sum(refused.values())
        broken = set(accepted) if sum(accepted.values()) >= _SHARE * decided else set()
    else:
        broken = {
            name
            for name, count in accepted.items()
            if count >= _MIN_ACCEPTED and count >= _SHARE * (count + refused[name])
        }
    if not broken:
        return
    members = sorting.take(
        lambda failure: (
            (
                failure.is_about_request
                and failure.is_in_query is query
                and failure.subject in broken
                and not failure.is_refused_valid
            )
            or (not query and failure.id in _PARSING_RULES)
            or (not query and failure.id in OUTPUT_RULES and "submit_tool_outputs" in broken)
        )
    )
    if query:
        sorting.add(
            "validation.query",
            "Query parameters are not validated",
            Severity.MISSING_VALIDATION,
            "Check limit, order and the other parameters against their schema, and refuse the rest with HTTP 400.",
            members,
        )
        return
    names = [name for name in OPERATIONS if name in broken]
    whole = len(names) > 1 and not set(accepted) - broken
    title = "Request bodies are not validated" if whole else f"Nothing in the body is validated by {', '.join(names)}"
    if crashes := sum(failure.is_crash for failure in members):
        title += f", and {'some crash' if crashes > 1 else 'one crashes'} the server"
    sorting.add(
        "validation.none",
        title,
        Severity.MISSING_VALIDATION,
        _VALIDATE,
        members,
    )


def _sort_dropped(sorting: Sorting) -> None:
    """Sort the members of a request that are dropped: their values are never refused."""
    lost: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure in sorting.rest:
        if failure.is_negative or failure.mutations:
            continue
        if failure.id in _DROP_RULES:
            lost[_DROP_RULES[failure.id]].append(failure)
        elif failure.id.startswith("settings.") and failure.id.endswith("_is_as_asked") and failure.finding.pointer:
            lost[failure.operation, failure.finding.pointer.strip("/").partition("/")[0]].append(failure)
        elif failure.id == "metadata.is_shown_in_the_answer":
            lost[failure.operation, "metadata"].append(failure)
    if not lost:
        return
    shown = [failure for failures in lost.values() for failure in failures]
    sorting.leave_out(shown)
    forgetful = {_kind_shown(operation) for operation, member in lost if member == "metadata"}
    shown += sorting.take(
        lambda failure: failure.id == "metadata.is_kept" and _kind_shown(failure.operation) in forgetful
    )
    names = {(operation, member) for operation, member in lost}
    silent = sorting.take(
        lambda failure: (
            failure.is_accepted_violation
            and (failure.subject, failure.place.partition(".")[0].partition("[")[0]) in names
        )
    )
    by_operation: dict[str, list[str]] = defaultdict(list)
    for operation, member in sorted(names):
        by_operation[operation].append(member)
    what = "; ".join(f"{operation} drops {', '.join(members)}" for operation, members in by_operation.items())
    sorting.add(
        "data.dropped",
        f"Members are dropped: {what}",
        Severity.DATA_LOSS,
        "Forward and store every documented member of the request, not a list of known ones.",
        shown,
        silent,
    )


def _kind_shown(operation: str) -> str | None:
    known = OPERATIONS.get(operation)
    return known.listed_kind or known.response_kind if known is not None else None


def _sort_echoes(sorting: Sorting) -> None:
    """Sort the wrong members of responses that only repeat what was accepted into the cause of its acceptance."""
    group = sorting.find("validation.none")
    if group is None:
        return
    accepted = [failure for failure in group.members if failure.is_about_request]
    # A list of all assistants shows those that other programs created by invalid requests.
    listed = {failure.place for failure in accepted if failure.subject in ("create_assistant", "modify_assistant")}
    bounds = {(failure.place, failure.keyword) for failure in accepted if failure.keyword in _BOUNDS}
    group.consequences += sorting.take(lambda failure: _repeats(failure, listed, bounds))


def _repeats(failure: Failure, listed: set[str], bounds: set[tuple[str, str]]) -> bool:
    """Whether a failing response shows a value at a place where an invalid one had been accepted."""
    if failure.verdict.kind == "rule":
        return failure.shows_accepted_violation
    if not failure.is_about_response:
        return False
    if (failure.place, failure.keyword) in bounds:
        return True
    if any(_shows_mutation(failure, place, value) for place, value in failure.mutations):
        return True
    return failure.operation == "list_assistants" and any(_is_below(failure.place, place) for place in listed)


def _shows_mutation(failure: Failure, place: str, value: JSON | Absent) -> bool:
    # The type of a part decides which other members it must have.
    whole = place.removesuffix(".type")
    if not _is_below(failure.place, whole):
        return False
    actual = failure.finding.actual
    same_place = failure.place == place or place.endswith(f".{failure.place}")
    same_place = same_place and not place.endswith("propertyNames")
    if same_place and not isinstance(actual, Absent) and not isinstance(value, Absent):
        return json_equal(actual, value)
    return True


def _is_below(response_place: str, request_place: str) -> bool:
    """Whether a place of an object is, or lies within, a place of a request; the request may nest the object."""
    if not request_place:
        return True
    parts = request_place.split(".")
    tails = [".".join(parts[start:]) for start in range(len(parts))]
    return any(
        response_place == tail
        or response_place.startswith((f"{tail}.", f"{tail}["))
        or tail.startswith(response_place + ".")
        for tail in tails
    )


def _sort_partial(sorting: Sorting) -> None:
    """Sort the acceptances of servers that validate something: by conversion, keyword, member."""
    rest = [failure for failure in sorting.rest if failure.is_accepted_violation]
    if not rest:
        return
    converted = [failure for failure in rest if _is_conversion(failure)]
    if len(converted) >= 2 and all(_is_conversion(failure) for failure in rest if failure.keyword == "type"):
        _take(sorting, converted, "validation.conversion", "Values of another type are converted instead of refused",
              "Switch the conversion of types off (strict mode), and refuse them with HTTP 400.")  # fmt: skip
    for keyword, (title, fix) in _KEYWORDS.items():
        found = [failure for failure in sorting.rest if failure.is_accepted_violation and failure.keyword == keyword]
        checked = sum(
            verdict.kind == "constraint" and verdict.operation is not None and verdict.id.endswith(f".{keyword}")
            for verdict in sorting.passing
        )
        if len(found) >= 2 and len(found) >= _SHARE * (len(found) + checked):
            _take(sorting, found, f"validation.{keyword}", title, fix)
    by_member: dict[str, list[Failure]] = defaultdict(list)
    for failure in sorting.rest:
        if failure.is_accepted_violation:
            by_member["metadata" if "metadata" in failure.place else _first(failure.place)].append(failure)
    if len(by_member) > _MAX_MEMBERS:
        everything = [failure for failures in by_member.values() for failure in failures]
        _take(sorting, everything, "validation.incomplete",
              f"Validation is incomplete: {len(everything)} checks are missing at {len(by_member)} members",
              _VALIDATE)  # fmt: skip
        return
    for member, failures in by_member.items():
        name = f"`{member}`" if member else "the body as a whole"
        _take(sorting, failures, f"validation.member.{member or 'body'}", f"Invalid values of {name} are accepted",
              f"Check {name} against its schema, and refuse what breaks it with HTTP 400.")  # fmt: skip


def _take(sorting: Sorting, failures: list[Failure], kind: str, title: str, fix: str) -> Group | None:
    sorting.leave_out(failures)
    return sorting.add(kind, title, Severity.MISSING_VALIDATION, fix, failures)


def sort_refused_requests(sorting: Sorting) -> None:
    """Sort the valid requests that were refused: those that read an existing object, and all others."""
    unread = sorting.take(lambda failure: failure.subject == "acceptance" and failure.id.endswith("_can_be_read"))
    sorting.add(
        "reads",
        f"Existing objects are not shown by {_name_operations(unread)}",
        Severity.LIFECYCLE,
        "Serve the operation, and look the object up where it was stored when it was created.",
        unread,
    )
    taken = sorting.take(lambda failure: failure.is_refused_valid or failure.subject == "acceptance")
    sorting.add(
        "validation.too_strict",
        f"Valid requests are refused by {_name_operations(taken)}",
        Severity.LIFECYCLE,
        "Accept every request that the contract allows, with its values at their limits.",
        taken,
    )


def _name_operations(failures: list[Failure]) -> str:
    names = sorted({failure.operation for failure in failures if failure.operation})
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def _is_conversion(failure: Failure) -> bool:
    """Whether the accepted value spells a value of the right type."""
    if failure.keyword != "type":
        return False
    actual = failure.finding.actual
    if isinstance(actual, str):
        return actual in ("true", "false") or actual.replace(".", "", 1).lstrip("-").isdigit()
    return isinstance(actual, int | float)


def _first(place: str) -> str:
    return place.partition(".")[0].partition("[")[0]
