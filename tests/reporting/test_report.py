from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.schema import load_document
from runs_conformance.errors import UsageError
from runs_conformance.reporting import html, markdown, report_json
from runs_conformance.reporting.folder import RunFolder, prepare_folder
from tests.reporting.reports import report


def test_report_json_matches_its_schema() -> None:
    Draft202012Validator(load_document("report.schema")).validate(report_json.to_json(report()))
    Draft202012Validator(load_document("report.schema")).validate(json.loads(report_json.text(report(base_url=None))))


def test_page_escapes_target_text() -> None:
    page = html.text(report())
    assert page.count("<script") == 1, "its own"
    assert "\\u001b" in page
    assert "\x1b" not in page
    assert not re.search(r"\ssrc=|href=\"(?!#|https://github\.com/openai/openai-openapi/)", page), "sources only"


def test_every_verdict_is_on_the_page() -> None:
    page = html.text(report())
    for verdict in report().verdicts:
        assert verdict.id in page


def test_markdown_escapes_target_text() -> None:
    text = markdown.text(report())
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert "create_run.metadata.maxProperties" in text
    assert "| validation |" in text


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
