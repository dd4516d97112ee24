"""A recorded exchange: request, response and outcome of the transfer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from runs_conformance.model.case import DanglingReference, Step, step_to_json
from runs_conformance.model.json import ABSENT, JSON, Absent, is_object
from runs_conformance.model.long_text import compress
from runs_conformance.model.verdict import Finding

UNAUTHORIZED_STATUSES = (401, 403)
"""HTTP statuses that say that the key is missing, wrong or not permitted to do this."""

RETRY_LATER_STATUSES = frozenset({429, 503})
"""HTTP statuses that ask the client to retry later, regardless of the request."""

TRUNCATED = "the response was truncated"
"""How the problem of an exchange begins if the connection failed before the response was complete."""

MALFORMED = "the response is not valid HTTP"
"""How the problem of an exchange begins if the server sent something other than HTTP, on an open connection."""

_RETRY_HEADERS = frozenset({"retry-after", "retry-after-ms"})

_NOT_REFUSALS = frozenset({*UNAUTHORIZED_STATUSES, 408, 425, 429})

_ERROR_MEMBERS = ("error", "errors", "detail")
_OUTCOME_MEMBERS = ("success", "ok")
_ERROR_DETAILS = ("type", "code", "status", "statusCode", "status_code")
_ERROR_WORDS = re.compile(r"error|invalid|not.?found|missing|denied|fail|forbidden|unauthori[sz]ed", re.IGNORECASE)
_MAX_DETAIL = 200


def error_member(body: JSON | Absent) -> str | None:
    """The member by which a body says that the request failed, in any usual form of errors; None if there is none.

    The API's objects have an id, and lists have data.
    """
    if not is_object(body) or "id" in body:
        return None
    named = next((name for name in _ERROR_MEMBERS if body.get(name)), None)
    if named or body.keys() & {"object", "data", "deleted"}:
        return named
    if isinstance(body.get("message"), str) and (
        "param" in body or any(_names_error(body.get(name)) for name in _ERROR_DETAILS)
    ):
        return "message"
    return next((name for name in _OUTCOME_MEMBERS if body.get(name) is False), None)


def _names_error(detail: JSON) -> bool:
    """Whether the type, code or status beside a message is that of an error: an HTTP status, or a word for it."""
    if isinstance(detail, str):
        return _ERROR_WORDS.search(detail[:_MAX_DETAIL]) is not None
    return isinstance(detail, int) and detail >= 400


class Completion(StrEnum):
    """Whether the server processed the request.

    `ANSWERED`: a complete response arrived, or the part of a stream that the client wanted. `NOT_CONNECTED`: certainly
    not processed, since no connection was made. `UNKNOWN`: possibly processed, since the response was truncated, late
    or unreadable.
    """

    ANSWERED = "answered"
    NOT_CONNECTED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """A sent request with its secrets redacted. `path` is relative to the base URL, encoded, without the query.

    `body` is the parsed JSON body; `text` is a body that is not JSON (bytes as Latin-1) or was sent byte for byte.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JSON | Absent = ABSENT
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event. `data` is the parsed JSON, or the text if it is not JSON (`[DONE]`).

    `at` is the arrival time in seconds, on the clock of the exchange.
    """

    name: str
    data: JSON
    at: float = 0.0

    @property
    def is_end(self) -> bool:
        """Whether it only marks the end of the stream."""
        return self.data == "[DONE]" or self._stated_name == "done"

    @property
    def is_error(self) -> bool:
        """Whether it reports an error, by its name or, without an `event:` line, in its data."""
        return self._stated_name == "error" or (self.name in ("", "message") and error_member(self.data) is not None)

    @property
    def shows_new_thread(self) -> bool:
        """Whether it shows the thread that `create_thread_and_run` created, before it says anything of the run."""
        shown = is_object(self.data) and self.data.get("object") == "thread"
        return self._stated_name == "thread.created" or (self.name in ("", "message") and shown)

    @property
    def _stated_name(self) -> JSON:
        if self.name in ("", "message") and is_object(self.data):
            return self.data.get("event")
        return self.name


@dataclass(frozen=True, slots=True)
class Response:
    """A received response. Header names are in lower case.

    `body` is the parsed JSON body, `ABSENT` if there is none or it is not JSON; `text` is then its start. `events` is
    set for an event stream. `defects` lists violations of the format: `not_json`, `invalid_utf8`, `duplicate_key: x`,
    `not_a_number: NaN`, `too_large`, `too_deep`, and for streams `sse: ...`. `size` is in bytes.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JSON | Absent = ABSENT
    text: str | None = None
    events: tuple[Event, ...] | None = None
    defects: tuple[str, ...] = ()
    size: int = 0

    @property
    def is_stream(self) -> bool:
        """Whether the content consists of server-sent events, whatever its content type says."""
        return self.events is not None or (self.text or "").lstrip("\ufeff\r\n ").startswith(("event:", "data:", ":"))

    @property
    def is_error_stream(self) -> bool:
        """Whether it is a stream that reports an error and no run, apart from the final `[DONE]`.

        A thread that was created for the run that was then refused makes no difference.
        """
        reported = [event for event in self.events or () if not event.is_end and not event.shows_new_thread]
        return bool(reported) and all(event.is_error for event in reported)

    @property
    def contradicts_success(self) -> bool:
        """Whether the content shows no success, whatever the status: an error, or text without JSON and events."""
        if isinstance(self.body, dict):
            return error_member(self.body) is not None
        return self.is_error_stream or ("not_json" in self.defects and not self.is_stream)


def asks_to_retry_later(response: Response) -> bool:
    """Whether a response says that the request was not carried out and may be sent again: 429, or 503 with a delay."""
    return response.status == 429 or (response.status == 503 and not _RETRY_HEADERS.isdisjoint(response.headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request with its response, if any.

    `index` orders exchanges by start. `started` and `ended` are seconds on one monotonic clock; exchanges that overlap
    are unordered. `sent` is when the request was sent on an open connection, if the client noted it: one that is sent
    together with others may wait for their connections after it started. `wall` is the Unix time of the start. `step`
    is the step that was sent; traffic of other clients has none. `path` holds the values of the path parameters.
    `problem` describes a failed transfer. `edition` and `dialect` select the contract that applies. `loss` says what
    the recorder lost of it; it is empty for a faithful recording.
    `repeats_key` says whether the response contained the client's key, which is redacted; it is None if the recorder
    could not see that. `base_path` is what precedes the path in recorded traffic of dialects that have a prefix.
    """

    id: str
    index: int
    program: str
    operation: str | None
    request: Request
    response: Response | None
    completion: Completion
    started: float
    ended: float
    wall: float = 0.0
    step: Step | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1
    problem: str | None = None
    edition: str = ""
    dialect: str = "openai"
    loss: str = ""
    repeats_key: bool | None = None
    base_path: str = ""
    sent: float | None = None
    # Derived once, since rules ask for each of these hundreds of times.
    status: int | None = field(init=False, repr=False, compare=False)
    """The HTTP status, or None without a response."""
    has_success_status: bool = field(init=False, repr=False, compare=False)
    """Whether a complete response with a 2xx status arrived, whatever it says."""
    accepted: bool = field(init=False, repr=False, compare=False)
    """Whether a complete response with a 2xx status arrived, and its content, if any, is JSON that is not an error.

    Some servers send errors, or a page for people, with HTTP 200, or a stream that only reports an error. Such a
    request is neither accepted nor refused.
    """
    refused: bool = field(init=False, repr=False, compare=False)
    """Whether the target refused the request itself: any 4xx except 401, 403, 408, 425 and 429."""

    def __post_init__(self) -> None:
        response = self.response
        status = response.status if response else None
        succeeded = self.completion is Completion.ANSWERED and status is not None and 200 <= status < 300
        refused = status is not None and 400 <= status < 500 and status not in _NOT_REFUSALS
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "has_success_status", succeeded)
        object.__setattr__(self, "accepted", succeeded and not (response and response.contradicts_success))
        object.__setattr__(self, "refused", refused)

    @property
    def body(self) -> JSON | Absent:
        """The JSON body of the response, or `ABSENT`."""
        return self.response.body if self.response else ABSENT

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the response; empty if it is not an event stream."""
        return self.response.events or () if self.response else ()

    @property
    def dangling(self) -> DanglingReference | None:
        """Why a reference of the step names no object; None if it may name one or there is no step."""
        return self.step.dangling if self.step else None

    @property
    def anomaly(self) -> str:
        """The anomaly of the step, or an empty string."""
        return self.step.anomaly if self.step else ""

    @property
    def was_left(self) -> bool:
        """Whether the client closed the connection in the middle of the stream, as the step says."""
        event_name = self.step.leave_at_event if self.step else ""
        if not event_name or any(event.is_end for event in self.events):
            return False
        return any(event.name.startswith(event_name) for event in self.events)

    @property
    def is_malformed(self) -> bool:
        """Whether what the server sent in response is not HTTP, so that the rest could not be read."""
        return (self.problem or "").startswith(MALFORMED)

    @property
    def is_probe(self) -> bool:
        """Whether the step is a robustness probe."""
        return self.step is not None and self.step.probe

    def happened_before(self, other: Exchange) -> bool:
        """Whether this exchange ended before the other began. Overlapping exchanges are unordered."""
        return self.ended <= other.started

    def member(self, name: str) -> JSON | Absent:
        """A member of the JSON object in the response, or `ABSENT`."""
        return self.body.get(name, ABSENT) if is_object(self.body) else ABSENT

    def finding(
        self,
        message: str,
        pointer: str = "",
        expected: JSON | Absent = ABSENT,
        actual: JSON | Absent = ABSENT,
    ) -> Finding:
        """A finding at this exchange."""
        return Finding(
            message=message,
            exchange=self.id,
            operation=self.operation,
            pointer=pointer,
            expected=expected,
            actual=actual,
            case=self.step.id if self.step else None,
        )


def were_simultaneous(exchanges: Collection[Exchange]) -> bool:
    """Whether all of these requests were sent before the first response, as far as is known when they were sent."""
    sent = (exchange.started if exchange.sent is None else exchange.sent for exchange in exchanges)
    return max(sent) < min(exchange.ended for exchange in exchanges)


def exchange_to_json(exchange: Exchange) -> dict[str, JSON]:
    """The exchange as one line of `history.jsonl`."""
    request, response = exchange.request, exchange.response
    sent: dict[str, JSON] = {"method": request.method, "path": request.path, "headers": dict(request.headers)}
    if request.query:
        sent["query"] = [list(pair) for pair in request.query]
    if not isinstance(request.body, Absent):
        sent["body"] = request.body
    if request.text is not None:
        sent["text"] = compress(request.text)
    out: dict[str, JSON] = {
        "id": exchange.id,
        "index": exchange.index,
        "program": exchange.program,
        "operation": exchange.operation,
        "request": sent,
        "response": None if response is None else _response_to_json(response),
        "completion": exchange.completion.value,
        "started": round(exchange.started, 6),
        "ended": round(exchange.ended, 6),
        "wall": round(exchange.wall, 3),
        "path": dict(exchange.path),
        "attempt": exchange.attempt,
        "edition": exchange.edition,
        "dialect": exchange.dialect,
    }
    if exchange.sent is not None:
        out["sent"] = round(exchange.sent, 6)
    if exchange.problem is not None:
        out["problem"] = exchange.problem
    if exchange.loss:
        out["loss"] = exchange.loss
    if exchange.base_path:
        out["base_path"] = exchange.base_path
    if exchange.repeats_key is not None:
        out["repeats_key"] = exchange.repeats_key
    if exchange.step is not None:
        step = step_to_json(exchange.step)
        if "raw" in step:
            step["raw"] = compress(step["raw"])
        out["step"] = step
    return out


def _response_to_json(response: Response) -> dict[str, JSON]:
    out: dict[str, JSON] = {"status": response.status, "headers": dict(response.headers), "size": response.size}
    if not isinstance(response.body, Absent):
        out["body"] = response.body
    if response.text is not None:
        out["text"] = response.text
    if response.events is not None:
        out["events"] = [{"event": e.name, "data": e.data, "at": round(e.at, 6)} for e in response.events]
    if response.defects:
        out["defects"] = list(response.defects)
    return out
