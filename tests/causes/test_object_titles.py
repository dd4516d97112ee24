"""Titles say what objects of all kinds have in common, if all do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.test_analysis import LOST
from tests.causes.verdicts import broken_rule, by_kind

IDENTITY = "Ids or parents of objects are not as documented"
STAMPS = "Times and usage of runs are missing or wrong"


def found(id_: str, *findings: tuple[str, str, JSON], judged: int = 0, hidden: int = 0) -> Verdict:
    """A rule with findings, each as operation, pointer and actual value, and more that are left out."""
    return replace(
        broken_rule(id_, findings[0][0]),
        findings=tuple(Finding("it is wrong", f"x{n}", *each[:2], None, each[2]) for n, each in enumerate(findings)),
        judged=judged or len(findings) + hidden,
        reason=f"{hidden} more findings are not listed" if hidden else None,
    )


def titles(*verdicts: Verdict) -> list[str]:
    return [cause.title for cause in analyze(verdicts)]


PREFIX = broken_rule("identity.response_shows_the_requested_object", "get_thread")
THREAD, RUN, OTHER_RUN = (
    ("create_thread", "/id", "string"),
    ("create_run", "/id", "string"),
    ("create_run", "/id", "run_1"),
)


@pytest.mark.parametrize(
    ("shared", "title"),
    [
        (found("ids.no_two_objects_share_an_id", THREAD, RUN, hidden=20), "All objects have the same id"),
        (found("ids.no_two_objects_share_an_id", RUN, RUN), "All runs have the same id"),
        (found("ids.no_two_objects_share_an_id", THREAD, RUN, judged=3), IDENTITY),
        (found("ids.no_two_objects_share_an_id", THREAD, OTHER_RUN), IDENTITY),
    ],
    ids=["all", "one kind", "not all", "two ids"],
)
def test_ids_that_all_are_equal(shared: Verdict, title: str) -> None:
    assert titles(shared, PREFIX) == [title]


MILLISECONDS, MORE = 1_796_076_524_321, 1_796_076_521_048


@pytest.mark.parametrize(
    ("times", "title"),
    [
        (
            [("list_messages", "/data/0/completed_at", MILLISECONDS), ("get_message", "/completed_at", MORE)],
            "`completed_at` of messages is in milliseconds instead of seconds",
        ),
        (
            [("get_message", "/created_at", MILLISECONDS), ("get_run_step", "/completed_at", MORE)],
            "`completed_at`, `created_at` of objects are in milliseconds instead of seconds",
        ),
        ([("get_message", "/completed_at", MILLISECONDS), ("get_message", "/completed_at", 5)], "It is wrong"),
    ],
)
def test_times_in_milliseconds_are_named(times: list[tuple[str, str, JSON]], title: str) -> None:
    assert titles(found("times.are_unix_seconds", *times)) == [title]


def test_requests_that_get_an_earlier_object_are_named() -> None:
    shared = found("ids.no_two_objects_share_an_id", ("create_message", "/id", "msg_1"), judged=9)
    message = "the request got the message of an earlier request instead of a new one"
    repeated = replace(shared, findings=(replace(shared.findings[0], message=message),))
    (cause,) = analyze([repeated])
    assert cause.title == "create_message returns the object of an earlier request instead of a new one"
    assert cause.fix.startswith("Create a new object with an id of its own for every request")
    other = replace(repeated, findings=(*repeated.findings, *shared.findings))
    assert "returns the object" not in titles(other)[0]
    assert titles(repeated, PREFIX) == [IDENTITY]


CREATED, COMPLETED = ("create_thread", "/created_at", 0), ("get_run", "/completed_at", 0)


@pytest.mark.parametrize(
    ("times", "title"),
    [
        (found("times.are_unix_seconds", CREATED, COMPLETED), "Times of objects are 0"),
        (found("times.are_unix_seconds", COMPLETED, COMPLETED), "Times of runs are 0"),
        (found("times.are_unix_seconds", CREATED, ("get_run", "/completed_at", 1)), STAMPS),
        (found("times.are_unix_seconds", CREATED), STAMPS),
    ],
    ids=["all", "runs", "two values", "one time"],
)
def test_times_that_all_are_equal(times: Verdict, title: str) -> None:
    assert titles(times, broken_rule("times.unfinished_run_has_no_end", "get_run")) == [title]


def test_times_that_all_are_equal_are_not_all_that_is_wrong() -> None:
    times, usage = (
        found("times.are_unix_seconds", CREATED, COMPLETED),
        broken_rule("usage.is_null_until_the_run_ends", "get_run"),
    )
    assert titles(times, usage) == ["Times of objects are 0, and usage of runs is missing or wrong"]


def test_items_of_another_thread_or_run() -> None:
    thread, run = ("list_runs", "/data/0/thread_id", "string"), ("list_run_steps", "/data/0/run_id", "string")
    rule = "listing.items_belong_to_what_is_listed"
    assert titles(found(rule, thread, run)) == ["Lists show objects of another thread or run"]
    assert titles(found(rule, thread)) == ["Lists show objects of another thread"]


@pytest.mark.parametrize(
    ("last", "kinds"), [(RUN, {"data.samples"}), (OTHER_RUN, {"data.none", "identity"})], ids=["equal", "two ids"]
)
def test_a_server_that_stores_nothing_under_one_id_responds_with_samples(
    last: tuple[str, str, JSON], kinds: set[str]
) -> None:
    shared = found("ids.no_two_objects_share_an_id", THREAD, last)
    assert set(by_kind(*LOST, shared)) == kinds
