"""An agent that answers function calls, tested against the emulator with the official client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

SCENARIO = Path(__file__).parent.parent / "scenario.json"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def get_weather(city: str) -> str:
    """The function that the model may call."""
    return f"{city}: 4 degrees, rain"


def answer(client: openai.OpenAI, question: str) -> str:
    """The agent under test."""
    tool: Any = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[tool])
    thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=10)
    while run.status == "requires_action" and run.required_action is not None:
        run = client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=thread.id,
            tool_outputs=[
                {"tool_call_id": call.id, "output": get_weather(**json.loads(call.function.arguments))}
                for call in run.required_action.submit_tool_outputs.tool_calls
            ],
            poll_interval_ms=10,
        )
    if run.status != "completed":
        raise RuntimeError(f"the run ended {run.status}")
    message = client.beta.threads.messages.list(thread.id, limit=1).data[0]
    return "".join(part.text.value for part in message.content if part.type == "text")


def test_agent_answers_the_call_and_survives_429(runs_emulator: Any) -> None:
    """The emulator follows the scenario that the other languages use, too."""
    runs_emulator.apply_file(SCENARIO)
    with openai.OpenAI(api_key=runs_emulator.api_key, base_url=runs_emulator.base_url) as client:
        assert answer(client, "What is the weather in Oslo?") == "It rains in Oslo."
    (submitted,) = [one.body for one in runs_emulator.requests if one.operation == "submit_tool_outputs"]
    assert submitted["tool_outputs"][0]["output"] == "Oslo: 4 degrees, rain"
