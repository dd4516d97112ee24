"""Malformed requests do no harm: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Either, Refuse, Role, Step
from runs_conformance.model.exchange import Completion
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Inconclusive, Suspicion
from runs_conformance.rules import robustness
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import HistoryBuilder, error, message, thread

Probe = tuple[str, int]


def step(what: str, operation: str, certain: bool) -> Step:
    return Step(
        operation=operation,
        raw=b"{",
        role=Role.NEGATIVE if certain else Role.ACT,
        expectation=REFUSES_BODY if certain else Either("open"),
        anomaly=what,
        probe=True,
    )


def probed(
    *probes: Probe, operation: str = "create_message", certain: bool = True, after: int = 200, works: bool = True
) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("get_thread", thread())
    if works:
        builder.send(operation, message("user", id_="msg_o") if operation == "create_message" else thread())
    for place, (what, status) in enumerate(probes):
        created: Any = message("user", id_=f"msg_{'pqrstuv'[place]}") if operation == "create_message" else thread()
        answer = created if status == 200 else error()
        builder.send(operation, answer, status, step=step(what, operation, certain))
        builder.send("get_thread", thread() if after == 200 else error(), after)
    return builder.history()


@passes(
    robustness.odd_requests_do_not_break_the_server,
    robustness.no_request_is_left_hanging,
    robustness.the_next_request_is_served,
    robustness.malformed_json_is_refused,
)
def test_malformed_json_is_refused() -> History:
    return probed(("malformed_json", 400), ("malformed_json", 422))


@fails(robustness.malformed_json_is_refused)
def test_malformed_json_is_accepted() -> History:
    return probed(("malformed_json", 200))


@pytest.mark.parametrize(("status", "result"), [(500, Suspicion), (429, Inconclusive)])
def test_malformed_json_that_fails_in_the_server_may_have_been_accepted(status: int, result: type) -> None:
    results = judge(robustness.malformed_json_is_refused, probed(("malformed_json", status)))
    assert results == [result(f"a body that is not JSON got HTTP {status}, which is neither acceptance nor refusal")]


@fails(robustness.malformed_json_is_refused)
def test_malformed_json_of_the_boundary_is_accepted() -> History:
    history = probed(("malformed_json", 200))
    probe = next(each for each in history if each.is_probe)
    assert probe.step is not None
    return History.of([replace(probe, step=replace(probe.step, probe=False))])


@fails(robustness.odd_requests_do_not_break_the_server, times=2)
def test_server_fails_twice() -> History:
    return probed(("nul", 500), ("nul", 500), certain=False)


def test_server_fails_once() -> None:
    history = probed(("nul", 500), certain=False)
    rule = robustness.odd_requests_do_not_break_the_server
    probe = [type(result).__name__ for unit in rule.units(history) for result in rule.judge(unit)]
    assert probe == ["Suspicion"]


def hanging(seconds: float) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    wanted = step("deep_nesting", "create_message", True)
    builder.send("create_message", completion=Completion.UNKNOWN, step=wanted, took=seconds)
    builder.send("get_thread", thread())
    return builder.history()


@fails(robustness.no_request_is_left_hanging)
def test_request_is_left_hanging() -> History:
    return hanging(30.0)


@permitted
def test_connection_is_closed_at_once() -> History:
    return hanging(0.1)


def test_client_gives_up_early() -> None:
    history, rule = hanging(4.0), robustness.no_request_is_left_hanging
    results = [type(result).__name__ for unit in rule.units(history) for result in rule.judge(unit)]
    assert sorted(results) == ["Passed", "Passed", "Suspicion"]


@fails(robustness.the_next_request_is_served)
def test_next_request_is_not_served() -> History:
    return probed(("nul", 400), after=500)


@inconclusive(robustness.the_next_request_is_served)
def test_next_request_that_was_never_served() -> History:
    history = probed(("nul", 400), after=500, works=False)
    return History.of(each for each in history if each.operation != "get_thread" or not each.accepted)


@inconclusive(
    robustness.malformed_json_is_refused, robustness.invalid_utf8_is_refused, robustness.misshapen_bodies_are_refused
)
def test_operation_that_refuses_every_body() -> History:
    kinds = (("malformed_json", 400), ("invalid_utf8", 404), ("array_body", 400))
    return probed(*kinds, works=False)


@inconclusive(robustness.the_next_request_is_served)
def test_next_request_is_limited() -> History:
    return probed(("nul", 400), after=429)


def read_as_empty(what: str, sent: str, said: str) -> History:
    history = probed((what, 400), certain=False)
    exchanges = [
        replace(
            each,
            request=replace(each.request, text=sent),
            response=each.response and replace(each.response, body=error(said)),
        )
        if each.is_probe
        else each
        for each in history
    ]
    return History.of(exchanges)


@inconclusive(robustness.nothing_follows_the_body)
def test_body_that_is_refused_as_if_it_were_empty() -> History:
    valid = '{"role": "user", "content": "Hello."}'
    return read_as_empty("trailing_json", valid + valid, "Missing required parameter: 'role'.")


@inconclusive(robustness.invalid_utf8_is_refused)
def test_text_is_refused_as_if_the_body_were_empty() -> History:
    return read_as_empty("invalid_utf8", '{"role": "user", "content": "\xff"}', "role is required")


@passes(robustness.invalid_utf8_is_refused)
def test_text_is_refused_because_of_the_member_that_is_not_utf8() -> History:
    return read_as_empty("invalid_utf8", '{"role": "user", "content": "\xff"}', "content must be valid UTF-8")


@inconclusive(robustness.malformed_json_is_refused)
def test_body_is_refused_for_the_lack_of_a_member_only() -> History:
    return read_as_empty("malformed_json", '{"role": NaN}', "Missing required parameter: 'attachments'.")


@passes(robustness.empty_bodies_are_refused_where_members_are_required)
def test_empty_body_is_refused_because_a_member_is_missing() -> History:
    return read_as_empty("empty_body", " \n", "Missing required parameter: 'role'.")


@passes(robustness.nothing_follows_the_body)
def test_text_after_the_body_is_refused() -> History:
    return probed(("trailing_json", 400), certain=False)


@fails(robustness.nothing_follows_the_body)
def test_text_after_the_body_is_accepted() -> History:
    return probed(("trailing_json", 200), certain=False)


@passes(robustness.invalid_utf8_is_refused)
def test_invalid_utf8_is_refused() -> History:
    return probed(("invalid_utf8", 400))


@fails(robustness.invalid_utf8_is_refused)
def test_invalid_utf8_is_accepted() -> History:
    return probed(("invalid_utf8", 200))


@permitted
def test_lenient_where_no_source_decides() -> History:
    odd = (
        "invalid_utf8",
        "trailing_json",
        "wrong_content_type",
        "nul",
        "duplicate_keys",
        "missing_content_type",
        "byte_order_mark",
    )
    return probed(*((what, 200) for what in odd), certain=False)


@passes(robustness.empty_bodies_are_refused_where_members_are_required)
def test_empty_body_is_refused() -> History:
    return probed(("empty_body", 400))


@fails(robustness.empty_bodies_are_refused_where_members_are_required)
def test_empty_body_is_accepted() -> History:
    return probed(("empty_body", 200))


@permitted
def test_modifying_nothing_with_no_body() -> History:
    return probed(("empty_body", 200), operation="modify_thread")


@passes(robustness.empty_bodies_are_refused_where_no_members_are_required)
def test_modifying_with_no_body_is_refused() -> History:
    return probed(("empty_body", 400), operation="modify_thread")


@fails(robustness.empty_bodies_are_refused_where_no_members_are_required)
def test_modifying_with_no_body_is_accepted() -> History:
    return probed(("empty_body", 200), operation="modify_thread")


@passes(robustness.other_content_types_are_refused)
def test_text_is_refused() -> History:
    return probed(("wrong_content_type", 415), certain=False)


@fails(robustness.other_content_types_are_refused)
def test_text_is_accepted() -> History:
    return probed(("wrong_content_type", 200), certain=False)


@passes(robustness.content_type_is_compared_loosely)
def test_charset_is_accepted() -> History:
    return probed(("content_type_with_charset", 200), certain=False)


@fails(robustness.content_type_is_compared_loosely)
def test_capitals_are_refused() -> History:
    return probed(("content_type_in_capitals", 415), certain=False)


@passes(robustness.misshapen_bodies_are_refused)
def test_array_is_refused() -> History:
    return probed(("array_body", 400), ("long_string", 413))


@fails(robustness.misshapen_bodies_are_refused)
def test_array_is_accepted() -> History:
    return probed(("array_body", 200))


def odd_id(status: int) -> History:
    builder = HistoryBuilder()
    builder.send("get_thread", thread())
    probe = Step(
        operation="get_thread", role=Role.NEGATIVE, expectation=Refuse((400, 404)), anomaly="quote_in_id", probe=True
    )
    builder.send("get_thread", thread() if status == 200 else error(), status, step=probe, thread_id="' OR '1'='1")
    return builder.history()


@passes(robustness.odd_ids_name_nothing)
def test_odd_id_is_not_found() -> History:
    return odd_id(404)


@fails(robustness.odd_ids_name_nothing)
def test_odd_id_is_found() -> History:
    return odd_id(200)
