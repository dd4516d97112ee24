from __future__ import annotations

from runs_conformance.model.case import Key, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Undecided
from runs_conformance.rules import acceptance
from tests.rules.examples import breaks, holds, judge, legal, undecided
from tests.rules.histories import Told, error, message, page, run, step, thread


def _control(operation: str) -> Step:
    return Step(operation=operation, body={}, role=Role.CONTROL)


@holds(acceptance.smallest_request_is_accepted)
def test_an_empty_thread_is_created() -> History:
    tell = Told()
    tell.send("create_thread", thread(), step=_control("create_thread"))
    return tell.history()


@breaks(acceptance.smallest_request_is_accepted, times=1)
def test_an_empty_thread_is_refused() -> History:
    tell = Told()
    tell.refuse("create_thread", step=_control("create_thread"))
    return tell.history()


READS = (
    acceptance.assistants_threads_and_runs_can_be_read,
    acceptance.messages_can_be_read,
    acceptance.steps_can_be_read,
    acceptance.lists_can_be_read,
)


def _look(tell: Told, operation: str, answer: object, status: int = 200) -> None:
    tell.send(operation, answer, status, step=Step(operation=operation, role=Role.LOOK))


def _told(shown: bool) -> History:
    tell = Told()
    create = Step(operation="create_run", body={})
    tell.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    tell.send("create_run", run(), step=create)
    tell.send("create_message", message(), step=Step(operation="create_message", body={}))
    _look(tell, "list_run_steps", page(step()))
    missing = error("Not here.")
    for operation, answer in {
        "get_run": run("completed"),
        "get_message": message(),
        "get_run_step": step(),
        "list_messages": page(message()),
    }.items():
        _look(tell, operation, answer if shown else missing, 200 if shown else 404)
    return tell.history()


@holds(*READS)
def test_what_was_created_is_shown() -> History:
    return _told(shown=True)


@breaks(acceptance.assistants_threads_and_runs_can_be_read, times=1)
def test_a_run_is_not_shown() -> History:
    return _told(shown=False)


@breaks(acceptance.messages_can_be_read, times=1)
def test_a_message_is_not_shown() -> History:
    return _told(shown=False)


@breaks(acceptance.steps_can_be_read, times=1)
def test_a_step_is_not_shown() -> History:
    return _told(shown=False)


@breaks(acceptance.lists_can_be_read, times=1)
def test_messages_are_not_listed() -> History:
    return _told(shown=False)


@legal
def test_a_thread_that_was_deleted() -> History:
    tell = Told()
    tell.send("create_thread", thread(), step=Step(operation="create_thread", body={}))
    tell.send("delete_thread", {"id": "thread_a", "object": "thread.deleted", "deleted": True})
    _look(tell, "get_thread", error("No thread found with id 'thread_a'."), 404)
    return tell.history()


@legal
def test_a_thread_of_another_tenant() -> History:
    tell = Told()
    tell.send("create_thread", thread(), step=Step(operation="create_thread", body={}, key=Key.SECOND))
    _look(tell, "get_thread", error("No thread found with id 'thread_a'."), 404)
    return tell.history()


def test_an_operation_that_there_is_not_refuses_nothing() -> None:
    tell = Told()
    tell.refuse("modify_run", 404, step=_control("modify_run"))
    assert judge(acceptance.smallest_request_is_accepted, tell.history()) == []


@legal
def test_a_model_that_there_is_not() -> History:
    tell = Told()
    tell.refuse("create_assistant", step=_control("create_assistant"))
    return tell.history()


def test_where_a_model_is_needed_nothing_is_decided() -> None:
    tell = Told()
    tell.refuse("create_run", step=_control("create_run"))
    assert isinstance(judge(acceptance.smallest_request_is_accepted, tell.history())[0], Undecided)


def _in_parts(together: bool, *parts: tuple[str, bool]) -> History:
    """A legal request of several members, and then requests for each of them."""
    tell = Told()
    for names, accepted in (("top_p temperature", together), *parts):
        body = dict.fromkeys(names.split(), 0.5)
        exercises = tuple(f"create_run.{name}.maximum" for name in body)
        legal = Step(operation="create_run", body=body, role=Role.VALID, exercises=exercises)
        if accepted:
            tell.send("create_run", run(), body=body, step=legal)
        else:
            tell.refuse("create_run", body=body, step=legal)
    return tell.history()


@holds(acceptance.members_are_accepted_together)
def test_members_that_are_accepted_together() -> History:
    tell = Told()
    both = {"top_p": 0.5, "temperature": 0.5}
    exercises = ("create_run.top_p.maximum", "create_run.temperature.maximum")
    legal = Step(operation="create_run", body=both, role=Role.VALID, exercises=exercises)
    tell.send("create_run", run(), body=both, step=legal)
    return tell.history()


@breaks(acceptance.members_are_accepted_together, times=1)
def test_members_that_are_refused_together_only() -> History:
    return _in_parts(False, ("top_p", True), ("temperature", True))


@undecided(acceptance.members_are_accepted_together)
def test_member_that_is_refused_by_itself() -> History:
    return _in_parts(False, ("top_p", True), ("temperature", False))


@undecided(acceptance.members_are_accepted_together)
def test_member_of_which_no_more_is_known() -> History:
    return _in_parts(False, ("top_p", True))
