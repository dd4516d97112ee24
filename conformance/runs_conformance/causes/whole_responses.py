"""Causes in whole responses: none, a crash, an error with the status of success, and the envelopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.refused_requests import name_operations, name_refused
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.wire import strict_json

_IDENTITY = ("id", "object", "data")
"""Of these members every successful response has at least one."""
_CONFIRMATIONS = ("ok", "deleted", "success")
"""Words that confirm a deletion in an object of the server's own, as true does."""

_SHARE = 0.8
_MAX_NAMED = 3

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

_NOT_JSON = ("not_json", "not_a_number", "invalid_utf8", "byte_order_mark", "control_character")
"""Defects of texts that are not JSON. Others, such as members of the same name, are for the parser to judge."""

CRASH_RULES = ("errors.requests_do_not_break_the_server", "robustness.odd_requests_do_not_break_the_server")
_MISREAD = "the unread body of an earlier request"
"""How the message of the first rule begins if a body was read as a request."""
_READ_BODIES = "Read the body of every request before responding with an error, or close the connection"
_SILENCE_RULES = (
    "robustness.no_request_is_left_hanging",
    "robustness.the_next_request_is_served",
    "transport.answers_come_whole",
)


def classify_missing_responses(classifier: FailureClassifier) -> None:
    """Classify the requests that got no complete response."""
    taken = classifier.take(lambda failure: failure.is_silence or failure.id in _SILENCE_RULES)
    classifier.add(
        "response.none",
        f"The server does not respond to some requests of {name_operations(taken) or 'unknown operations'}",
        Severity.CRASH,
        "Respond to every request: find what blocks or ends the process on this one, and handle it.",
        taken,
    )


def classify_crashes(classifier: FailureClassifier) -> None:
    """Classify the requests that got a server error."""
    misread = classifier.take(_shows_misread_bodies_alone)
    classifier.add(
        "crash.unread_body",
        "The unread body of a refused request is read as the next request on its connection",
        Severity.CRASH,
        f"{_READ_BODIES}.",
        misread,
    )
    taken = classifier.take(lambda failure: failure.is_crash or failure.id in CRASH_RULES)
    if not taken:
        return
    valid = [failure for failure in taken if failure.is_refused_valid or _crashes_on_valid_request(failure)]
    unparsed = [failure for failure in taken if failure not in valid and sends_no_json(failure)]
    invalid = [failure for failure in taken if failure not in valid and failure not in unparsed]
    for kind, members, what, fix in (
        (
            "crash.valid",
            valid,
            f"valid requests of {name_operations(valid)}",
            f"Find the exception in the server's log and handle {name_refused(valid)}.",
        ),
        ("crash.parser", unparsed, *_describe_unparsed(unparsed)),
        ("crash.invalid", invalid, *_describe_invalid(invalid)),
    ):
        title = f"The server fails with {name_server_error(members)} on {what}"
        if any(map(_shows_misread_bodies, members)):
            title, fix = f"{title}; unread bodies are read as requests", f"{fix} {_READ_BODIES}."
        classifier.add(kind, title, Severity.CRASH, fix, members)


def _shows_misread_bodies_alone(failure: Failure) -> bool:
    return failure.id == CRASH_RULES[0] and all(map(_is_about_misread_body, failure.verdict.findings))


def _shows_misread_bodies(failure: Failure) -> bool:
    return failure.id == CRASH_RULES[0] and any(map(_is_about_misread_body, failure.verdict.findings))


def _is_about_misread_body(finding: Finding) -> bool:
    return finding.message.startswith(_MISREAD)


def name_server_error(failures: Sequence[Failure]) -> str:
    """The status of the server errors that failures show, if it is one."""
    statuses = sorted({failure.status for failure in failures if failure.status and failure.status >= 500})
    return f"HTTP {statuses[0]}" if len(statuses) == 1 else "a server error"


def _crashes_on_valid_request(failure: Failure) -> bool:
    """Whether a rule on ordinary requests shows a crash of one that is valid."""
    return failure.id == CRASH_RULES[0] and not failure.is_negative and not failure.has_invalid_body


def _describe_unparsed(failures: Sequence[Failure]) -> tuple[str, str]:
    """The bodies that the server fails to read, and how to refuse them."""
    is_one = all(len({finding.case for finding in failure.verdict.findings}) == 1 for failure in failures)
    what = "bodies that are not JSON" if is_one else "malformed bodies, such as those that are not JSON"
    error = "the error of the JSON parser" if is_one else "every error in reading a body"
    names = [name for name in operations_of(failures) if OPERATIONS[name].body is not None]
    return what, f"Catch {error}, and {_refuse_instead(names)}"


def _refuse_instead(names: Sequence[str]) -> str:
    return f"respond with HTTP 400 instead of the exception; it comes from {list_names(names)}."


def _describe_invalid(failures: Sequence[Failure]) -> tuple[str, str]:
    """The requests that the server fails on, and how to refuse them."""
    return _name_invalid(
        failures
    ), f"Check a request before it is used, and {_refuse_instead([*operations_of(failures)])}"


def _name_invalid(failures: Sequence[Failure]) -> str:
    """The kind of requests that the server fails on, as far as their counterexamples show it."""
    if all(map(_sends_no_object, failures)):
        return "bodies that are not JSON objects"
    places = as_code(failure.place.removesuffix("[]") for failure in failures if failure.is_about_request)
    if places and "``" not in places and all(failure.is_about_request for failure in failures):
        return f"invalid values of {list_names(places)}"
    oddities = [at(failure.verdict.counterexample, "/case/anomaly") for failure in failures]
    names = dict.fromkeys(oddity.replace("_", " ") for oddity in oddities if isinstance(oddity, str))
    if names and len(names) <= _MAX_NAMED and all(isinstance(oddity, str) for oddity in oddities):
        return f"unusual requests, such as {list_names(list(names))}"
    return "invalid or unusual requests"


def sends_no_json(failure: Failure) -> bool:
    """Whether the request that shows a failure has a body that is not JSON."""
    text = at(failure.verdict.counterexample, "/request/text")
    defects = strict_json.parse(text.encode(errors="replace")).defects if isinstance(text, str) else ()
    return any(defect.startswith(_NOT_JSON) for defect in defects)


def _sends_no_object(failure: Failure) -> bool:
    """Whether the request that shows a failure has a body that is not JSON, or no object."""
    request = at(failure.verdict.counterexample, "/request")
    body, text = at(request, "/body"), at(request, "/text")
    if isinstance(text, str):
        return not is_object(strict_json.parse(text.encode(errors="replace")).value)
    return not (isinstance(body, Absent) or is_object(body))


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
    """Whether only responses that have nothing of the object that they must be show a failure.

    `nameless` are the exchanges whose responses have no id. An empty object does not count as an error.
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
        classifier.leave_out(taken)
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
    """The title of a wrong form of errors, which says whether only some have it, as those of unknown routes."""
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
    """Whether errors of unknown routes are all that has the form of the framework."""
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
    classifier.leave_out(missing)
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
    """The errors that lack members, which says whether only some do, as those of a parser of bodies."""
    if not _are_few(missing):
        return "Errors"
    return (
        "Some errors, such as those for bodies that are not JSON,"
        if all(map(sends_no_json, missing))
        else "Some errors"
    )


def classify_list_envelope(classifier: FailureClassifier) -> None:
    """Classify what follows from lists without their envelope."""
    bare = any(_is_bare_list(failure) for failure in classifier.rest)
    lists = [failure for failure in classifier.rest if failure.is_about_response and failure.subject.endswith("_list")]
    if not bare and not lists:
        return
    members = classifier.take(lambda failure: _is_bare_list(failure) or failure in lists)
    hidden = classifier.take(lambda failure: bare and failure.subject in ("listing", "paging"))
    places = as_code(sorted({failure.place or "data" for failure in lists if not _is_bare_list(failure)}))
    lack = all(failure.keyword == "required" for failure in lists)
    is_one = len({failure.subject for failure in lists}) == 1
    subject = f"The response of {name_operations(lists)}" if is_one else "Lists"
    what = ("lacks" if is_one else "lack") if lack else f"{'is' if is_one else 'are'} not as documented at"
    title = f"{subject} {what} {list_names(places)}"
    classifier.add(
        "lists.envelope",
        "Lists are bare arrays without their envelope" if bare else title,
        Severity.WRONG_SHAPE,
        'Return lists as {"object": "list", "data": […], "first_id", "last_id", "has_more"}.',
        members,
        hidden,
    )


def _is_bare_list(failure: Failure) -> bool:
    operation = OPERATIONS.get(failure.operation)
    return operation is not None and operation.listed_kind is not None and is_array(failure.body)
