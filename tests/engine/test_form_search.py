"""The search for the form in which a target accepts requests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.form_search import MIN_RUNS, PROGRAM, find_request_forms, needs_search
from runs_conformance.engine.polling import PollSchedule
from runs_conformance.engine.request_form_search import CALL_ATTEMPTS, MAX_STUCK_RUNS
from runs_conformance.generation.adaptation import adapt_step, without_additions
from runs_conformance.generation.programs.steps import UNKNOWN_FILE_ID
from runs_conformance.model.case import Either, Role, Step
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.request_forms import RequestForms
from tests.engine.scripted import SETTING, Answer, ScriptedSender

FORMS = replace(SETTING, accepts_any_file_id=True)
"""The setting of searches for nothing but the forms of requests."""
IMPATIENT = replace(SETTING, run_timeout=0.0)
REFUSED: Answer = (400, {"error": {"message": "No."}})
CALLS = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [{"id": "call_1"}]}}


class CallingServer:
    """A server that accepts a request if none of its `refusals` matches, and calls functions if `calls` says so."""

    def __init__(
        self,
        *refusals: Callable[[Step, Mapping[str, Any]], bool],
        calls: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] = lambda run, assistant: "tool_choice" in run,
        status: str = "completed",
        answers: Callable[[str], bool] = lambda model: True,
    ) -> None:
        self.refusals, self.calls, self.final_status, self.model_answers = refusals, calls, status, answers
        self.assistant: Mapping[str, Any] = {}
        self.run: dict[str, Any] = {}

    def __call__(self, step: Step) -> Answer:
        body = step.body if isinstance(step.body, Mapping) else {}
        if any(refuses(step, body) for refuses in self.refusals):
            return REFUSED
        if step.operation == "create_assistant":
            self.assistant = body
        elif step.operation == "create_run":
            waits = self.calls(body, self.assistant)
            self.run = {"id": "run_1", "object": "thread.run", "status": self.final_status}
            if not self.model_answers(body.get("model") or self.assistant.get("model", "")):
                self.run["status"] = "failed"
            elif waits:
                self.run |= {"status": "requires_action", "required_action": CALLS}
        elif step.operation == "cancel_run":
            self.run = {**self.run, "status": "cancelled"}
        elif step.operation == "list_assistants":
            return 200, {"object": "list", "data": [{"id": "asst_listed", "object": "assistant"}]}
        if step.operation in ("create_run", "get_run", "cancel_run"):
            return 200, dict(self.run)
        return 200, {"id": f"{step.operation}_1", "object": "thing"}


def search(
    server: Callable[[Step], Answer], models: Sequence[str] = (), setting: ProgramContext = FORMS
) -> tuple[ProgramContext, list[Step]]:
    sender = ScriptedSender(server)
    schedule = PollSchedule(min_interval=0.0, max_interval=0.0)
    found = find_request_forms(setting, sender, sender.budget, schedule, lambda: models)
    assert all(exchange.program == PROGRAM for exchange in sender.collector.take(PROGRAM))
    return found, sender.sent


def without(operation: str, *names: str) -> Callable[[Step, Mapping[str, Any]], bool]:
    """Refuses an operation's requests that lack one of these members."""
    return lambda step, body: step.operation == operation and any(name not in body for name in names)


def test_a_server_that_accepts_the_smallest_form_is_asked_for_nothing_else() -> None:
    found, sent = search(CallingServer())
    assert found.request_forms == RequestForms(call_attempts=CALL_ATTEMPTS)
    assert [step.operation for step in sent if step.operation.startswith("create")] == [
        "create_assistant",
        "create_thread",
        "create_run",
    ]
    assert len(sent) <= 6


@pytest.mark.parametrize("names", [("model",), ("instructions",), ("model", "instructions"), ("tools", "metadata")])
def test_runs_get_the_members_that_they_need(names: tuple[str, ...]) -> None:
    found, sent = search(CallingServer(without("create_run", *names)))
    assert {*names} <= {*found.request_forms.run_members}
    assert found.request_forms.starts_runs
    assert found.request_forms.calls_functions
    assert len(found.request_forms.notes) >= 1
    smallest = [step for step in sent if step.operation == "create_run" and step.role is Role.CONTROL]
    assert len(smallest) == 1
    assert isinstance(smallest[0].body, Mapping)
    assert [*smallest[0].body] == ["assistant_id"]


def test_assistants_get_the_members_that_they_need() -> None:
    found, sent = search(CallingServer(without("create_assistant", "name")))
    assert "name" in found.request_forms.assistant_members
    assert [step.role for step in sent if step.operation == "create_assistant"].count(Role.CONTROL) == 1


def test_a_replay_sends_the_smallest_request_that_was_refused_as_it_is() -> None:
    found, sent = search(CallingServer(without("create_assistant", "name")))
    (smallest,) = (step for step in sent if step.operation == "create_assistant" and step.role is Role.CONTROL)
    assert adapt_step(smallest, found) != smallest
    assert adapt_step(smallest, without_additions(found)) == smallest


def test_the_assistant_may_have_to_bring_the_tools() -> None:
    found, _ = search(
        CallingServer(
            lambda step, body: step.operation == "create_run" and "tools" in body,
            calls=lambda run, assistant: bool(assistant.get("tools")) and "tool_choice" in run,
        )
    )
    assert (found.request_forms.tools_on, found.request_forms.tool_choice) == ("assistant", "named")


def test_tools_of_the_run_that_are_ignored_once_are_tried_again() -> None:
    found, sent = search(
        CallingServer(calls=lambda run, assistant: "tool_choice" in run and bool(assistant.get("tools")))
    )
    assert (found.request_forms.tools_on, found.request_forms.tool_choice) == ("assistant", "named")
    runs = [step.body for step in sent if step.operation == "create_run" and isinstance(step.body, Mapping)]
    assert [bool(body.get("tools")) for body in runs if "tool_choice" in body] == [True, False, False, True]


def test_tool_choice_may_be_required_only() -> None:
    found, _ = search(CallingServer(calls=lambda run, assistant: run.get("tool_choice") == "required"))
    assert (found.request_forms.tools_on, found.request_forms.tool_choice) == ("run", "required")


def test_words_may_be_all_that_makes_a_run_call() -> None:
    refuses_choice = CallingServer(
        lambda step, body: step.operation == "create_run" and "tool_choice" in body,
        calls=lambda run, assistant: "tools" in run,
    )
    found, _ = search(refuses_choice)
    assert (found.request_forms.tools_on, found.request_forms.tool_choice) == ("run", "words")


@pytest.mark.parametrize("calling", [1, 4, 7])
def test_a_model_that_calls_by_chance_gets_more_tries(calling: int) -> None:
    runs = itertools.count()
    found, _ = search(CallingServer(calls=lambda run, assistant: "tool_choice" in run and next(runs) == calling))
    assert found.request_forms.calls_functions
    assert found.request_forms.call_attempts == CALL_ATTEMPTS
    assert "some runs do not call a function in this form" in found.request_forms.notes


def test_the_search_gives_up_on_runs_that_stay_queued() -> None:
    server = CallingServer(calls=lambda run, assistant: False, status="queued")
    found, sent = search(server, setting=replace(FORMS, run_timeout=0.0))
    assert not found.request_forms.calls_functions
    assert found.request_forms.notes == ("runs stay queued for 0 seconds",)
    assert [step.operation for step in sent].count("create_run") == MAX_STUCK_RUNS


def without_get_run(server: CallingServer) -> Callable[[Step], Answer]:
    """The server without a route to read a run."""
    return lambda step: (404, {"detail": "Not Found"}) if step.operation == "get_run" else server(step)


def test_runs_that_no_route_reads_are_known_from_their_creation() -> None:
    found, _ = search(without_get_run(CallingServer()))
    assert found.request_forms == RequestForms(call_attempts=CALL_ATTEMPTS)
    silent = CallingServer(calls=lambda run, assistant: run.get("tool_choice") == "required")
    found, sent = search(without_get_run(silent))
    assert (found.request_forms.tool_choice, found.request_forms.calls_functions) == ("required", True)
    assert [step.operation for step in sent].count("create_run") > MAX_STUCK_RUNS


def test_runs_that_cannot_be_read_are_not_stuck() -> None:
    found, sent = search(without_get_run(CallingServer(calls=lambda run, assistant: False, status="queued")))
    assert found.request_forms.starts_runs
    assert not found.request_forms.calls_functions
    assert found.request_forms.notes == (
        "runs cannot be followed: GET /threads/{thread_id}/runs/{run_id} got HTTP 404",
    )
    assert [step.operation for step in sent].count("create_run") == MAX_STUCK_RUNS


def test_a_server_without_function_calls_is_left_with_plain_runs() -> None:
    found, _ = search(CallingServer(calls=lambda run, assistant: False))
    assert found.request_forms.starts_runs
    assert not found.request_forms.calls_functions
    assert found.request_forms.call_attempts == RequestForms().call_attempts


def test_a_tool_choice_that_is_refused_is_not_kept() -> None:
    def refuses(step: Step, body: Mapping[str, Any]) -> bool:
        return step.operation == "create_run" and isinstance(body.get("tool_choice"), Mapping)

    found, _ = search(CallingServer(refuses, calls=lambda run, assistant: False))
    assert (found.request_forms.tool_choice, found.request_forms.calls_functions) == ("required", False)
    assert "HTTP 400" in found.request_forms.notes[-1]


def test_runs_that_wait_without_showing_their_calls_are_distinguished() -> None:
    found, _ = search(CallingServer(calls=lambda run, assistant: False, status="requires_action"))
    assert not found.request_forms.calls_functions
    assert "required_action" in found.request_forms.notes[0]


@pytest.mark.parametrize("content", ["text", "parts"])
def test_messages_may_have_to_follow_the_thread(content: str) -> None:
    def refuses(step: Step, body: Mapping[str, Any]) -> bool:
        if step.operation == "create_thread":
            return "messages" in body
        return step.operation == "create_message" and isinstance(body["content"], str) is (content == "parts")

    found, _ = search(CallingServer(refuses))
    assert (found.request_forms.thread_messages, found.request_forms.message_content) == ("separate", content)


class Messages:
    """A server that lists the messages of its threads, without those that `drops` names the creation of."""

    def __init__(self, *drops: str) -> None:
        self.server, self.drops, self.count = CallingServer(), drops, 0

    def __call__(self, step: Step) -> Answer:
        body = step.body if isinstance(step.body, Mapping) else {}
        if step.operation == "create_thread":
            self.count = len(body.get("messages", ())) * (step.operation not in self.drops)
        elif step.operation == "create_message":
            self.count += step.operation not in self.drops
        elif step.operation == "list_messages":
            return 200, {"object": "list", "data": [{"id": f"msg_{number}"} for number in range(self.count)]}
        return self.server(step)


def test_messages_that_come_with_a_thread_may_be_dropped() -> None:
    found, sent = search(Messages("create_thread"))
    assert (found.request_forms.thread_messages, found.request_forms.message_content) == ("separate", "text")
    assert found.request_forms.notes == (
        "threads get their messages in a second request, as text; no list shows those given with them",
    )
    assert found.request_forms.calls_functions
    assert [step.operation for step in sent].count("list_messages") == 2


def test_a_list_that_shows_no_message_at_all_says_nothing_about_threads() -> None:
    found, _ = search(Messages("create_thread", "create_message"))
    assert found.request_forms == RequestForms(call_attempts=CALL_ATTEMPTS)


def test_messages_are_listed_once_where_threads_keep_them() -> None:
    found, sent = search(Messages())
    assert found.request_forms == RequestForms(call_attempts=CALL_ATTEMPTS)
    assert [step.operation for step in sent].count("list_messages") == 1
    assert len(sent) <= 6


def test_a_listed_assistant_serves_where_none_can_be_created() -> None:
    server = CallingServer()

    def answer(step: Step) -> Answer:
        return (405, {"detail": "Method Not Allowed"}) if step.operation == "create_assistant" else server(step)

    found, _ = search(answer)
    assert found.request_forms.assistant == "asst_listed"
    assert found.use == {"assistant": "asst_listed"}


def test_the_first_listed_model_that_answers_is_used() -> None:
    found, _ = search(CallingServer(answers=lambda model: model == "good"), ["bad", "good", "other"])
    assert (found.model, found.request_forms.model) == ("good", "good")


def test_no_other_model_is_tried_if_the_given_one_answers() -> None:
    found, sent = search(CallingServer(), ["other"])
    assert found.model == SETTING.model
    assert not any("other" in str(step.body) for step in sent)


def _stores_files(step: Step) -> Answer:
    body = step.body if isinstance(step.body, Mapping) else {}
    shown = {name: body.get(name) for name in ("metadata", "tool_resources")}
    return 200, {"id": f"{step.operation}_1", "object": "thing", **shown}


def _keeps_files(*operations: str, status: int = 200, resources: Any = None) -> Callable[[Step], Answer]:
    """A server that stores ids of files, but gives another response to those in these operations."""
    other = {"id": "thing_1", "object": "thing", "metadata": {"files": "unknown"}, "tool_resources": resources}
    return lambda step: (
        (status, other) if step.operation in operations and "vs_" in str(step.body) else _stores_files(step)
    )


def test_a_server_that_stores_unknown_files_accepts_any_id() -> None:
    found, sent = search(_stores_files, setting=IMPATIENT)
    assert found.accepts_any_file_id
    assert "any id of a file or vector store is accepted" in found.request_forms.notes
    tried = [step for step in sent if UNKNOWN_FILE_ID in str(step.body)]
    assert [step.operation for step in tried] == ["create_thread", "create_assistant"]
    assert all(isinstance(step.expectation, Either) for step in tried)
    for name in ("image_file", "attachments", "code_interpreter", "vector_store_ids"):
        assert name in str(tried[0].body)


@pytest.mark.parametrize(
    ("server", "requests"),
    [
        (_keeps_files("create_thread", status=404), 1),
        (_keeps_files("create_thread", status=500), 2),  # it is tried again
        (_keeps_files("create_thread"), 1),
        (_keeps_files("create_thread", resources={"code_interpreter": {"file_ids": []}}), 1),
        (_keeps_files("create_assistant", status=400), 2),
        (_keeps_files("create_assistant", resources={}), 2),
    ],
)
def test_a_server_that_refuses_or_drops_unknown_files_accepts_not_any_id(
    server: Callable[[Step], Answer], requests: int
) -> None:
    found, sent = search(server, setting=IMPATIENT)
    assert not found.accepts_any_file_id
    assert sum(UNKNOWN_FILE_ID in str(step.body) for step in sent) == requests


def test_a_server_that_shows_nothing_that_was_sent_accepts_any_id() -> None:
    fixed = {"id": "string", "metadata": {"name": "string"}, "tools": [], "tool_resources": {}}
    found, sent = search(lambda step: (200, fixed), setting=IMPATIENT)
    assert found.accepts_any_file_id
    assert sum(UNKNOWN_FILE_ID in str(step.body) for step in sent) == 2


@pytest.mark.parametrize("known", [{"accepts_any_file_id": True}, {"use": {"file": "file-1"}}])
def test_no_unknown_file_is_sent_where_it_is_known_what_is_accepted(known: Any) -> None:
    _, sent = search(_stores_files, setting=replace(IMPATIENT, **known))
    assert not any(UNKNOWN_FILE_ID in str(step.body) for step in sent)


def test_the_search_ends_on_a_server_that_refuses_everything() -> None:
    found, sent = search(lambda step: REFUSED, ["a", "b", "c", "d", "e", "f"])
    assert not found.request_forms.starts_runs
    assert found.model == SETTING.model
    assert len(sent) < 60


def test_the_search_needs_a_plan_with_runs_and_room_for_one() -> None:
    assert needs_search(SETTING, runs=1, max_runs=None)
    assert not needs_search(SETTING, runs=0, max_runs=None)
    assert not needs_search(SETTING, runs=1, max_runs=MIN_RUNS - 1)
    assert not needs_search(SETTING, runs=1, max_runs=0)
    assert not needs_search(ProgramContext(edition=SETTING.edition, read_only=True), runs=1, max_runs=None)


def test_request_forms_survive_their_json() -> None:
    found, _ = search(CallingServer(without("create_run", "model")))
    assert RequestForms.from_json(found.request_forms.to_json()) == found.request_forms
    assert RequestForms.from_json(None) == RequestForms()
    with_files, _ = search(_stores_files, setting=IMPATIENT)
    assert RequestForms.from_json(with_files.request_forms.to_json()).accepts_any_file_id
