"""The objects of an emulator survive a restart, without the keys of their tenants."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.errors import InvalidFile
from runs_conformance.testing.control import Control
from runs_conformance.testing.control_routes import build_controlled
from runs_conformance.testing.object_store import ObjectStore
from runs_conformance.testing.scriptable_emulator import make_control
from runs_conformance.testing.state_codec import decode_object, encode_object

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = "sk-very-secret-key"


@contextmanager
def served(path: Path) -> Iterator[tuple[Any, Control]]:
    """A client of an emulator with this store, and its control; it ends like a killed process, without `close`."""
    control = make_control(step_ms=0)
    store = ObjectStore(path, control)
    store.install()
    control.server.hooks.middleware[:0] = [store.wrap]
    try:
        with (
            serve_in_thread(build_controlled(control), lifespan="off") as origin,
            openai.OpenAI(api_key=KEY, base_url=f"{origin}/v1", max_retries=0) as client,
        ):
            yield client, control
    finally:
        store._connection.close()


def test_objects_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    with served(path) as (client, control):
        control.apply({"script": [[{"say": "Let me look."}, {"call": "f"}, {"say": "It rains."}], "hang"]})
        assistant = client.beta.assistants.create(model="gpt-4o", name="Ann", metadata={"a": "😀"})
        run = client.beta.threads.create_and_run(assistant_id=assistant.id, instructions="Be brief.")
        file = client.files.create(file=("a.txt", b"\x00\xff"), purpose="assistants")
        store = client.vector_stores.create(name="notes", file_ids=[file.id])
        hanging = client.beta.threads.create_and_run(assistant_id=assistant.id, instructions="Be brief.")
        waiting = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        messages = client.beta.threads.messages.list(run.thread_id).data
        removed = client.beta.threads.create().id
        client.beta.threads.delete(removed)
        control.apply({"advance": 100})
        client.beta.threads.update(run.thread_id, metadata={"b": "c"})
    assert waiting.status == "requires_action"
    assert KEY.encode() not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert path.stat().st_mode & 0o077 == 0

    with served(path) as (client, control):
        assert client.beta.assistants.retrieve(assistant.id) == assistant
        assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id) == waiting
        assert client.beta.threads.messages.list(run.thread_id).data == messages
        assert client.beta.threads.retrieve(run.thread_id).metadata == {"b": "c"}
        (call,) = waiting.required_action.submit_tool_outputs.tool_calls
        client.beta.threads.runs.submit_tool_outputs(
            run.id, thread_id=run.thread_id, tool_outputs=[{"tool_call_id": call.id, "output": "rain"}]
        )
        assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status == "completed"
        texts = [one.content[0].text.value for one in client.beta.threads.messages.list(run.thread_id, order="asc")]
        assert texts == ["Let me look.", "It rains."]
        assert client.files.content(file.id).read() == b"\x00\xff"
        assert [one.id for one in client.vector_stores.files.list(store.id)] == [file.id]
        with pytest.raises(openai.NotFoundError):
            client.beta.threads.retrieve(removed)
        found = client.beta.threads.runs.retrieve(hanging.id, thread_id=hanging.thread_id)
        assert found.status == "in_progress"
        control.apply({"advance": 520})
        found = client.beta.threads.runs.retrieve(hanging.id, thread_id=hanging.thread_id)
        assert found.status == "expired"
        newest = client.beta.threads.create_and_run(assistant_id=assistant.id, instructions="Be brief.")
        assert newest.created_at > hanging.created_at + 600


def test_other_keys_see_nothing(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    with served(path) as (client, _):
        assistant = client.beta.assistants.create(model="gpt-4o").id
    with served(path) as (client, _), pytest.raises(openai.NotFoundError):
        client.with_options(api_key="sk-other").beta.assistants.retrieve(assistant)


def test_clock_of_a_session_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    with served(path) as (client, control):
        control.apply({"advance": 5000}, key=KEY)
        # The other key's comes first: the time that passes between the two can only widen the difference.
        other = client.with_options(api_key="sk-other").beta.threads.create().created_at
        before = client.beta.threads.create().created_at
        assert before - other >= 5000
    with served(path) as (client, control):
        assert control.state()["objects"]["threads"] == 2
        assert control.state(KEY)["objects"]["threads"] == 1
        assert client.beta.threads.create().created_at >= before
        assert client.with_options(api_key="sk-other").beta.threads.create().created_at < before


def test_stream_is_stored_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    with served(path) as (client, _):
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
        events = list(client.beta.threads.create_and_run(assistant_id=assistant, stream=True))
    ended = events[-1].data
    with served(path) as (client, _):
        assert client.beta.threads.runs.retrieve(ended.id, thread_id=ended.thread_id).status == "completed"
        (message,) = client.beta.threads.messages.list(ended.thread_id).data
        assert message.id in {getattr(event.data, "id", None) for event in events}


def test_notes_of_mutants_are_stored_if_they_can_be(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    with served(path) as (client, control):
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
        run = client.beta.threads.create_and_run(assistant_id=assistant)
        (thread,) = control.server.stores[KEY].threads.values()
        thread.runs[run.id].notes.update(open=object(), reads=2)
        client.beta.threads.update(thread.id, metadata={})
    with served(path) as (client, control):
        assert client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).id == run.id
        assert control.server.stores[KEY].threads[thread.id].runs[run.id].notes == {"reads": 2}


def write_text(path: Path) -> None:
    path.write_text("This is not a database, and long enough to be looked at as one by the library. " * 20)


def write_other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")


def write_foreign_row(path: Path, content: str = '{"$object": "Popen", "members": {"args": "true"}}') -> None:
    ObjectStore(path, make_control()).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO objects VALUES ('threads', 'thread_1', 'x', ?)", (content,))


def write_number(path: Path) -> None:
    write_foreign_row(path, "1")


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (write_text, "not a database"),
        (write_other_database, "database of another program"),
        (write_foreign_row, "objects that cannot be read"),
        (write_number, "objects that cannot be read"),
        (Path.mkdir, "not a regular file"),
    ],
)
def test_unusable_files(tmp_path: Path, write: Any, error: str) -> None:
    path = tmp_path / "objects.sqlite"
    write(path)
    with pytest.raises(InvalidFile, match=error) as raised:
        ObjectStore(path, make_control())
    assert "\n" not in str(raised.value)


def test_store_of_another_server_and_missing_folder(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    first = ObjectStore(path, make_control())
    try:
        with pytest.raises(InvalidFile, match="is used by another server"):
            ObjectStore(path, make_control())
    finally:
        first.close()
    with pytest.raises(InvalidFile, match="cannot use"):
        ObjectStore(tmp_path / "missing" / "objects.sqlite", make_control())


@pytest.mark.parametrize(
    "value",
    [{"$message": "not a reference", "content": b"\xff"}, {"files": {"a": [1, None, 2.5, "\ud800"]}}, {1: "one"}],
)
def test_values_are_restored(value: Any) -> None:
    assert decode_object(encode_object(value)) == value


def test_clock_and_sequence_go_on(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    control = make_control()
    store = ObjectStore(path, control)
    control.server.clock.advance(1000)
    before, seq = control.server.clock.now(), control.server.seq()
    store.close()
    again = make_control()
    ObjectStore(path, again).close()
    assert again.clock.now() >= before - 1
    assert again.server.seq() > seq
