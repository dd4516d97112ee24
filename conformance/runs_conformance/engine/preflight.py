"""Finds out, before anything else, whether there is a target that can be tested at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Protocol

from runs_conformance.client import base_url
from runs_conformance.contract.edition import RETIRED
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.capabilities import shape
from runs_conformance.engine.program_runner import Sender
from runs_conformance.errors import TargetError, UsageError
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at, is_object

PROGRAM = "preflight"
OUTSIDE = "preflight/outside"
"""The program of the looks at what is given, and of the last request, to a path that no server has; no evidence."""

_NOWHERE = "/threads/thread_000000000000000000000000/no-such-operation"

_FIRST = Step(operation="create_thread", name="thread", body={}, role=Role.CONTROL)
_SECOND = Step(operation="list_assistants", query=(("limit", "1"),), role=Role.LOOK)
_LOOKS = (("assistant", "get_assistant"), ("thread", "get_thread"), ("run", "get_run"))
_TITLE = re.compile(r"<title[^>]*>([^<]{1,80})", re.IGNORECASE)


class Asker(Protocol):
    """Asks for paths that are no operation's."""

    def outside(self, path: str, program: str) -> Exchange:
        """Ask for a path."""
        ...


def preflight(sender: Sender, url: str, thread: str | None = None, *, read_only: bool = False) -> None:
    """Ask two small things of the target. Raises TargetError, in one clear line, where testing it makes no sense,
    UsageError where it does not have the thread.

    Where only reading is allowed, or a thread is given, none is created. What merely answers wrongly (200 `{}`, 400 to
    everything) goes on to be judged.
    """
    begin = _FIRST
    if thread is not None:
        begin = Step(operation="list_runs", path={"thread_id": thread}, query=(("limit", "1"),), role=Role.LOOK)
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


def look_up(asker: Asker, url: str, given: Mapping[str, str]) -> None:
    """Ask for the objects that are to be worked with. Raises UsageError where the target says that it has no such one.

    Only an answer that names the object counts: a target that lacks the route says nothing of what is behind it.
    """
    for kind, operation in _LOOKS:
        path = {f"{each}_id": id_ for each, id_ in given.items()}
        if kind in given and path.keys() >= {*OPERATIONS[operation].parameters}:
            found = asker.outside(base_url.path(OPERATIONS[operation], path), OUTSIDE)
            if _is_absent(found, kind, given[kind]):
                raise _nothing(kind, given[kind], url, found)


def _is_absent(exchange: Exchange, kind: str, id_: str) -> bool:
    """Whether a 404 says that there is no such object; its id within a path may be said of a route as well."""
    if exchange.status != 404 or exchange.response is None or _is_html(exchange):
        return False
    said = exchange.response.text or json.dumps(exchange.body, ensure_ascii=False, default=str)
    named = (
        rf"(?<![/\w]){re.escape(id_)}(?![/\w])|\bno (such )?{kind}\b|\b{kind}[ _](was |is |does )?not[ _](found|exist)"
    )
    return re.search(named, said, re.IGNORECASE) is not None


def _nothing(kind: str, id_: str, url: str, exchange: Exchange) -> UsageError:
    return UsageError(f"--use {kind}={id_}: {url} has no such {kind} (HTTP {exchange.status}{_said(exchange)})")


def no_route(asker: Asker) -> str | None:
    """What an answer looks like where the target has no route, by which an operation that it lacks is told from an
    object that it lacks. None where nothing can be told.
    """
    exchange = asker.outside(_NOWHERE, OUTSIDE)
    return shape(exchange) if exchange.status == 404 else None


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
    message = at(exchange.body, "/error/message") if is_object(exchange.body) else None
    return f": {' '.join(message.split())[:160]}" if isinstance(message, str) and message.strip() else ""
