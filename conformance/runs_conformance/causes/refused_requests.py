"""Valid requests that a server refuses or does not survive."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.refused_values import member_refused, name_values, places_counted_in_bytes
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import at, is_object

_MAX_MEMBERS = 3
"""With more members, the title has the operations that refuse their values, and the fix has their names."""
_MAX_OPERATIONS = 2

_TOGETHER = "acceptance.members_are_accepted_together"
"""The rule that also fails if a request contains a member whose valid value is refused."""
_LIST_QUERIES = "paging.legal_limits_and_orders_are_taken"


def classify_refused_requests(classifier: FailureClassifier) -> None:
    """Classify the valid requests that were refused."""
    taken = classifier.take(
        lambda failure: (
            failure.is_refused_valid
            or failure.subject == "acceptance"
            or failure.id == _LIST_QUERIES
            or _is_refused_modification(failure)
        )
    )
    classifier.add("validation.too_strict", *_describe(taken), taken)


def _is_refused_modification(failure: Failure) -> bool:
    """Whether a rule on modifications shows that a valid one was refused."""
    expected, actual = failure.finding.expected, failure.finding.actual
    return failure.subject == "modify" and expected == 200 and isinstance(actual, int) and 400 <= actual < 500


def _describe(failures: Sequence[Failure]) -> tuple[str, Severity, str]:
    """The title, severity and fix of refusals of valid requests."""
    refused = [failure for failure in failures if failure.is_refused_valid]
    if refused and all(map(_refuses_null, refused)):
        minimal = [failure for failure in failures if failure not in refused]
        title = "`null` is refused where it is allowed"
        title += f", and minimal requests by {name_operations(minimal)}" if minimal else ""
        fix = "Read `null` like a member that is left out, where the contract allows it"
    else:
        title = _title_of_values(failures) or f"Valid requests are refused by {name_operations(failures)}"
        fix = "Accept every request that the contract allows, up to the limits of each value"
    counted = as_code(places_counted_in_bytes(refused))
    bytes_counted = f" It counts the bytes of {list_names(counted)} instead of the characters." if counted else ""
    return title, Severity.LIFECYCLE, f"{fix}. The server refuses {name_refused(failures)}.{bytes_counted}"


def _title_of_values(failures: Sequence[Failure]) -> str:
    """The members whose valid values are refused; empty if other requests are, too, or if there are many."""
    refused = [failure for failure in failures if failure.is_refused_valid]
    members = as_code(map(member_refused, refused))
    is_all = all(failure.is_refused_valid or failure.id in (_TOGETHER, _LIST_QUERIES) for failure in failures)
    if not is_all or "``" in members or not 0 < len(members) <= _MAX_MEMBERS:
        return ""
    operations = {failure.operation for failure in failures}
    by = f"{len(operations)} operations" if len(operations) > _MAX_OPERATIONS else name_operations(failures)
    return f"Valid values of {list_names(members)} are refused by {by}"


def _refuses_null(failure: Failure) -> bool:
    """Whether no valid value but null was refused."""
    refused = [finding for finding in failure.verdict.findings if finding.expected == failure.finding.expected]
    return all(finding.actual is None for finding in refused)


def name_operations(failures: Sequence[Failure]) -> str:
    """The operations of failures, for a title."""
    return list_names(sorted({failure.operation for failure in failures if failure.operation}))


def name_refused(failures: Sequence[Failure]) -> str:
    """The refused requests: the members whose valid values are refused, and minimal requests."""
    members = name_values([failure for failure in failures if failure.is_refused_valid])
    minimal = [failure for failure in failures if failure.id == "acceptance.smallest_request_is_accepted"]
    named = [f"valid values of {members}"] if members else []
    lists = [failure for failure in failures if failure.id == _LIST_QUERIES]
    named += [f"a valid `limit` or `order` of {name_operations(lists)}"] if lists and not members else []
    named += sorted(
        {f"{OPERATIONS[failure.operation].route} without a body" for failure in minimal if _is_bodiless(failure)}
    )
    minimal = [failure for failure in minimal if not _is_bodiless(failure)]
    named += [f"minimal requests of {name_operations(minimal)}"] if minimal else []
    return " and ".join(named) or f"requests of {name_operations(failures)}"


def _is_bodiless(failure: Failure) -> bool:
    """Whether the request was sent without the body that its operation takes."""
    request, operation = at(failure.verdict.counterexample, "/request"), OPERATIONS.get(failure.operation)
    return (
        operation is not None
        and operation.body is not None
        and is_object(request)
        and not {"body", "text"} & {*request}
    )
