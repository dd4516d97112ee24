"""The preflight: checks that a target exists and can be tested before any program starts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Protocol

from runs_conformance.client import base_url
from runs_conformance.contract.edition import RETIRED
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.capabilities import error_signature
from runs_conformance.engine.program_runner import Sender
from runs_conformance.errors import TargetError, UsageError
from runs_conformance.model.case import Role, Step
from runs_conformance.model.error_message import summarize_error
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import is_object

PROGRAM = "preflight"
PROBE_PROGRAM = "preflight/outside"
"""The program of probe requests: look-ups of the objects to use, and a request to a missing route. Not evidence."""

_NOWHERE = "/threads/thread_000000000000000000000000/no-such-operation"

_FIRST = Step(operation="create_thread", name="thread", body={}, role=Role.CONTROL)
_SECOND = Step(operation="list_assistants", query=(("limit", "1"),), role=Role.READ)
_LOOKS = (("assistant", "get_assistant"), ("thread", "get_thread"), ("run", "get_run"))
_TITLE = re.compile(r"<title[^>]*>([^<]{1,80})", re.IGNORECASE)


class PathProber(Protocol):
    """Sends GET requests to paths outside the API's operations."""

    def probe_path(self, path: str, program: str) -> Exchange:
        """Send a GET request to a path."""
        ...


def check_target(sender: Sender, url: str, thread: str | None = None, *, read_only: bool = False) -> None:
    """Send two small requests. Raises a TargetError if testing makes no sense, UsageError if the thread does not exist.

    With `read_only` or a `thread`, no thread is created. A target that merely answers wrongly (200 `{}`, 400 to
    everything) passes, so that it is judged.
    """
    begin = _FIRST
    if thread is not None:
        begin = Step(operation="list_runs", path={"thread_id": thread}, query=(("limit", "1"),), role=Role.READ)
    elif read_only:
        begin = _SECOND
    first = _sent(sender, begin, url)
    if first.accepted and not _is_html(first):
        return
    second = _sent(sender, _SECOND, url)
    both = (first, second)
    if all(_is_html(exchange) for exchange in both):
        raise TargetError(f"{url} answers with a web page{_titled(first)}, not an API; does the base URL lack /v1?")
    codes = {exchange.status for exchange in both}
    said = _said(first) or _said(second)
    if thread is not None and first.status in (400, 404):
        if _is_absent(first, "thread", thread):
            raise _nothing("thread", thread, url, first)
        raise TargetError(f"{url} does not list the runs of the thread given by --use (HTTP {first.status}{said})")
    if codes <= {401, 403}:
        raise TargetError(
            f"{url} refuses the API key (HTTP {_codes(both)}{said}); give one by OPENAI_API_KEY or --api-key"
        )
    if codes <= {404, 405, 410, 501}:
        raise TargetError(
            f"{url} has no Runs surface (HTTP {_codes(both)} to {_asked(begin)} and GET /assistants{said}); "
            f"OpenAI retired the Assistants API on {RETIRED}; check the base URL, which often ends in /v1"
        )
    if all(code is not None and 300 <= code < 400 for code in codes):
        where = first.response.headers.get("location", "another place") if first.response else "another place"
        raise TargetError(f"{url} redirects to {where}; redirects are not followed, so give the final base URL")
    if codes <= {502, 503, 504}:
        raise TargetError(f"{url} is not available (HTTP {_codes(both)}{said})")
    if codes <= {429}:
        raise TargetError(f"{url} answers HTTP 429 to everything{said}; wait, or ask for a higher rate limit")


def check_objects_exist(prober: PathProber, url: str, objects: Mapping[str, str]) -> None:
    """Look up the `objects` (kind to id) supplied by the user. Raises UsageError if the target reports one as missing.

    Only a 404 that names the object counts: a missing route does not prove that the object is missing.
    """
    for kind, operation in _LOOKS:
        path = {f"{each}_id": id_ for each, id_ in objects.items()}
        if kind in objects and path.keys() >= {*OPERATIONS[operation].parameters}:
            found = prober.probe_path(base_url.operation_path(OPERATIONS[operation], path), PROBE_PROGRAM)
            if _is_absent(found, kind, objects[kind]):
                raise _nothing(kind, objects[kind], url, found)


def _is_absent(exchange: Exchange, kind: str, id_: str) -> bool:
    """Whether a 404 reports a missing object. An id inside a path does not count: it may be part of a route."""
    if exchange.status != 404 or exchange.response is None or _is_html(exchange):
        return False
    said = exchange.response.text or json.dumps(exchange.body, ensure_ascii=False, default=str)
    named = (
        rf"(?<![/\w]){re.escape(id_)}(?![/\w])|\bno (such )?{kind}\b|\b{kind}[ _](was |is |does )?not[ _](found|exist)"
    )
    return re.search(named, said, re.IGNORECASE) is not None


def _nothing(kind: str, id_: str, url: str, exchange: Exchange) -> UsageError:
    return UsageError(f"--use {kind}={id_}: {url} has no such {kind} (HTTP {exchange.status}{_said(exchange)})")


def no_route_signature(prober: PathProber) -> str | None:
    """Return the error signature of a missing route, which tells a missing operation from a missing object.

    None if the target does not answer 404 to an unknown path.
    """
    exchange = prober.probe_path(_NOWHERE, PROBE_PROGRAM)
    return error_signature(exchange) if exchange.status == 404 else None


def _sent(sender: Sender, step: Step, url: str) -> Exchange:
    exchange = sender.send(step, PROGRAM, {})
    if exchange.response is None:
        what = "cannot be reached" if exchange.completion == "refused" else "does not answer"
        raise TargetError(f"{url} {what}: {exchange.problem or 'no reason given'}")
    return exchange


def _asked(step: Step) -> str:
    operation = OPERATIONS[step.operation]
    return f"{operation.method} {operation.path}"


def _is_html(exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or is_object(response.body):
        return False
    text = (response.text or "").lstrip()[:200].lower()
    return "text/html" in response.headers.get("content-type", "") or text.startswith(("<!doctype html", "<html"))


def _titled(exchange: Exchange) -> str:
    found = _TITLE.search(exchange.response.text or "") if exchange.response else None
    return f" ({' '.join(found.group(1).split())!r})" if found else ""


def _codes(exchanges: tuple[Exchange, ...]) -> str:
    return " and ".join(dict.fromkeys(str(exchange.status) for exchange in exchanges))


def _said(exchange: Exchange) -> str:
    message = summarize_error(exchange.body)
    return f": {message}" if message else ""
