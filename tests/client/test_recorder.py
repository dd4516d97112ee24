"""Exchanges are written at once, without secrets, and read back unchanged."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import MAX_LINE_BYTES, HistoryWriter, NullRecorder
from runs_conformance.errors import ConformanceError
from runs_conformance.model.case import Accept, DanglingReference, Key, Mutation, Ref, Refuse, Role, Step
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.recordings.load import load_traffic

KEY = "sk-own-0123456789"


def exchange(index: int = 1, body: JSON = None, **rest: object) -> Exchange:
    original: dict[str, object] = {
        "id": f"x{index:06d}", "index": index, "program": "p", "operation": "create_run",
        "request": Request("POST", "/threads/t/runs", (("include[]", "x"),), {"A": "b"}, {"a": 1}),
        "response": Response(200, {"content-type": "application/json"}, body, size=5),
        "completion": Completion.ANSWERED, "started": 1.5, "ended": 2.25, "wall": 1e9, "path": {"thread_id": "t"},
        "edition": "2026-08-14",
    }  # fmt: skip
    return Exchange(**{**original, **rest})  # type: ignore[arg-type]


FULL = Step(
    operation="create_run",
    name="run",
    path={"thread_id": Ref("thread", "/id")},
    query=(("include[]", "x"),),
    body={"assistant_id": Ref("assistant"), "tools": [{"type": "file_search"}]},
    raw=bytes(range(256)),
    headers={"OpenAI-Beta": None, "X": "y"},
    key=Key.SECOND,
    role=Role.NEGATIVE,
    expectation=Refuse((400, 404)),
    mutation=Mutation("/a", "maximum", ABSENT, 5, "query"),
    exercises=("create_run.a.maximum",),
    until=("completed",),
    pause=0.5,
    after_event="thread.message.delta",
    stream=True,
    leave_at_event="thread.run.completed",
    dangling=DanglingReference.FOREIGN,
    anomaly="nul",
    probe=True,
    packed=True,
    limit_search=True,
    append_message="Hello.",
)


@pytest.mark.parametrize(
    "original",
    [
        exchange(),
        exchange(step=FULL),
        exchange(sent=1.75),
        exchange(step=Step(operation="create_run", expectation=Accept())),
        exchange(body={"a": [1, 1.5, "é", "\ud800", "\0", None, True]}, attempt=3, dialect="azure"),
        exchange(response=None, completion=Completion.NOT_CONNECTED, problem="no connection"),
        exchange(response=Response(500, {}, ABSENT, "<html>", defects=("not_json",))),
        exchange(response=Response(200, {}, events=(Event("a", {"x": 1}, 1.75), Event("done", "[DONE]", 2.0)))),
        exchange(request=Request("POST", "/threads", text="not json \xff")),
    ],
)
def test_round_trip_preserves_exchanges(original: Exchange, tmp_path: Path) -> None:
    recorder = HistoryWriter(tmp_path / "history.jsonl", {"edition": "2026-08-14"})
    assert recorder.record(original) is original
    recorder.close()
    traffic = load_traffic(tmp_path / "history.jsonl")
    assert traffic.header == {"type": "run", "edition": "2026-08-14"}
    assert [history.exchanges for history in traffic.histories] == [(original,)]


def test_lines_are_written_immediately(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "history.jsonl"
    recorder = HistoryWriter(path, {})
    recorder.record(exchange())
    assert [json.loads(line)["type"] for line in path.read_text("utf-8").splitlines()] == ["run", "exchange"]
    recorder.close()


@pytest.mark.parametrize("recording", [True, False])
def test_secret_is_neither_written_nor_returned(recording: bool, tmp_path: Path) -> None:
    credentials = Credentials(KEY, extra_secrets=('p"ss"word',))
    path = tmp_path / "history.jsonl"
    recorder = (
        HistoryWriter(path, {"argv": ["--api-key", KEY]}, credentials) if recording else NullRecorder(credentials)
    )
    taken = recorder.record(
        exchange(body={"error": {"message": f"bad key {KEY}"}, "x": 'p"ss"word'}, problem=f"?{KEY}")
    )
    assert taken.body == {"error": {"message": "bad key [REDACTED]"}, "x": "[REDACTED]"}
    assert taken.problem == "?[REDACTED]"
    if isinstance(recorder, HistoryWriter):
        recorder.close()
        assert KEY not in path.read_text("utf-8")
        assert 'p\\"ss' not in path.read_text("utf-8")


def test_large_response_is_omitted_only_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    recorder = HistoryWriter(path, {})
    original = exchange(body={"a": "x" * MAX_LINE_BYTES})
    assert recorder.record(original) is original
    recorder.close()
    assert path.stat().st_size < 2000
    written = load_traffic(path).histories[0].exchanges[0]
    assert written.response is not None
    assert written.response.defects == ("too_large",)


def test_concurrent_lines_are_not_mixed(tmp_path: Path) -> None:
    recorder = HistoryWriter(tmp_path / "history.jsonl", {})

    def work(worker: int) -> None:
        for turn in range(50):
            recorder.record(exchange(worker * 100 + turn, body={"text": "x" * 5000}, program=f"p{worker}"))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert sorted(len(history) for history in load_traffic(tmp_path / "history.jsonl").histories) == [50] * 4


def test_unwritable_path_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConformanceError, match=r"history.jsonl: cannot be written: "):
        HistoryWriter(tmp_path / "file" / "history.jsonl", {})


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_file_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    first = HistoryWriter(path, {"run_id": "first"})
    before = path.read_bytes()
    for header in ({"run_id": "second"}, None):
        with pytest.raises(ConformanceError, match="another test run is writing to it; give each one"):
            HistoryWriter(path, header)
    assert path.read_bytes() == before
    first.close()
    HistoryWriter(path, {"run_id": "second"}).close()
    assert path.read_bytes().count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_reported_in_one_line() -> None:
    with pytest.raises(ConformanceError, match="/dev/full: cannot be written: No space left on device"):
        HistoryWriter(Path("/dev/full"), {})
