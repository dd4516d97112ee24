"""What was found is kept, and tried first the next time."""

from pathlib import Path

import pytest
from hypothesis.database import InMemoryExampleDatabase

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.failure_store import MAX_STORED, FailureStore, StoredFailure, open_failure_store
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Ref, Role, Step

THREAD = Step(operation="create_thread", name="thread", body={"messages": []}, role=Role.FIXTURE)
LOOK = Step(operation="get_thread", path={"thread_id": Ref("thread")}, role=Role.READ)
REPRODUCTION = Reproduction((THREAD, LOOK))


def test_a_case_is_kept_as_its_steps() -> None:
    kept = StoredFailure("threads.exist", REPRODUCTION)
    assert StoredFailure.from_bytes(kept.to_bytes()) == kept


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"version": 0}', b'{"version": 1, "id": "x", "steps": [{}]}'])
def test_what_is_no_case_is_passed_over(data: bytes) -> None:
    assert StoredFailure.from_bytes(data) is None


def test_found_kept_tried_and_forgotten(tmp_path: Path) -> None:
    of = open_failure_store(tmp_path / "kept", "a.example", "2026-08-14")
    assert of.load() == []
    of.save({"threads.exist": REPRODUCTION})
    again = open_failure_store(tmp_path / "kept", "a.example", "2026-08-14")
    assert again.load() == [StoredFailure("threads.exist", REPRODUCTION)]
    assert [program.id for program in again.programs()] == ["explore.kept_1"]
    assert open_failure_store(tmp_path / "kept", "b.example", "2026-08-14").load() == []
    again.discard_fixed({"threads.exist"})
    assert len(of.load()) == 1
    again.discard_fixed(set())
    assert of.load() == []


def test_no_more_than_some_are_tried_and_the_smallest_are() -> None:
    of = FailureStore(InMemoryExampleDatabase(), "a.example", "2026-08-14")
    of.save({f"rule.number_{index}": Reproduction((THREAD,) * (index + 1)) for index in range(MAX_STORED + 5)})
    assert [len(kept.reproduction.steps) for kept in of.load()] == list(range(1, MAX_STORED + 1))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not a folder"):
        open_failure_store(tmp_path / "file", "a.example", "2026-08-14")
