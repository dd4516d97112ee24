"""The assistant of LangChain, which calls a function and gets its output."""

from __future__ import annotations

import warnings
from typing import Any

warnings.simplefilter("ignore")

from langchain_classic.agents.openai_assistant import OpenAIAssistantRunnable  # type: ignore[import-not-found]  # noqa: E402
from langchain_core.tools import tool  # type: ignore[import-not-found]  # noqa: E402


@tool  # type: ignore[untyped-decorator]
def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"{city}: rain"


def main() -> None:
    agent: Any = OpenAIAssistantRunnable.create_assistant(
        name="Ann",
        instructions="Be brief.",
        tools=[get_weather],
        model="gpt-4o",
        as_agent=True,
        check_every_ms=10,
    )
    (action,) = agent.invoke({"content": "Use get_weather for Oslo"})
    assert action.tool == "get_weather"
    output = {"output": get_weather.invoke(action.tool_input), "tool_call_id": action.tool_call_id}
    finish = agent.invoke({"tool_outputs": [output], "run_id": action.run_id, "thread_id": action.thread_id})
    assert "Oslo: rain" in finish.return_values["output"], finish


if __name__ == "__main__":
    main()
