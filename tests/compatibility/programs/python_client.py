"""The calls of an application with the official Python client; works with 1.50 and newer."""

from __future__ import annotations

import json
import warnings
from typing import Any

import openai

warnings.simplefilter("ignore", DeprecationWarning)
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def main() -> None:
    client: Any = openai.OpenAI(max_retries=0)
    vector_stores = getattr(client, "vector_stores", None) or client.beta.vector_stores
    assert "gpt-4o" in [model.id for model in client.models.list()]

    file = client.files.create(file=("notes.txt", b"It rains."), purpose="assistants")
    assert client.files.content(file.id).read() == b"It rains."
    store = vector_stores.create(name="notes", file_ids=[file.id])
    batch = vector_stores.file_batches.create_and_poll(store.id, file_ids=[file.id], poll_interval_ms=10)
    assert batch.status == "completed"

    resources = {"file_search": {"vector_store_ids": [store.id]}}
    tools = [TOOL, {"type": "file_search"}]
    assistant = client.beta.assistants.create(model="gpt-4o", tools=tools, tool_resources=resources)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Use get_weather."}])
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10)
    assert run.status == "requires_action", run
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert isinstance(json.loads(calls[0].function.arguments), dict)
    outputs = [{"tool_call_id": call.id, "output": "rain"} for call in calls]
    run = runs.submit_tool_outputs_and_poll(
        thread_id=thread.id, run_id=run.id, tool_outputs=outputs, poll_interval_ms=10
    )
    assert run.status == "completed", run
    assert "rain" in client.beta.threads.messages.list(thread.id, limit=1).data[0].content[0].text.value
    assert len(list(runs.steps.list(thread_id=thread.id, run_id=run.id))) >= 2

    client.beta.threads.messages.create(thread.id, role="user", content="Hello")
    with runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        text = "".join(stream.text_deltas)
    assert text == "You said: Hello."
    run = runs.create(thread_id=thread.id, assistant_id=assistant.id, tool_choice=TOOL)
    runs.cancel(run.id, thread_id=thread.id)
    assert len(list(runs.list(thread.id, limit=1))) == 3
    for delete, id_ in (
        (client.beta.threads.delete, thread.id),
        (client.beta.assistants.delete, assistant.id),
        (vector_stores.delete, store.id),
        (client.files.delete, file.id),
    ):
        assert delete(id_).deleted


if __name__ == "__main__":
    main()
