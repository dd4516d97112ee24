from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate

import pytest

from runs_conformance.client.base_url import Address, parse_address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.prepared_request import UnresolvedReference
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import RetryPolicy, Session, parse_retry_after
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.errors import InternalError
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.exchange import Completion, Exchange
from tests.client.clock import Clock
from tests.client.hostile import Connection, Server, closed_port, serving

LIMITS = ExchangeLimits(connect=0.5, idle=0.5, total=2)
CREATE = Step(operation="create_thread", name="thread", body={})
GET = Step(operation="get_thread", name="got", path={"thread_id": "thread_1"})
OWN, SECOND = "sk-own-0123456789", "sk-second-0123456789"


class Kept:
    """Keeps every exchange in memory."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def record(self, exchange: Exchange) -> Exchange:
        self.exchanges.append(exchange)
        return exchange


@contextmanager
def session(
    handler: Callable[[Connection], None], where: Callable[[Server], Address] = lambda server: server.address
) -> Iterator[tuple[Session, list[Exchange], list[float]]]:
    kept, clock = Kept(), Clock()
    with serving(handler) as server:
        made = Session(
            Transport(where(server), LIMITS),
            kept,
            Credentials(OWN, SECOND),
            retry_policy=RetryPolicy(3),
            sleep=clock.sleep,
            throttle=Throttle(now=clock.now, sleep=clock.sleep),
        )
        try:
            yield made, kept.exchanges, clock.slept
        finally:
            made.close()


def echo(connection: Connection) -> None:
    """Answers with the request itself."""
    while (request := connection.request()) is not None:
        top = request.partition(b"\r\n\r\n")[0].decode("latin-1")
        connection.answer(json.dumps({"id": "thread_1", "request": top.replace("\r\n", "\n")}).encode())


def lines(exchange: Exchange) -> list[str]:
    return str(exchange.member("request")).split("\n")


def test_a_step_becomes_a_recorded_exchange() -> None:
    with session(echo) as (made, kept, _):
        answers: dict[str, Exchange] = {}
        first = made.send(CREATE, "program", answers)
        second = made.send(
            Step(operation="create_run", path={"thread_id": Ref("thread")}, body={"assistant_id": "a"}),
            "program",
            answers,
        )
    assert answers == {"thread": first}
    assert kept == [first, second]
    assert [exchange.id for exchange in kept] == ["x000001", "x000002"]
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


def test_usual_headers_are_sent_and_their_secrets_not_shown() -> None:
    with session(echo) as (made, _, _):
        exchange = made.send(CREATE, "p", {})
    sent = lines(exchange)
    assert "OpenAI-Beta: assistants=v2" in sent
    assert "Content-Type: application/json" in sent
    assert f"Authorization: Bearer {OWN}" in sent
    assert any(line.startswith("User-Agent: runs-conformance/") for line in sent)
    assert exchange.request.headers["Authorization"] == "Bearer [REDACTED]"


def test_a_request_without_a_body_names_no_content_type() -> None:
    with session(echo) as (made, _, _):
        got = lines(made.send(GET, "p", {}))
        cancelled = lines(made.send(Step(operation="cancel_run", path={"thread_id": "t", "run_id": "r"}), "p", {}))
    assert not any(line.startswith(("Content-Type", "Content-Length")) for line in got)
    assert "Content-Length: 0" in cancelled
    assert not any(line.startswith("Content-Type") for line in cancelled)


def test_a_step_changes_and_removes_headers() -> None:
    step = Step(
        operation="create_thread", body={}, headers={"openai-beta": None, "content-type": "text/plain", "X": "y"}
    )
    with session(echo) as (made, _, _):
        exchange = made.send(step, "p", {})
    sent = lines(exchange)
    assert not any("assistants" in line for line in sent)
    assert [line for line in sent if "ontent-" in line and "ype" in line] == ["content-type: text/plain"]
    assert "X: y" in sent
    assert exchange.request.headers["X"] == "y"
    assert "OpenAI-Beta" not in exchange.request.headers


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (Key.PRIMARY, f"Bearer {OWN}"),
        (Key.SECOND, f"Bearer {SECOND}"),
        (Key.BASIC, f"Basic {OWN}"),
        (Key.WRONG, "Bearer sk-runs-conformance"),
        (Key.NONE, None),
    ],
)
def test_a_step_says_which_key_it_is_sent_with(key: Key, line: str | None) -> None:
    with session(echo) as (made, _, _):
        sent = lines(made.send(Step(operation="get_thread", path={"thread_id": "t"}, key=key), "p", {}))
    found = [one.removeprefix("Authorization: ") for one in sent if one.startswith("Authorization")]
    assert len(found) == (0 if line is None else 1)
    assert line is None or found[0].startswith(line)


def test_extra_headers_and_query_go_with_every_request() -> None:
    def where(server: Server) -> Address:
        return parse_address(
            f"http://127.0.0.1:{server.port}/v1?tenant=a", headers=[("X-Api-Key", "hunter22"), ("user-agent", "mine")]
        )

    with session(echo, where) as (made, _, _):
        exchange = made.send(Step(operation="list_runs", path={"thread_id": "t"}, query=(("limit", 1),)), "p", {})
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
def test_what_the_user_gave_to_get_in_does_not_open_the_door_without_a_key(key: Key, found: list[str]) -> None:
    headers = [("Authorization", "Basic abcdefgh"), ("X-Api-Key", "gate"), ("X-Trace", "1")]

    def where(server: Server) -> Address:
        return parse_address(f"http://127.0.0.1:{server.port}/v1", headers=headers)

    with session(echo, where) as (made, _, _):
        sent = lines(made.send(Step(operation="get_thread", path={"thread_id": "t"}, key=key), "p", {}))
    assert sorted(line for line in sent if line.startswith(("Authorization", "X-"))) == found


def answering(*answers: tuple[str, dict[str, str]]) -> Callable[[Connection], None]:
    left = list(answers)

    def handler(connection: Connection) -> None:
        while connection.request() is not None:
            status, headers = left.pop(0) if left else ("200 OK", {})
            connection.answer(b"{}", status, **headers)

    return handler


def test_too_many_requests_is_sent_again_after_the_time_it_asks() -> None:
    with session(answering(("429 Too Many Requests", {"Retry-After": "2"}))) as (made, kept, slept):
        exchange = made.send(CREATE, "p", {})
    assert [(one.status, one.attempt) for one in kept] == [(429, 1), (200, 2)]
    assert exchange is kept[1]
    assert slept == [2.0]


def test_too_many_requests_without_a_time_is_sent_again_later_and_later() -> None:
    busy: tuple[str, dict[str, str]] = ("429 Too Many Requests", {})
    with session(answering(busy, busy, busy, busy)) as (made, kept, slept):
        assert made.send(CREATE, "p", {}).status == 429
    assert len(kept) == 3
    assert slept == [0.2, 0.5]


def test_who_asks_for_an_hour_is_not_waited_for() -> None:
    with session(answering(("429 Too Many Requests", {"Retry-After": "3600"}))) as (made, kept, slept):
        assert made.send(CREATE, "p", {}).status == 429
    assert (len(kept), slept) == (1, [])


def test_waiting_is_bounded_in_all() -> None:
    busy = ("429 Too Many Requests", {"Retry-After": "20"})
    with session(answering(busy, busy, busy)) as (made, kept, slept):
        assert made.send(CREATE, "p", {}).status == 429
    assert (len(kept), slept) == (2, [20.0])


def test_an_outage_is_sent_again_only_where_it_asks_for_it() -> None:
    with session(answering(("503 Service Unavailable", {"Retry-After": "1"}))) as (made, kept, _):
        made.send(CREATE, "p", {})
    assert [one.status for one in kept] == [503, 200]
    with session(answering(("503 Service Unavailable", {}))) as (made, kept, _):
        made.send(CREATE, "p", {})
    assert [one.status for one in kept] == [503]


def test_no_server_error_is_sent_again() -> None:
    with session(answering(("500 Internal Server Error", {"Retry-After": "1"}))) as (made, kept, _):
        made.send(CREATE, "p", {})
    assert len(kept) == 1


@pytest.mark.parametrize("step", [CREATE, GET])
def test_what_may_have_happened_is_never_sent_again(step: Step) -> None:
    def handler(connection: Connection) -> None:
        connection.request()

    with session(handler) as (made, kept, _):
        assert made.send(step, "p", {}).completion is Completion.UNKNOWN
    assert len(kept) == 1


def test_a_step_waits_for_its_pause_before_it_is_sent() -> None:
    with session(echo) as (made, kept, slept):
        made.send(replace(GET, pause=0.5), "p", {})
        made.send_concurrently([GET, replace(GET, pause=0.25)], "p", {})
    assert slept == [0.5, 0.25]
    assert len(kept) == 3


def test_a_refused_connection_is_tried_again() -> None:
    kept, slept = Kept(), []  # type: ignore[var-annotated]
    made = Session(
        Transport(parse_address(f"http://127.0.0.1:{closed_port()}"), LIMITS),
        kept,
        Credentials(),
        retry_policy=RetryPolicy(3),
        sleep=slept.append,
    )
    assert made.send(CREATE, "p", {}).completion is Completion.NOT_CONNECTED
    assert [one.attempt for one in kept.exchanges] == [1, 2, 3]
    assert slept == [0.2, 0.5]


def test_a_host_that_is_not_there_is_not_tried_again() -> None:
    kept = Kept()
    made = Session(Transport(parse_address("http://no-such-host.invalid"), LIMITS), kept, Credentials())
    assert made.send(CREATE, "p", {}).completion is Completion.NOT_CONNECTED
    assert len(kept.exchanges) == 1


@pytest.mark.parametrize("header", [("X", "a\nb"), ("X", "\u20ac"), ("X Y", "a"), ("X", " a"), ("", "a")])
def test_a_header_that_cannot_be_sent_is_our_fault(header: tuple[str, str]) -> None:
    step = Step(operation="create_thread", headers=dict([header]))
    with session(echo) as (made, kept, _), pytest.raises(InternalError):
        made.send(step, "p", {})
    assert kept == []


@pytest.mark.parametrize(("step", "completions"), [(GET, ["unknown", "answered"]), (CREATE, ["unknown"])])
def test_a_read_on_a_connection_found_closed_is_sent_again(step: Step, completions: list[str]) -> None:
    def handler(connection: Connection) -> None:
        connection.request()
        connection.answer()
        if connection.number == 0:
            connection.request()

    with session(handler) as (made, kept, _):
        made.send(GET, "p", {})
        made.send(step, "p", {})
    assert [one.completion.value for one in kept[1:]] == completions


def test_steps_sent_together_leave_together_and_come_back_in_order() -> None:
    gate = threading.Barrier(3)

    def handler(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            gate.wait(5)
            connection.answer(b'{"id": "%s"}' % request.split(b" ")[1].rpartition(b"/")[2])

    steps = [Step(operation="get_thread", name=f"s{n}", path={"thread_id": f"t{n}"}) for n in range(3)]
    answers: dict[str, Exchange] = {}
    with session(handler) as (made, kept, _):
        exchanges = made.send_concurrently(steps, "p", answers)
    assert [exchange.member("id") for exchange in exchanges] == ["t0", "t1", "t2"]
    assert sorted(kept, key=lambda one: one.index) == sorted(exchanges, key=lambda one: one.index)
    assert list(answers) == ["s0", "s1", "s2"]
    assert not any(one.happened_before(other) for one in exchanges for other in exchanges)
    by_index = sorted(exchanges, key=lambda one: one.index)
    assert by_index == sorted(exchanges, key=lambda one: one.started)


def test_nothing_is_sent_together_where_one_step_cannot_be_bound() -> None:
    with session(echo) as (made, kept, _), pytest.raises(UnresolvedReference):
        made.send_concurrently([CREATE, Step(operation="get_thread", path={"thread_id": Ref("nobody")})], "p", {})
    assert kept == []


def test_a_secret_that_the_target_repeats_does_not_reach_the_evidence() -> None:
    with serving(echo) as server:
        credentials = Credentials(OWN)
        made = Session(Transport(server.address, LIMITS), NullRecorder(credentials), credentials)
        exchange = made.send(CREATE, "p", {})
        made.close()
    assert OWN not in repr(exchange)
    assert "[REDACTED]" in str(exchange.member("request"))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5), ("0.5", 0.5), ("", None), ("soon", None), ("-1", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": value}) == seconds


def test_retry_after_in_the_future() -> None:
    asked = parse_retry_after({"retry-after": formatdate(time.time() + 10, usegmt=True)})
    assert asked is not None
    assert 8 < asked <= 10
