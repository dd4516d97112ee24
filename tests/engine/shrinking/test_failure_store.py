"""Failures are stored and loaded by the next test run."""

from pathlib import Path

import pytest
from hypothesis.database import InMemoryExampleDatabase

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.failure_store import MAX_STORED, FailureStore, StoredFailure, open_failure_store
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Ref, Role, Step

THREAD = Step(operation="create_thread", name="thread", body={"messages": []}, role=Role.FIXTURE)
READ = Step(operation="get_thread", path={"thread_id": Ref("thread")}, role=Role.READ)
REPRODUCTION = Reproduction((THREAD, READ))


def test_failure_is_stored_as_its_steps() -> None:
    failure = StoredFailure("threads.exist", REPRODUCTION)
    assert StoredFailure.from_bytes(failure.to_bytes()) == failure


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"version": 0}', b'{"version": 1, "id": "x", "steps": [{}]}'])
def test_invalid_data_is_ignored(data: bytes) -> None:
    assert StoredFailure.from_bytes(data) is None


def test_failure_is_saved_loaded_and_discarded(tmp_path: Path) -> None:
    store = open_failure_store(tmp_path / "kept", "a.example", "2026-08-14")
    assert store.load() == []
    store.save({"threads.exist": REPRODUCTION})
    reopened = open_failure_store(tmp_path / "kept", "a.example", "2026-08-14")
    assert reopened.load() == [StoredFailure("threads.exist", REPRODUCTION)]
    assert [program.id for program in reopened.programs()] == ["explore.kept_1"]
    assert open_failure_store(tmp_path / "kept", "b.example", "2026-08-14").load() == []
    reopened.discard_fixed({"threads.exist"})
    assert len(store.load()) == 1
    reopened.discard_fixed(set())
    assert store.load() == []


def test_smallest_failures_are_loaded() -> None:
    store = FailureStore(InMemoryExampleDatabase(), "a.example", "2026-08-14")
    store.save({f"rule.number_{index}": Reproduction((THREAD,) * (index + 1)) for index in range(MAX_STORED + 5)})
    assert [len(failure.reproduction.steps) for failure in store.load()] == list(range(1, MAX_STORED + 1))


def test_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not a folder"):
        open_failure_store(tmp_path / "file", "a.example", "2026-08-14")
