from __future__ import annotations

from typing import Any

from runs_conformance.model.history import History
from runs_conformance.rules import stored
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import Told, message, page, run, step, streamed_message, usage
from tests.rules.streams import completed, opening, plain, writing


def read_after(
    read_run: Any = None, read_step: Any = None, read_message: Any = None, told: list[tuple[str, Any]] | None = None
) -> History:
    tell = Told()
    tell.stream("create_run", *(told or plain()))
    tell.get_run(read_run or run("completed", tool_resources={"code_interpreter": {"file_ids": []}}))
    tell.send("get_run_step", read_step or step("completed", expires_at=None))
    tell.send("get_message", read_message or message())
    return tell.history()


@holds(
    stored.run_is_as_its_stream_ended, stored.steps_are_as_their_stream_ended, stored.messages_are_as_their_stream_ended
)
def test_read_as_told() -> History:
    late = [*opening(), *writing("Hello.")[:-1], ("thread.run.step.completed", step(expires_at=1)), completed()]
    return read_after(told=late)


@breaks(stored.run_is_as_its_stream_ended, at="/usage")
def test_usage_differs() -> History:
    return read_after(run("completed", usage=usage(1, 1)))


@breaks(stored.run_is_as_its_stream_ended, at="/status")
def test_run_is_still_active() -> History:
    return read_after(run("in_progress"))


@breaks(stored.steps_are_as_their_stream_ended, at="/status")
def test_step_is_still_in_progress() -> History:
    return read_after(None, step("in_progress"))


@breaks(stored.messages_are_as_their_stream_ended, at="/content")
def test_message_says_something_else() -> History:
    return read_after(None, None, message(said="Good bye."))


@holds(stored.run_is_as_its_stream_ended)
def test_run_is_modified_afterwards() -> History:
    tell = Told()
    tell.stream("create_run", *plain())
    changed: dict[str, Any] = {"metadata": {"a": "b"}}
    tell.send("modify_run", run("completed", **changed), body=changed)
    tell.get_run(run("completed", **changed))
    return tell.history()


@undecided(stored.run_is_as_its_stream_ended)
def test_run_that_waits_goes_on() -> History:
    tell = Told()
    tell.stream("create_run", *opening(), ("thread.run.requires_action", run("requires_action")))
    tell.get_run(run("expired"))
    return tell.history()


@legal
def test_message_keeps_its_progress_for_streams() -> History:
    return read_after(read_message=streamed_message())


def listed_after(*steps: Any) -> History:
    tell = Told()
    tell.stream("create_run", *plain())
    tell.send("list_run_steps", page(*steps))
    tell.send("list_messages", page(message()))
    return tell.history()


@holds(stored.what_was_streamed_is_there)
def test_streamed_and_listed() -> History:
    return listed_after(step("completed"))


@breaks(stored.what_was_streamed_is_there, times=1)
def test_listed_by_another_id() -> History:
    return listed_after(step("completed", "step_b"))
