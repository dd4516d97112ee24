"""Every attempt is recorded, and only requests without effect are retried."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpcore
import pytest

from runs_conformance.client import synchronization
from runs_conformance.client.base_url import Address, parse_address
from runs_conformance.client.connection import HeldSend
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.prepared_request import UnresolvedReference
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.recovery import Recovery
from runs_conformance.client.retry_policy import RetryPolicy, parse_retry_after
from runs_conformance.client.session import Session
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.errors import InternalError
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.exchange import Completion, Exchange, were_simultaneous
from tests.client.hostile import Connection, RawServer, closed_port, head, serving
from tests.clock import SleepClock

LIMITS = ExchangeLimits(connect=0.5, idle=0.5, total=2)
CREATE = Step(operation="create_thread", name="thread", body={})
GET = Step(operation="get_thread", name="got", path={"thread_id": "thread_1"})
PRIMARY, SECOND = "sk-own-0123456789", "sk-second-0123456789"


class MemoryRecorder:
    """Keeps every exchange in memory."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def record(self, exchange: Exchange) -> Exchange:
        self.exchanges.append(exchange)
        return exchange


@contextmanager
def session(
    handler: Callable[[Connection], None], get_address: Callable[[RawServer], Address] = lambda server: server.address
) -> Iterator[tuple[Session, list[Exchange], list[float]]]:
    recorder, clock = MemoryRecorder(), SleepClock()
    with serving(handler) as server:
        created = Session(
            Transport(get_address(server), LIMITS),
            recorder,
            Credentials(PRIMARY, SECOND),
            retry_policy=RetryPolicy(3),
            sleep=clock.sleep,
            throttle=Throttle(now=clock.now, sleep=clock.sleep),
        )
        try:
            yield created, recorder.exchanges, clock.slept
        finally:
            created.close()


def echo(connection: Connection) -> None:
    """Answers with the request itself."""
    while (request := connection.request()) is not None:
        top = request.partition(b"\r\n\r\n")[0].decode("latin-1")
        connection.respond(json.dumps({"id": "thread_1", "request": top.replace("\r\n", "\n")}).encode())


def lines(exchange: Exchange) -> list[str]:
    return str(exchange.member("request")).split("\n")


def test_step_is_recorded_as_an_exchange() -> None:
    with session(echo) as (created, recorder, _):
        answers: dict[str, Exchange] = {}
        first = created.send(CREATE, "program", answers)
        second = created.send(
            Step(operation="create_run", path={"thread_id": Ref("thread")}, body={"assistant_id": "a"}),
            "program",
            answers,
        )
    assert answers == {"thread": first}
    assert recorder == [first, second]
    assert [exchange.id for exchange in recorder] == ["x000001", "x000002"]
    assert (second.program, second.operation, second.request.path) == (
        "program",
        "create_run",
        "/threads/thread_1/runs",
    )
    assert second.path == {"thread_id": "thread_1"}
    assert second.request.body == {"assistant_id": "a"}
    assert (second.edition, second.dialect, second.attempt) == ("2026-08-14", "openai", 1)
    assert first.happened_before(second)
    assert abs(first.wall - time.time()) < 60
    assert lines(second)[0] == "POST /v1/threads/thread_1/runs HTTP/1.1"


def test_default_headers_are_sent_and_secrets_redacted() -> None:
    with session(echo) as (created, _, _):
        exchange = created.send(CREATE, "p", {})
    sent = lines(exchange)
    assert "OpenAI-Beta: assistants=v2" in sent
    assert "Content-Type: application/json" in sent
    assert f"Authorization: Bearer {PRIMARY}" in sent
    assert any(line.startswith("User-Agent: runs-conformance/") for line in sent)
    assert exchange.request.headers["Authorization"] == "Bearer [REDACTED]"


def test_request_without_body_has_no_content_type() -> None:
    with session(echo) as (created, _, _):
        got = lines(created.send(GET, "p", {}))
        cancelled = lines(created.send(Step(operation="cancel_run", path={"thread_id": "t", "run_id": "r"}), "p", {}))
    assert not any(line.startswith(("Content-Type", "Content-Length")) for line in got)
    assert "Content-Length: 0" in cancelled
    assert not any(line.startswith("Content-Type") for line in cancelled)


def test_step_changes_and_removes_headers() -> None:
    step = Step(
        operation="create_thread", body={}, headers={"openai-beta": None, "content-type": "text/plain", "X": "y"}
    )
    with session(echo) as (created, _, _):
        exchange = created.send(step, "p", {})
    sent = lines(exchange)
    assert not any("assistants" in line for line in sent)
    assert [line for line in sent if "ontent-" in line and "ype" in line] == ["content-type: text/plain"]
    assert "X: y" in sent
    assert exchange.request.headers["X"] == "y"
    assert "OpenAI-Beta" not in exchange.request.headers


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (Key.PRIMARY, f"Bearer {PRIMARY}"),
        (Key.SECOND, f"Bearer {SECOND}"),
        (Key.BASIC, f"Basic {PRIMARY}"),
        (Key.WRONG, "Bearer sk-runs-conformance"),
        (Key.NONE, None),
    ],
)
def test_step_selects_the_key(key: Key, line: str | None) -> None:
    with session(echo) as (created, _, _):
        sent = lines(created.send(Step(operation="get_thread", path={"thread_id": "t"}, key=key), "p", {}))
    found = [one.removeprefix("Authorization: ") for one in sent if one.startswith("Authorization")]
    assert len(found) == (0 if line is None else 1)
    assert line is None or found[0].startswith(line)


def test_extra_headers_and_query_are_always_sent() -> None:
    def get_address(server: RawServer) -> Address:
        return parse_address(
            f"http://127.0.0.1:{server.port}/v1?tenant=a", headers=[("X-Api-Key", "hunter22"), ("user-agent", "mine")]
        )

    with session(echo, get_address) as (created, _, _):
        exchange = created.send(Step(operation="list_runs", path={"thread_id": "t"}, query=(("limit", 1),)), "p", {})
    sent = lines(exchange)
    assert sent[0] == "GET /v1/threads/t/runs?tenant=a&limit=1 HTTP/1.1"
    assert "X-Api-Key: hunter22" in sent
    assert [line for line in sent if line.lower().startswith("user-agent")] == ["user-agent: mine"]
    assert exchange.request.headers["X-Api-Key"] == "[REDACTED]"
    assert exchange.request.query == (("limit", "1"),)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (Key.PRIMARY, ["Authorization: Basic abcdefgh", "X-Api-Key: gate", "X-Trace: 1"]),
        (Key.SECOND, [f"Authorization: Bearer {SECOND}", "X-Api-Key: gate", "X-Trace: 1"]),
        (Key.WRONG, ["Authorization: Bearer sk-runs-conformance-0000-no-such-key", "X-Trace: 1"]),
        (Key.NONE, ["X-Trace: 1"]),
    ],
)
def test_other_secrets_are_not_sent_without_a_key(key: Key, found: list[str]) -> None:
    headers = [("Authorization", "Basic abcdefgh"), ("X-Api-Key", "gate"), ("X-Trace", "1")]

    def get_address(server: RawServer) -> Address:
        return parse_address(f"http://127.0.0.1:{server.port}/v1", headers=headers)

    with session(echo, get_address) as (created, _, _):
        sent = lines(created.send(Step(operation="get_thread", path={"thread_id": "t"}, key=key), "p", {}))
    assert sorted(line for line in sent if line.startswith(("Authorization", "X-"))) == found


def answering(*answers: tuple[str, dict[str, str]]) -> Callable[[Connection], None]:
    left = list(answers)

    def handler(connection: Connection) -> None:
        while connection.request() is not None:
            status, headers = left.pop(0) if left else ("200 OK", {})
            connection.respond(b"{}", status, **headers)

    return handler


def test_refused_request_is_retried_after_retry_after() -> None:
    with session(answering(("429 Too Many Requests", {"Retry-After": "2"}))) as (created, recorder, slept):
        exchange = created.send(CREATE, "p", {})
    assert [(one.status, one.attempt) for one in recorder] == [(429, 1), (200, 2)]
    assert exchange is recorder[1]
    assert slept == [2.0]


def test_refused_request_without_retry_after_backs_off() -> None:
    busy: tuple[str, dict[str, str]] = ("429 Too Many Requests", {})
    with session(answering(busy, busy, busy, busy)) as (created, recorder, slept):
        assert created.send(CREATE, "p", {}).status == 429
    assert len(recorder) == 3
    assert slept == [0.2, 0.5]


def test_long_retry_after_is_not_honoured() -> None:
    with session(answering(("429 Too Many Requests", {"Retry-After": "3600"}))) as (created, recorder, slept):
        assert created.send(CREATE, "p", {}).status == 429
    assert (len(recorder), slept) == (1, [])


def test_total_delay_is_limited() -> None:
    busy = ("429 Too Many Requests", {"Retry-After": "20"})
    with session(answering(busy, busy, busy)) as (created, recorder, slept):
        assert created.send(CREATE, "p", {}).status == 429
    assert (len(recorder), slept) == (2, [20.0])


def test_unavailable_is_retried_only_with_retry_after() -> None:
    with session(answering(("503 Service Unavailable", {"Retry-After": "1"}))) as (created, recorder, _):
        created.send(CREATE, "p", {})
    assert [one.status for one in recorder] == [503, 200]
    with session(answering(("503 Service Unavailable", {}))) as (created, recorder, _):
        created.send(CREATE, "p", {})
    assert [one.status for one in recorder] == [503]


def test_server_error_is_not_retried() -> None:
    with session(answering(("500 Internal Server Error", {"Retry-After": "1"}))) as (created, recorder, _):
        created.send(CREATE, "p", {})
    assert len(recorder) == 1


@pytest.mark.parametrize("step", [CREATE, GET])
def test_request_of_unknown_completion_is_not_retried(step: Step) -> None:
    def handler(connection: Connection) -> None:
        connection.request()

    with session(handler) as (created, recorder, _):
        assert created.send(step, "p", {}).completion is Completion.UNKNOWN
    assert len(recorder) == 1


def test_step_waits_for_its_pause() -> None:
    with session(echo) as (created, recorder, slept):
        created.send(replace(GET, pause=0.5), "p", {})
        created.send_concurrently([GET, replace(GET, pause=0.25)], "p", {})
    assert slept == [0.5, 0.25]
    assert len(recorder) == 3


def test_refused_connection_is_retried() -> None:
    recorder, slept = MemoryRecorder(), []  # type: ignore[var-annotated]
    created = Session(
        Transport(parse_address(f"http://127.0.0.1:{closed_port()}"), LIMITS),
        recorder,
        Credentials(),
        retry_policy=RetryPolicy(3),
        sleep=slept.append,
    )
    assert created.send(CREATE, "p", {}).completion is Completion.NOT_CONNECTED
    assert [one.attempt for one in recorder.exchanges] == [1, 2, 3]
    assert slept == [0.2, 0.5]


def test_unknown_host_is_not_retried() -> None:
    recorder = MemoryRecorder()
    created = Session(Transport(parse_address("http://no-such-host.invalid"), LIMITS), recorder, Credentials())
    assert created.send(CREATE, "p", {}).completion is Completion.NOT_CONNECTED
    assert len(recorder.exchanges) == 1


@pytest.mark.parametrize("header", [("X", "a\nb"), ("X", "\u20ac"), ("X Y", "a"), ("X", " a"), ("", "a")])
def test_invalid_header_is_an_internal_error(header: tuple[str, str]) -> None:
    step = Step(operation="create_thread", headers=dict([header]))
    with session(echo) as (created, recorder, _), pytest.raises(InternalError):
        created.send(step, "p", {})
    assert recorder == []


@pytest.mark.parametrize(("step", "completions"), [(GET, ["unknown", "answered"]), (CREATE, ["unknown"])])
def test_get_on_a_stale_connection_is_retried(step: Step, completions: list[str]) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.respond()
        if connection.number == 0:
            connection.request()

    with session(handler) as (created, recorder, _):
        created.send(GET, "p", {})
        created.send(step, "p", {})
    assert [one.completion.value for one in recorder[1:]] == completions


def test_concurrent_steps_are_sent_together_and_return_in_order() -> None:
    gate = threading.Barrier(3)

    def handler(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            gate.wait(5)
            connection.respond(b'{"id": "%s"}' % request.split(b" ")[1].rpartition(b"/")[2])

    steps = [Step(operation="get_thread", name=f"s{n}", path={"thread_id": f"t{n}"}) for n in range(3)]
    answers: dict[str, Exchange] = {}
    with session(handler) as (created, recorder, _):
        exchanges = created.send_concurrently(steps, "p", answers)
    assert [exchange.member("id") for exchange in exchanges] == ["t0", "t1", "t2"]
    assert sorted(recorder, key=lambda one: one.index) == sorted(exchanges, key=lambda one: one.index)
    assert list(answers) == ["s0", "s1", "s2"]
    assert not any(one.happened_before(other) for one in exchanges for other in exchanges)
    assert were_simultaneous(exchanges)
    by_index = sorted(exchanges, key=lambda one: one.index)
    assert by_index == sorted(exchanges, key=lambda one: one.started)


def delay_connections(created: Session, *seconds: float) -> None:
    """Have the next connections of a session open after these seconds."""
    backend = created.transport._wire.backend
    connect, delays = backend.connect_tcp, iter(seconds)

    def connect_late(*arguments: Any, **named: Any) -> Any:
        time.sleep(next(delays))
        return connect(*arguments, **named)

    backend.connect_tcp = connect_late  # type: ignore[method-assign]


def test_concurrent_steps_wait_until_all_connections_are_open() -> None:
    arrivals: list[float] = []

    def handler(connection: Connection) -> None:
        while connection.request() is not None:
            arrivals.append(time.monotonic())
            connection.respond()

    with session(handler) as (created, _, _):
        delay_connections(created, 0.3, 0.0, 0.0)
        exchanges = created.send_concurrently([CREATE, CREATE, CREATE], "p", {})
    assert max(arrivals) - min(arrivals) < 0.15
    assert were_simultaneous(exchanges)


def test_exchange_notes_when_a_held_request_was_sent() -> None:
    with session(echo) as (created, _, _):
        delay_connections(created, 0.3, 0.0)
        exchanges = created.send_concurrently([CREATE, CREATE], "p", {})
    for each in exchanges:
        assert each.sent is not None
        assert each.started + 0.25 < each.sent < each.ended


def test_held_request_is_sent_once_and_its_error_is_raised_to_its_own_thread() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise TimeoutError("slow")

    held = HeldSend(fail)
    held()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            held.finish()
    assert calls == [1]


def test_request_whose_connection_opens_too_late_is_not_simultaneous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synchronization, "_MAX_HOLD", 0.1)
    with session(echo) as (created, _, _):
        delay_connections(created, 0.6, 0.0)
        exchanges = created.send_concurrently([CREATE, CREATE], "p", {})
    assert max(each.started for each in exchanges) < min(each.ended for each in exchanges)
    assert not were_simultaneous(exchanges)


def test_concurrent_steps_do_not_wait_for_one_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synchronization, "_MAX_HOLD", 60.0)
    with session(echo) as (created, _, _):
        backend = created.transport._wire.backend
        connect, failures = backend.connect_tcp, iter((True, False))

        def fail_once(*arguments: Any, **named: Any) -> Any:
            if next(failures, False):
                raise httpcore.ConnectError("no route")
            return connect(*arguments, **named)

        backend.connect_tcp = fail_once  # type: ignore[method-assign]
        started = time.monotonic()
        exchanges = created.send_concurrently([CREATE, CREATE], "p", {})
    assert time.monotonic() - started < 5
    assert {each.completion for each in exchanges} == {Completion.NOT_CONNECTED, Completion.ANSWERED}


STREAMED = replace(CREATE, name="", body={"stream": True}, stream=True)
ON_TEXT = replace(GET, name="", after_event="thread.message.delta", pause=0.1)


def test_step_is_sent_after_an_event_of_another() -> None:
    has_arrived = threading.Event()

    def handler(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            if request.startswith(b"GET"):
                has_arrived.set()
                connection.respond()
                continue
            connection.send(head(Content_Type="text/event-stream", Connection="close"))
            for name in (b"thread.message.created", b"thread.message.delta"):
                assert not has_arrived.wait(0.2)
                connection.send(b"event: %s\ndata: {}\n\n" % name)
            assert has_arrived.wait(5)
            connection.send(b"event: done\ndata: [DONE]\n\n")
            return

    with session(handler) as (created, _, slept):
        streamed, read = created.send_concurrently([STREAMED, ON_TEXT], "p", {})
    assert [event.name for event in streamed.events] == ["thread.message.created", "thread.message.delta", "done"]
    assert streamed.events[1].at <= read.started < streamed.ended
    assert slept == []


def test_step_is_sent_without_its_event_when_the_others_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synchronization, "_MAX_EVENT_WAIT", 60.0)
    with session(echo) as (created, _, _):
        started = time.monotonic()
        streamed, read = created.send_concurrently([STREAMED, ON_TEXT], "p", {})
    assert time.monotonic() - started < 5
    assert streamed.happened_before(read)


def test_concurrent_steps_need_all_references() -> None:
    with session(echo) as (created, recorder, _), pytest.raises(UnresolvedReference):
        created.send_concurrently([CREATE, Step(operation="get_thread", path={"thread_id": Ref("nobody")})], "p", {})
    assert recorder == []


def test_secret_in_a_response_is_redacted() -> None:
    with serving(echo) as server:
        credentials = Credentials(PRIMARY)
        created = Session(Transport(server.address, LIMITS), NullRecorder(credentials), credentials)
        exchange = created.send(CREATE, "p", {})
        created.close()
    assert PRIMARY not in repr(exchange)
    assert "[REDACTED]" in str(exchange.member("request"))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5), ("0.5", 0.5), ("", None), ("soon", None), ("-1", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": value}) == seconds


@pytest.mark.parametrize(("milliseconds", "seconds"), [("250", 0.25), ("soon", 2), ("", 2)])
def test_retry_after_in_milliseconds_is_preferred(milliseconds: str, seconds: float) -> None:
    assert parse_retry_after({"retry-after": "2", "retry-after-ms": milliseconds}) == seconds


def test_retry_after_in_the_future() -> None:
    asked = parse_retry_after({"retry-after": formatdate(time.time() + 10, usegmt=True)})
    assert asked is not None
    assert 8 < asked <= 10


class _RecordingRecovery(Recovery):
    """Notes the calls, and says that the target came back."""

    def __init__(self) -> None:
        super().__init__(parse_address("http://127.0.0.1:1/v1"))
        self.calls: list[str] = []

    def wait(self, refused_at: float) -> bool:
        self.calls.append("wait")
        return True

    def wait_if_down(self, lost_at: float) -> bool:
        self.calls.append("wait_if_down")
        return True


def test_a_request_is_not_sent_again_to_a_target_that_was_restarted() -> None:
    recovery, recorder = _RecordingRecovery(), MemoryRecorder()
    with serving(echo) as server:
        created = Session(Transport(server.address, LIMITS), recorder, Credentials(), recovery=recovery)
        assert created.send(CREATE, "p", {}).accepted
    # The server is closed now.
    exchange = created.send(GET, "p", {})
    created.close()
    assert exchange.response is None
    assert recovery.calls
    assert len(recorder.exchanges) == 2


def test_a_target_that_never_answered_is_not_waited_for() -> None:
    recovery, recorder = _RecordingRecovery(), MemoryRecorder()
    created = Session(
        Transport(parse_address(f"http://127.0.0.1:{closed_port()}"), LIMITS),
        recorder,
        Credentials(),
        retry_policy=RetryPolicy(2),
        sleep=lambda _: None,
        recovery=recovery,
    )
    created.send(CREATE, "p", {})
    assert recovery.calls == []
    assert len(recorder.exchanges) == 2
