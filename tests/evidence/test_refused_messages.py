"""Messages of refused requests are known."""

from __future__ import annotations

from runs_conformance.evidence.refused_messages import refused_message_contents, refused_requests
from tests.rules.histories import THREAD, HistoryBuilder, message, thread

HELLO, MORE = {"role": "user", "content": "Hello."}, {"role": "user", "content": "More."}
HELLO_CONTENT, MORE_CONTENT = ("user", (("text", "Hello."),)), ("user", (("text", "More."),))


def test_refused_requests_and_their_messages() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={})
    refused = builder.refuse("create_message", body=HELLO)
    builder.refuse("create_run", body={"additional_messages": [MORE]})
    builder.send("create_message", message("user"), body=HELLO)
    history = builder.history()
    assert list(refused_requests(history, "create_message", thread_id=THREAD)) == [refused]
    assert list(refused_requests(history, "create_message", thread_id="thread_b")) == []
    assert refused_message_contents(history, THREAD) == [HELLO_CONTENT, MORE_CONTENT]
    assert refused_message_contents(history, "thread_b") == []
