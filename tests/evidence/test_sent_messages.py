"""The messages of a thread are those that were sent to it, if all are known."""

from __future__ import annotations

from typing import Any

from runs_conformance.evidence.sent_messages import (
    all_messages_are_known,
    messages_in_request,
    messages_sent_to,
    receiving_thread,
)
from runs_conformance.model.json import ABSENT
from tests.rules.histories import THREAD, HistoryBuilder, message, page, run, thread

HELLO, MORE = {"role": "user", "content": "Hello."}, {"role": "user", "content": "More."}
HELLO_CONTENT, MORE_CONTENT = ("user", (("text", "Hello."),)), ("user", (("text", "More."),))


def created(*messages: Any) -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": list(messages)} if messages else {})
    return builder


def test_messages_in_a_request_and_their_thread() -> None:
    builder = HistoryBuilder()
    nested = builder.send("create_thread_and_run", run(), body={"thread": {"messages": [HELLO]}})
    assert messages_in_request(nested) == [HELLO]
    assert receiving_thread(nested) == THREAD
    single = builder.send("create_message", message("user"), body=HELLO)
    assert messages_in_request(single) is ABSENT
    assert receiving_thread(single) == THREAD


def test_messages_sent_before_an_exchange() -> None:
    builder = created(HELLO)
    builder.send("create_message", message("user", "More."), body=MORE)
    builder.refuse("create_message", body=MORE)
    read = builder.send("list_messages", page())
    builder.send("create_message", message("user", "More."), body=MORE)
    assert messages_sent_to(builder.history(), THREAD, read) == [HELLO_CONTENT, MORE_CONTENT]
    assert messages_sent_to(builder.history(), "thread_b", read) == []


def test_all_messages_are_known() -> None:
    builder = created(HELLO)
    builder.send("create_message", message("user", "More."), body=MORE)
    builder.refuse("create_message", body=MORE)
    read = builder.send("list_messages", page())
    assert all_messages_are_known(builder.history(), THREAD, read)
    assert not all_messages_are_known(builder.history(), "thread_b", read)


def test_messages_are_unknown_after_a_lost_write_or_a_deletion() -> None:
    for operation in ("create_message", "create_run", "delete_message"):
        builder = created(HELLO)
        builder.lose_answer(operation)
        read = builder.send("list_messages", page())
        assert not all_messages_are_known(builder.history(), THREAD, read)
