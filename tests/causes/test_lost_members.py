"""Which failures show that a member of a request is dropped, and which that a falsy value is treated as unset."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import accepted_at, broken_rule, by_kind, missing, refused_verdict, wrong_rule


def lost(id_: str, operation: str, *values: tuple[str, JSON, JSON]) -> Verdict:
    """A rule that found some of ten values, each with its pointer, to be others than were sent."""
    findings = tuple(
        Finding("it differs", "x", operation, pointer, expected, actual) for pointer, expected, actual in values
    )
    return replace(broken_rule(id_, operation), findings=findings, judged=10)


GIVEN: JSON = {"last": "yes"}


def given_in(operation: str, body: JSON) -> Verdict:
    """Messages that a request contains with metadata, and that are listed without it."""
    failing = wrong_rule("messages.given_messages_keep_their_metadata", "list_messages", "/data/0/metadata", GIVEN, {})
    example: JSON = {
        "case": {"role": "look"},
        "before": [{"operation": operation, "body": body}],
        "answer": {"http_status": 200},
    }
    return replace(failing, counterexample=example)


@pytest.mark.parametrize(
    ("operation", "body", "place"),
    [
        ("create_thread", {"messages": [{}, {"metadata": GIVEN}]}, "messages[].metadata"),
        ("create_run", {"additional_messages": [{"metadata": GIVEN}]}, "additional_messages[].metadata"),
        ("create_thread_and_run", {"thread": {"messages": [{"metadata": GIVEN}]}}, "thread.messages[].metadata"),
    ],
)
def test_messages_without_their_metadata_are_not_dropped(operation: str, body: JSON, place: str) -> None:
    above, below = place.removesuffix(".metadata"), f"{place}{{}}"
    values = accepted_at(f"{operation}.{above}.role.enum", f"{operation}.{below}.type")
    causes = by_kind(given_in(operation, body), *values)
    assert causes["data.dropped"].title == f"Members of requests are dropped: `{place}` of {operation}"
    assert causes["data.dropped"].consequences == (f"{operation}.{below}.type",)


def test_values_of_a_dropped_member_are_unchecked_for_another_reason_if_others_are_too() -> None:
    dropped = lost("settings.top_p_is_as_asked", "create_run", ("/top_p", 0.5, 1))
    unchecked = "create_run.top_p.type"
    others = accepted_at(unchecked, "create_run.model.type", "create_run.tools.type")
    assert by_kind(dropped, *others)["data.dropped"].consequences == ()
    elsewhere = accepted_at(unchecked, "create_thread_and_run.top_p.type")
    assert by_kind(dropped, *elsewhere)["data.dropped"].consequences == ()
    checked = [refused_verdict(f"create_run.{name}.type") for name in ("metadata", "stream", "instructions")]
    assert by_kind(dropped, *others, *checked)["data.dropped"].consequences == (unchecked,)


@pytest.mark.parametrize(
    ("event", "member", "kind_kept"),
    [("thread.created", "thread.metadata", "get_thread"), ("thread.run.created", "metadata", "get_run")],
)
def test_metadata_of_a_thread_is_told_from_that_of_its_run(event: str, member: str, kind_kept: str) -> None:
    dropped = wrong_rule(
        "metadata.is_shown_in_the_response", "create_thread_and_run", "/events/0/data/metadata", GIVEN, {}
    )
    example: JSON = {"case": {"role": "act"}, "answer": {"http_status": 200, "events": [event]}}
    kept = broken_rule("metadata.is_kept", kind_kept)
    values = accepted_at("create_thread_and_run.metadata{}.type", "create_thread_and_run.thread.metadata{}.maxLength")
    cause = by_kind(replace(dropped, counterexample=example), kept, *values)["data.dropped"]
    assert cause.title == f"Members of requests are dropped: `{member}` of create_thread_and_run"
    assert cause.ids == (dropped.id, kept.id, values[member != "metadata"].id)


def test_an_assistant_that_loses_falsy_values_makes_the_same_mistake_as_a_run() -> None:
    of_run = lost("settings.temperature_is_as_asked", "create_run", ("/temperature", 0, 1))
    values: list[tuple[str, JSON, JSON]] = [("/tools", [], [{}]), ("/top_p", 0, 1), ("/name", "", "x")]
    of_assistant = lost("modify.assistant_shows_what_is_given", "modify_assistant", *values)
    causes = by_kind(of_run, of_assistant)
    assert list(causes) == ["data.falsy"]
    title = "Falsy values of `name`, `temperature`, `tools` and 1 more are treated as unset"
    assert causes["data.falsy"].title == title
    assert "`name`, `temperature`, `tools`, `top_p`" in causes["data.falsy"].fix
    other = replace(of_assistant, findings=(*of_assistant.findings, replace(of_assistant.findings[1], expected=0.5)))
    assert set(by_kind(of_run, other)) == {"data", "data.falsy"}


ONLY_FALSE = lost("settings.parallel_tool_calls_is_as_asked", "create_run", ("/parallel_tool_calls", False, True))


def parallel(origin: str) -> Verdict:
    """A rule that finds parallel calls in a run that was created in this way, although they were disabled."""
    failing = broken_rule("choice.calls_are_not_parallel_unless_allowed", "get_run", "should")
    return replace(failing, findings=(replace(failing.findings[0], message=f"the run{origin} makes 2 parallel calls"),))


PARALLEL = parallel(" of create_run")


def test_false_is_taken_for_absent_where_other_falsy_values_are() -> None:
    zero = lost("settings.temperature_is_as_asked", "create_run", ("/temperature", 0, 1))
    (cause,) = by_kind(zero, ONLY_FALSE, PARALLEL).values()
    assert cause.title == "Falsy values of `parallel_tool_calls`, `temperature` are treated as unset"
    assert cause.consequences == (PARALLEL.id,)


def test_false_is_no_falsy_value_where_only_one_of_the_operations_loses_it() -> None:
    zero = lost("settings.top_p_is_as_asked", "create_run", ("/top_p", 0, 1))
    also = replace(zero.findings[0], operation="create_thread_and_run")
    zero = replace(zero, findings=(*zero.findings, also))
    causes = by_kind(zero, ONLY_FALSE)
    assert causes["data.falsy"].title == "`top_p: 0` is treated as unset"
    assert causes["data.dropped"].title == "Members of requests are dropped: `parallel_tool_calls` of create_run"
    assert "only false is lost" in causes["data.dropped"].fix


def test_an_operation_without_the_member_does_not_tell_how_false_is_lost() -> None:
    of_run = lost("settings.temperature_is_as_asked", "create_run", ("/temperature", 0, 1))
    of_assistant = lost("modify.assistant_shows_what_is_given", "modify_assistant", ("/top_p", 0, 1))
    assert set(by_kind(of_run, of_assistant, ONLY_FALSE)) == {"data.falsy"}


@pytest.mark.parametrize("operation", ["create_run", "create_thread_and_run"])
def test_false_alone_does_not_tell_how_it_is_lost(operation: str) -> None:
    zero = lost("settings.temperature_is_as_asked", "create_thread_and_run", ("/temperature", 0, 1))
    causes = by_kind(ONLY_FALSE, PARALLEL, *([zero] if operation == "create_thread_and_run" else []))
    cause = causes["data.dropped"]
    assert cause.title == "Members of requests are dropped: `parallel_tool_calls` of create_run"
    assert "of `parallel_tool_calls` only false is lost" in cause.fix
    assert cause.consequences == (PARALLEL.id,)


@pytest.mark.parametrize("operation", ["create_run", "create_thread_and_run"])
def test_runs_do_not_follow_from_what_another_operation_drops(operation: str) -> None:
    dropped = lost("settings.parallel_tool_calls_is_as_asked", operation, ("/parallel_tool_calls", False, True))
    of_both = lost("settings.parallel_tool_calls_is_as_asked", "create_run", ("/parallel_tool_calls", False, True))
    of_both = replace(of_both, findings=(*of_both.findings, *dropped.findings))
    of_unnamed = parallel("")
    for rule, failing, follows in (
        (dropped, PARALLEL, operation == "create_run"),
        (dropped, of_unnamed, False),
        (of_both, PARALLEL, True),
        (of_both, of_unnamed, operation == "create_thread_and_run"),
    ):
        causes = by_kind(rule, failing)
        assert causes["data.dropped"].consequences == ((failing.id,) if follows else ())
        assert ("choice" in causes) is not follows


@pytest.mark.parametrize(
    ("member", "violation", "checked"),
    [
        ("truncation_strategy", "truncation_strategy.type", "create_run.truncation_strategy.type"),
        ("thread.messages[].metadata", "thread.messages[].metadata.type", "create_message.metadata.type"),
    ],
)
def test_violations_that_are_refused_where_the_member_is_kept_follow_from_its_loss(
    member: str, violation: str, checked: str
) -> None:
    name, operation = member.partition(".")[0], "create_thread_and_run"
    if name == "thread":
        body: JSON = {"thread": {"messages": [{"metadata": GIVEN}]}}
        dropped = given_in(operation, body)
    else:
        dropped = lost(f"settings.{name}_is_as_asked", operation, (f"/{name}", {"type": "last_messages"}, None))
    values = accepted_at(f"{operation}.{violation}", f"{operation}.model.type", f"{operation}.tools.type")
    assert by_kind(dropped, *values)["data.dropped"].consequences == ()
    assert by_kind(dropped, *values, refused_verdict(checked))["data.dropped"].consequences == (values[0].id,)


@pytest.mark.parametrize("operations", [("modify_thread",), ("create_thread", "modify_thread")])
def test_dropped_tool_resources_are_those_of_the_operations_that_lose_them(operations: tuple[str, ...]) -> None:
    rule = broken_rule("threads.show_their_tool_resources", operations[0])
    rule = replace(rule, findings=tuple(replace(rule.findings[0], operation=name) for name in operations))
    named = " and ".join(operations)
    assert f"The server loses `tool_resources` of {named}." in by_kind(rule)["data.dropped"].fix


@pytest.mark.parametrize(("judged", "kind"), [(1, "data.dropped"), (20, "data")])
def test_messages_that_are_lost_occasionally_are_not_dropped(judged: int, kind: str) -> None:
    rule = replace(broken_rule("threads.begin_with_the_messages_given", "list_messages"), judged=judged)
    assert list(by_kind(rule)) == [kind]


def test_pairs_that_are_lost_because_of_their_keys_are_no_lost_member() -> None:
    given: JSON = {"a": "b", "$set": "c"}
    lost_pair = [
        wrong_rule(rule, operation, "/metadata", given, {"a": "b"})
        for rule, operation in (("metadata.is_shown_in_the_response", "create_run"), ("metadata.is_kept", "get_run"))
    ]
    (cause,) = analyze([*lost_pair, refused_verdict("create_run.metadata{}.type")])
    assert cause.title == "Pairs of `metadata` are dropped because of their keys (`$set`): create_run"
    assert cause.fix == "Store every pair of metadata as it was sent, whatever its key."
    assert set(cause.ids) == {each.id for each in lost_pair}


def test_metadata_of_which_no_pair_is_kept_or_one_is_changed_is_a_lost_member() -> None:
    values: list[JSON] = [{}, {"a": "changed"}]
    for shown in values:
        lost_all = wrong_rule(
            "metadata.is_shown_in_the_response", "create_run", "/metadata", {"a": "b", "c": "d"}, shown
        )
        assert "`metadata` of create_run" in by_kind(lost_all)["data.dropped"].title


LOST_METADATA = wrong_rule("metadata.is_shown_in_the_response", "create_thread", "/metadata", GIVEN, {})
LOST_MESSAGES = broken_rule("threads.begin_with_the_messages_given", "list_messages")
NO_RESOURCES = missing("thread.tool_resources.required")
THREAD_VALUES = accepted_at(
    "create_thread.metadata.type",
    "create_thread.messages.type",
    "create_thread.tool_resources.type",
    "create_thread.additionalProperties",
)


def test_an_operation_that_loses_all_its_members_ignores_its_body() -> None:
    causes = by_kind(LOST_METADATA, LOST_MESSAGES, NO_RESOURCES, *THREAD_VALUES, refused_verdict("create_thread.type"))
    ignored = causes["data.ignored"]
    assert ignored.title == "create_thread ignores its body: it loses `messages`, `metadata`, `tool_resources`"
    assert set(ignored.consequences) == {each.id for each in THREAD_VALUES}
    assert set(causes) == {"data.ignored", "shape.thread"}


@pytest.mark.parametrize(
    "failing",
    [
        (LOST_METADATA, LOST_MESSAGES, *THREAD_VALUES),
        (LOST_METADATA, LOST_MESSAGES, replace(NO_RESOURCES, judged=9), *THREAD_VALUES),
        (
            LOST_METADATA,
            LOST_MESSAGES,
            NO_RESOURCES,
            *THREAD_VALUES[:3],
            refused_verdict("create_thread.metadata{}.type"),
        ),
    ],
)
def test_an_operation_that_shows_or_refuses_some_value_does_not_ignore_its_body(failing: tuple[Verdict, ...]) -> None:
    causes = by_kind(*failing)
    assert "data.ignored" not in causes
    assert causes["data.dropped"].title == "Members of requests are dropped: `messages`, `metadata` of create_thread"


def test_parameters_of_queries_do_not_tell_whether_a_member_is_dropped() -> None:
    dropped = lost("settings.reasoning_effort_is_as_asked", "create_run", ("/reasoning_effort", "low", None))
    values = accepted_at("create_run.reasoning_effort.enum", "create_run.include[].enum")
    assert by_kind(dropped, *values)["data.dropped"].consequences == ("create_run.reasoning_effort.enum",)


@pytest.mark.parametrize(
    ("shown", "is_dropped"), [({"reasoning_effort": None}, True), ({"reasoning_effort": 5}, False)]
)
def test_a_value_that_its_response_does_not_show_is_not_kept(shown: dict[str, JSON], is_dropped: bool) -> None:
    dropped = lost("settings.reasoning_effort_is_as_asked", "create_run", ("/reasoning_effort", "low", None))
    unchecked, other = accepted_at("create_run.reasoning_effort.type", "create_assistant.reasoning_effort.type")
    finding = replace(other.findings[0], pointer="/reasoning_effort", actual=5)
    example: JSON = {
        "case": {"role": "negative", "exercises": [other.id]},
        "answer": {"http_status": 200, "body": {"id": "asst_1", **shown}},
    }
    causes = by_kind(dropped, unchecked, replace(other, findings=(finding,), counterexample=example))
    assert (causes["data.dropped"].consequences == (unchecked.id,)) is is_dropped


def test_false_is_dropped_like_the_other_members_of_its_request() -> None:
    other = lost("settings.top_p_is_as_asked", "create_run", ("/top_p", 0.5, 1))
    assert "only false is lost" not in by_kind(ONLY_FALSE, other)["data.dropped"].fix
    elsewhere = lost("settings.top_p_is_as_asked", "create_thread_and_run", ("/top_p", 0.5, 1))
    assert "only false is lost" in by_kind(ONLY_FALSE, elsewhere)["data.dropped"].fix


def test_false_is_dropped_where_invalid_values_of_its_member_alone_are_accepted() -> None:
    checked = [refused_verdict(f"create_run.{name}.type") for name in ("metadata", "stream", "instructions")]
    unread = accepted_at("create_run.parallel_tool_calls.type")
    assert "only false is lost" not in by_kind(ONLY_FALSE, *unread, *checked)["data.dropped"].fix
    others = accepted_at("create_run.metadata.type", "create_run.stream.type", "create_run.instructions.type")
    assert "only false is lost" in by_kind(ONLY_FALSE, *unread, *others)["data.dropped"].fix
    elsewhere = accepted_at("create_thread_and_run.parallel_tool_calls.type")
    assert "only false is lost" in by_kind(ONLY_FALSE, *elsewhere, *checked)["data.dropped"].fix


def test_a_server_that_stores_nothing_ignores_bodies_by_the_same_cause() -> None:
    others = [
        broken_rule(f"assistants.{name}", "get_assistant") for name in ("show_who_they_are", "show_their_settings")
    ]
    others.append(broken_rule("metadata.holds_nothing_else", "get_thread"))
    causes = by_kind(LOST_METADATA, LOST_MESSAGES, NO_RESOURCES, *others)
    assert set(causes) == {"data.none", "shape.thread"}


def test_a_violation_is_unchecked_for_another_reason_if_other_operations_do_not_check_it_either() -> None:
    dropped = lost("settings.top_p_is_as_asked", "create_run", ("/top_p", 0.5, 1))
    unchecked = "create_run.top_p.maximum"
    others = accepted_at(unchecked, "create_assistant.temperature.maximum", "modify_assistant.temperature.maximum")
    assert by_kind(dropped, *others)["data.dropped"].consequences == ()
    checking = [
        refused_verdict(f"{name}.temperature.maximum") for name in ("create_thread_and_run", "modify_run", "modify_x")
    ]
    assert by_kind(dropped, *others, *checking)["data.dropped"].consequences == (unchecked,)
    itself = refused_verdict("create_run.temperature.maximum")
    assert by_kind(dropped, *others, itself)["data.dropped"].consequences == (unchecked,)


@pytest.mark.parametrize(
    ("shown", "place"),
    [
        ({"type": "last_messages", "parameters": None}, "truncation_strategy.last_messages"),
        ({"type": "auto"}, "truncation_strategy"),
        (None, "truncation_strategy"),
    ],
)
def test_the_part_of_a_member_that_is_dropped_is_named(shown: JSON, place: str) -> None:
    sent: JSON = {"type": "last_messages", "last_messages": 1}
    values = [
        (operation, Finding("it differs", "x", operation, "/truncation_strategy", sent, shown))
        for operation in ("create_run", "create_thread_and_run")
    ]
    rule = broken_rule("settings.truncation_strategy_is_as_asked", "create_run")
    failing = replace(rule, findings=tuple(finding for _, finding in values), judged=2)
    title = f"Members of requests are dropped: `{place}` of create_run and create_thread_and_run"
    assert by_kind(failing)["data.dropped"].title == title


def test_empty_instructions_are_one_of_the_falsy_values_that_are_treated_as_unset() -> None:
    falsy = lost("settings.top_p_is_as_asked", "create_run", ("/top_p", 0, 1))
    empty = lost("settings.empty_instructions_replace_the_assistants", "create_run", ("/instructions", "", "Be kind."))
    ((kind, cause),) = by_kind(falsy, empty).items()
    assert (kind, set(cause.ids)) == ("data.falsy", {falsy.id, empty.id})
    assert cause.title == "Falsy values of `instructions`, `top_p` are treated as unset"
    assert set(by_kind(empty)) == {"data"}


def test_a_member_that_is_lost_deep_in_another_is_named_alone() -> None:
    asked: JSON = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    shown: JSON = {"type": "json_schema", "json_schema": {"name": "a", "schema_": {"type": "object"}}}
    dropped = lost("settings.response_format_is_as_asked", "create_run", ("/response_format", asked, shown))
    members = ("name.maxLength", "schema.type")
    beside, below = accepted_at(*(f"create_run.response_format.json_schema.{member}" for member in members))
    cause = by_kind(dropped, beside, below)["data.dropped"]
    assert cause.title == "Members of requests are dropped: `response_format.json_schema.schema` of create_run"
    assert cause.consequences == (below.id,)
    assert cause.fix.endswith("of create_run; `response_format.json_schema.schema` is shown as `schema_`.")
    changed: JSON = {"type": "json_schema", "json_schema": {"name": "b"}}
    other = lost("settings.response_format_is_as_asked", "create_run", ("/response_format", asked, changed))
    assert by_kind(other)["data.dropped"].title == "Members of requests are dropped: `response_format` of create_run"
