"""The assistant of LlamaIndex, with a file and a function that it calls itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from llama_index.agent.openai import OpenAIAssistantAgent  # type: ignore[import-not-found]
from llama_index.core.tools import FunctionTool  # type: ignore[import-not-found]


def get_weather(city: str = "Oslo") -> str:
    """Tell the weather."""
    return f"{city}: rain"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes.txt"
        notes.write_text("It rains.")
        tools: Any = [{"type": "file_search"}]
        agent = OpenAIAssistantAgent.from_new(
            name="Ann",
            instructions="Be brief.",
            model="gpt-4o",
            tools=[FunctionTool.from_defaults(get_weather)],
            openai_tools=tools,
            files=[str(notes)],
            run_retrieve_sleep_time=0.01,
        )
        assert len(agent.files_dict) == 1
        assert ": rain" in str(agent.chat("Use get_weather for Oslo"))


if __name__ == "__main__":
    main()
