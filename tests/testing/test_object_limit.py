"""A limited emulator keeps the newest objects, and never more than the limit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.testing.control import Control
from runs_conformance.testing.control_routes import build_controlled
from runs_conformance.testing.object_limit import ObjectLimit
from runs_conformance.testing.object_store import ObjectStore
from runs_conformance.testing.scriptable_emulator import make_control

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LIMIT = 20


@contextmanager
def limited(store: Path | None = None) -> Iterator[tuple[Any, Control]]:
    control = make_control(step_ms=0)
    kept = None if store is None else ObjectStore(store, control)
    limit = ObjectLimit(control.server, LIMIT, *([kept.forget_deleted] if kept else []))
    limit.install()
    control.server.hooks.middleware[:0] = [limit.wrap]
    if kept is not None:
        kept.install()
        control.server.hooks.middleware.insert(1, kept.wrap)
    with (
        serve_in_thread(build_controlled(control), lifespan="off") as origin,
        openai.OpenAI(api_key="sk", base_url=f"{origin}/v1", max_retries=0) as client,
    ):
        yield client, control
    if kept is not None:
        kept.close()


def in_threads(control: Control) -> int:
    """The number of threads, messages, runs and steps."""
    threads = [thread for store in control.server.stores.values() for thread in store.threads.values()]
    return sum(1 + len(one.messages) + sum(1 + len(run.steps) for run in one.runs.values()) for one in threads)


def test_oldest_threads_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    with limited(path) as (client, control):
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
        runs = []
        for _ in range(12):
            runs.append(client.beta.threads.create_and_run(assistant_id=assistant))
            assert in_threads(control) <= LIMIT
            assert client.beta.threads.runs.retrieve(runs[-1].id, thread_id=runs[-1].thread_id).status == "completed"
        with pytest.raises(openai.NotFoundError):
            client.beta.threads.retrieve(runs[0].thread_id)
        assert client.beta.assistants.retrieve(assistant).id == assistant
        kept = {id_ for store in control.server.stores.values() for id_ in store.threads}
    restored = make_control()
    store = ObjectStore(path, restored)
    store.install()
    assert restored.hooks.store_for_tenant(restored.server, "sk").threads.keys() == kept
    store.close()


def test_one_thread_is_thinned_out() -> None:
    with limited() as (client, control):
        thread = client.beta.threads.create().id
        for number in range(30):
            client.beta.threads.messages.create(thread, role="user", content=str(number))
            assert in_threads(control) <= LIMIT
        texts = [message.content[0].text.value for message in client.beta.threads.messages.list(thread)]
    assert texts[0] == "29"
    assert "0" not in texts


@pytest.mark.parametrize("kind", ["assistants", "files", "vector_stores"])
def test_every_kind_is_limited(kind: str) -> None:
    with limited() as (client, control):
        create: Callable[[], str] = {
            "assistants": lambda: client.beta.assistants.create(model="gpt-4o").id,
            "files": lambda: client.files.create(file=("a", b"a"), purpose="assistants").id,
            "vector_stores": lambda: client.vector_stores.create().id,
        }[kind]
        ids = [create() for _ in range(LIMIT + 10)]
        (store,) = control.server.stores.values()
        kept = list(getattr(store, kind))
    assert len(kept) <= LIMIT
    assert kept == ids[-len(kept) :]


def test_tenants_without_objects_are_forgotten() -> None:
    with limited() as (client, control):
        for number in range(LIMIT * 2):
            client.with_options(api_key=f"sk-{number}").models.list()
        assert len(control.server.stores) <= LIMIT + 1


def test_file_stays_bounded_over_restarts_with_new_keys(tmp_path: Path) -> None:
    path = tmp_path / "objects.sqlite"
    newest = ""
    for number in range(4):
        with limited(path) as (client, control):
            one = client.with_options(api_key=f"sk-{number}")
            for _ in range(LIMIT * 3 // 4):
                newest = one.beta.threads.create().id
                assert in_threads(control) <= LIMIT
            assert one.beta.threads.retrieve(newest).id == newest
    with closing(sqlite3.connect(path)) as connection:
        stored = connection.execute("SELECT id FROM objects WHERE kind = 'threads'").fetchall()
    assert len(stored) <= LIMIT
    assert (newest,) in stored


def test_session_with_a_clock_ahead_displaces_no_newer_object() -> None:
    with limited() as (client, control):
        ahead = client.with_options(api_key="sk-ahead")
        control.apply({"advance": 1e6}, key="sk-ahead")
        for _ in range(LIMIT):
            ahead.beta.assistants.create(model="gpt-4o")
            ahead.vector_stores.create()
        newest = client.beta.assistants.create(model="gpt-4o").id
        store = client.vector_stores.create().id
        assert client.beta.assistants.retrieve(newest).id == newest
        assert client.vector_stores.retrieve(store).id == store


def test_events_of_an_ended_stream_are_forgotten() -> None:
    with limited() as (client, control):
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
        (*_, ended) = client.beta.threads.create_and_run(assistant_id=assistant, stream=True)
        client.beta.threads.runs.retrieve(ended.data.id, thread_id=ended.data.thread_id)
        (thread,) = control.server.stores["sk"].threads.values()
        assert [run.events for run in thread.runs.values()] == [[]]


def test_large_bodies_are_not_remembered() -> None:
    with limited() as (client, control):
        file = client.files.create(file=("a", b"a" * 5_000_000), purpose="assistants")
        with pytest.raises(openai.BadRequestError):
            client.beta.threads.create(metadata={"a": "b" * 5_000_000})
        client.beta.threads.create(metadata={"a": "b"})
        assert client.files.retrieve(file.id).bytes == 5_000_000
        assert [request.body for request in control.requests()] == [None, None, {"metadata": {"a": "b"}}, None]
        assert sum(request.size for request in control.requests()) < 10_000


def test_queues_of_sessions_are_forgotten() -> None:
    control = make_control(step_ms=0)
    with (
        serve_in_thread(build_controlled(control), lifespan="off") as origin,
        openai.OpenAI(api_key="sk", base_url=f"{origin}/v1", max_retries=0) as client,
    ):
        for number in range(3):
            session = client.with_options(api_key=f"sk-{number}")
            control.apply({"script": {"say": "One."}}, key=f"sk-{number}")
            assistant = session.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
            session.beta.threads.create_and_run(assistant_id=assistant)
        assert dict(control.script.turns) == {}
