"""Causes of requests that get a server error, or no complete response."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.refused_requests import name_operations, name_refused
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.anomaly import describe_anomaly
from runs_conformance.model.json import Absent, at, is_array, is_object
from runs_conformance.model.long_text import expand
from runs_conformance.model.text import full_length
from runs_conformance.model.verdict import Finding
from runs_conformance.wire import strict_json

_MAX_NAMED = 3

_NOT_JSON = ("not_json", "not_a_number", "invalid_utf8", "byte_order_mark", "control_character")
"""Defects of texts that are not JSON. Others, such as members of the same name, are for the parser to judge."""

_DEEP_NESTING = "deep_nesting"
"""The anomaly of bodies that are JSON, but that many parsers fail on."""

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
    kind = ", such as deeply nested ones" if all(map(_is_deeply_nested, taken)) else ""
    classifier.add(
        "response.none",
        f"The server does not respond to some requests of {name_operations(taken) or 'unknown operations'}{kind}",
        Severity.CRASH,
        "Find out why the server process blocks or terminates on such a request, and respond to every request.",
        taken,
    )


def classify_crashes(classifier: FailureClassifier) -> None:
    """Classify the requests that got a server error."""
    explained = _crashes_of_constraints(classifier)
    misread = classifier.take(lambda failure: _shows_misread_bodies_alone(failure, explained))
    draft = classifier.add(
        "crash.unread_body",
        "The unread body of a refused request is read as the next request on its connection",
        Severity.CRASH,
        f"{_READ_BODIES}.",
        misread,
    )
    if draft is not None:
        draft.operations = _operations_shown([each for failure in misread for each in _findings_on_misread(failure)])
    taken = classifier.take(lambda failure: failure.is_crash or failure.id in CRASH_RULES)
    if not taken:
        return
    valid = [failure for failure in taken if failure.is_refused_valid or _crashes_on_valid_request(failure)]
    unparsed = [failure for failure in taken if failure not in valid and fails_to_parse(failure)]
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


def _crashes_of_constraints(classifier: FailureClassifier) -> set[str]:
    """The ids of exchanges and steps whose server errors a failing constraint on requests shows."""
    shown = [failure for failure in classifier.failing if failure.is_about_request and failure.is_crash]
    findings = [finding for failure in shown for finding in failure.verdict.findings]
    return {id_ for finding in findings for id_ in (finding.exchange, finding.case) if id_}


def _shows_misread_bodies_alone(failure: Failure, explained: Collection[str]) -> bool:
    """Whether each crash that a failure shows is due to a misread body, or shown by others (`explained`), too."""
    others = _findings_of_crashes(failure)
    return _shows_misread_bodies(failure) and all(
        finding.exchange in explained or finding.case in explained for finding in others
    )


def _shows_misread_bodies(failure: Failure) -> bool:
    return bool(_findings_on_misread(failure))


def _findings_on_misread(failure: Failure) -> list[Finding]:
    """The findings of requests in whose place the server read the unread body of an earlier one."""
    return [finding for finding in failure.verdict.findings if _is_about_misread_body(failure, finding)]


def _findings_of_crashes(failure: Failure) -> list[Finding]:
    """The findings about a request itself, without those of misread bodies."""
    return [finding for finding in failure.verdict.findings if not _is_about_misread_body(failure, finding)]


def _is_about_misread_body(failure: Failure, finding: Finding) -> bool:
    return failure.id == CRASH_RULES[0] and finding.message.startswith(_MISREAD)


def name_server_error(failures: Sequence[Failure]) -> str:
    """The status of the server errors that failures show, if it is one."""
    statuses = sorted({status for failure in failures for status in _crash_statuses(failure)})
    return f"HTTP {statuses[0]}" if len(statuses) == 1 else "a server error"


def _crash_statuses(failure: Failure) -> set[int]:
    """The statuses of the server errors that a failure shows; not those of misread bodies."""
    if _shows_misread_bodies(failure):
        shown = {finding.actual for finding in _findings_of_crashes(failure)}
    else:
        shown = {failure.status}
    return {status for status in shown if isinstance(status, int) and status >= 500}


def _crashes_on_valid_request(failure: Failure) -> bool:
    """Whether a rule on ordinary requests shows a crash of one that is valid."""
    if failure.id != CRASH_RULES[0] or _findings_on_valid_requests(failure):
        return failure.id == CRASH_RULES[0]
    is_misread = failure.is_shown and _is_about_misread_body(failure, failure.finding)
    return not (failure.is_negative or failure.has_invalid_body or is_misread)


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
    is_nested = all(map(_is_deeply_nested, failures))
    if is_one:
        what = "deeply nested bodies" if is_nested else "bodies that are not JSON"
    else:
        what = f"malformed bodies, such as {'deeply nested ones' if is_nested else 'those that are not JSON'}"
    error = "the error of the JSON parser" if is_one else "every error in reading a body"
    names = [name for name in _failing_operations(failures) if OPERATIONS[name].body is not None]
    return what, f"Catch {error}, and {_refuse_instead(names)}"


def _refuse_instead(names: Sequence[str]) -> str:
    return f"respond with HTTP 400. The exception occurs in {list_names(names)}."


def _failing_operations(failures: Sequence[Failure]) -> tuple[str, ...]:
    """The operations whose requests make the server fail, in the order of the contract."""
    return _operations_shown([finding for failure in failures for finding in _findings_of_crashes(failure)])


def _operations_shown(findings: Sequence[Finding]) -> tuple[str, ...]:
    named = {finding.operation for finding in findings}
    return tuple(name for name in OPERATIONS if name in named)


def _describe_invalid(failures: Sequence[Failure]) -> tuple[str, str]:
    """The requests that the server fails on, and how to refuse them."""
    is_raw = all(isinstance(at(failure.verdict.counterexample, "/request/text"), str) for failure in failures)
    check = "Catch every error in reading a body" if is_raw else "Check a request before it is used"
    return _name_invalid(failures), f"{check}, and {_refuse_instead(_failing_operations(failures))}"


def _name_invalid(failures: Sequence[Failure]) -> str:
    """The kind of requests that the server fails on, as far as their counterexamples show it."""
    if all(map(_sends_no_object, failures)):
        return "bodies that are not JSON objects"
    places = as_code(failure.place.removesuffix("[]") for failure in failures if failure.is_about_request)
    if places and "``" not in places and all(failure.is_about_request for failure in failures):
        return f"invalid values of {list_names(places)}"
    anomalies = dict.fromkeys(at(failure.verdict.counterexample, "/case/anomaly") for failure in failures)
    names = [describe_anomaly(anomaly) for anomaly in anomalies if isinstance(anomaly, str)]
    if 0 < len(names) == len(anomalies) <= _MAX_NAMED:
        return f"malformed or extreme requests, such as {list_names(names)}"
    return "invalid, malformed or extreme requests"


def fails_to_parse(failure: Failure) -> bool:
    """Whether the request that shows a failure has a body that is not JSON, or nested too deeply for parsers."""
    return sends_no_json(failure) or _is_deeply_nested(failure)


def sends_no_json(failure: Failure) -> bool:
    """Whether the request that shows a failure has a body that is not JSON."""
    text = _raw_body(failure)
    defects = strict_json.parse(text.encode(errors="replace")).defects if text is not None else ()
    return any(defect.startswith(_NOT_JSON) for defect in defects)


def _is_deeply_nested(failure: Failure) -> bool:
    return at(failure.verdict.counterexample, "/case/anomaly") == _DEEP_NESTING


def _sends_no_object(failure: Failure) -> bool:
    """Whether the request that shows a failure has a body that is not JSON, or no object."""
    body, text = at(failure.verdict.counterexample, "/request/body"), _raw_body(failure)
    if text is not None:
        return not is_object(strict_json.parse(text.encode(errors="replace")).value)
    return not (isinstance(body, Absent) or is_object(body))


def _raw_body(failure: Failure) -> str | None:
    """The body that was sent as text; None if there is none, or if it is too long to be shown and no step has it."""
    text = at(failure.verdict.counterexample, "/request/text")
    if not isinstance(text, str) or full_length(text) == len(text):
        return text if isinstance(text, str) else None
    steps = at(failure.verdict.counterexample, "/steps")
    bodies = [at(expand(step), "/raw") for step in (steps if is_array(steps) else ())]
    shown = text.rpartition("… (")[0]
    whole = (body for body in reversed(bodies) if isinstance(body, str) and body.startswith(shown))
    return next((body for body in whole if len(body) == full_length(text)), None)
