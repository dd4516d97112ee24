"""What was found is kept, and tried first the next time."""

from pathlib import Path

import pytest
from hypothesis.database import InMemoryExampleDatabase

from runs_conformance.engine.replay import Case
from runs_conformance.engine.shrinking.failure_store import MOST, Failures, Kept, failures
from runs_conformance.errors import UsageError
from runs_conformance.model.case import Ref, Role, Step

THREAD = Step(operation="create_thread", name="thread", body={"messages": []}, role=Role.FIXTURE)
LOOK = Step(operation="get_thread", path={"thread_id": Ref("thread")}, role=Role.LOOK)
CASE = Case((THREAD, LOOK))


def test_a_case_is_kept_as_its_steps() -> None:
    kept = Kept("threads.exist", CASE)
    assert Kept.from_bytes(kept.to_bytes()) == kept


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"version": 0}', b'{"version": 1, "id": "x", "steps": [{}]}'])
def test_what_is_no_case_is_passed_over(data: bytes) -> None:
    assert Kept.from_bytes(data) is None


def test_found_kept_tried_and_forgotten(tmp_path: Path) -> None:
    of = failures(tmp_path / "kept", "a.example", "2026-08-14")
    assert of.kept() == []
    of.keep({"threads.exist": CASE})
    again = failures(tmp_path / "kept", "a.example", "2026-08-14")
    assert again.kept() == [Kept("threads.exist", CASE)]
    assert [program.id for program in again.programs()] == ["explore.kept_1"]
    assert failures(tmp_path / "kept", "b.example", "2026-08-14").kept() == []
    again.forget({"threads.exist"})
    assert len(of.kept()) == 1
    again.forget(set())
    assert of.kept() == []


def test_no_more_than_some_are_tried_and_the_smallest_are() -> None:
    of = Failures(InMemoryExampleDatabase(), "a.example", "2026-08-14")
    of.keep({f"rule.number_{index}": Case((THREAD,) * (index + 1)) for index in range(MOST + 5)})
    assert [len(kept.case) for kept in of.kept()] == list(range(1, MOST + 1))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="not a folder"):
        failures(tmp_path / "file", "a.example", "2026-08-14")
