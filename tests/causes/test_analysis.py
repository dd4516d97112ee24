"""Which cause a failing rule belongs to, and what the cause is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Outcome
from tests.causes.verdicts import (
    accepted_at,
    as_constraint_on_answers,
    broken_rule,
    by_kind,
    wrong_rule,
    wrong_value,
)


def test_metadata_that_a_creation_drops_is_lost_once() -> None:
    dropped = broken_rule("metadata.is_shown_in_the_response", "create_thread")
    for operation, is_same in (("get_thread", True), ("get_run", False)):
        causes = by_kind(dropped, broken_rule("metadata.is_kept", operation))
        assert ("data" not in causes) is is_same
        assert ("metadata.is_kept" in causes["data.dropped"].ids) is is_same


def test_objects_that_cannot_be_read_are_no_strict_validation() -> None:
    unread = broken_rule("acceptance.assistants_threads_and_runs_can_be_read", "get_run")
    causes = by_kind(unread, broken_rule("acceptance.smallest_request_is_accepted", "create_thread"))
    assert {kind: cause.title for kind, cause in causes.items()} == {
        "reads": "Existing objects are not shown by get_run",
        "validation.too_strict": "Valid requests are refused by create_thread",
    }


def test_a_cause_with_one_must_is_named_by_it() -> None:
    urgent = broken_rule("robustness.odd_ids_name_nothing", "get_thread")
    found = replace(urgent.findings[0], message="thread_00d8416a names something")
    causes = by_kind(
        replace(urgent, findings=(found,)), broken_rule("robustness.nothing_follows_the_body", "x", "should")
    )
    assert causes["bodies"].title == "A thread names something"
    assert causes["bodies"].ids == ("robustness.odd_ids_name_nothing", "robustness.nothing_follows_the_body")


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("thread.message.in_progress contains an object", "`thread.message.in_progress` contains an object"),
        ("assistant_id has changed", "`assistant_id` has changed"),
        ("the run 25a7843c-a2a5-414b-a7f0-77411009d2f7 was queued", "The run was queued"),
        ("a message was accepted", "A message was accepted"),
        ("accepted while run run_a1b2c3d4e5 was queued", "Accepted while the run was queued"),
    ],
)
def test_titles_keep_identifiers_and_leave_out_ids(message: str, title: str) -> None:
    urgent = broken_rule("robustness.odd_ids_name_nothing", "get_thread")
    found = replace(urgent.findings[0], message=message)
    assert by_kind(replace(urgent, findings=(found,)))["bodies"].title == title


def test_dropped_members_are_named_or_counted() -> None:
    few = [wrong_rule(f"settings.{name}_is_as_asked", "create_run", f"/{name}", 1, 2) for name in ("top_p", "model")]
    many = [wrong_rule(f"settings.m{n}_is_as_asked", "create_run", f"/m{n}", 1, 2) for n in range(4)]
    assert by_kind(*few)["data.dropped"].title == "Members of requests are dropped: `model`, `top_p` of create_run"
    dropped = by_kind(*many)["data.dropped"]
    assert dropped.title == "Members of requests are dropped: 4 of create_run"
    assert "`m0`, `m1`, `m2`, `m3` of create_run" in dropped.fix


@pytest.mark.parametrize("place", ["/events/3/data/tool_choice", "/events/3/data/data/tool_choice", "/tool_choice"])
def test_tool_choice_that_is_dropped_is_not_obeyed(place: str) -> None:
    dropped = wrong_rule("settings.tool_choice_is_as_asked", "create_run", place, "required", "auto")
    ignored = broken_rule("choice.a_tool_is_called_when_one_must_be", "get_run")
    message = "none of 2 completed runs of create_run called a tool, although their tool choice is 'required'"
    ignored = replace(ignored, findings=(replace(ignored.findings[0], message=message),))
    accepted_values = accepted_at("create_run.tool_choice.type", "create_run.tool_choice{}.type")
    (cause,) = analyze([dropped, ignored, *accepted_values])
    assert cause.title == "Members of requests are dropped: `tool_choice` of create_run"
    assert set(cause.consequences) == {ignored.id, *(each.id for each in accepted_values)}
    assert list(by_kind(ignored)) == ["choice"]


def test_an_id_that_names_nothing_is_one_cause_however_it_is_written() -> None:
    odd = broken_rule("robustness.odd_ids_name_nothing", "get_thread")
    unknown = broken_rule("references.unknown_and_malformed_ids_are_refused", "get_thread", "should")
    (cause,) = analyze([odd, unknown])
    assert (cause.kind, cause.level, cause.consequences) == ("references", "must", (odd.id,))


@pytest.mark.parametrize(("thread", "kinds"), [("thread_1", ["identity"]), ("thread_2", ["deletion", "identity"])])
def test_rules_that_name_one_object_repeat_that_ids_are_shared(thread: str, kinds: list[str]) -> None:
    shared = wrong_rule("ids.no_two_objects_share_an_id", "create_thread", "/id", None, "thread_1")
    deleted = broken_rule("deletion.deleted_thread_takes_nothing", "create_message")
    example: JSON = {"request": {"path": f"/threads/{thread}/messages"}, "answer": {"http_status": 200}}
    assert sorted(by_kind(shared, replace(deleted, counterexample=example))) == kinds


def test_dropped_members_are_those_of_all_findings() -> None:
    dropped = wrong_rule("settings.top_p_is_as_asked", "create_run", "/top_p", 1, 2)
    other = replace(dropped.findings[0], operation="create_thread_and_run")
    (cause,) = analyze([replace(dropped, findings=(*dropped.findings, other))])
    assert cause.title == "Members of requests are dropped: `top_p` of create_run and create_thread_and_run"


LOST = [
    wrong_rule("settings.top_p_is_as_asked", "create_run", "/top_p", 1, 2),
    *(broken_rule(f"metadata.{name}", "get_thread") for name in ("holds_nothing_else", "is_shown_in_the_response")),
    *(broken_rule(f"assistants.{name}", "get_assistant") for name in ("show_who_they_are", "show_their_settings")),
]


@pytest.mark.parametrize(
    ("kept", "kinds"),
    [
        ("metadata.changes_only_when_modified", {"data.none"}),
        ("messages.are_not_lost", {"data", "data.dropped"}),
    ],
)
def test_a_server_that_stores_nothing_makes_one_cause(kept: str, kinds: set[str]) -> None:
    passing = replace(broken_rule(kept, "get_thread"), outcome=Outcome.PASS, findings=())
    assert set(by_kind(*LOST, passing)) == kinds


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("thread.run.created is named in its data, but has no event: line", "Events have no `event:` line; name and"),
        ("the event has no name", "The event has no name"),
    ],
)
def test_events_that_are_named_in_their_data_are_called_so(message: str, title: str) -> None:
    rule = broken_rule("streaming.every_event_has_a_name", "create_run")
    nameless = replace(rule, findings=(replace(rule.findings[0], message=message),))
    ((kind, cause),) = by_kind(nameless).items()
    assert kind == "streams.format"
    assert cause.title.startswith(title)


@pytest.mark.parametrize(
    ("detail", "judged", "title"),
    [
        ("Not Found", 9, "Errors of unknown routes have the form of the framework"),
        ("Not Found", 0, "Error responses have the form of the framework"),
        ("no such run", 9, "Error responses have the form of the framework"),
    ],
)
def test_errors_of_missing_routes_are_not_all_errors(detail: str, judged: int, title: str) -> None:
    missing_envelope = wrong_rule("error.error.required", "get_run", "/error", "error", None)
    example: JSON = {"case": {"role": "act"}, "answer": {"http_status": 404, "body": {"detail": detail}}}
    missing_envelope = replace(missing_envelope, kind="constraint", operation=None, counterexample=example)
    others = replace(broken_rule("errors.message_is_a_text", "x"), outcome=Outcome.PASS, findings=(), judged=judged)
    well_formed = broken_rule("refusals.param_names_the_place", "create_run", "should")
    example = {"case": {"role": "act"}, "answer": {"http_status": 400, "body": {"error": {"message": "No."}}}}
    causes = by_kind(missing_envelope, others, replace(well_formed, counterexample=example))
    assert causes["errors.envelope"].ids == ("error.error.required",)
    assert causes["errors.envelope"].title.startswith(title)


def test_lists_name_the_parameters_that_they_do_not_follow() -> None:
    ignored = [broken_rule(f"{rule}", "list_runs") for rule in ("paging.limit_is_kept", "listing.order_is_kept")]
    assert by_kind(*ignored)["lists"].title == "list_runs ignores `order` and `limit`"
    alien = broken_rule("listing.items_belong_to_what_is_listed", "list_runs")
    assert by_kind(*ignored, alien)["lists"].title == "Lists have the wrong items, order or pages"


@pytest.mark.parametrize(("expected", "kind"), [(200, "deletion"), (404, "refusals")])
def test_a_refusal_where_success_is_expected_is_no_matter_of_wording(expected: int, kind: str) -> None:
    failing = wrong_rule("deletion.refused_deletion_deletes_nothing", "get_thread", "", expected, 410)
    example: JSON = {"case": {"role": "act"}, "answer": {"http_status": 410}}
    assert list(by_kind(replace(failing, counterexample=example))) == [kind]


def test_an_end_that_a_later_cancellation_moves_belongs_to_cancellation() -> None:
    stamp = wrong_rule("times.stamps_of_an_ended_run_stay", "get_run", "/cancelled_at", 1, 2)
    other = wrong_rule("times.stamps_of_an_ended_run_stay", "get_run", "/completed_at", 1, 2)
    assert (list(by_kind(stamp)), list(by_kind(other))) == (["cancel"], ["lifecycle"])


def test_titles_of_single_rules_name_no_object_of_the_session() -> None:
    findings = {
        "identity.never_changes": "created_at of the run step has changed",
        "listing.what_was_created_is_listed": "asst_PZMAve7xDON1GHhffU1qWxms, which was created before, is not listed",
        "messages.answer_has_a_step": "no step of the run names its message msg_000000000000000000001054",
    }
    verdicts = [
        replace(broken_rule(id_, "get_run"), findings=(Finding(message, "x", "get_run", "/a", 1, 2),))
        for id_, message in findings.items()
    ]
    assert {cause.title for cause in analyze(verdicts)} == {
        "`created_at` of the run step has changed",
        "An assistant, which was created before, is not listed",
        "No step of the run names its message",
    }


@pytest.mark.parametrize(
    ("message", "named", "title"),
    [
        ("the deltas of stp-9x give two calls", {"stp-9x": "run_step"}, "The deltas of a step give two calls"),
        ("no step of the run names its message 01HX:7", {"01HX:7": "message"}, "No step of the run names its message"),
        ("run 7f3e-1 and thrd/8 differ", {"7f3e-1": "run", "thrd/8": "thread"}, "The run and a thread differ"),
        ("7f3e-12 is not 7f3e-1", {"7f3e-1": "run"}, "7f3e-12 is not a run"),
    ],
)
def test_titles_name_no_id_of_another_form(message: str, named: dict[str, str], title: str) -> None:
    finding = Finding(message, "x", "get_run", named_ids=tuple(named.items()))
    (cause,) = analyze([replace(broken_rule("identity.never_changes", "get_run"), findings=(finding,))])
    assert cause.title == title


@pytest.mark.parametrize(("status", "is_explained"), [("cancelled", True), ("expired", False)])
def test_lock_of_a_revived_run_follows_from_its_revival(status: str, is_explained: bool) -> None:
    revived = broken_rule("lifecycle.terminal_status_is_final", "get_run")
    shown = replace(revived.findings[0], message="the run had ended 'cancelled', and is now 'queued'")
    refused_verdict = broken_rule("lock.run_is_taken_after_the_end", "create_run")
    locked = replace(refused_verdict.findings[0], message=f"a run was refused although run run_a had ended {status!r}")
    causes = by_kind(replace(revived, findings=(shown,)), replace(refused_verdict, findings=(locked,)))
    assert ("lock" in causes) is not is_explained
    assert (refused_verdict.id in causes["lifecycle"].consequences) is is_explained


@pytest.mark.parametrize(
    ("rules", "title"),
    [
        (
            ("no_message_while_a_run_works", "no_second_run_while_a_run_works"),
            "A thread is not locked by its active run",
        ),
        (("run_is_taken_after_the_end", "message_is_taken_after_the_end"), "A thread stays locked after its run"),
        (
            ("no_message_while_a_run_works", "run_is_taken_after_the_end"),
            "Messages are accepted while a run is active; a thread stays locked after its run",
        ),
        (
            ("reads_go_on", "metadata_can_be_modified"),
            "Requests during an active run are not handled as documented",
        ),
    ],
)
def test_the_half_of_locking_that_is_wrong_is_named(rules: tuple[str, str], title: str) -> None:
    verdicts = [broken_rule(f"lock.{rule}", "create_run") for rule in rules]
    assert by_kind(*verdicts)["lock"].title == title


def test_messages_out_of_order_follow_from_the_order_of_lists() -> None:
    order = broken_rule("threads.keep_the_order_of_their_messages", "list_messages", "should")
    causes = by_kind(order, broken_rule("listing.order_is_kept", "list_messages"))
    assert causes["lists"].consequences == (order.id,)
    assert by_kind(order)["data"].ids == (order.id,)


def test_lists_are_named_by_the_parameter_that_they_ignore() -> None:
    by_run = broken_rule("listing.messages_can_be_listed_by_run", "list_messages")
    causes = by_kind(by_run, broken_rule("listing.listing_by_run_misses_no_message", "list_messages", "should"))
    assert causes["lists"].title == "list_messages ignores `run_id`"


@pytest.mark.parametrize(("values", "kind"), [((0, 0), "data.falsy"), ((0, 0.5), "data.dropped")])
def test_setting_that_is_lost_if_it_is_zero_is_not_dropped(values: tuple[JSON, ...], kind: str) -> None:
    findings = tuple(Finding("it is wrong", "x", "create_run", "/temperature", value, 1) for value in values)
    lost = replace(
        wrong_rule("settings.temperature_is_as_asked", "create_run", "/temperature", 0, 1), findings=findings, judged=8
    )
    coerced = accepted_at("create_run.temperature.type")
    causes = by_kind(lost, *coerced)
    assert ("create_run.temperature.type" in causes[kind].consequences) is (kind == "data.dropped")
    if kind == "data.falsy":
        assert causes[kind].title == "`temperature: 0` is treated as unset"


def test_rules_on_the_beta_header_are_no_matter_of_keys() -> None:
    header = [broken_rule(f"auth.{rule}", "x", "should") for rule in ("beta_header_is_required", "first_beta_is_over")]
    tenants = [broken_rule(f"tenancy.{rule}", "x") for rule in ("objects_are_their_tenants_own", "lists_show_own_only")]
    assert {cause.kind: cause.title for cause in analyze([*header, *tenants])} == {
        "beta": "The header `OpenAI-Beta` is not checked",
        "access": "Objects of one key are accessible with another",
    }


def test_operations_that_do_not_check_the_beta_header_are_named_if_others_do() -> None:
    rule = replace(broken_rule("auth.beta_header_is_required", "get_run", "should"), judged=9)
    assert by_kind(rule)["beta"].title == "Some operations do not check the header `OpenAI-Beta`: get_run"


def test_parameters_that_lists_ignore_are_named_beside_a_must() -> None:
    more = broken_rule("paging.has_more_is_true_exactly_where_more_follows", "list_runs")
    before = broken_rule("paging.before_ends_at_its_item", "list_runs", "should")
    cause = by_kind(more, before)["lists"]
    assert cause.title == "list_runs ignores `before`; `has_more` is wrong"
    assert "`before`" in cause.fix


def test_a_dropped_model_is_one_cause() -> None:
    asked = wrong_rule("settings.model_is_as_asked", "create_run", "/model", "a", "b")
    (cause,) = analyze([asked, broken_rule("settings.other_model_replaces_the_assistants", "create_run")])
    assert cause.title == "Members of requests are dropped: `model` of create_run"


@pytest.mark.parametrize(("shown", "kinds"), [({"a": "1", "b": "2"}, ["data"]), ({"b": "2"}, ["data", "shape.run"])])
def test_metadata_with_too_many_pairs_follows_from_pairs_of_another_object(shown: JSON, kinds: list[str]) -> None:
    foreign = wrong_rule("metadata.holds_nothing_else", "create_run", "/metadata", {"c": "3"}, {"a": "1", "c": "3"})
    many = as_constraint_on_answers(wrong_value("run.metadata.maxProperties", "create_run", 16, shown))
    causes = by_kind(foreign, many)
    assert sorted(causes) == kinds
    assert (many.id in causes["data"].consequences) is (len(kinds) == 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"deleted": True}, "shape."),
        ({"status": "ok"}, "shape."),
        ({"detail": "No."}, "errors.success"),
        ({"success": False, "reason": "No."}, "errors.success"),
    ],
)
def test_a_short_confirmation_of_a_deletion_is_no_error(body: JSON, kind: str) -> None:
    lacking = as_constraint_on_answers(wrong_value("message_deleted.id.required", "delete_message", "id", None))
    example: JSON = {"case": {"role": "act"}, "answer": {"http_status": 200, "body": body}}
    (cause,) = analyze([replace(lacking, counterexample=example)])
    assert cause.kind.startswith(kind)


@pytest.mark.parametrize(
    ("echo", "origin"),
    [
        ("ending.failed_run_says_why", "run.last_error.code.enum"),
        ("ending.incomplete_run_says_why", "run.incomplete_details.reason.enum"),
    ],
)
def test_unknown_reason_for_the_end_is_reported_once(echo: str, origin: str) -> None:
    (cause,) = analyze([broken_rule(echo, "get_run"), broken_rule(origin, "get_run")])
    assert cause.consequences == (echo,)
