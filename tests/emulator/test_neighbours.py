"""Models, files and vector stores, as far as the official client and frameworks need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.emulator.conftest import Served


@pytest.fixture
def client(quick: Served) -> Iterator[Any]:
    with openai.OpenAI(api_key="sk-neighbours", base_url=quick.url, max_retries=0) as resource:
        yield resource


def test_models(client: Any) -> None:
    names = [model.id for model in client.models.list()]
    assert "gpt-4o" in names
    assert client.models.retrieve(names[0]).object == "model"


def test_file_from_upload_to_deletion(client: Any) -> None:
    content = b"\r\n--\x00\xff\r\n\r\nlines\r\n"
    file = client.files.create(file=("notes.txt", content), purpose="assistants")
    assert (file.filename, file.bytes, file.purpose) == ("notes.txt", len(content), "assistants")
    assert client.files.content(file.id).read() == content
    assert file.id in [one.id for one in client.files.list()]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_vector_store_with_files_and_batches(client: Any) -> None:
    store = client.vector_stores.create(name="notes", file_ids=["file-a"])
    client.vector_stores.files.create(store.id, file_id="file-b")
    batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=["file-c"])
    assert (batch.status, batch.file_counts.completed) == ("completed", 1)
    assert {file.id for file in client.vector_stores.files.list(store.id)} == {"file-a", "file-b", "file-c"}
    assert client.vector_stores.retrieve(store.id).file_counts.total == 3
    assert client.vector_stores.delete(store.id).deleted


@pytest.mark.parametrize("path", ["/embeddings", "/files/file-a/contents", "/nothing"])
def test_unknown_routes(quick: Served, path: str) -> None:
    answer = quick.send("GET", path, headers={"openai-beta": None})
    assert (answer.status, answer.body["error"]["type"]) == (404, "invalid_request_error")
    assert answer.body["error"]["message"].startswith("Invalid URL")


def test_invalid_requests_of_neighbours(quick: Served) -> None:
    for path, raw in (("/files", b"{}"), ("/vector_stores", b"{"), ("/vector_stores", b'{"file_ids": 1}')):
        assert quick.send("POST", path, raw).status == 400
