"""Causes in servers that validate something: a keyword or a member that is not checked, or many of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from runs_conformance.causes import item_crashes
from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import CauseDraft, FailureClassifier
from runs_conformance.causes.crashes import CRASH_RULES, fails_to_parse
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.silent_changes import describe_changes
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.plural import plural

SHARE = 0.8
"""An operation that accepts at least this share of the invalid values validates almost nothing."""
_MAX_MEMBERS = 3
"""The number of members named as separate causes; with more, the validation is incomplete as a whole."""
_MAX_CAUSES = 3
"""With more causes in the validation of bodies, one change fixes all of them: validation against the schema."""

_KEYWORDS = {
    "additionalProperties": ("Unknown members are accepted", "Refuse members that the contract does not name."),
    "required": ("Missing members are accepted", "Refuse requests without a required member."),
    "type": ("Types are not checked", "Refuse values of another type with HTTP 400."),
    "enum": ("Values outside an enumeration are accepted", "Refuse values outside the enumeration."),
    "pattern": ("Patterns are not checked", "Match the whole value against the pattern."),
    "maxLength": ("Lengths of strings are not limited", "Refuse strings over `maxLength`, counted in characters."),
    "minLength": ("Empty and short strings are accepted", "Refuse strings under `minLength`."),
    "maximum": ("Numbers over their maximum are accepted", "Refuse numbers over `maximum`."),
    "minimum": ("Numbers under their minimum are accepted", "Refuse numbers under `minimum`."),
    "maxItems": ("Lengths of arrays are not limited", "Refuse arrays with more items than `maxItems`."),
    "minItems": ("Empty arrays are accepted", "Refuse arrays with fewer items than `minItems`."),
    "maxProperties": ("The number of members is not limited", "Refuse objects with more than `maxProperties`."),
}

_ACCEPTED = {
    "type": "values of another type",
    "required": "missing members",
    "additionalProperties": "unknown members",
    "enum": "values outside an enumeration",
    "const": "values outside an enumeration",
    "pattern": "strings that do not match their pattern",
    "maxLength": "overlong texts",
    "minLength": "empty texts",
    "maximum": "numbers out of bounds",
    "minimum": "numbers out of bounds",
    "maxItems": "arrays with too many items",
    "minItems": "empty arrays",
    "maxProperties": "objects with too many members",
}
"""By keyword, the invalid values that a server accepts which does not check it."""

_SHAPE_RULES = (
    "robustness.misshapen_bodies_are_refused",
    "robustness.empty_bodies_are_refused_where_members_are_required",
)
"""Rules on bodies that the schema of no request allows."""

_VALIDATE = (
    "Validate every body against its schema (`runs-conformance openapi` prints it) before use, and refuse invalid "
    "bodies with HTTP 400"
)
_NONE, _INCOMPLETE = "validation.none", "validation.incomplete"


def classify_partial_validation(classifier: FailureClassifier) -> None:
    """Classify the acceptances of servers that validate something: by conversion, keyword, member."""
    types = [failure for failure in _accepted_bodies(classifier) if failure.keyword == "type"]
    converted = [failure for failure in types if _is_conversion(failure)]
    if len(converted) >= 2 and len(converted) == len(types):
        _take(classifier, converted, "validation.conversion", "Values of another type are converted instead of refused",
              "Switch the conversion of types off (strict mode), and refuse them with HTTP 400.")  # fmt: skip
    for keyword, (title, fix) in ({} if classifier.lacks_body_constraints else _KEYWORDS).items():
        found = [failure for failure in _accepted_bodies(classifier) if failure.keyword == keyword]
        checked = sum(verdict.id.endswith(f".{keyword}") for verdict in classifier.refused_bodies)
        if len(found) >= 2 and len(found) >= SHARE * (len(found) + checked):
            _take(classifier, found, f"validation.{keyword}", title, fix)
    unchecked = _accepted_bodies(classifier)
    by_member: dict[str, list[Failure]] = defaultdict(list)
    is_one = len({failure.member for failure in unchecked}) == 1
    for failure in unchecked:
        by_member[failure.member if is_one else _member_of_body(failure.place)].append(failure)
    if len(by_member) > _MAX_MEMBERS:
        _take(classifier, unchecked, _INCOMPLETE, *describe(classifier, unchecked))
        by_member.clear()
    for member, failures in by_member.items():
        name = f"`{member}`" if member else "the body as a whole"
        source = "documentation" if all(failure.is_from_prose for failure in failures) else "schema"
        _take(classifier, failures, f"validation.member.{member or 'body'}", f"Invalid values of {name} are accepted",
              f"Check {name} against its {source}, and refuse invalid values with HTTP 400.")  # fmt: skip
    in_queries = [failure for failure in classifier.rest if failure.is_accepted_violation]
    if in_queries:
        names = list_names(as_code(failure.place.removesuffix("[]") or "the query" for failure in in_queries), 6)
        _take(classifier, in_queries, "validation.query", f"Invalid query parameters are accepted: {names}",
              f"Check {names} of the query against the schema, and refuse invalid values with HTTP 400.")  # fmt: skip


def _accepted_bodies(classifier: FailureClassifier) -> list[Failure]:
    """The unexplained acceptances of invalid bodies."""
    return [failure for failure in classifier.rest if failure.is_accepted_violation and not failure.is_in_query]


def _count_refused(classifier: FailureClassifier) -> int:
    """The number of constraints on bodies that the server checks, even if it crashes while reporting the violation."""
    return len(classifier.refused_bodies) + len(found_in_items(classifier))


def found_in_items(classifier: FailureClassifier) -> Sequence[Failure]:
    """The constraints on bodies whose violations the server finds and fails to report."""
    draft = classifier.find(item_crashes.KIND)
    return [failure for failure in draft.members if failure.is_about_request] if draft is not None else ()


def join_validation(classifier: FailureClassifier) -> None:
    """Join the causes, and the crashes on invalid bodies, that validating bodies against their schemas would fix.

    A server that lacks few checks keeps a cause for each. Crashes on bodies that a parser fails on stay apart, since
    validation comes after parsing, unless the server uses bodies without any check: then one step that reads and
    validates them fixes all.
    """
    general = [draft for draft in classifier.drafts if draft.kind in (_NONE, _INCOMPLETE)]
    special = [
        draft
        for draft in classifier.drafts
        if draft.kind.startswith("validation.") and draft not in general and draft.kind != "validation.query"
    ]
    joined = [*general, *special]
    if len(joined) <= _MAX_CAUSES and _size(general) < _size(special):
        joined = general
    if not joined:
        return
    members = [failure for draft in joined for failure in draft.members]
    operations = {failure.operation for failure in members}
    crashes = [
        failure
        for failure in classifier.rest
        if failure.operation in operations
        and (failure.is_crash or failure.id in CRASH_RULES)
        and failure.has_invalid_body
    ]
    if not (_accepts_most(classifier, members) and any(failure.is_crash for failure in members)):
        crashes = [failure for failure in crashes if not fails_to_parse(failure)]
    classifier.mark_explained(crashes)
    misshapen = classifier.take(lambda failure: failure.id in _SHAPE_RULES)
    members += [*crashes, *misshapen]
    unvalidated = [
        name
        for name in OPERATIONS
        if any(failure.subject == name for draft in joined if draft.kind == _NONE for failure in draft.members)
    ]
    title, fix = describe(classifier, members, unvalidated, is_all=len(joined) == 1 and joined[0].kind == _NONE)
    classifier.replace(
        joined,
        CauseDraft(
            _NONE if any(draft.kind == _NONE for draft in joined) else _INCOMPLETE,
            title,
            Severity.CRASH if any(failure.is_crash for failure in members) else Severity.MISSING_VALIDATION,
            fix,
            members,
            [failure for draft in joined for failure in draft.consequences],
            _typical(members),
        ),
    )


def _typical(members: Sequence[Failure]) -> Callable[[Failure], bool]:
    """Whether the reproduction may show a failure: only a crash on an invalid value may if there is one."""
    if any(failure.is_crash and failure.is_about_request for failure in members):
        return lambda failure: failure.is_crash and failure.is_about_request
    return lambda failure: failure.is_accepted_violation


def describe(
    classifier: FailureClassifier, failures: Sequence[Failure], unvalidated: Sequence[str] = (), *, is_all: bool = True
) -> tuple[str, str]:
    """Title and fix of missing validation.

    `unvalidated` are the operations that validate nothing; `is_all` says that the failures concern no others.
    """
    refused = any(verdict.operation in unvalidated for verdict in classifier.refused_bodies)
    nothing = "almost nothing" if refused else "nothing"
    validates = f"{list_names(unvalidated)} {'validates' if len(unvalidated) == 1 else 'validate'} {nothing}"
    changes, switches = describe_changes([failure for failure in failures if failure.is_accepted_violation])
    if classifier.lacks_body_constraints:
        title, detail = "Invalid request bodies are accepted" + (f": {changes}" if changes else ""), ""
    elif _accepts_most(classifier, failures):
        title, detail = f"Request bodies are {'hardly' if _count_refused(classifier) else 'not'} validated", ""
    elif unvalidated and is_all:
        title, detail = f"{validates} in the body", ""
    else:
        title, detail = "Request bodies are validated only in part", f"; {validates}" if unvalidated else ""
        title += f": {changes}" if changes else ""
    if crashes := [failure.status for failure in failures if failure.is_crash]:
        status = f"HTTP {crashes[0]}" if len(set(crashes)) == 1 else "a server error"
        title += f", and {'some get' if len(crashes) > 1 else 'one gets'} {status}"
        places = [failure.place for failure in failures if failure.is_crash and failure.is_about_request]
        if names := as_code(filter(None, places)):
            detail += f"; the server fails on invalid values of {list_names(names, noun='more members')}"
    counts = Counter(
        _ACCEPTED.get(failure.keyword, "other values") for failure in failures if failure.is_accepted_violation
    )
    accepted = [
        f"{what} ({count if number else plural(count, 'constraint')})"
        for number, (what, count) in enumerate(counts.most_common())
    ]
    now = f". The server accepts {list_names(accepted, 4, 'more kinds')}" if accepted else ""
    return title, f"{_VALIDATE}{now}{detail}.{f' {switches}.' if switches else ''}"


def _size(drafts: Sequence[CauseDraft]) -> int:
    return sum(len(draft.members) for draft in drafts)


def _accepts_most(classifier: FailureClassifier, failures: Sequence[Failure]) -> bool:
    """Whether most of all invalid bodies are accepted."""
    accepted = sum(failure.is_accepted_violation for failure in failures)
    return accepted > 0 and accepted >= SHARE * (accepted + _count_refused(classifier))


def _take(classifier: FailureClassifier, failures: list[Failure], kind: str, title: str, fix: str) -> CauseDraft | None:
    classifier.mark_explained(failures)
    return classifier.add(kind, title, Severity.MISSING_VALIDATION, fix, failures)


def _is_conversion(failure: Failure) -> bool:
    """Whether the accepted value spells a value of the right type."""
    if failure.keyword != "type":
        return False
    actual = failure.finding.actual
    if isinstance(actual, str):
        return actual in ("true", "false") or actual.replace(".", "", 1).lstrip("-").isdigit()
    return isinstance(actual, int | float)


def _member_of_body(place: str) -> str:
    """The member of the body that a place lies in; `metadata` wherever it lies, because one check suffices for all."""
    if "metadata" in place:
        return "metadata"
    return place.partition(".")[0].partition("[")[0]
