"""The comparison with the last test run in the same folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting import console, html, markdown, report_json
from runs_conformance.reporting.changes import find_changes, read_earlier_report
from runs_conformance.reporting.report import Changes, ProgramSummary, Report
from runs_conformance.reporting.terminal_style import Style
from tests.reporting.reports import example, report, verdict

BEFORE = report(
    verdict("a.fixed", Outcome.FAIL),
    verdict("a.still", Outcome.FAIL),
    verdict("a.new", Outcome.PASS),
    verdict("a.lost", Outcome.FAIL),
)
NOW = report(
    verdict("a.fixed", Outcome.PASS),
    verdict("a.still", Outcome.FAIL),
    verdict("a.new", Outcome.FAIL),
    verdict("a.lost", Outcome.NOT_JUDGED, reason="not selected"),
)
PROGRAM = str(example()["program"])
"""The program that showed all the failures."""
NOW = replace(NOW, programs=ProgramSummary(decided={PROGRAM: frozenset({"a.fixed"})}))


def changes(folder: Path, now: Report = NOW) -> Changes | None:
    (folder / "report.json").write_text(report_json.text(BEFORE), encoding="utf-8")
    return find_changes(now, read_earlier_report(folder))


def test_failures_are_new_fixed_or_still_there(tmp_path: Path) -> None:
    found = changes(tmp_path)
    assert found is not None
    assert (found.new, found.fixed, found.still) == (("a.new",), ("a.fixed",), ("a.still",))


@pytest.mark.parametrize(
    ("programs", "is_fixed"),
    [
        (ProgramSummary(decided={PROGRAM: frozenset({"a.fixed"})}), True),
        (ProgramSummary(decided={PROGRAM: frozenset({"a.still"}), "races.y": frozenset({"a.fixed"})}), False),
        (
            ProgramSummary(
                decided={PROGRAM: frozenset({"a.fixed"})},
                early_ends=(ProgramEnd(PROGRAM, Ending.ABORTED, cause="the run did not end"),),
            ),
            False,
        ),
    ],
)
def test_a_failure_is_fixed_only_if_its_program_decided_it(
    programs: ProgramSummary, is_fixed: bool, tmp_path: Path
) -> None:
    found = changes(tmp_path, replace(NOW, programs=programs))
    assert found is not None
    assert (found.fixed, found.not_seen_again) == ((("a.fixed",), ()) if is_fixed else ((), ("a.fixed",)))


def test_a_failure_that_nothing_decides_is_not_seen_again(tmp_path: Path) -> None:
    undecided = report(verdict("a.lost", Outcome.INCONCLUSIVE, reason="no response"), *NOW.verdicts[:3])
    undecided = replace(undecided, programs=NOW.programs)
    found = changes(tmp_path, undecided)
    assert found is not None
    assert found.not_seen_again == ("a.lost",)
    lines = console.render_summary(replace(undecided, changes=found), Style()).splitlines()
    assert any(line.endswith("1 still failing, 1 not seen again") for line in lines)
    assert "   not seen again: a.lost" in lines


def test_another_target_or_edition_is_not_compared(tmp_path: Path) -> None:
    assert changes(tmp_path, replace(NOW, target=replace(NOW.target, name="another"))) is None
    assert changes(tmp_path, replace(NOW, suite=replace(NOW.suite, edition="2024-06-06"))) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", "nonsense", '{"verdicts": 1}', "[" * 100_000])
def test_a_file_that_is_no_report_is_no_last_session(content: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(content)
    assert read_earlier_report(tmp_path) is None


def test_the_last_session_may_be_named_by_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "20260101-000000-abcd"
    folder.mkdir()
    (folder / "report.json").write_text(report_json.text(BEFORE), encoding="utf-8")
    (tmp_path / "latest").write_text(f"{folder.name}\n")
    assert read_earlier_report(tmp_path / "latest") is not None
    assert read_earlier_report(tmp_path / "nothing") is None


def test_every_view_for_people_says_what_changed(tmp_path: Path) -> None:
    made = replace(NOW, changes=changes(tmp_path))
    assert report_json.to_json(made)["changes"]["new"] == ["a.new"]
    shown = "1 new, 1 fixed, 1 still failing"
    lines = console.render_summary(made, Style()).splitlines()
    assert any(line.endswith(shown) for line in lines)
    assert "   new: a.new" in lines
    assert shown in markdown.text(made)
    page = html.text(made)
    assert shown in page
    assert page.count('<span class="badge new">new</span>') == 1
