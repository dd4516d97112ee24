"""An emulator, the official client connected to it, and an assistant."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from runs_conformance.testing import ScriptableEmulator, start_emulator


@pytest.fixture
def emulator() -> Iterator[ScriptableEmulator]:
    with start_emulator(step_ms=0) as resource:
        yield resource


@pytest.fixture
def client(emulator: ScriptableEmulator) -> Iterator[Any]:
    with openai.OpenAI(api_key=emulator.api_key, base_url=emulator.base_url, max_retries=0) as resource:
        yield resource


@pytest.fixture
def assistant(client: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a test's own filter does not reach its fixtures
        return str(client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id)
