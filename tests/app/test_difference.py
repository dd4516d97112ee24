"""Two reports are compared id by id, and by the bounds that were found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runs_conformance.app import diff
from runs_conformance.cli import run_command
from runs_conformance.errors import UsageError

STRICT = {"id": "a.b.maximum", "stated": 512, "accepted": 511, "refused": 512}


def report(path: Path, outcomes: dict[str, str], *limits: dict[str, object], edition: str = "2026-08-14") -> Path:
    verdicts = [{"id": id_, "level": "must", "outcome": outcome} for id_, outcome in outcomes.items()]
    path.write_text(json.dumps({"suite": {"edition": edition}, "verdicts": verdicts, "limits": list(limits)}))
    return path


def test_what_passes_in_one_and_fails_in_the_other_comes_first(tmp_path: Path) -> None:
    one = diff.saved(report(tmp_path / "a.json", {"a": "not_judged", "b": "pass", "c": "pass"}))
    other = diff.saved(report(tmp_path / "b.json", {"a": "pass", "b": "fail", "c": "pass", "d": "fail"}))
    found = diff.differences(one, other)
    assert [(each.id, each.one, each.other) for each in found] == [
        ("b", "pass", "fail"),
        ("a", "not_judged", "pass"),
        ("d", None, "fail"),
    ]
    assert found[0].decided
    assert diff.lines(one, other)[-1] == "1 pass in one and fail in the other; 2 differ otherwise"


def test_other_bounds_are_told(tmp_path: Path) -> None:
    one = diff.saved(report(tmp_path / "a.json", {"a": "pass"}))
    other = diff.saved(report(tmp_path / "b.json", {"a": "pass"}, STRICT))
    told = "\n".join(diff.lines(one, other))
    assert "a.b.maximum: A as stated, 512; B takes 511, not 512; the contract says 512" in told


def test_the_same_report_differs_in_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = report(tmp_path / "report.json", {"a": "pass"})
    assert run_command(["diff", str(path), str(tmp_path)]) == 0
    assert "no verdict differs" in capsys.readouterr().out


def test_another_edition_is_said(tmp_path: Path) -> None:
    one = diff.saved(report(tmp_path / "a.json", {}))
    other = diff.saved(report(tmp_path / "b.json", {}, edition="2024-08-28"))
    assert "judged by different editions: 2026-08-14 and 2024-08-28" in diff.lines(one, other)


@pytest.mark.parametrize("text", ["", "{}", "no report"])
def test_what_is_no_report_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"neither a report\.json nor"):
        diff.saved(path)


def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["diff", "nowhere.json", "emulator"]) == 2
    assert "nowhere.json: neither a URL" in capsys.readouterr().err


@pytest.mark.slow
def test_two_servers_are_sent_the_same_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["diff", "emulator", "emulator", "--select", "create_thread.*", "--report-dir", str(tmp_path)]
    assert run_command(arguments) == 0
    assert "no verdict differs" in capsys.readouterr().out
    assert (tmp_path / "a" / "report.json").is_file()
    assert (tmp_path / "b" / "report.json").is_file()


def test_what_makes_much_differ_is_said(tmp_path: Path) -> None:
    whole = {"suite": {"edition": "2026-08-14", "profile": "standard", "filters": []}, "verdicts": [], "complete": True}
    suite = {"edition": "2026-08-14", "profile": "quick", "filters": ["--select create_run.*"]}
    other = {"suite": suite, "verdicts": [], "complete": False, "outcome": "inconclusive", "exit_code": 5}
    for name, made in (("a", whole), ("b", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    sides = [diff.saved(tmp_path / f"{name}.json") for name in ("a", "b")]
    assert diff.lines(*sides)[2:6] == [
        "different profiles were played: standard and quick",
        "different parts were chosen: no filter and --select create_run.*",
        "B did not come to its end (inconclusive, exit 5), so that much of it is not judged",
        "",
    ]


def test_levels_and_bounds_that_there_are_not_are_compared_as_they_are(tmp_path: Path) -> None:
    one, other = report(tmp_path / "a.json", {"a": "pass", "b": "pass", "c": "pass"}), tmp_path / "b.json"
    verdicts = [{"id": "a", "outcome": "fail", "level": "shall"}, {"id": "b", "outcome": "fail"}]
    verdicts.append({"id": "c", "outcome": "fail", "level": "must"})
    other.write_text(json.dumps({"verdicts": verdicts, "limits": [{"id": "a", "stated": 5, "accepted": 1e999}]}))
    sides = (diff.saved(one), diff.saved(other))
    assert [(each.id, each.level) for each in diff.differences(*sides)] == [
        ("c", "must"),
        ("a", "shall"),
        ("b", "?"),
    ]
    assert "a: A as stated, 5; B takes nothing that was tried; the contract says 5" in diff.lines(*sides)


def test_ids_of_a_report_write_nothing_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = report(tmp_path / "a.json", {}), report(tmp_path / "b.json", {"a\x1b[2Jb": "fail"})
    assert run_command(["diff", str(one), str(other)]) == 1
    assert "a\\u001b[2Jb" in capsys.readouterr().out


def test_a_run_that_was_cut_short_is_said_to_be(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--max-requests", "5", "-q", "--no-database", "--report-dir", str(tmp_path / "cut")]
    assert run_command(["run", *arguments]) == 5
    assert run_command(["diff", str(report(tmp_path / "a.json", {})), str(tmp_path / "cut")]) == 1
    assert "B did not come to its end (inconclusive, exit 5)" in capsys.readouterr().out
