from __future__ import annotations

from typing import Any

from runs_conformance.evidence.refused_messages import refused_message_contents, refused_requests
from runs_conformance.evidence.sent_messages import (
    all_messages_are_known,
    messages_in_request,
    messages_sent_to,
    receiving_thread,
)
from runs_conformance.evidence.supplied_messages import SuppliedMessages, supplied_messages
from runs_conformance.model.json import ABSENT
from tests.rules.histories import MESSAGE, RUN, THREAD, HistoryBuilder, message, page, run, thread

HELLO, MORE = {"role": "user", "content": "Hello."}, {"role": "user", "content": "More."}
HELLO_CONTENT, MORE_CONTENT = ("user", (("text", "Hello."),)), ("user", (("text", "More."),))


def created(*messages: Any) -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": list(messages)} if messages else {})
    return builder


def only(builder: HistoryBuilder) -> SuppliedMessages:
    (supplied,) = supplied_messages(builder.history())
    return supplied


def test_messages_of_a_new_thread() -> None:
    builder = created(HELLO, MORE)
    builder.send("list_messages", page(message("user", "More.", "msg_b"), message("user", "Hello.")))
    supplied = only(builder)
    assert (supplied.thread_id, supplied.run_id) == (THREAD, "")
    assert not supplied.is_additional
    assert supplied.contents == (HELLO_CONTENT, MORE_CONTENT)
    assert [item.id for item in supplied.listed] == [MESSAGE, "msg_b"]
    assert supplied.missing == ()


def test_missing_message() -> None:
    builder = created(HELLO, MORE)
    builder.send("list_messages", page(message("user", "Hello.")), query={"order": "asc"})
    assert only(builder).missing == (MORE_CONTENT,)


def test_additional_messages_of_a_run() -> None:
    builder = created()
    builder.create_run(body={"assistant_id": "asst_a", "additional_messages": [MORE]})
    builder.send("list_messages", page(message("user", "More.")))
    supplied = only(builder)
    assert supplied.is_additional
    assert supplied.run_id == RUN


def test_messages_are_not_compared_after_a_deletion() -> None:
    builder = created(HELLO)
    builder.lose_answer("delete_message")
    builder.send("list_messages", page())
    assert supplied_messages(builder.history()) == ()


def test_refused_messages_are_not_supplied() -> None:
    builder = HistoryBuilder()
    builder.refuse("create_thread", body={"messages": [HELLO]})
    builder.send("list_messages", page())
    assert supplied_messages(builder.history()) == ()


def test_modified_messages() -> None:
    builder = created(HELLO)
    builder.send("modify_message", message("user"), body={"metadata": {}})
    builder.send("list_messages", page(message("user", "Hello.")))
    assert only(builder).may_be_modified({MESSAGE})
    assert not only(builder).may_be_modified({"msg_b"})


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


def test_refused_requests_and_their_messages() -> None:
    builder = created()
    refused = builder.refuse("create_message", body=HELLO)
    builder.refuse("create_run", body={"additional_messages": [MORE]})
    builder.send("create_message", message("user"), body=HELLO)
    history = builder.history()
    assert list(refused_requests(history, "create_message", thread_id=THREAD)) == [refused]
    assert list(refused_requests(history, "create_message", thread_id="thread_b")) == []
    assert refused_message_contents(history, THREAD) == [HELLO_CONTENT, MORE_CONTENT]
    assert refused_message_contents(history, "thread_b") == []
