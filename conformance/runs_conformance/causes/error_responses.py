"""Causes in error responses: the HTTP status of success, the envelope and its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.crashes import sends_no_json
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, at, is_object
from runs_conformance.model.verdict import Outcome

_IDENTITY = ("id", "object", "data")
"""Of these members every successful response has at least one."""
_CONFIRMATIONS = ("ok", "deleted", "success")
"""Words that confirm a deletion in an object of the server's own, as true does."""

_SHARE = 0.8

_MESSAGE_RULE = "errors.message_is_a_text"
_OF_UNKNOWN_ROUTES = ("Not Found", "Method Not Allowed")
"""The messages of frameworks whose router knows no route for a request."""

_ENVELOPE_RULES = (
    _MESSAGE_RULE,
    "errors.type_param_and_code_are_present",
    "errors.type_is_invalid_request_error",
    "refusals.param_names_the_place",
    "refusals.code_names_the_kind",
    "auth.missing_beta_header_is_invalid_beta",
)
"""Rules on members of an error, which fail together if its envelope is another."""


def classify_errors_with_success_status(classifier: FailureClassifier) -> None:
    """Classify the errors that come with the HTTP status of success."""
    rule = "refusals.errors_do_not_come_as_success"
    nameless = {
        finding.exchange
        for failure in classifier.rest
        if failure.is_about_response and failure.keyword == "required" and failure.place in _IDENTITY
        for finding in failure.verdict.findings
    }
    taken = classifier.take(lambda failure: failure.id == rule or _hides_error(failure, nameless))
    classifier.add(
        "errors.success_status",
        "Errors have HTTP status 200",
        Severity.WRONG_SHAPE,
        "Give a refused request its own HTTP status, 400 for an invalid body and 404 for an unknown id.",
        taken,
        typical=lambda failure: failure.id == rule or failure.is_accepted_violation,
    )


def _hides_error(failure: Failure, nameless: set[str]) -> bool:
    """Whether a failure may be due to an error with a status of success.

    The response then lacks the members that identify the expected object. Empty objects and confirmations of deletions
    are no errors. `nameless` are the exchanges whose responses have no id.
    """
    if not failure.is_success or failure.operation not in OPERATIONS or failure.finding.operation is None:
        return False
    body = failure.body
    if not is_object(body) or not body or any(name in body for name in _IDENTITY):
        return False
    if OPERATIONS[failure.operation].method == "DELETE" and _confirms(body):
        return False
    findings = failure.verdict.findings
    hidden = sum(finding.exchange in nameless for finding in findings)
    return not failure.is_about_response or hidden >= _SHARE * len(findings)


def _confirms(body: Mapping[str, JSON]) -> bool:
    return any(value is True or value in _CONFIRMATIONS for value in body.values())


def classify_error_envelope(classifier: FailureClassifier) -> None:
    """Classify what follows from errors without the `error` object."""
    envelope = [failure for failure in classifier.rest if failure.subject == "error"]
    broken = [failure for failure in envelope if failure.place in ("", "error")]
    if broken:
        others = [*envelope, *(failure for failure in classifier.rest if failure.id in _ENVELOPE_RULES)]
        taken = [failure for failure in others if failure in broken or not _has_envelope(failure)]
        classifier.mark_explained(taken)
        classifier.add(
            "errors.envelope",
            _title_of_envelope(classifier, broken),
            Severity.WRONG_SHAPE,
            'Register one exception handler that responds with {"error": {"message", "type", "param", "code"}}'
            + (", and let it handle these errors, too." if _are_few(broken) else "."),
            taken,
            typical=lambda failure: failure in broken,
        )
        envelope = [failure for failure in envelope if failure not in taken]
    _classify_error_members(classifier, envelope)


def _has_envelope(failure: Failure) -> bool:
    return is_object(at(failure.body, "/error"))


def _title_of_envelope(classifier: FailureClassifier, broken: Sequence[Failure]) -> str:
    """The title for errors without the `error` object, which says whether only some lack it."""
    details = [failure.body["detail"] for failure in broken if is_object(failure.body) and "detail" in failure.body]
    statuses = sorted({failure.status for failure in broken if failure.status is not None})
    such = f", such as those with HTTP {statuses[0]}," if statuses else ""
    subject = f"Some error responses{such}" if _are_few(broken) else "Error responses"
    if not details:
        return f"{subject} lack the `error` object"
    if are_of_unknown_routes(classifier, broken):
        return 'Errors of unknown routes have the form of the framework, {"detail": …}'
    return subject + ' have the form of the framework, {"detail": …}'


def are_of_unknown_routes(classifier: FailureClassifier, broken: Sequence[Failure]) -> bool:
    """Whether only errors of unknown routes have the framework's form."""
    others_are_right = any(
        verdict.id == _MESSAGE_RULE and verdict.judged and verdict.outcome is not Outcome.FAIL
        for verdict in classifier.verdicts
    )
    details = [at(failure.body, "/detail") for failure in broken]
    return others_are_right and all(detail in _OF_UNKNOWN_ROUTES for detail in details)


def _are_few(broken: Sequence[Failure]) -> bool:
    """Whether most errors have the right form."""
    return all(failure.is_occasional for failure in broken)


def _classify_error_members(classifier: FailureClassifier, failures: list[Failure]) -> None:
    """Classify the members that errors lack, together with the rules that miss them."""
    missing = [failure for failure in failures if failure.keyword == "required"]
    if not missing or len(missing) < len(failures):
        return
    classifier.mark_explained(missing)
    names = list_names(as_code(failure.member for failure in missing))
    classifier.add(
        "shape.error",
        f"{_errors_that_lack_members(missing)} lack {names}",
        Severity.MISSING_MEMBER,
        f"Let {'every' if _are_few(missing) else 'the'} handler of errors write {names}; `param` and `code` are null "
        "without a value.",
        missing,
        classifier.take(lambda failure: failure.id == "errors.type_param_and_code_are_present"),
    )


def _errors_that_lack_members(missing: Sequence[Failure]) -> str:
    """Name the errors that lack members: all, some, or only some such as those of the parser of bodies."""
    if not _are_few(missing):
        return "Errors"
    return (
        "Some errors, such as those for bodies that are not JSON,"
        if all(map(sends_no_json, missing))
        else "Some errors"
    )
