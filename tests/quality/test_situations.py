"""The committed table of situations is complete, and the programs meet those in which servers were wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

import pytest

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.generation.programs.catalogue import catalogue
from runs_conformance.model.program import ProgramContext
from tests.generation.programs.harness import emulator, run_all
from tests.quality import situations
from tests.quality.situations import (
    REASONS,
    REQUIRED,
    TRANSIENT,
    Situation,
    SituationRow,
    all_situations,
    met_situations,
    read,
)
from tests.quality.tables import FOLDER
from tests.rules.histories import HistoryBuilder, run

REFRESH = "run `tox -e situations` and commit the result"
PROGRAMS = (
    "lifecycle.pages_of_runs",
    "lifecycle.failed",
    "lifecycle.cancel_in_flight",
    "lifecycle.cancel_streamed",
    "lifecycle.cancel_while_waiting",
    "lifecycle.locked_while_waiting",
    "lifecycle.every_override",
    "lifecycle.stream_to_completion",
)


def test_table_lists_every_situation() -> None:
    listed = [Situation(row.thread, row.status, row.operation, row.channel) for row in read()]
    assert listed == list(all_situations()), REFRESH


def test_every_situation_is_covered_or_has_a_reason() -> None:
    assert [row for row in read() if not row.covered and row.reason not in REASONS] == []


def is_covered(row: SituationRow, statuses: Iterable[str], channel: str = "") -> bool:
    """Whether the operation of a row is covered in one of these statuses of the last run."""
    return any(
        (other.covered or other.reason == "F")
        and other.operation == row.operation
        and other.status in statuses
        and other.channel == (channel or row.channel)
        for other in read()
    )


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_are_true(reason: str) -> None:
    for row in {(each.operation, each.status, each.channel): each for each in read() if each.reason == reason}.values():
        other_channel = "json" if row.channel == "stream" else "stream"
        transient = row.status in TRANSIENT
        match reason:
            case "B":
                assert transient
                assert is_covered(row, TRANSIENT)
            case "C":
                assert is_covered(row, [row.status]) or is_covered(row, [row.status], other_channel)
            case "D":
                assert row.status in TERMINAL
                assert is_covered(row, TERMINAL) or is_covered(row, [""])
            case "E":
                assert is_covered(row, TRANSIENT if transient else [row.status], other_channel)
            case "F":
                assert row.status == "expired" or "expired" in row.thread
            case "G":
                assert transient
                assert is_covered(row, ["requires_action"])
            case _:
                assert row.thread == situations.DELETED


def test_required_situations_are_covered() -> None:
    covered = {(row.thread, row.status, row.operation, row.channel) for row in read() if row.covered}
    assert set(REQUIRED) <= covered, REFRESH


def test_page_states_the_rows() -> None:
    assert (FOLDER / "situations.md").read_text(encoding="utf-8") == situations.page(read()), REFRESH


def test_programs_meet_the_required_situations() -> None:
    context = ProgramContext(edition=DEFAULT_EDITION, failing_model="failing-model", accepts_any_file_id=True)
    programs = [program for program in catalogue(context) if program.id in PROGRAMS]
    with emulator() as session:
        executed = run_all(programs, context, session)
    met = {astuple(each) for program in executed.values() for each in met_situations(program.exchanges)}
    assert set(REQUIRED) - met <= {(situations.FIRST, "completed", "cancel_run", "json")}


def test_situation_is_that_before_the_request() -> None:
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    builder.get_run(run("completed"))
    builder.create_run(run("queued", "run_b"))
    builder.send("cancel_run", run("cancelling", "run_b"), run_id="run_b")
    met = [astuple(situation) for situation in met_situations(builder.history())]
    assert met == [
        ("new", "", "create_run", "json"),
        ("first run", "queued", "get_run", "json"),
        ("first run", "completed", "create_run", "json"),
        ("after completed", "queued", "cancel_run", "json"),
    ]
