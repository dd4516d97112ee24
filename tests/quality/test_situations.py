"""The committed table of situations is complete, and the programs meet those in which servers were wrong."""

from __future__ import annotations

from dataclasses import astuple

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.generation.programs.catalogue import catalogue
from runs_conformance.model.program import ProgramContext
from tests.generation.programs.harness import emulator, run_all
from tests.quality import situations
from tests.quality.situations import REASONS, REQUIRED, Situation, all_situations, met_situations, read
from tests.quality.tables import FOLDER
from tests.rules.histories import HistoryBuilder, run

REFRESH = "run `tox -e situations` and commit the result"
PROGRAMS = (
    "lifecycle.pages_of_runs",
    "lifecycle.failed",
    "lifecycle.cancel_in_flight",
    "lifecycle.cancel_streamed",
    "lifecycle.locked_while_waiting",
)


def test_table_lists_every_situation() -> None:
    listed = [Situation(row.thread, row.status, row.operation, row.channel) for row in read()]
    assert listed == list(all_situations()), REFRESH


def test_every_situation_is_covered_or_has_a_reason() -> None:
    assert [row for row in read() if not row.covered and row.reason not in REASONS] == []


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
