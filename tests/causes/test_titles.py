"""Titles claim what was seen: the statuses, shares, operations and parameters of the findings."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from runs_conformance.causes import Cause, analyze
from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.rules import VIOLATIONS
from tests.causes.verdicts import broken_rule, by_kind, wrong_value

MESSAGES = ("lock.no_message_while_a_run_works", "lock.no_message_while_a_run_is_queued_or_cancelling")
RUNS = ("lock.no_second_run_while_a_run_works", "lock.no_second_run_while_a_run_is_queued_or_cancelling")
WITH_ITS_THREAD = " of create_thread_and_run"


def accepted_while(
    id_: str, *statuses: str, judged: int | None = None, level: str = "must", origin: str = ""
) -> Verdict:
    """A rule on the lock that was violated while a run had these statuses."""
    findings = tuple(
        Finding(f"a message was accepted while run run_{number}{origin} was {status!r}", f"x{number}", "create_message")
        for number, status in enumerate(statuses)
    )
    return replace(broken_rule(id_, "create_message", level), findings=findings, judged=judged or len(findings))


def at_once(id_: str, level: str = "must") -> Verdict:
    finding = Finding("two at once were accepted", "race", "create_run")
    return replace(broken_rule(id_, "create_run", level), findings=(finding,))


def only(*verdicts: Verdict) -> Cause:
    (cause,) = analyze(verdicts)
    return cause


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        (
            [accepted_while(MESSAGES[0], "requires_action"), accepted_while(MESSAGES[1], "cancelling", level="should")],
            "Messages are accepted while a run is active (`requires_action`, `cancelling`)",
        ),
        (
            [
                accepted_while(MESSAGES[0], "requires_action", judged=3),
                at_once("races.two_runs_never_work_together"),
                at_once("races.one_of_two_runs_at_once_is_taken", "should"),
            ],
            "Messages are accepted while a run is active (`requires_action`), and two runs if created together",
        ),
        (
            [accepted_while(RUNS[0], "in_progress", judged=2), accepted_while(RUNS[1], "queued", level="should")],
            "Second runs are accepted while a run is active (`queued`, `in_progress`)",
        ),
        (
            [accepted_while(MESSAGES[0], "in_progress", judged=4), accepted_while(RUNS[0], "in_progress")],
            "Messages and runs are accepted while a run is active (`in_progress`)",
        ),
        (
            [
                accepted_while(MESSAGES[0], "requires_action", judged=4, origin=WITH_ITS_THREAD),
                accepted_while(RUNS[0], "requires_action", judged=5, origin=WITH_ITS_THREAD),
            ],
            "`create_thread_and_run` does not lock its thread",
        ),
        (
            [accepted_while(RUNS[0], "requires_action", judged=5, origin=WITH_ITS_THREAD)],
            "Second runs are accepted while a run of create_thread_and_run is active (`requires_action`)",
        ),
        (
            [
                accepted_while(MESSAGES[0], "requires_action", judged=4, origin=WITH_ITS_THREAD),
                accepted_while(RUNS[0], "requires_action", judged=5),
            ],
            "Messages and runs are accepted while a run is active (`requires_action`)",
        ),
        (
            [accepted_while(MESSAGES[0], "in_progress"), accepted_while(RUNS[0], "in_progress", "requires_action")],
            "A thread is not locked by its active run",
        ),
        (
            [
                at_once("races.two_runs_never_work_together"),
                at_once("races.one_of_two_runs_at_once_is_taken", "should"),
            ],
            "Two runs are accepted in one thread if they are created at the same time",
        ),
    ],
)
def test_titles_of_locks_say_what_was_accepted_in_which_statuses(verdicts: list[Verdict], title: str) -> None:
    assert only(*verdicts).title == title
    assert only(*verdicts).kind == "lock"


def test_submissions_at_once_are_no_matter_of_the_lock() -> None:
    lock = accepted_while(MESSAGES[0], "requires_action")
    taken = at_once("races.outputs_are_taken_once")
    one = at_once("races.one_of_two_submissions_is_taken", "should")
    causes = by_kind(lock, taken, one)
    assert causes["lock"].ids == (lock.id,)
    assert causes["races"].ids == (taken.id, one.id)
    assert causes["races"].title == "Two at once were accepted"


def test_a_single_must_gives_no_title_to_other_causes() -> None:
    message = replace(
        broken_rule("events.a_run_streams_its_message", "create_run"),
        explanation="Why.\n\nFix: Send it.",
        findings=(Finding("the stream has no message", "x1", "create_run"),),
    )
    opening, order = (
        replace(
            broken_rule(id_, "create_run", "should"),
            findings=(Finding("it is wrong", exchange, "create_run"),),
            explanation=f"Why.\n\nFix: {fix}",
        )
        for id_, exchange, fix in (
            ("events.a_new_thread_opens_its_stream", "x2", "Open it."),
            ("events.objects_end_once", "x3", "End them."),
        )
    )
    causes = by_kind(message, opening, order)
    assert (causes["streams"].ids, causes["streams"].title) == ((message.id,), "The stream has no message")
    assert causes["streams"].fix == "Send it."
    rest = causes["streams.recommended"]
    assert (rest.level, rest.ids) == ("should", (opening.id, order.id))
    assert (rest.title, rest.severity) == ("Streams do not show the run as documented", causes["streams"].severity)
    assert rest.fix == "Open it. End them."


def test_failures_of_streams_that_are_mended_in_different_places_are_causes_of_their_own() -> None:
    ids = {
        "streaming.a_stream_comes_where_one_is_asked_for": "streams.asked",
        "streaming.a_stream_ends_with_done": "streams.end",
        "streaming.every_event_is_ended_by_an_empty_line": "streams.format",
        "events.a_run_streams_its_message": "streams",
        "stored.messages_are_as_their_stream_ended": "streams.stored",
    }
    causes = by_kind(*(broken_rule(id_, "submit_tool_outputs") for id_ in ids))
    assert {cause.ids: kind for kind, cause in causes.items()} == {(id_,): kind for id_, kind in ids.items()}
    assert causes["streams.asked"].title == "`stream: true` is ignored by submit_tool_outputs"


def test_streams_without_names_of_events_lack_that_of_done_too() -> None:
    names, done = "streaming.every_event_has_a_name", "streaming.a_stream_ends_with_done"
    cause = only(broken_rule(names, "create_run"), broken_rule(done, "create_run"))
    assert (cause.kind, cause.ids) == ("streams.format", (names, done))


@pytest.mark.parametrize(
    ("kind", "rules", "title"),
    [
        ("data", ("messages.a", "metadata.b"), "It is a, and it is b"),
        ("data", ("messages.a", "metadata.b", "threads.c", "modify.d"), "It is a, it is b, and 2 more"),
        ("stamps", ("times.a", "usage.b", "usage.c"), "It is a, it is b, and 1 more"),
        ("steps", ("steps.a", "steps.b"), "It is a, and it is b"),
        ("stamps", [f"times.{name}" for name in "abcdefg"], "Times and usage of runs are missing or wrong"),
        ("cancel", ("cancel.a", "cancel.b", "cancel.c"), "Cancelling a run does not end it as documented"),
    ],
)
def test_recommended_rules_of_a_vague_theme_are_named(kind: str, rules: Sequence[str], title: str) -> None:
    failing = []
    for id_ in rules:
        rule = broken_rule(id_, "get_run", "should")
        finding = replace(rule.findings[0], message=f"it is {id_[-1]}", pointer=f"/{id_[-1]}")
        failing.append(replace(rule, findings=(finding,)))
    assert by_kind(*failing)[kind].title == title


def test_choices_that_are_not_obeyed_are_no_matter_of_tool_calls() -> None:
    must, named, parallel = (
        broken_rule(f"choice.{name}", "get_run")
        for name in (
            "a_tool_is_called_when_one_must_be",
            "the_tool_that_is_named_is_called",
            "calls_are_not_parallel_unless_allowed",
        )
    )
    calls = broken_rule("tools.step_shows_the_calls", "list_run_steps")
    causes = by_kind(must, named, calls)
    assert set(causes) == {"choice", "tools"}
    assert causes["choice"].title == "`tool_choice` is not obeyed"
    assert "Obey `tool_choice`" in causes["choice"].fix
    assert only(must, named, parallel).title == "`tool_choice` or `parallel_tool_calls` is not obeyed"


@pytest.mark.parametrize(
    ("choices", "title"),
    [
        (["code_interpreter"], "`tool_choice` is not obeyed if it forces `code_interpreter`"),
        (
            ["file_search", "code_interpreter"],
            "`tool_choice` is not obeyed if it forces `code_interpreter` and `file_search`",
        ),
        (["file_search", "required"], None),
        (["the function 'get_weather'"], None),
    ],
)
def test_tools_of_the_server_that_are_not_called_are_named(choices: list[str], title: str | None) -> None:
    rule = broken_rule("choice.a_tool_is_called_when_one_must_be", "get_run")
    named = [choice if " " in choice else repr(choice) for choice in choices]
    messages = [f"none of 2 completed runs called a tool, although their tool choice is {name}" for name in named]
    rule = replace(rule, findings=tuple(replace(rule.findings[0], message=message) for message in messages))
    called = broken_rule("choice.the_tool_that_is_named_is_called", "get_run")
    called = replace(called, outcome=Outcome.PASS, findings=(), counterexample=None)
    (alone,), (beside_functions,) = analyze([rule]), analyze([rule, called])
    first = f"N{messages[0][1:]}"
    assert alone.title == (title or first)
    assert beside_functions.title == (f"{title}; forced functions are called" if title else first)
    assert ("Refuse tools that the server does not have" in alone.fix) is (title is not None)


def refused_after(id_: str, *statuses: str) -> Verdict:
    """A rule on the lock that was violated after runs that ended with these statuses."""
    findings = tuple(
        Finding(f"a run was refused although run run_{number} had ended {status!r}", f"x{number}", "create_run")
        for number, status in enumerate(statuses)
    )
    return replace(broken_rule(id_, "create_run"), findings=findings)


STAYS = ("lock.run_is_taken_after_the_end", "lock.message_is_taken_after_the_end")


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        ([refused_after(STAYS[0], "failed"), refused_after(STAYS[1], "failed")], "a failed run"),
        ([refused_after(STAYS[0], "expired", "failed"), refused_after(STAYS[1], "expired")], "its run"),
        ([refused_after(STAYS[0], "expired"), refused_after(STAYS[1], "expired")], "an expired run"),
    ],
)
def test_the_end_after_which_a_thread_stays_locked_is_named(verdicts: list[Verdict], title: str) -> None:
    assert only(*verdicts).title == f"A thread stays locked after {title}"


def test_a_lock_that_is_wrong_in_both_ways_is_described_by_both() -> None:
    cause = only(accepted_while(MESSAGES[0], "requires_action", judged=3), refused_after(STAYS[0], "failed"))
    title = "Messages are accepted while a run is active (`requires_action`); a thread stays locked after a failed run"
    assert cause.title == title
    assert cause.fix.startswith("Hold a lock on the thread")


def found(id_: str, message: str, exchange: str, level: str = "must", fix: str = "Fix it.") -> Verdict:
    finding = Finding(message, exchange, "get_run", f"/{exchange}")
    return replace(broken_rule(id_, "get_run", level), findings=(finding,), explanation=f"Why.\n\nFix: {fix}")


ENDED = replace(
    found("lifecycle.terminal_status_is_final", "the run had ended 'cancelled', and is now 'completed'", "x1"),
    findings=(Finding("it moved", "x1", "get_run", "/status", "cancelled", "completed"),),
)
CHANGED = found("lifecycle.follows_the_graph", "the run changed from 'cancelling' to 'queued'", "x2", fix="Set it.")
LIMIT = found("ending.run_over_its_limit_is_incomplete", "the run is completed", "x3", fix="Stop it.")


@pytest.mark.parametrize(
    ("verdicts", "title", "fix"),
    [
        (
            [ENDED, CHANGED],
            "A cancelled run continues and completes; a cancelling run becomes queued",
            "Change the status of a run in one place that allows only the documented transitions.",
        ),
        ([ENDED, LIMIT], "A cancelled run continues and completes; the run is completed", "Fix it. Stop it."),
        ([CHANGED], "The run changed from 'cancelling' to 'queued'", "Set it."),
    ],
)
def test_a_few_faults_of_the_lifecycle_are_named(verdicts: list[Verdict], title: str, fix: str) -> None:
    assert (only(*verdicts).title, only(*verdicts).fix) == (title, fix)


TOOLS = (
    ("action.is_null_otherwise", "the run is 'cancelled' but has a required action"),
    ("tools.outputs_are_taken_only_when_required", "a run that was 'cancelled' accepted tool outputs"),
    ("tools.accepted_outputs_are_not_asked_for_again", "`call` is asked for again"),
    ("tools.right_outputs_are_taken", "HTTP 400 is no success"),
    ("action.is_given_while_required", "the run lists no calls"),
    ("tools.step_is_open_while_the_run_waits", "the step has ended"),
    ("tools.missing_outputs_were_taken", "one was accepted"),
)


@pytest.mark.parametrize(
    ("count", "rest"),
    [
        (2, "; a run that was 'cancelled' accepted tool outputs"),
        (3, "; a run that was 'cancelled' accepted tool outputs; `call` is asked for again"),
        (4, "; a run that was 'cancelled' accepted tool outputs; 2 more"),
        (7, None),
    ],
)
def test_faults_that_are_mended_in_different_places_are_all_named(count: int, rest: str | None) -> None:
    verdicts = [found(id_, message, f"x{n}", fix=f"{n}.") for n, (id_, message) in enumerate(TOOLS[:count])]
    warning = found("tools.step_records_the_outputs", "the step shows another output", "y", "should", "Match.")
    cause = only(*verdicts, warning)
    whole = "Tool calls and their outputs are not handled as documented"
    assert cause.title == (whole if rest is None else f"The run is 'cancelled' but has a required action{rest}")
    assert cause.fix == " ".join([*(f"{n}." for n in range(count)), "Match."])


def test_faults_with_one_fix_are_named_once() -> None:
    verdicts = [found(id_, message, f"x{n}") for n, (id_, message) in enumerate(TOOLS[:2])]
    other = found("tools.right_outputs_are_taken", "HTTP 400 is no success", "y", fix="Take them.")
    assert only(*verdicts, other).title == "The run is 'cancelled' but has a required action; HTTP 400 is no success"


@pytest.mark.parametrize(
    ("ended", "now", "title"),
    [
        ("cancelled", "completed", "A cancelled run continues and completes"),
        ("expired", "in_progress", "An expired run continues and is in_progress"),
        ("completed", "cancelling", "A completed run becomes cancelling"),
    ],
)
def test_runs_that_go_on_are_named_by_how_they_had_ended(ended: str, now: str, title: str) -> None:
    rule = broken_rule("lifecycle.terminal_status_is_final", "get_run")
    assert only(replace(rule, findings=(Finding("it moved", "x", "get_run", "/status", ended, now),))).title == title


def test_a_list_that_is_not_filtered_by_run_is_called_so() -> None:
    cause = only(broken_rule("listing.messages_can_be_listed_by_run", "list_messages"))
    assert cause.title == "list_messages does not filter by `run_id`"


@pytest.mark.parametrize(
    ("kinds", "title"),
    [
        (("assistant",), "The response of list_assistants lacks `first_id`"),
        (("assistant", "run"), "Lists lack `first_id`"),
    ],
)
def test_the_only_list_without_its_envelope_is_named(kinds: tuple[str, ...], title: str) -> None:
    lists = (
        replace(
            wrong_value(f"{kind}_list.first_id.required", f"list_{kind}s", "first_id", None),
            operation=None,
            counterexample={"case": {"role": "look"}, "answer": {"http_status": 200, "body": {"data": []}}},
        )
        for kind in kinds
    )
    assert by_kind(*lists)["lists.envelope"].title == title


def test_defaults_that_are_not_shown_were_not_sent() -> None:
    cause = only(broken_rule("settings.defaults_are_shown", "create_run", "should"))
    assert cause.kind == "defaults"


@pytest.mark.parametrize(
    ("exchange", "pointer", "fix", "is_one"),
    [("x1", "/a", "", True), ("x2", "/a", "", False), ("x1", "/b", "", False), ("x2", "/b", "Fix: Send it.", True)],
)
def test_what_the_fix_of_a_must_resolves_shares_its_cause(exchange: str, pointer: str, fix: str, is_one: bool) -> None:
    first = replace(
        broken_rule("usage.is_null_until_the_run_ends", "get_run"),
        findings=(Finding("it is wrong", "x1", "get_run", "/a"),),
        explanation="Why.\n\nFix: Send it.",
    )
    second = replace(
        broken_rule("usage.adds_up", "get_run", "should"),
        findings=(Finding("it is not right", exchange, "get_run", pointer),),
        explanation=fix,
    )
    causes = by_kind(first, second)
    assert ("stamps.recommended" in causes) is not is_one
    assert causes["stamps"].title == "It is wrong"


def test_rules_of_one_fix_have_the_title_of_their_theme_with_a_must() -> None:
    urgent = broken_rule("tools.missing_outputs_are_refused", "submit_tool_outputs")
    other = broken_rule("tools.unknown_outputs_are_refused", "submit_tool_outputs", "should")
    cause = only(urgent, other)
    assert cause.title == "Tool outputs are not matched with the calls of the run"
    assert "exactly one for each call" in cause.fix


def list_rule(id_: str, query: dict[str, str], operation: str = "list_messages", level: str = "must") -> Verdict:
    failing = broken_rule(id_, operation, level)
    request: JSON = {"method": "GET", "path": "/", "query": [[name, value] for name, value in query.items()]}
    return replace(failing, counterexample={"exchange": "x", "request": request})


def before_rule(*pages: list[str]) -> Verdict:
    """Pages before `m2` that contain it."""
    failing = list_rule("paging.before_ends_at_its_item", {"before": "m2"}, level="should")
    message = "the page before m2 contains m2"
    findings = tuple(replace(failing.findings[0], message=message, actual=[*page]) for page in pages)
    return replace(failing, findings=findings)


@pytest.mark.parametrize(
    ("pages", "others", "title"),
    [
        ([["m1", "m2"]], [], "`before` includes the item that it names"),
        (
            [["m1", "m2"]],
            [list_rule("listing.order_is_kept", {"order": "asc"}, level="should")],
            "list_messages ignores `order`; `before` includes the item that it names",
        ),
        (
            [["m1", "m2"], ["m1", "m2", "m3"]],
            [list_rule("listing.order_is_kept", {"order": "asc"}, level="should")],
            "list_messages ignores `order` and `before`",
        ),
    ],
)
def test_pages_that_end_with_the_item_of_before_do_not_ignore_it(
    pages: list[list[str]], others: list[Verdict], title: str
) -> None:
    assert only(before_rule(*pages), *others).title == title


BY_RUN = list_rule("listing.listing_by_run_misses_no_message", {"run_id": "run_1"})
HAS_MORE = "paging.has_more_is_true_exactly_where_more_follows"


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        (
            [list_rule("paging.pages_hold_what_comes_next", {"run_id": "r", "after": "m"})],
            "list_messages ignores `run_id`",
        ),
        ([list_rule("paging.pages_hold_what_comes_next", {"limit": "1"})], "list_messages ignores `run_id`"),
        (
            [list_rule("paging.pages_hold_what_comes_next", {"after": "m"})],
            "list_messages ignores `after` and `run_id`",
        ),
        ([list_rule(HAS_MORE, {"run_id": "r", "limit": "1"})], "list_messages ignores `run_id`"),
        (
            [list_rule(HAS_MORE, {"run_id": "r"}, "list_run_steps")],
            "list_messages ignores `run_id`; `has_more` of list_run_steps is wrong",
        ),
        ([list_rule(HAS_MORE, {"limit": "1"})], "list_messages ignores `run_id`; `has_more` is wrong"),
        ([list_rule("paging.pages_are_full", {"limit": "1"}, level="should")], "list_messages ignores `run_id`"),
        (
            [list_rule("paging.before_ends_at_its_item", {"before": "m"}, level="should")],
            "list_messages ignores `before` and `run_id`",
        ),
        (
            [list_rule("listing.newest_come_first_by_default", {})],
            "list_messages ignores the default order and `run_id`",
        ),
    ],
)
def test_lists_name_what_no_other_parameter_of_the_request_explains(verdicts: list[Verdict], title: str) -> None:
    assert only(BY_RUN, *verdicts).title == title


FILTERS = replace(broken_rule("listing.messages_can_be_listed_by_run", "list_messages"), outcome=Outcome.PASS)
LATE = replace(
    list_rule(BY_RUN.id, {"run_id": "run_1", "limit": "1"}),
    explanation="Why.\n\nFix: Apply the filter before the limit.",
)


@pytest.mark.parametrize(
    ("verdicts", "title", "fix"),
    [
        ([], "Lists apply `run_id` after `limit`", "Apply the filter before the limit."),
        (
            [list_rule("paging.pages_hold_what_comes_next", {"run_id": "r", "limit": "1"})],
            "Lists apply `run_id` after `limit`",
            "Apply the filter before the limit.",
        ),
        (
            [
                replace(
                    list_rule(HAS_MORE, {"limit": "1"}), explanation="Why.\n\nFix: Read one item more than the limit."
                )
            ],
            "Lists apply `run_id` after `limit`; `has_more` of list_messages is wrong",
            "Apply the filter before the limit. Read one item more than the limit.",
        ),
        (
            [list_rule("paging.pages_are_full", {"limit": "1"}, level="should")],
            "Lists apply `run_id` after `limit`",
            "Apply the filter before the limit.",
        ),
        (
            [
                replace(
                    list_rule("listing.newest_come_first_by_default", {}, "list_runs"),
                    explanation="Why.\n\nFix: Sort by `created_at`.",
                ),
                replace(
                    list_rule("paging.pages_hold_what_comes_next", {"run_id": "r", "limit": "1"}),
                    explanation="Why.\n\nFix: Select the items after the cursor.",
                ),
            ],
            "list_runs ignores the default order; lists apply `run_id` after `limit`",
            "Apply the filter before the limit. Sort by `created_at`.",
        ),
        (
            [list_rule("paging.limit_is_kept", {"limit": "1"})],
            "list_messages ignores `limit`; lists apply `run_id` after `limit`",
            "Filter by `run_id`, sort by `order`, page by `after`, `before` and `limit`, and set `has_more` to whether "
            "items follow the page.",
        ),
    ],
)
def test_a_filter_that_holds_but_loses_items_is_applied_too_late(verdicts: list[Verdict], title: str, fix: str) -> None:
    causes = by_kind(FILTERS, LATE, *verdicts)
    assert (causes["lists"].title, causes["lists"].fix) == (title, fix)


def in_lists(id_: str, *operations: str, level: str = "must") -> Verdict:
    """A rule that these lists violate, with a fix that names it."""
    findings = tuple(Finding("it is wrong", "x", name, "/data") for name in operations)
    return replace(broken_rule(id_, operations[0], level), findings=findings, explanation=f"Why.\n\nFix: Fix {id_}.")


DEFAULT_ORDER = in_lists("listing.newest_come_first_by_default", "list_run_steps")
SHORT = in_lists("paging.pages_are_full", "list_assistants", level="should")


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        (
            [DEFAULT_ORDER, SHORT, in_lists(HAS_MORE, "list_messages", "list_runs")],
            "list_run_steps ignores the default order; pages of list_assistants are short; `has_more` is wrong",
        ),
        (
            [DEFAULT_ORDER, in_lists("paging.limit_is_kept", "list_runs", "list_messages"), SHORT],
            "list_run_steps ignores the default order; lists ignore `limit`",
        ),
        (
            [in_lists("paging.pages_hold_what_comes_next", "list_assistants"), SHORT, DEFAULT_ORDER],
            "list_run_steps ignores the default order; list_assistants ignores `after`",
        ),
        (
            [in_lists(HAS_MORE, "list_runs"), SHORT],
            "Pages of list_assistants are short; `has_more` of list_runs is wrong",
        ),
    ],
)
def test_lists_are_named_where_each_thing_is_wrong_in_one(verdicts: list[Verdict], title: str) -> None:
    cause = only(*verdicts)
    assert cause.title == title
    assert all(f"Fix {each.id}." in cause.fix for each in verdicts if each is not SHORT or "short" in title)


LOST = "the page does not contain the next items of the list"
LOST_BEFORE = "the page before run_2 does not contain the items that precede it"
WITHOUT_CURSOR = "the page is the same as without its cursor"


def on_pages(id_: str, *findings: tuple[str, str], actual: JSON | Absent = ABSENT, level: str = "must") -> Verdict:
    """A rule on pages with a cursor, by the operation and message of each finding."""
    found = tuple(Finding(message, "x", operation, "/data", actual=actual) for operation, message in findings)
    return replace(list_rule(id_, {"after": "run_2"}, findings[0][0], level), findings=found)


BEFORE = on_pages("paging.before_ends_at_its_item", ("list_runs", LOST_BEFORE), level="should")
INCLUSIVE = on_pages(
    "paging.after_excludes_its_item", ("list_runs", "the page after run_2 contains run_2"), actual=["run_2", "run_1"]
)


def held(*findings: tuple[str, str]) -> Verdict:
    return on_pages("paging.pages_hold_what_comes_next", *findings)


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        ([held(("list_runs", LOST)), BEFORE], "list_runs loses items with `after` and `before`"),
        (
            [held(("list_runs", LOST), ("list_messages", LOST)), BEFORE, DEFAULT_ORDER],
            "list_run_steps ignores the default order; lists lose items with `after` and `before`",
        ),
        (
            [held(("list_runs", LOST), ("list_messages", WITHOUT_CURSOR)), BEFORE],
            "list_messages ignores `after`; list_runs loses items with `after` and `before`",
        ),
        ([held(("list_runs", WITHOUT_CURSOR)), SHORT], "list_runs ignores `after`; pages of list_assistants are short"),
        ([held(("list_runs", LOST)), INCLUSIVE], "`after` includes the item that it names"),
        ([INCLUSIVE], "`after` includes the item that it names"),
        ([held(("list_runs", WITHOUT_CURSOR)), INCLUSIVE], "list_runs ignores `after`"),
        (
            [held(("list_messages", LOST), ("list_runs", LOST)), LATE, FILTERS],
            "list_runs loses items with `after`; lists apply `run_id` after `limit`",
        ),
    ],
)
def test_a_list_ignores_a_cursor_only_if_its_page_is_the_one_without_it(verdicts: list[Verdict], title: str) -> None:
    assert only(*verdicts).title == title


def test_lists_that_ignore_most_parameters_have_one_fix() -> None:
    rules = ("listing.order_is_kept", "paging.limit_is_kept", "paging.after_excludes_its_item")
    ignored = [in_lists(rule, "list_runs", "list_messages") for rule in rules]
    assert only(*ignored).fix == " ".join(f"Fix {rule}." for rule in rules)
    cause = only(*ignored, in_lists("paging.before_ends_at_its_item", "list_runs"))
    assert cause.fix.startswith("Filter by `run_id`, sort by `order`")


def test_a_filter_that_shows_other_runs_or_loses_items_without_a_limit_is_not_applied_too_late() -> None:
    order = list_rule("listing.order_is_kept", {"order": "asc"})
    for verdicts in ([LATE, order], [FILTERS, BY_RUN, order]):
        assert only(*verdicts).title == "list_messages ignores `order` and `run_id`"


def test_tenants_objects_are_named_by_the_operations_that_show_them() -> None:
    found = broken_rule("tenancy.objects_are_their_tenants_own", "get_run_step")
    deleted = replace(found.findings[0], operation="delete_assistant")
    cause = only(replace(found, findings=(*found.findings, deleted), explanation="Fix: Look them up by tenant."))
    assert cause.title == "Objects of one key are accessible with another in delete_assistant, get_run_step"
    assert cause.fix == "Look them up by tenant."


@pytest.mark.parametrize(
    ("judged", "reason", "title"),
    [
        (10, None, "Some error responses, such as those with HTTP 401, lack the `error` object"),
        (1, None, "Error responses lack the `error` object"),
        (10, "9 more findings are not listed", "Error responses lack the `error` object"),
    ],
)
def test_errors_of_which_most_have_the_right_form_are_called_some(judged: int, reason: str | None, title: str) -> None:
    form = replace(
        wrong_value("error.error.type", "get_run", "object", "No key."),
        operation=None,
        judged=judged,
        reason=reason,
        counterexample={"case": {"role": "act"}, "answer": {"http_status": 401, "body": {"error": "No key."}}},
    )
    cause = by_kind(form)["errors.envelope"]
    assert cause.title == title
    assert ("let it handle these" in cause.fix) is title.startswith("Some")


@pytest.mark.parametrize(
    ("message", "title"),
    [
        (
            "the run makes another call under the id of an answered one, call_154d58ae89e19a7e9dfea",
            "The run makes another call under the id of an answered one",
        ),
        (
            "a message is in the thread (HTTP 404 No assistant found with id 'asst_154d58ae89e19a7e9dfea')",
            "A message is in the thread (HTTP 404 No assistant found)",
        ),
        (
            "a message is in it (HTTP 400 Thread thread_0y8Wmodkq already has an active run run_DM6BEZXOyk)",
            "A message is in it (HTTP 400 The thread already has an active run)",
        ),
        ("the list shows run run_DM6BEZXOyk of thread thread_0y8Wmodkq", "The list shows the run of the thread"),
        ("the run's thread 'thread_0y8Wmodkq' cannot be read", "The run's thread cannot be read"),
        ("'run_DM6BEZXOyk' is listed in thread_0y8Wmodkq's list", "A run is listed in a thread's list"),
    ],
)
def test_an_id_after_what_it_names_is_left_out_of_the_title(message: str, title: str) -> None:
    assert only(found("tools.accepted_outputs_are_not_asked_for_again", message, "x1")).title == title


def test_deleted_objects_exist_still_only_if_they_can_be_read() -> None:
    twice = broken_rule("deletion.nothing_is_deleted_twice", "delete_message", "should")
    shown = broken_rule("deletion.deleted_thread_shows_nothing", "list_run_steps", "should")
    title = "It is wrong (delete_message); it is wrong (list_run_steps)"
    assert by_kind(twice, shown)["deletion"].title == title
    readable = broken_rule("deletion.what_is_deleted_cannot_be_read", "get_message", "should")
    assert by_kind(twice, shown, readable)["deletion"].title == "Deleted objects still exist"


@pytest.mark.parametrize(
    ("statuses", "title"),
    [
        (["cancelling"], "The run is 'cancelling' but has a required action"),
        (["cancelling", "queued"], "Runs that are `queued`, `cancelling` have a required action"),
    ],
)
def test_all_statuses_with_an_action_that_is_not_required_are_named(statuses: list[str], title: str) -> None:
    messages = [f"the run is '{status}' but has a required action" for status in statuses]
    failing = found("action.is_null_otherwise", messages[0], "x1")
    first = failing.findings[0]
    failing = replace(failing, findings=tuple(replace(first, message=message) for message in messages))
    assert only(failing).title == title


@pytest.mark.parametrize(
    ("ends", "title"),
    [
        (["", ""], "The stream ends without done"),
        (["requires_action", "requires_action"], "The stream ends without done after thread.run.requires_action"),
        (["requires_action", ""], "The stream ends without done"),
    ],
)
def test_streams_that_lack_done_only_where_their_run_waits_are_named(ends: list[str], title: str) -> None:
    messages = [f"the stream ends without done{f' after thread.run.{end}' if end else ''}" for end in ends]
    failing = found("streaming.a_stream_ends_with_done", messages[0], "x1")
    first = failing.findings[0]
    failing = replace(failing, findings=tuple(replace(first, message=message) for message in messages))
    assert only(failing).title == title


def test_the_message_of_no_finding_is_a_bare_word() -> None:
    examples: dict[str, list[str]] = json.loads(VIOLATIONS.read_text(encoding="utf-8"))
    lines = [line for example in examples.values() for line in example]
    assert lines
    assert [line for line in lines if re.fullmatch(r"Finding: \S*", line)] == []


def cancel_rule(name: str, message: str, fix: str) -> Verdict:
    failing = broken_rule(f"cancel.{name}", "get_run", "should")
    return replace(failing, findings=(Finding(message, "x", "get_run"),), explanation=f"Why.\n\nFix: {fix}")


IGNORED = cancel_rule("is_carried_out", "the run was cancelled but is 'in_progress'", "Check for it.")
ENDLESS = cancel_rule("comes_to_an_end", "the run has been cancelling for 21 s", "Set the terminal status.")
STEPS = cancel_rule("ends_the_steps", "a step is 'in_progress'", "End the steps.")


def test_a_few_rules_on_cancellation_keep_their_fixes() -> None:
    cause = only(IGNORED, ENDLESS)
    assert cause.title == "The run was cancelled but is 'in_progress', and the run has been cancelling for too long"
    assert cause.fix == "Check for it. Set the terminal status."
    cause = only(IGNORED, ENDLESS, STEPS)
    assert cause.title == "Cancelling a run does not end it as documented"
    assert cause.fix == "Check for it. Set the terminal status. End the steps."


CANCELLED_AGAIN = replace(
    found("lifecycle.terminal_status_is_final", "the run had ended", "x1", fix="Check the status."),
    findings=(Finding("it moved", "x1", "get_run", "/status", "completed", "cancelled"),),
)


def test_a_cancellation_that_changes_an_ended_run_is_to_be_refused() -> None:
    for verdicts in ([CANCELLED_AGAIN], [CANCELLED_AGAIN, replace(IGNORED, findings=CANCELLED_AGAIN.findings)]):
        cause = only(*verdicts)
        assert (cause.kind, cause.title) == ("cancel", "A completed run becomes cancelled")
        assert cause.fix.startswith("Refuse the cancellation of a run that has ended, and check its status")


def test_a_late_cancellation_beside_other_faults_keeps_the_fixes_of_both() -> None:
    cause = only(CANCELLED_AGAIN, replace(STEPS, level="must"))
    assert cause.title == "A completed run becomes cancelled; a step is 'in_progress'"
    assert cause.fix == "Check the status. End the steps."


def test_many_rules_on_cancellation_have_the_fix_of_their_theme() -> None:
    more = [cancel_rule(f"rule_{number}", f"it is wrong {number}", f"Fix {number}.") for number in range(2)]
    assert only(IGNORED, ENDLESS, STEPS, *more).fix.startswith("Accept a cancellation only while the run is active")


def test_title_leaves_out_unknown_ids_with_dashes() -> None:
    id_ = "run_36817fa9-4add-4c1e-9d0e-5b2f6a7c8d9e"
    finding = Finding(f"a message was refused although run {id_} had ended", "x1", "create_message")
    verdict = replace(broken_rule("lifecycle.terminal_status_is_final", "create_message"), findings=(finding,))
    assert "36817fa9" not in only(verdict).title
    assert "4add" not in only(verdict).title


def test_title_leaves_out_the_response_that_a_finding_quotes() -> None:
    quoted = f"a refused message is in the thread (HTTP 400 'Run (run_abc) is active: {'x' * 200}')"
    stored = replace(broken_rule("traces.refused_message_is_not_added", "list_messages"), findings=(Finding(quoted),))
    assert only(stored).title == "A refused message is in the thread"
