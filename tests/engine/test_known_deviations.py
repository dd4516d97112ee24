"""Known deviations of real services excuse findings in their scope, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runs_conformance.engine.judge import judge
from runs_conformance.model.case import Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.source import Level
from runs_conformance.model.verdict import Tally
from runs_conformance.rules import catalogue
from runs_conformance.rules.constraints import response_schemas
from tests.rules.histories import (
    MESSAGE,
    STEP,
    T0,
    HistoryBuilder,
    Object,
    action,
    function_tool,
    message,
    page,
    run,
    step,
    streamed_message,
    text,
)
from tests.rules.streams import Event, delta, opening, writing

MCP = {"type": "mcp", "server_label": "docs", "server_url": "https://example.org/mcp", "allowed_tools": None}
OUTPUTS = {"tool_outputs": [{"tool_call_id": "call_a", "output": "Sunny."}]}
APPROVAL = {"tool_approvals": [{"tool_call_id": "call_a", "approve": True}]}
BUILD = Callable[[HistoryBuilder], Any]


def tallies(history: History) -> dict[str, Tally]:
    return judge(history, catalogue(), [("responses", response_schemas.tallies)])


def judged(build: BUILD, dialect: str = "azure", edition: str = "2025-08-27", strict: bool = False) -> dict[str, Tally]:
    builder = HistoryBuilder(dialect, edition)
    build(builder)
    return tallies(builder.history(strict))


def failing(found: dict[str, Tally]) -> set[str]:
    return {id_ for id_, tally in found.items() if tally.findings}


def must_failures(found: dict[str, Tally]) -> set[str]:
    """The failed rules of level must and the failed constraints."""
    return {id_ for id_ in failing(found) if id_ not in catalogue() or catalogue()[id_].level is Level.MUST}


def agent_run(status: str = "queued", **changes: Any) -> Object:
    return run(status, **{"tools": [MCP], "expires_at": T0 + 1800, **changes})


def mcp_call(**more: Any) -> Object:
    return {"id": "call_a", "type": "mcp", "name": "look_up", "arguments": "{}", "server_label": "docs", **more}


def approval(*calls: Object) -> Object:
    return {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": list(calls or (mcp_call(),))}}


def tool_delta(**call: Any) -> Event:
    details = {"type": "tool_calls", "tool_calls": [{"index": 0, **call}]}
    return "thread.run.step.delta", {"id": STEP, "object": "thread.run.step.delta", "delta": {"step_details": details}}


def call_step(status: str, *calls: Object) -> Object:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    return step(status, calls=[mcp_call()], step_details=details)


def waiting(required: Object | None = None, **changes: Any) -> Object:
    shown = {"required_action": required or approval(), "expires_at": T0 + 36_000, **changes}
    return agent_run("requires_action", **shown)


def ask_for_approval(builder: HistoryBuilder, required: Object | None = None) -> None:
    builder.stream(
        "create_run",
        ("thread.run.created", agent_run("queued")),
        ("thread.run.queued", agent_run("queued")),
        ("thread.run.in_progress", agent_run("in_progress")),
        ("thread.run.step.created", call_step("in_progress")),
        ("thread.run.step.in_progress", call_step("in_progress")),
        ("thread.run.step.created", call_step("in_progress")),
        tool_delta(**mcp_call(output=None)),
        ("thread.run.requires_action", waiting(required)),
    )


def approve(builder: HistoryBuilder, late: Event, body: Object, tool: Object, ended: Object) -> None:
    def resumed(status: str) -> Object:
        return agent_run(status, expires_at=T0 + 36_000, tools=[tool])

    writes = step("in_progress", "step_b")
    builder.stream(
        "submit_tool_outputs",
        ("thread.run.step.completed", call_step("completed", mcp_call(output=None))),
        ("thread.run.queued", resumed("queued")),
        ("thread.run.created", resumed("queued")),
        ("thread.run.queued", resumed("queued")),
        ("thread.run.in_progress", resumed("in_progress")),
        late,
        ("thread.run.step.created", writes),
        ("thread.run.step.in_progress", writes),
        ("thread.message.created", streamed_message("in_progress")),
        ("thread.message.in_progress", streamed_message("in_progress")),
        delta("Hello."),
        ("thread.message.completed", ended),
        ("thread.run.step.completed", step("completed", "step_b")),
        ("thread.run.completed", agent_run("completed", tools=[tool], expires_at=None)),
        body=body,
    )


UNENDED = streamed_message("in_progress", content=text("Hello."))


def approved_run(builder: HistoryBuilder) -> None:
    """A run that waits for the approval of an MCP call, and the stream that follows it."""
    ask_for_approval(builder)
    approve(builder, tool_delta(type="mcp", output="Found."), APPROVAL, MCP, UNENDED)


STREAM_IDS = {
    "deltas.step_deltas_come_while_it_works": "D-14",
    "events.objects_end_once": "D-14",
    "events.step_and_message_events_fit_their_status": "D-15",
    "events.outputs_complete_their_step": "D-17",
    "events.objects_are_created_first": "D-18",
    "run.required_action.type.const": "D-12",
    "run.required_action.submit_tool_outputs.required": "D-13",
    "run_step_delta.delta.step_details.tool_calls[].type.enum": "D-07",
    "times.unfinished_run_expires_ten_minutes_after_creation": "D-21 D-22",
    "times.expiry_never_moves": "D-22",
}


def test_a_run_that_waits_for_the_approval_of_mcp_calls_is_excused_on_azure() -> None:
    found = judged(approved_run)
    assert {id_: " ".join(sorted(found[id_].excused)) for id_ in STREAM_IDS} == STREAM_IDS
    assert failing(found).isdisjoint({*STREAM_IDS, "action.is_given_while_required"})
    assert must_failures(found) == set()


def test_a_run_that_waits_for_the_approval_of_mcp_calls_fails_elsewhere() -> None:
    assert failing(judged(approved_run, "openai")) >= {*STREAM_IDS, "action.is_given_while_required"}
    assert failing(judged(approved_run, strict=True)) >= STREAM_IDS.keys()


def test_a_message_that_is_completed_without_its_time_after_an_approval_is_excused_on_azure() -> None:
    def build(builder: HistoryBuilder) -> None:
        ask_for_approval(builder)
        untimed = streamed_message("completed", content=text("Hello."), completed_at=None)
        approve(builder, tool_delta(type="mcp", output="Found."), APPROVAL, MCP, untimed)

    assert set(judged(build)["events.ended_message_says_when"].excused) == {"D-16"}
    assert "events.ended_message_says_when" in failing(judged(build, "openai"))


def test_the_same_stream_after_outputs_of_functions_fails() -> None:
    def build(builder: HistoryBuilder) -> None:
        tool = function_tool()
        builder.create_run(agent_run(tools=[tool]))
        builder.get_run(waiting(action(), tools=[tool]))
        late = tool_delta(type="function", function={"arguments": "{}"})
        approve(builder, late, OUTPUTS, tool, UNENDED)

    excused_for_any_tool = {"times.unfinished_run_expires_ten_minutes_after_creation", "times.expiry_never_moves"}
    of_calls = {id_ for id_ in STREAM_IDS if id_.startswith(("deltas.", "events."))} - {
        "events.objects_are_created_first"
    }
    found = judged(build)
    assert failing(found) >= of_calls
    assert failing(found).isdisjoint(excused_for_any_tool)


def test_in_the_stream_after_an_approval_other_late_deltas_fail() -> None:
    def build(builder: HistoryBuilder) -> None:
        ask_for_approval(builder)
        approve(builder, tool_delta(type="function", function={"output": "Found."}), APPROVAL, MCP, UNENDED)

    assert failing(judged(build)) >= {"deltas.step_deltas_come_while_it_works", "events.objects_end_once"}


def test_in_the_stream_after_an_approval_other_statuses_of_a_completed_message_fail() -> None:
    def build(builder: HistoryBuilder) -> None:
        ask_for_approval(builder)
        cut = streamed_message("incomplete", content=text("Hello."))
        approve(builder, tool_delta(type="mcp", output="Found."), APPROVAL, MCP, cut)

    assert "events.step_and_message_events_fit_their_status" in failing(judged(build))


@pytest.mark.parametrize(
    "required",
    [
        approval(mcp_call(type="function")),
        approval(mcp_call(id="")),
        {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": []}},
        {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": None}},
        {"type": "submit_tool_approval"},
    ],
)
def test_a_run_that_names_no_mcp_call_to_approve_fails(required: Object) -> None:
    assert "action.is_given_while_required" in failing(judged(lambda builder: ask_for_approval(builder, required)))


def test_a_run_without_mcp_tools_that_asks_for_approval_fails() -> None:
    found = judged(lambda builder: builder.get_run(waiting(tools=[function_tool()])))
    assert failing(found) >= {"run.required_action.type.const", "run.required_action.submit_tool_outputs.required"}


CITATION = {"type": "url_citation", "text": "[1]", "start_index": 0, "end_index": 3, "url_citation": {"url": "x"}}
UNKNOWN_CITATION = {**CITATION, "type": "web_citation"}


def cite(annotation: Object) -> BUILD:
    part = {"index": 0, "type": "text", "text": {"value": "[1]", "annotations": [{"index": 0, **annotation}]}}
    data = {"id": MESSAGE, "object": "thread.message.delta", "delta": {"content": [part]}}

    def build(builder: HistoryBuilder) -> None:
        *before, ended, step_ended = writing("[1]")
        content = text("[1]", annotation)
        before[-1] = ("thread.message.delta", data)
        ended[1]["content"] = content
        builder.stream("create_run", *opening(), *before, ended, step_ended, COMPLETED)
        builder.send("list_messages", page(message(content=content)))

    return build


def show_step(type_: str) -> BUILD:
    shown = step(type=type_, step_details={"type": type_, type_: []})
    return lambda builder: builder.send("list_run_steps", page(shown))


def show_call(type_: str) -> BUILD:
    call = {"id": "call_a", "type": type_, type_: {"input": "x"}}
    return lambda builder: builder.stream(
        "create_run",
        *opening(),
        ("thread.run.step.created", call_step("in_progress")),
        ("thread.run.step.in_progress", call_step("in_progress")),
        tool_delta(**call),
        ("thread.run.step.completed", call_step("completed", call)),
        COMPLETED,
    )


def fail_with(code: object) -> BUILD:
    problem: Any = {"code": code, "message": "Sorry."}

    def build(builder: HistoryBuilder) -> None:
        builder.get_run(run("failed", last_error=problem))
        builder.send("get_run_step", step("failed", last_error=problem))

    return build


def refuse_with(body: Object) -> BUILD:
    return lambda builder: builder.send("get_run", body, 401)


CITATIONS = (
    "message.content[].text.annotations[].type.enum",
    "message_delta.delta.content[].text.annotations[].type.enum",
)
COMPLETED = ("thread.run.completed", run("completed"))
STEP_TYPES = ("run_step.type.enum", "run_step.step_details.type.enum")
CODES = ("run.last_error.code.enum", "run_step.last_error.code.enum", "ending.failed_run_says_why")
ERROR = ("error.error.required",)
CALLS = ("run_step_delta.delta.step_details.tool_calls[].type.enum",)
GATEWAY = {"statusCode": 401, "message": "Unauthorized."}


@pytest.mark.parametrize(
    ("ids", "build"),
    [
        (CITATIONS, cite(CITATION)),
        (STEP_TYPES, show_step("activities")),
        *((CALLS, show_call(type_)) for type_ in ("bing_grounding", "azure_ai_search", "azure_function")),
        *((CALLS, show_call(type_)) for type_ in ("mcp", "sharepoint_grounding", "connected_agent")),
        (CODES, fail_with("tool_user_error")),
        (CODES, fail_with("tool_server_error")),
        (ERROR, refuse_with(GATEWAY)),
    ],
)
def test_what_azure_shows_is_excused_there_only(ids: tuple[str, ...], build: BUILD) -> None:
    on_azure, elsewhere = judged(build), judged(build, "openai")
    assert must_failures(on_azure) == set()
    assert {id_ for id_ in ids if on_azure[id_].judged} == {*ids}
    assert failing(elsewhere) >= {*ids}


@pytest.mark.parametrize(
    ("ids", "build"),
    [
        (CITATIONS, cite(UNKNOWN_CITATION)),
        (STEP_TYPES, show_step("thinking")),
        (CALLS, show_call("telepathy")),
        (CODES[:2], fail_with("OutOfMemory")),
        (CODES, fail_with("")),
        (CODES[2:], fail_with(None)),
        (ERROR, refuse_with({"message": "Unauthorized."})),
        (ERROR, refuse_with({"statusCode": "401", "message": "Unauthorized."})),
        (ERROR, refuse_with({"statusCode": 401, "detail": "Unauthorized."})),
    ],
)
def test_what_no_service_shows_fails_on_azure(ids: tuple[str, ...], build: BUILD) -> None:
    assert failing(judged(build)) >= {*ids}


EXPIRY = "times.unfinished_run_expires_ten_minutes_after_creation"


@pytest.mark.parametrize(
    ("expires_at", "edition", "expected"),
    [
        (T0 + 1800, "2025-08-27", False),
        (T0 + 36_000, "2025-08-27", False),
        (T0 + 36_000, "2025-04-28", False),
        (T0 + 1800, "2025-06-01", True),
        (T0 + 1700, "2025-08-27", True),
        (None, "2025-08-27", True),
    ],
)
def test_runs_of_agents_expire_after_half_an_hour(expires_at: object, edition: str, expected: bool) -> None:
    found = judged(lambda builder: builder.create_run(agent_run(expires_at=expires_at)), edition=edition)
    assert (EXPIRY in failing(found)) is expected


def test_the_expiry_moves_to_no_other_time_than_ten_hours_after_creation() -> None:
    def moved_to(seconds: int) -> set[str]:
        def build(builder: HistoryBuilder) -> None:
            builder.create_run(agent_run("queued"))
            builder.get_run(agent_run("in_progress", expires_at=T0 + seconds))

        return failing(judged(build))

    assert "times.expiry_never_moves" not in moved_to(36_000)
    assert "times.expiry_never_moves" in moved_to(1801)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (agent_run("in_progress"), False),
        (agent_run("in_progress", tools=[function_tool()]), True),
        (agent_run("completed"), True),
    ],
)
def test_runs_with_mcp_tools_begin_in_progress(shown: Object, expected: bool) -> None:
    assert ("lifecycle.begins_queued" in failing(judged(lambda builder: builder.create_run(shown)))) is expected


LIMIT = "run.max_completion_tokens.minimum"


def _limited(tokens: int, edition: str = "2025-04-14", dialect: str = "openai", sent: Step | None = None) -> set[str]:
    def build(builder: HistoryBuilder) -> None:
        body = {"assistant_id": "asst_a", "max_completion_tokens": tokens}
        builder.create_run(run(max_completion_tokens=tokens), body=body, step=sent)

    return must_failures(judged(build, dialect, edition))


@pytest.mark.parametrize("edition", ["2024-04-27", "2024-06-08", "2025-04-14", "2026-03-31"])
def test_recorded_runs_with_low_completion_limits_are_excused(edition: str) -> None:
    assert _limited(16, edition) == set()
    assert _limited(255, edition) == set()


def test_other_runs_with_low_completion_limits_fail() -> None:
    assert LIMIT in _limited(15)
    assert LIMIT in _limited(16, dialect="azure")
    assert LIMIT in _limited(16, sent=Step(operation="create_run", role=Role.ACT))


def test_a_low_prompt_limit_is_not_excused() -> None:
    found = judged(lambda builder: builder.get_run(run(max_prompt_tokens=16)), "openai", "2025-04-14")
    assert "run.max_prompt_tokens.minimum" in failing(found)


def test_a_finding_about_a_missing_object_is_not_excused_by_its_response() -> None:
    found = judged(lambda builder: builder.get_run(agent_run("requires_action", required_action=ABSENT)))
    assert "run.required_action.required" in failing(found)
