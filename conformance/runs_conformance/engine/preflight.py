"""The preflight: checks that a target exists and can be tested before any program starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from runs_conformance.client import base_url
from runs_conformance.contract.edition import RETIRED
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.capabilities import Signature, names_a_thread, signature
from runs_conformance.engine.program_runner import Sender
from runs_conformance.errors import (
    AuthenticationFailed,
    MissingRunsApi,
    NotAnApi,
    ObjectNotFound,
    TargetError,
    TargetRedirects,
    TargetUnavailable,
    TargetUnreachable,
)
from runs_conformance.model.case import Role, Step
from runs_conformance.model.error_message import summarize_error
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Completion, Exchange
from runs_conformance.model.json import is_object
from runs_conformance.model.list_body import listed_items

PROGRAM = "preflight"
PROBE_PROGRAM = "preflight/outside"
"""The program of probe requests: look-ups of the objects to use, and a request to a missing route. Not evidence."""

UNKNOWN_PATH = "/threads/thread_000000000000000000000000/no-such-operation"
_THREAD_NAMED_RUNS = "/threads/runs"
"""The path of an operation whose last word a server without it interprets as the id of a thread."""

_CREATE_THREAD = Step(operation="create_thread", name="thread", body={}, role=Role.CONTROL)
_LIST_ASSISTANTS = Step(operation="list_assistants", query=(("limit", "1"),), role=Role.READ)
_LOOK_UPS = (("assistant", "get_assistant"), ("thread", "get_thread"), ("run", "get_run"))
_MAX_SEARCHED = 20_000
"""Characters of a refusal that are searched for an id."""
_TITLE = re.compile(r"<title[^<>]*>([^<]{1,80})", re.IGNORECASE)


class PathProber(Protocol):
    """Sends GET requests to paths outside the API's operations."""

    def probe_path(self, path: str, program: str) -> Exchange:
        """Send a GET request to a path."""
        ...


def check_target(sender: Sender, url: str, thread: str | None = None, *, read_only: bool = False) -> None:
    """Send two small requests. Raises TargetError if testing makes no sense, ObjectNotFound if there is no `thread`.

    With `read_only` or a `thread`, no thread is created. A target that merely responds wrongly (200 `{}`, 400 to
    everything) passes, so that it is judged.
    """
    opening = _CREATE_THREAD
    if thread is not None:
        opening = Step(operation="list_runs", path={"thread_id": thread}, query=(("limit", "1"),), role=Role.READ)
    elif read_only:
        opening = _LIST_ASSISTANTS
    first = _send(sender, opening, url)
    if first.accepted and not _is_html(first):
        return
    second = _send(sender, _LIST_ASSISTANTS, url)
    if _is_html(first) and _is_html(second):
        raise NotAnApi(f"{url} responds with a web page{_title(first)}, not an API", "does the base URL lack /v1?")
    if thread is not None and first.status in (400, 404):
        if _reports_missing_object(first, "thread", thread):
            raise _object_not_found("thread", thread, url, first)
        message = f"HTTP {first.status}{_error_detail(first)}"
        raise TargetError(f"{url} does not list the runs of the thread given by --use ({message})")
    error = _error_for(url, opening, first, second)
    if error is not None:
        raise error


def _error_for(url: str, opening: Step, first: Exchange, second: Exchange) -> TargetError | None:
    """The error that two unsuccessful responses amount to; None if the target can be judged."""
    statuses = {first.status, second.status}
    described = " and ".join(dict.fromkeys(str(exchange.status) for exchange in (first, second)))
    detail = _error_detail(first) or _error_detail(second)
    if statuses <= {*UNAUTHORIZED_STATUSES}:
        return AuthenticationFailed(
            f"{url} refuses the API key (HTTP {described}{detail})", "set OPENAI_API_KEY or --api-key"
        )
    if statuses <= {404, 405, 410, 501}:
        operation = OPERATIONS[opening.operation]
        requests = f"{operation.method} {operation.path} and GET /assistants"
        return MissingRunsApi(
            f"{url} has no Runs API (HTTP {described} to {requests}{detail}); "
            f"OpenAI retired the Assistants API on {RETIRED}",
            f"check the base URL, which {'may have to end before' if '/v1' in url else 'often ends in'} /v1",
        )
    if all(status is not None and 300 <= status < 400 for status in statuses):
        location = first.response.headers.get("location", "another place") if first.response else "another place"
        return TargetRedirects(
            f"{url} redirects to {location}", "redirects are not followed, so give the final base URL"
        )
    if statuses <= {502, 503, 504}:
        return TargetUnavailable(f"{url} is not available (HTTP {described}{detail})")
    if statuses <= {429}:
        return TargetUnavailable(
            f"{url} responds with HTTP 429 to everything{detail}", "wait, or ask for a higher rate limit"
        )
    return None


def check_objects_exist(prober: PathProber, url: str, objects: Mapping[str, str]) -> None:
    """Look up the `objects` (kind to id) supplied by the user. Raises ObjectNotFound if the target reports one missing.

    Only a 404 that names the object counts: a missing route does not prove that the object is missing.
    """
    path = {f"{kind}_id": id_ for kind, id_ in objects.items()}
    for kind, operation in _LOOK_UPS:
        if kind in objects and path.keys() >= {*OPERATIONS[operation].parameters}:
            exchange = prober.probe_path(base_url.operation_path(OPERATIONS[operation], path), PROBE_PROGRAM)
            if _reports_missing_object(exchange, kind, objects[kind]):
                raise _object_not_found(kind, objects[kind], url, exchange)


def _reports_missing_object(exchange: Exchange, kind: str, id_: str) -> bool:
    """Whether a 404 reports a missing object. An id inside a path does not count: it may be part of a route."""
    if exchange.status != 404 or exchange.response is None or _is_html(exchange):
        return False
    text = exchange.response.text or json.dumps(exchange.body, ensure_ascii=False, default=str)
    pattern = (
        rf"(?<![/\w]){re.escape(id_)}(?![/\w])|\bno (such )?{kind}\b|\b{kind}[ _](was |is |does )?not[ _](found|exist)"
    )
    return re.search(pattern, text[:_MAX_SEARCHED], re.IGNORECASE) is not None


def _object_not_found(kind: str, id_: str, url: str, exchange: Exchange) -> ObjectNotFound:
    detail = f"HTTP {exchange.status}{_error_detail(exchange)}"
    return ObjectNotFound(f"--use {kind}={id_}: {url} has no such {kind} ({detail})")


def no_route_signatures(prober: PathProber) -> frozenset[Signature]:
    """The signatures of a missing route, which distinguish a missing operation from a missing object.

    Empty if the target responds to an unknown path with another status than 404.
    """
    return signatures_in([prober.probe_path(path, PROBE_PROGRAM) for path in (UNKNOWN_PATH, _THREAD_NAMED_RUNS)])


def signatures_in(probes: Iterable[Exchange]) -> frozenset[Signature]:
    """The signatures of a missing route among the responses to probe requests."""
    found = set()
    for probe in probes:
        form = signature(probe)
        if form is not None and (
            (probe.request.path == UNKNOWN_PATH and form[0] == 404)
            or (probe.request.path == _THREAD_NAMED_RUNS and form[0] in (400, 404) and names_a_thread(form[1]))
        ):
            found.add(form)
    return frozenset(found)


def list_models(prober: PathProber) -> list[str]:
    """The models that the target lists, if it has such a list; the operation is outside the contract."""
    body = prober.probe_path("/models", PROBE_PROGRAM).body
    ids = [item.get("id") for item in listed_items(body)[1] if is_object(item)]
    return [id_ for id_ in ids if isinstance(id_, str) and id_.isprintable() and len(id_) < 100]


def _send(sender: Sender, step: Step, url: str) -> Exchange:
    exchange = sender.send(step, PROGRAM, {})
    if exchange.response is None:
        failure = "cannot be reached" if exchange.completion is Completion.NOT_CONNECTED else "does not respond"
        raise TargetUnreachable(f"{url} {failure}: {exchange.problem or 'no reason given'}")
    return exchange


def _is_html(exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or is_object(response.body):
        return False
    text = (response.text or "").lstrip()[:200].lower()
    return "text/html" in response.headers.get("content-type", "") or text.startswith(("<!doctype html", "<html"))


def _title(exchange: Exchange) -> str:
    match = _TITLE.search(exchange.response.text or "") if exchange.response else None
    return f" ({' '.join(match.group(1).split())!r})" if match else ""


def _error_detail(exchange: Exchange) -> str:
    message = summarize_error(exchange.body)
    return f": {message}" if message else ""
