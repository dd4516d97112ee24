"""Every view shows all verdicts, and escapes texts of the target."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.schema import load_document
from runs_conformance.errors import UsageError
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting import html, markdown, report_json
from runs_conformance.reporting.failure_text import expected_and_actual
from runs_conformance.reporting.folder import RunFolder, prepare_folder
from tests.reporting.reports import example, report, verdict


def test_report_json_matches_its_schema() -> None:
    Draft202012Validator(load_document("report.schema")).validate(report_json.to_json(report()))
    Draft202012Validator(load_document("report.schema")).validate(json.loads(report_json.text(report(base_url=None))))


def test_page_escapes_target_text() -> None:
    page = html.text(report())
    assert page.count("<script") == 1, "its own"
    assert "\\u001b" in page
    assert "\x1b" not in page
    allowed = r"#|\?outcome=[a-z_]+#|https://github\.com/openai/openai-openapi/"
    assert not re.search(rf"\ssrc=|href=\"(?!{allowed})", page), "sources and filters only"


def test_every_verdict_is_on_the_page() -> None:
    page = html.text(report())
    for each in report().verdicts:
        assert each.id in page


@pytest.mark.parametrize(
    ("passing", "open_", "status"), [(3, 2, "pass with warnings"), (1, 4, "inconclusive with warnings")]
)
def test_a_capability_with_warnings_passes_only_if_most_was_decided(passing: int, open_: int, status: str) -> None:
    outcomes = [Outcome.PASS] * passing + [Outcome.INCONCLUSIVE] * open_ + [Outcome.FAIL]
    every = [
        verdict(f"cancel.rule_{number}", outcome, kind="rule", level="should", operation=None, capability="cancel")
        for number, outcome in enumerate(outcomes)
    ]
    assert f'<span class="name">cancel</span> <span class="result">{status}</span>' in html.text(report(*every))


@pytest.mark.parametrize(
    ("expected", "pointer", "texts"),
    [
        ([400, 404], "", ["HTTP 400 or 404", "HTTP 200"]),
        (400, "", ["HTTP 400", "HTTP 200"]),
        (400, "/usage/total_tokens", ["400", "200"]),
        ("a time", "", ["a time", "200"]),
    ],
)
def test_statuses_of_rules_are_shown_as_such(expected: JSON, pointer: str, texts: list[str]) -> None:
    finding = Finding("accepted", "x000007", "get_run", pointer, expected, 200)
    shown = verdict("lock.rule", Outcome.FAIL, kind="rule", operation=None, findings=(finding,),
                    counterexample=example(answer={"http_status": 200, "body": {}}))  # fmt: skip
    assert [result.text for result in expected_and_actual(shown)] == texts


def test_markdown_escapes_target_text() -> None:
    text = markdown.text(report())
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "create_run.metadata.maxProperties" in text
    assert "| validation |" in text


def test_markdown_says_why_a_requirement_was_not_judged() -> None:
    text = markdown.text(report())
    assert text.endswith("## Not judged\n\n- 1: needs it; needs a second API key\n\n")


def test_folder_contains_every_view(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "out").write(report())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.json", "report.html", "summary.md"}


def test_latest_links_to_the_newest_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        here = prepare_folder(None)
        here.write(report())
        assert (tmp_path / "reports" / "latest").resolve() == here.path.resolve()


def test_latest_is_a_text_file_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", fail)
    (tmp_path / "run").mkdir()
    RunFolder(tmp_path / "run", latest=tmp_path / "latest").write(report())
    assert (tmp_path / "latest").read_text() == "run\n"


def test_uncreatable_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot create the report folder"):
        prepare_folder(tmp_path / "file" / "below")
