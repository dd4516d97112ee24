"""The assistant of Semantic Kernel, which calls a plugin itself; once polled, once as a stream."""

from __future__ import annotations

import asyncio
from typing import Any

from openai import AsyncOpenAI
from semantic_kernel.agents import AssistantAgentThread, OpenAIAssistantAgent  # type: ignore[import-not-found]
from semantic_kernel.functions import kernel_function  # type: ignore[import-not-found]


class Weather:
    """A plugin."""

    @kernel_function  # type: ignore[untyped-decorator]
    def get_weather(self, city: str) -> str:
        """Tell the weather."""
        return f"{city}: rain"


async def main() -> None:
    client: Any = AsyncOpenAI()
    definition = await client.beta.assistants.create(model="gpt-4o", name="Ann", instructions="Be brief.")
    agent = OpenAIAssistantAgent(client=client, definition=definition, plugins=[Weather()])
    thread = AssistantAgentThread(client=client)
    question = "Use Weather-get_weather for Oslo"
    response = await agent.get_response(messages=question, thread=thread)
    assert ": rain" in str(response), response
    streamed = [str(part.message) async for part in agent.invoke_stream(messages="Hello", thread=thread)]
    assert "".join(streamed) == "You said: Hello.", streamed
    await thread.delete()


if __name__ == "__main__":
    asyncio.run(main())
