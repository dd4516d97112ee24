"""Causes of requests that get a server error, or no complete response."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.refused_requests import name_operations, name_refused
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import Absent, at, is_object
from runs_conformance.model.verdict import Finding
from runs_conformance.wire import strict_json

_MAX_NAMED = 3

_NOT_JSON = ("not_json", "not_a_number", "invalid_utf8", "byte_order_mark", "control_character")
"""Defects of texts that are not JSON. Others, such as members of the same name, are for the parser to judge."""

CRASH_RULES = ("errors.requests_do_not_break_the_server", "robustness.odd_requests_do_not_break_the_server")
_SERVED = "HTTP 200"
"""The expected result in findings of the first rule about valid requests."""
_AFTER, _WAS_SENT = " after ", " was sent"
"""How the message of the first rule names a malformed request that preceded, at its end."""
_MISREAD = "the unread body of an earlier request"
"""How the message of the first rule begins if a body was read as a request."""
_READ_BODIES = "Read the body of every request before responding with an error, or close the connection"
_NO_RESPONSE_RULES = (
    "robustness.no_request_is_left_hanging",
    "robustness.the_next_request_is_served",
    "transport.responses_are_complete",
)


def classify_missing_responses(classifier: FailureClassifier) -> None:
    """Classify the requests that got no complete response."""
    taken = classifier.take(lambda failure: failure.got_no_response or failure.id in _NO_RESPONSE_RULES)
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
        ("crash.valid", valid, *_describe_valid(valid)),
        ("crash.parser", unparsed, *_describe_unparsed(unparsed)),
        ("crash.invalid", invalid, *_describe_invalid(invalid)),
    ):
        title = f"The server fails with {name_server_error(members)} on {what}"
        if any(map(_shows_misread_bodies, members)):
            title, fix = f"{title}; unread bodies are read as requests", f"{fix} {_READ_BODIES}."
        draft = classifier.add(kind, title, Severity.CRASH, fix, members)
        if draft is not None and members is valid:
            draft.operations = _operations_of_valid(valid)


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
    return failure.id == CRASH_RULES[0] and (
        bool(_findings_on_valid_requests(failure)) or not (failure.is_negative or failure.has_invalid_body)
    )


def _findings_on_valid_requests(failure: Failure) -> list[Finding]:
    """The findings of crashes on valid requests, among which the rule also has those on invalid ones."""
    return [finding for finding in failure.verdict.findings if finding.expected == _SERVED]


def _operations_of_valid(failures: Sequence[Failure]) -> tuple[str, ...]:
    """The operations whose valid requests make the server fail, in the order of the contract."""
    named: set[str] = set()
    for failure in failures:
        findings = _findings_on_valid_requests(failure) if failure.id == CRASH_RULES[0] else ()
        named |= {finding.operation or "" for finding in findings} or {failure.operation}
    return tuple(name for name in OPERATIONS if name in named)


def _malformed_before(finding: Finding) -> str:
    """The malformed request that a finding on a valid one names; empty if it names none."""
    message = finding.message
    return message.removesuffix(_WAS_SENT).partition(_AFTER)[2] if message.endswith(_WAS_SENT) else ""


def _describe_valid(failures: Sequence[Failure]) -> tuple[str, str]:
    """The valid requests that the server fails on, and how to serve them.

    Where each one of an operation followed a malformed request on the same object that was not refused, the title names
    that request.
    """
    operations = _operations_of_valid(failures)
    if [failure.id for failure in failures] != [CRASH_RULES[0]]:
        fix = f"Find the exception in the server's log and handle {name_refused(failures)}."
        return f"valid requests of {list_names(operations)}", fix
    fix = f"Find the exception in the server's log and handle requests of {list_names(operations)}."
    found = [(each, _malformed_before(each)) for each in _findings_on_valid_requests(failures[0])]
    plain = {finding.operation for finding, malformed in found if not malformed} if found else {*operations}
    spoiled = [name for name in operations if name not in plain]
    if not spoiled:
        return f"valid requests of {list_names(operations)}", fix
    sent = list_names(list(dict.fromkeys(name for each, name in found if name and each.operation in spoiled)))
    others = [name for name in operations if name in plain]
    named = f"{list_names(others)}, and of {list_names(spoiled)}" if others else f"{list_names(spoiled)},"
    return (
        f"valid requests of {named} once {sent} was sent",
        f"Refuse {sent} with HTTP 400, and store nothing. {fix}",
    )


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
    anomalies = [at(failure.verdict.counterexample, "/case/anomaly") for failure in failures]
    names = dict.fromkeys(anomaly.replace("_", " ") for anomaly in anomalies if isinstance(anomaly, str))
    if names and len(names) <= _MAX_NAMED and all(isinstance(anomaly, str) for anomaly in anomalies):
        return f"malformed or extreme requests, such as {list_names(list(names))}"
    return "invalid, malformed or extreme requests"


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
