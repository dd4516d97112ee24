"""Messages that come with a thread or a run are compared with its list."""

from __future__ import annotations

from typing import Any

from runs_conformance.evidence.supplied_messages import SuppliedMessages, supplied_messages
from tests.rules.histories import MESSAGE, RUN, THREAD, HistoryBuilder, message, page, thread

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
