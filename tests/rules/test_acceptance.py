"""Valid requests are accepted: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Nature, Result, Suspicion
from runs_conformance.rules.acceptance import reads, valid_requests
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import ASSISTANT, HistoryBuilder, assistant, error, message, page, run, step, thread


def _control(operation: str) -> Step:
    return Step(operation=operation, body={}, role=Role.CONTROL)


@passes(valid_requests.smallest_request_is_accepted)
def test_an_empty_thread_is_created() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=_control("create_thread"))
    return builder.history()


@fails(valid_requests.smallest_request_is_accepted, times=1)
def test_an_empty_thread_is_refused() -> History:
    builder = HistoryBuilder()
    builder.refuse("create_thread", step=_control("create_thread"))
    return builder.history()


def _refused_modification(**members: Any) -> History:
    builder = HistoryBuilder()
    own = Step(operation="modify_assistant", body=members, role=Role.CONTROL)
    builder.refuse("modify_assistant", body=members, step=own)
    return builder.history()


@fails(valid_requests.smallest_request_is_accepted, times=1)
def test_modification_that_keeps_the_model_is_refused() -> History:
    return _refused_modification(metadata={"a": "b"})


@inconclusive(valid_requests.smallest_request_is_accepted)
def test_modification_to_another_model_is_refused() -> History:
    return _refused_modification(metadata={"a": "b"}, model="unknown")


READS = (
    reads.assistants_threads_and_runs_can_be_read,
    reads.messages_can_be_read,
    reads.steps_can_be_read,
    reads.lists_can_be_read,
)


def _read(builder: HistoryBuilder, operation: str, answer: object, status: int = 200) -> None:
    builder.send(operation, answer, status, step=Step(operation=operation, role=Role.READ))


def _reads(shown: bool) -> History:
    builder = HistoryBuilder()
    create = Step(operation="create_run", body={})
    builder.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    builder.send("create_run", run(), step=create)
    builder.send("create_message", message(), step=Step(operation="create_message", body={}))
    _read(builder, "list_run_steps", page(step()))
    missing = error("Not here.")
    for operation, answer in {
        "get_run": run("completed"),
        "get_message": message(),
        "get_run_step": step(),
        "list_messages": page(message()),
    }.items():
        _read(builder, operation, answer if shown else missing, 200 if shown else 404)
    return builder.history()


@passes(*READS)
def test_created_objects_are_shown() -> History:
    return _reads(shown=True)


@fails(reads.assistants_threads_and_runs_can_be_read, times=1)
def test_a_run_is_not_shown() -> History:
    return _reads(shown=False)


@fails(reads.messages_can_be_read, times=1)
def test_a_message_is_not_shown() -> History:
    return _reads(shown=False)


@fails(reads.steps_can_be_read, times=1)
def test_a_step_is_not_shown() -> History:
    return _reads(shown=False)


@fails(reads.lists_can_be_read, times=1)
def test_messages_are_not_listed() -> History:
    return _reads(shown=False)


def _list_with(status: int, **query: JSON) -> list[Result]:
    """The verdicts on a list of messages with a query."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    own = Step(operation="list_messages", role=Role.READ, query=tuple(query.items()))
    builder.send("list_messages", page() if status == 200 else error(), status, query=query, step=own)
    return judge(reads.lists_can_be_read, builder.history())


@pytest.mark.parametrize("query", [{"order": "asc"}, {"limit": 100}, {"limit": 1, "order": "desc"}])
def test_list_with_a_query_that_every_server_must_understand(query: dict[str, JSON]) -> None:
    assert _list_with(200, **query) == [PASSED]
    assert isinstance(_list_with(400, **query)[0], Finding)
    assert isinstance(_list_with(500, **query)[0], Suspicion)


@pytest.mark.parametrize(("status", "is_found"), [(400, False), (422, False), (404, True)])
def test_list_that_is_shown_with_another_limit_is_no_missing_object(status: int, is_found: bool) -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    for limit, answer, code in ((100, error(), status), (50, page(), 200)):
        listed = Step(operation="list_messages", role=Role.READ, query=(("limit", limit),))
        builder.send("list_messages", answer, code, query={"limit": limit}, step=listed)
    *refused, shown = judge(reads.lists_can_be_read, builder.history())
    assert [isinstance(result, Finding) for result in refused] == ([True] if is_found else [])
    assert shown == PASSED


@pytest.mark.parametrize("query", [{"order": "up"}, {"limit": 0}, {"limit": 101}, {"limit": True}, {"after": "msg_z"}])
def test_list_with_a_query_that_may_be_refused(query: dict[str, JSON]) -> None:
    assert _list_with(400, **query) == []


def test_a_step_that_two_runs_list_is_no_failed_read() -> None:
    builder = HistoryBuilder()
    both = ("run_a", "run_b")
    for run_id in both:
        builder.create_run(run(id_=run_id), step=Step(operation="create_run", body={"assistant_id": ASSISTANT}))
    for run_id in both:
        listed = Step(operation="list_run_steps")
        builder.send("list_run_steps", page(step(run_id=ABSENT)), step=listed, run_id=run_id)
    builder.send("get_run_step", error(), 404, step=Step(operation="get_run_step"), run_id="run_a")
    assert [type(result) for result in judge(reads.steps_can_be_read, builder.history())][-1] is Suspicion


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_step_that_was_listed_as_one_of_another_run_is_no_passed_read(is_shown: bool) -> None:
    builder = HistoryBuilder()
    builder.send("create_thread_and_run", run(), step=Step(operation="create_thread_and_run", body={}))
    misplaced = step(run_id="run_b")
    _read(builder, "list_run_steps", page(misplaced))
    _read(builder, "get_run_step", misplaced if is_shown else error("Not here."), 200 if is_shown else 404)
    listed, *read = judge(reads.steps_can_be_read, builder.history())
    assert listed is PASSED
    assert [type(result) for result in read] == ([] if is_shown else [Suspicion])


@inconclusive(reads.assistants_threads_and_runs_can_be_read)
def test_a_run_that_another_tenant_created() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread_and_run", run(), step=Step(operation="create_thread_and_run", body={}, key=Key.SECOND))
    builder.send("cancel_run", run("cancelling"), step=Step(operation="cancel_run"))
    _read(builder, "get_run", error("No run found."), 404)
    return builder.history()


@permitted
def test_a_thread_that_was_deleted() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    builder.send("delete_thread", {"id": "thread_a", "object": "thread.deleted", "deleted": True})
    _read(builder, "get_thread", error("No thread found with id 'thread_a'."), 404)
    return builder.history()


@permitted
def test_a_thread_of_another_tenant() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=Step(operation="create_thread", body={}, key=Key.SECOND))
    _read(builder, "get_thread", error("No thread found with id 'thread_a'."), 404)
    return builder.history()


def _reads_of_own_thread(shown: bool, reader: Key = Key.SECOND) -> History:
    """Another tenant creates a thread together with a run, which a tenant reads."""
    builder = HistoryBuilder()
    builder.send("create_thread_and_run", run(), step=Step(operation="create_thread_and_run", body={}, key=Key.SECOND))
    for operation, answer in {"get_thread": thread(), "list_messages": page(message())}.items():
        answered = (answer, 200) if shown else (error("Not here."), 404)
        builder.send(operation, *answered, step=Step(operation=operation, key=reader, role=Role.READ))
    return builder.history()


OWN_READS = (reads.assistants_threads_and_runs_can_be_read, reads.lists_can_be_read)


@passes(*OWN_READS)
def test_another_tenant_is_shown_what_it_created() -> History:
    return _reads_of_own_thread(shown=True)


@fails(*OWN_READS, times=1)
def test_another_tenant_is_not_shown_what_it_created() -> History:
    return _reads_of_own_thread(shown=False)


@permitted
def test_the_first_tenant_is_not_shown_what_another_created() -> History:
    return _reads_of_own_thread(shown=False, reader=Key.PRIMARY)


@inconclusive(*OWN_READS)
def test_another_tenant_is_not_shown_what_the_first_created() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    builder.send("create_run", run(), step=Step(operation="create_run", body={}, key=Key.SECOND))
    for operation in ("get_thread", "list_messages"):
        other = Step(operation=operation, key=Key.SECOND, role=Role.READ)
        builder.send(operation, error("Not here."), 404, step=other)
    return builder.history()


def test_an_operation_that_there_is_not_refuses_nothing() -> None:
    builder = HistoryBuilder()
    builder.refuse("modify_run", 404, step=_control("modify_run"))
    assert judge(valid_requests.smallest_request_is_accepted, builder.history()) == []


@permitted
def test_a_model_that_there_is_not() -> History:
    builder = HistoryBuilder()
    builder.refuse("create_assistant", step=_control("create_assistant"))
    return builder.history()


def test_where_a_model_is_needed_nothing_is_decided() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_run", step=_control("create_run"))
    assert isinstance(judge(valid_requests.smallest_request_is_accepted, builder.history())[0], Inconclusive)


def _refused_for(operation: str, answer: object, status: int = 422, **members: Any) -> str:
    """The finding or reason on a refused request of the smallest size after an assistant was created."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(model="gpt-4o"), body={"model": "gpt-4o"})
    own = Step(operation=operation, body=members, role=Role.CONTROL)
    builder.send(operation, answer, status, body=members, step=own)
    (result,) = judge(valid_requests.smallest_request_is_accepted, builder.history())
    return getattr(result, "message", "") or f"inconclusive: {getattr(result, 'reason', '')}"


ADDITIONAL = {"statusCode": 422, "message": "body must NOT have additional properties ('assistant_id')"}
MISSING_NAME = {"detail": [{"loc": ["body", "name"], "msg": "Field required", "type": "missing"}]}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ADDITIONAL, "names assistant_id: the route of POST /threads/{thread_id} seems to take the request"),
        (error("No thread found with id 'runs'."), "names runs as the id of a thread: the route of POST /threads/"),
        (error("Unknown assistant.", param="assistant_id"), "the refusal names assistant_id"),
    ],
)
def test_refusal_that_cannot_be_because_of_the_model_is_reported(answer: object, said: str) -> None:
    message = _refused_for("create_thread_and_run", answer, assistant_id=ASSISTANT)
    assert message.startswith("refused the smallest valid request of create_thread_and_run: ")
    assert said in message


@pytest.mark.parametrize(("model", "is_reported"), [("gpt-4o", True), ("gpt-4", False)])
def test_member_that_the_target_requires_besides_a_model_it_has(model: str, is_reported: bool) -> None:
    message = _refused_for("create_assistant", MISSING_NAME, model=model)
    assert message.endswith("refused the smallest valid request of create_assistant: the refusal names name")
    assert message.startswith("inconclusive") is not is_reported


@pytest.mark.parametrize(
    "answer", [error("The model gpt-4o is not served.", param="assistant_id"), error("No."), error("Too many runs.")]
)
def test_refusal_that_may_be_because_of_the_model(answer: object) -> None:
    message = _refused_for("create_thread_and_run", answer, 400, assistant_id=ASSISTANT)
    assert message == "inconclusive: create_thread_and_run was refused, possibly because of the model"


def _run_needs_model(model: str, shown: JSON = "gpt-4o") -> History:
    """A target that creates runs only with a model in the request."""
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(model=shown), body={"model": "gpt-4o"})
    builder.refuse("create_run", step=_control("create_run"), body={"assistant_id": ASSISTANT})
    builder.send("create_run", run(), body={"assistant_id": ASSISTANT, "model": model})
    return builder.history()


@fails(valid_requests.smallest_request_is_accepted, times=1)
def test_a_run_needs_the_model_that_its_assistant_has() -> History:
    return _run_needs_model("gpt-4o")


@inconclusive(valid_requests.smallest_request_is_accepted)
def test_a_run_needs_another_model() -> History:
    return _run_needs_model("gpt-4")


@inconclusive(valid_requests.smallest_request_is_accepted)
def test_assistant_whose_model_is_no_text() -> History:
    return _run_needs_model("gpt-4o", shown={"name": "gpt-4o"})


def _in_parts(together: bool, *parts: tuple[str, bool]) -> History:
    """A valid request of several members, and then requests for each of them."""
    builder = HistoryBuilder()
    for names, accepted in (("top_p temperature", together), *parts):
        body = dict.fromkeys(names.split(), 0.5)
        exercises = tuple(f"create_run.{name}.maximum" for name in body)
        valid = Step(operation="create_run", body=body, role=Role.VALID, exercises=exercises)
        if accepted:
            builder.send("create_run", run(), body=body, step=valid)
        else:
            builder.refuse("create_run", body=body, step=valid)
    return builder.history()


@passes(valid_requests.members_are_accepted_together)
def test_members_that_are_accepted_together() -> History:
    builder = HistoryBuilder()
    both = {"top_p": 0.5, "temperature": 0.5}
    exercises = ("create_run.top_p.maximum", "create_run.temperature.maximum")
    valid = Step(operation="create_run", body=both, role=Role.VALID, exercises=exercises)
    builder.send("create_run", run(), body=both, step=valid)
    return builder.history()


@fails(valid_requests.members_are_accepted_together, times=1)
def test_members_that_are_refused_together_only() -> History:
    return _in_parts(False, ("top_p", True), ("temperature", True))


def _with_temperature(body: dict[str, JSON], *others: dict[str, JSON], param: str | None = None) -> History:
    """A refused request, and others that were accepted."""
    builder = HistoryBuilder()
    for each in (body, *others):
        sent = {"assistant_id": ASSISTANT, **each}
        exercises = tuple(f"create_run.{name}.type" for name in each)
        valid = Step(operation="create_run", body=sent, role=Role.VALID, exercises=exercises)
        if each is body:
            builder.send("create_run", error("No.", param), 400, body=sent, step=valid)
        else:
            builder.send("create_run", run(), body=sent, step=valid)
    return builder.history()


@fails(valid_requests.members_are_accepted_together, times=1)
def test_number_between_two_that_were_accepted() -> History:
    return _with_temperature({"temperature": 0.7, "top_p": 1}, {"temperature": 0}, {"temperature": 1}, {"top_p": 1})


@inconclusive(valid_requests.members_are_accepted_together)
def test_number_beyond_all_that_were_accepted() -> History:
    return _with_temperature({"temperature": 1.6, "top_p": 1}, {"temperature": 0}, {"temperature": 1}, {"top_p": 1})


@inconclusive(valid_requests.members_are_accepted_together)
def test_text_longer_than_all_that_were_accepted() -> History:
    return _with_temperature({"metadata": {"a": "x" * 512}, "top_p": 1}, {"metadata": {"a": "x"}}, {"top_p": 1})


@inconclusive(valid_requests.members_are_accepted_together)
def test_one_value_that_was_refused_without_others() -> History:
    both = ("create_run.temperature.type", "create_run.temperature.maximum")
    builder = HistoryBuilder()
    for temperature, tested in ((0, both[:1]), (1, both[1:]), (0.7, both)):
        body: dict[str, JSON] = {"assistant_id": ASSISTANT, "temperature": temperature}
        valid = Step(operation="create_run", body=body, role=Role.VALID, exercises=tested)
        if tested == both:
            builder.refuse("create_run", body=body, step=valid)
        else:
            builder.send("create_run", run(), body=body, step=valid)
    return builder.history()


@inconclusive(valid_requests.members_are_accepted_together)
def test_refusal_that_names_a_value_that_was_never_accepted() -> History:
    others: tuple[dict[str, JSON], ...] = ({"temperature": 0}, {"temperature": 1}, {"top_p": 1})
    return _with_temperature({"temperature": 0.7, "top_p": 1}, *others, param="temperature")


@fails(valid_requests.members_are_accepted_together, times=1)
def test_refusal_that_names_a_value_that_was_accepted() -> History:
    others: tuple[dict[str, JSON], ...] = ({"temperature": 1}, {"top_p": 1})
    return _with_temperature({"temperature": 1, "top_p": 1}, *others, param="temperature")


def _listed_with(*parts: tuple[dict[str, JSON], bool]) -> History:
    """Lists with a limit and an order, which are refused, and then with other queries."""
    builder = HistoryBuilder()
    both: dict[str, JSON] = {"limit": 100, "order": "desc"}
    for query, accepted in ((both, False), *parts):
        exercises = tuple(f"list_runs.{name}.{name}" for name in query)
        valid = Step(operation="list_runs", query=tuple(query.items()), role=Role.VALID, exercises=exercises)
        builder.send("list_runs", page() if accepted else error(), 200 if accepted else 400, query=query, step=valid)
    return builder.history()


@fails(valid_requests.members_are_accepted_together, times=1)
def test_limit_and_order_that_are_refused_together_only() -> History:
    return _listed_with(({"limit": 100}, True), ({"order": "desc"}, True))


@inconclusive(valid_requests.members_are_accepted_together)
def test_limit_that_was_accepted_with_another_value_only() -> History:
    return _listed_with(({"limit": 1}, True), ({"order": "desc"}, True))


@inconclusive(valid_requests.members_are_accepted_together)
def test_member_that_is_refused_by_itself() -> History:
    return _in_parts(False, ("top_p", True), ("temperature", False))


@inconclusive(valid_requests.members_are_accepted_together)
def test_members_that_are_refused_on_a_locked_thread() -> History:
    builder = HistoryBuilder()
    for names in ("top_p", "temperature", "top_p temperature"):
        body = dict.fromkeys(names.split(), 0.5)
        exercises = tuple(f"create_run.{name}.maximum" for name in body)
        valid = Step(operation="create_run", body=body, role=Role.VALID, exercises=exercises)
        if len(body) == 1:
            builder.send("create_run", run(), body=body, step=valid)
        else:
            builder.refuse("create_run", body=body, step=valid, text="Thread t already has an active run run_1.")
    return builder.history()


@inconclusive(valid_requests.members_are_accepted_together)
def test_member_without_further_evidence() -> History:
    return _in_parts(False, ("top_p", True))


@inconclusive(valid_requests.members_are_accepted_together)
def test_member_whose_value_was_never_accepted() -> History:
    builder = HistoryBuilder()
    exercises = ("create_message.attachments.type", "create_message.content.type")
    for attachments, tested in (([], exercises), (None, exercises[:1]), (None, exercises[1:])):
        body: dict[str, Any] = {"role": "user", "content": "x", "attachments": attachments}
        valid = Step(operation="create_message", body=body, role=Role.VALID, exercises=tested)
        if attachments is None:
            builder.send("create_message", message(), body=body, step=valid)
        else:
            builder.refuse("create_message", body=body, step=valid)
    return builder.history()


def _parts_of_content(refused: int, accepted: int) -> History:
    """A message whose content has `refused` parts and is refused, and then two with `accepted` parts."""
    builder = HistoryBuilder()
    both = ("create_message.role.enum", "create_message.content[].type.enum")
    for count, tested in ((refused, both), (accepted, both[:1]), (accepted, both[1:])):
        body = {"role": "user", "content": [{"type": "text", "text": "x"}] * count}
        valid = Step(operation="create_message", body=body, role=Role.VALID, exercises=tested)
        if tested is both:
            builder.refuse("create_message", body=body, step=valid)
        else:
            builder.send("create_message", message(), body=body, step=valid)
    return builder.history()


@inconclusive(valid_requests.members_are_accepted_together)
def test_array_of_one_item_where_only_longer_ones_were_accepted() -> History:
    return _parts_of_content(1, 2)


@fails(valid_requests.members_are_accepted_together, times=1)
def test_array_of_three_items_where_two_were_accepted() -> History:
    return _parts_of_content(3, 2)


@inconclusive(valid_requests.members_are_accepted_together)
def test_alternative_that_was_never_accepted() -> History:
    builder = HistoryBuilder()
    both = ("create_assistant.model.type", "create_assistant.tools[].type.enum")
    for tool, tested in (("file_search", both), ("code_interpreter", both[:1]), ("code_interpreter", both[1:])):
        body = {"model": "gpt-4o", "tools": [{"type": tool}]}
        valid = Step(operation="create_assistant", body=body, role=Role.VALID, exercises=tested)
        if tool == "file_search":
            builder.refuse("create_assistant", body=body, step=valid)
        else:
            builder.send("create_assistant", assistant(), body=body, step=valid)
    return builder.history()


def _equal(*statuses: int, operation: str = "create_thread") -> History:
    builder, valid_step = HistoryBuilder(), Step(operation=operation)
    for number, status in enumerate(statuses):
        answer = error() if status != 200 else thread(f"thread_{number}")
        builder.send(operation, answer, status, body={"metadata": {"a": "b"}}, step=valid_step)
    return builder.history()


@passes(valid_requests.equal_requests_are_all_accepted)
def test_equal_requests_are_accepted_every_time() -> History:
    return _equal(200, 200)


@fails(valid_requests.equal_requests_are_all_accepted, times=1)
def test_every_third_request_is_refused() -> History:
    return _equal(200, 200, 400)


@inconclusive(valid_requests.equal_requests_are_all_accepted)
def test_equal_request_that_fails_in_the_server() -> History:
    return _equal(200, 500)


@inconclusive(valid_requests.equal_requests_are_all_accepted)
def test_equal_requests_that_are_always_refused() -> History:
    return _equal(400, 400)


@permitted
def test_equal_request_that_is_rate_limited() -> History:
    return _equal(200, 429)


@permitted
def test_equal_message_that_a_run_locks_out() -> History:
    builder, body = HistoryBuilder(), {"role": "user", "content": "Hello"}
    builder.send("create_thread", thread())
    builder.send("create_message", message("user", "Hello", "msg_u"), body=body, step=Step(operation="create_message"))
    builder.see_statuses("queued", "in_progress")
    builder.refuse("create_message", body=body, step=Step(operation="create_message"))
    builder.get_run(run("in_progress"))
    return builder.history()


LOCKED = "Thread thread_a already has an active run run_z."


def _locked(builder: HistoryBuilder) -> History:
    builder.refuse("create_run", text=LOCKED, step=_control("create_run"), body={"assistant_id": ASSISTANT})
    return builder.history()


@inconclusive(valid_requests.smallest_request_is_accepted)
def test_smallest_request_that_a_run_of_another_thread_locks_out() -> History:
    return _locked(HistoryBuilder())


@inconclusive(valid_requests.equal_requests_are_all_accepted)
def test_equal_request_that_a_run_of_another_thread_locks_out() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread("thread_b"))
    accepted = run("completed", thread_id="thread_b")
    builder.send("create_run", accepted, step=_control("create_run"), thread_id="thread_b")
    return _locked(builder)


def test_a_refused_smallest_request_has_to_be_confirmed() -> None:
    (finding,) = judge(valid_requests.smallest_request_is_accepted, _refused_modification(metadata={"a": "b"}))
    assert isinstance(finding, Finding)
    assert finding.nature is Nature.VALID_REQUEST_REFUSED
