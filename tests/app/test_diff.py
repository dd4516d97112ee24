"""Reports are compared by the outcomes of ids and by measured limits."""

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


def test_contradictions_come_first(tmp_path: Path) -> None:
    a = diff.load_summary(report(tmp_path / "a.json", {"a": "not_judged", "b": "pass", "c": "pass"}))
    b = diff.load_summary(report(tmp_path / "b.json", {"a": "pass", "b": "fail", "c": "pass", "d": "fail"}))
    found = diff.differences(a, b)
    assert [(each.id, each.in_a, each.in_b) for each in found] == [
        ("b", "pass", "fail"),
        ("a", "not_judged", "pass"),
        ("d", None, "fail"),
    ]
    assert found[0].is_contradiction
    assert diff.lines(a, b)[-1] == "1 passes in one report and fails in the other; 2 differ otherwise"


def test_different_limits_are_listed(tmp_path: Path) -> None:
    a = diff.load_summary(report(tmp_path / "a.json", {"a": "pass"}))
    b = diff.load_summary(report(tmp_path / "b.json", {"a": "pass"}, STRICT))
    text = "\n".join(diff.lines(a, b))
    assert "a.b.maximum: A as documented, 512; B accepts 511, not 512; the contract says 512" in text


def test_equal_reports_do_not_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = report(tmp_path / "report.json", {"a": "pass"})
    assert run_command(["diff", str(path), str(tmp_path)]) == 0
    assert "no verdict differs" in capsys.readouterr().out


def test_a_different_edition_is_noted(tmp_path: Path) -> None:
    a = diff.load_summary(report(tmp_path / "a.json", {}))
    b = diff.load_summary(report(tmp_path / "b.json", {}, edition="2024-08-28"))
    assert "different editions: 2026-08-14 and 2024-08-28" in diff.lines(a, b)


@pytest.mark.parametrize("text", ["", "{}", "no report"])
def test_a_file_that_is_not_a_report_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"neither a report\.json nor"):
        diff.load_summary(path)


def test_a_missing_operand_is_noticed_before_a_server_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    for operands in (("nowhere.json", "emulator"), ("emulator", "nowhere.json")):
        assert run_command(["diff", *operands]) == 2
        error = capsys.readouterr().err
        assert "nowhere.json: neither a URL" in error
        assert "judging" not in error


@pytest.mark.slow
def test_both_servers_receive_the_same_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["diff", "emulator", "emulator", "--select", "create_thread.*", "--report-dir", str(tmp_path)]
    assert run_command(arguments) == 0
    assert "no verdict differs" in capsys.readouterr().out
    assert (tmp_path / "a" / "report.json").is_file()
    assert (tmp_path / "b" / "report.json").is_file()


def test_circumstances_that_differ_are_noted(tmp_path: Path) -> None:
    whole = {"suite": {"edition": "2026-08-14", "profile": "standard", "filters": []}, "verdicts": [], "complete": True}
    suite = {"edition": "2026-08-14", "profile": "quick", "filters": ["--select create_run.*"]}
    other = {"suite": suite, "verdicts": [], "complete": False, "outcome": "inconclusive", "exit_code": 5}
    for name, made in (("a", whole), ("b", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    sides = [diff.load_summary(tmp_path / f"{name}.json") for name in ("a", "b")]
    assert diff.lines(*sides)[2:6] == [
        "different profiles: standard and quick",
        "different filters: no filter and --select create_run.*",
        "B is incomplete (inconclusive, exit 5), so part of it is not judged",
        "",
    ]


def test_unknown_levels_and_invalid_limits_are_tolerated(tmp_path: Path) -> None:
    one, other = report(tmp_path / "a.json", {"a": "pass", "b": "pass", "c": "pass"}), tmp_path / "b.json"
    verdicts = [{"id": "a", "outcome": "fail", "level": "shall"}, {"id": "b", "outcome": "fail"}]
    verdicts.append({"id": "c", "outcome": "fail", "level": "must"})
    other.write_text(json.dumps({"verdicts": verdicts, "limits": [{"id": "a", "stated": 5, "accepted": 1e999}]}))
    sides = (diff.load_summary(one), diff.load_summary(other))
    assert [(each.id, each.level) for each in diff.differences(*sides)] == [
        ("c", "must"),
        ("a", "shall"),
        ("b", "?"),
    ]
    assert "a: A as documented, 5; B accepts no value that was tried; the contract says 5" in diff.lines(*sides)


def test_control_characters_in_ids_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = report(tmp_path / "a.json", {}), report(tmp_path / "b.json", {"a\x1b[2Jb": "fail"})
    assert run_command(["diff", str(one), str(other)]) == 1
    assert "a\\u001b[2Jb" in capsys.readouterr().out


def test_an_incomplete_run_is_noted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--max-requests", "5", "-q", "--no-database", "--report-dir", str(tmp_path / "cut")]
    assert run_command(["run", *arguments]) == 5
    assert run_command(["diff", str(report(tmp_path / "a.json", {})), str(tmp_path / "cut")]) == 1
    assert "B is incomplete (inconclusive, exit 5)" in capsys.readouterr().out


def report_with_causes(path: Path, *failing: str, title: str = "Bodies are not validated") -> Path:
    names = [f"create_run.member_{number}.type" for number in range(5)] + ["tools.a", "tools.b"]
    verdicts = [
        {
            "id": id_,
            "level": "must",
            "outcome": "fail"
            if id_ in failing
            else "not_applicable"
            if id_.startswith("tools") and failing
            else "pass",
            "capability": "tools" if id_.startswith("tools") else "validation",
            "operation": None if id_.startswith("tools") else "create_run",
        }
        for id_ in names
    ]
    causes = [{"title": title, "ids": list(failing)}] if failing else []
    path.write_text(json.dumps({"suite": {"edition": "2026-08-14"}, "verdicts": verdicts, "causes": causes}))
    return path


def test_failures_are_grouped_by_cause_and_the_rest_by_capability(tmp_path: Path) -> None:
    failing = [f"create_run.member_{number}.type" for number in range(5)]
    a = diff.load_summary(report_with_causes(tmp_path / "a.json"))
    b = diff.load_summary(report_with_causes(tmp_path / "b.json", *failing))
    assert diff.lines(a, b)[3:-2] == [
        "fail in B, pass in A",
        "     5  Bodies are not validated (create_run); 5 must",
        f"        {', '.join(failing[:3])} and 2 more",
        "",
        "differ otherwise",
        "     2  tools: pass in A, not applicable in B; 2 must",
    ]


def test_comparison_is_json_or_a_page_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = str(report_with_causes(tmp_path / "a.json"))
    other = str(report_with_causes(tmp_path / "b.json", "create_run.member_0.type", title="<script>alert(1)</script>"))
    assert run_command(["diff", one, other, "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [group["kind"] for group in found["groups"]] == ["contradiction", "other"]
    assert found["groups"][0]["differences"][0]["id"] == "create_run.member_0.type"
    assert (found["contradictions"], found["differences"]) == (1, 3)
    assert run_command(["diff", one, other, "--format", "html"]) == 1
    page = capsys.readouterr().out
    assert "<script" not in page
    assert "create_run.member_0.type" in page
    assert run_command(["diff", one, one, "--format", "html"]) == 0
