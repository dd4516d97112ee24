"""Models, files and vector stores, as far as the official client and frameworks need them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from runs_conformance.emulator import neighbours
from tests.emulator.conftest import EmulatorClient


@pytest.fixture
def client(quick: EmulatorClient) -> Iterator[Any]:
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


def test_vector_store_is_modified_and_files_are_detached(client: Any) -> None:
    file = client.files.create(file=("a.txt", b"12345"), purpose="assistants").id
    store = client.vector_stores.create(
        file_ids=[file, "file-b"], expires_after={"anchor": "last_active_at", "days": 1}
    )
    assert store.expires_at - store.last_active_at == 86_400
    assert (store.usage_bytes, store.file_counts.total) == (5, 2)
    changed = client.vector_stores.update(store.id, name="new", metadata={"a": "b"}, expires_after=None)
    assert (changed.name, changed.metadata, changed.expires_at) == ("new", {"a": "b"}, None)
    assert client.vector_stores.files.delete(file, vector_store_id=store.id).deleted
    assert (changed := client.vector_stores.retrieve(store.id)).name == "new"
    assert (changed.usage_bytes, changed.file_counts.total) == (0, 1)
    with pytest.raises(openai.NotFoundError, match=f"No such file object: {file}"):
        client.vector_stores.files.retrieve(file, vector_store_id=store.id)


def test_batch_lists_its_files_and_can_be_cancelled(client: Any) -> None:
    store = client.vector_stores.create(file_ids=["file-a"]).id
    batch = client.vector_stores.file_batches.create(store, file_ids=["file-b", "file-c"]).id
    listed = client.vector_stores.file_batches.list_files(batch, vector_store_id=store, order="asc")
    assert [file.id for file in listed] == ["file-b", "file-c"]
    assert client.vector_stores.file_batches.cancel(batch, vector_store_id=store).status == "completed"
    with pytest.raises(openai.NotFoundError, match="No such file batch object: vsfb_none"):
        client.vector_stores.file_batches.retrieve("vsfb_none", vector_store_id=store)


def test_lists_are_paged(client: Any, quick: EmulatorClient) -> None:
    other = client.with_options(api_key="sk-pages")
    ids = [other.files.create(file=("a", b"a"), purpose=purpose).id for purpose in ("assistants", "vision", "vision")]
    page = other.files.list(limit=2)
    assert ([file.id for file in page.data], page.has_more) == ([ids[2], ids[1]], True)
    assert [file.id for file in page.get_next_page().data] == [ids[0]]
    assert [file.id for file in other.files.list(limit=1, order="asc")] == ids
    assert [file.id for file in other.files.list(purpose="vision")] == [ids[2], ids[1]]
    stores = [other.vector_stores.create().id for _ in range(4)]
    before = other.vector_stores.list(before=stores[0], limit=2, order="desc")
    assert ([store.id for store in before.data], before.has_more) == ([stores[2], stores[1]], True)
    for query in ("limit=0", "limit=a", "order=up", "after=file-none"):
        answer = quick.send("GET", f"/files?{query}")
        assert (answer.status, answer.body["error"]["param"]) == (400, query.partition("=")[0])


def test_upload_without_quotes(quick: EmulatorClient) -> None:
    """HttpClient of .NET sends parts so."""
    raw = b"--b\r\nContent-Disposition: form-data; name=purpose\r\n\r\nvision\r\n"
    names = b"name=file; filename=a.txt; filename*=utf-8''a.txt"
    raw += b"--b\r\nContent-Disposition: form-data; " + names + b"\r\n\r\nA\r\n--b--\r\n"
    answer = quick.send("POST", "/files", raw, headers={"content-type": 'multipart/form-data; boundary="b"'})
    assert [answer.body[name] for name in ("filename", "purpose", "bytes")] == ["a.txt", "vision", 1]


@pytest.mark.parametrize("path", ["/embeddings", "/files/file-a/contents", "/nothing"])
def test_unknown_routes(quick: EmulatorClient, path: str) -> None:
    answer = quick.send("GET", path, headers={"openai-beta": None})
    assert (answer.status, answer.body["error"]["type"]) == (404, "invalid_request_error")
    assert answer.body["error"]["message"].startswith("Invalid URL")


def test_invalid_requests_of_neighbours(quick: EmulatorClient) -> None:
    for path, raw in (("/files", b"{}"), ("/vector_stores", b"{"), ("/vector_stores", b'{"file_ids": 1}')):
        assert quick.send("POST", path, raw).status == 400
    for value in (b"NaN", b"1e999", b'"\\ud800"', b"[" * 5_000 + b"]" * 5_000):
        assert quick.send("POST", "/vector_stores", b'{"metadata": {"a": %s}}' % value).status == 400


def test_files_of_all_tenants_share_their_space(
    quick: EmulatorClient, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_MAX_BYTES", 1_000)
    first = client.files.create(file=("a", b"a" * 600), purpose="assistants")
    with openai.OpenAI(api_key="sk-other", base_url=quick.url, max_retries=0) as other:
        second = other.files.create(file=("b", b"b" * 600), purpose="assistants")
        assert other.files.content(second.id).read() == b"b" * 600
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(first.id)
