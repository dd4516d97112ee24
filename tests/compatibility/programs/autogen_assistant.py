"""The assistant of AutoGen, which calls a function itself, with a file for its search."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from autogen_agentchat.messages import TextMessage  # type: ignore[import-not-found]
from autogen_core import CancellationToken  # type: ignore[import-not-found]
from autogen_ext.agents.openai import OpenAIAssistantAgent  # type: ignore[import-not-found]
from openai import AsyncOpenAI


async def get_weather(city: str) -> str:
    """Tell the weather."""
    return f"{city}: rain"


async def main() -> None:
    tools: Any = ["file_search", get_weather]
    agent = OpenAIAssistantAgent(
        name="Ann",
        description="Tells the weather.",
        client=AsyncOpenAI(),
        model="gpt-4o",
        instructions="Be brief.",
        tools=tools,
    )
    token = CancellationToken()
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes.txt"
        notes.write_text("It rains.")
        await agent.on_upload_for_file_search(str(notes), token)
    question = TextMessage(source="user", content="Use get_weather for Oslo")
    response = await agent.on_messages([question], token)
    assert ": rain" in str(response.chat_message), response
    await agent.delete_uploaded_files(token)
    await agent.delete_vector_store(token)
    await agent.delete_assistant(token)


if __name__ == "__main__":
    asyncio.run(main())
