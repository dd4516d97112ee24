"""Every view of a report keeps the format of those who read it, whatever a target said."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from jsonschema import Draft202012Validator

from runs_conformance.client.recorder import HistoryWriter
from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.recordings.load import load_traffic
from runs_conformance.reporting import claim, ctrf, har, junit
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.step_summary import append_summary, truncate
from runs_conformance.reporting.view import DEFAULT, NAMES, parse_views
from tests.reporting.reports import HOSTILE, report, verdict

FORMATS = Path(__file__).parent / "formats"
NASTY = f"{HOSTILE} ]]> & \x00\x0b\ufffe\ud800 <failure/>"


def valid(document: Any, name: str) -> None:
    schema = json.loads((FORMATS / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)


def nasty() -> Report:
    made = report()
    finding = Finding(NASTY, "x000007", "create_run", "/max_prompt_tokens", NASTY, NASTY)
    verdicts = [
        replace(each, findings=(finding,), reason=NASTY) if each.outcome is not Outcome.PASS else each
        for each in made.verdicts
    ]
    return replace(
        made,
        verdicts=tuple(verdicts),
        reason=NASTY,
        target=replace(made.target, name=NASTY, base_url=f"https://example.org/{NASTY}"),
        started=1795231731.25,
    )


@pytest.mark.parametrize("made", [report(), nasty(), report(base_url=None)])
def test_junit_is_valid_with_correct_counts(made: Report) -> None:
    text = junit.text(made)
    xmlschema.XMLSchema(str(FORMATS / "junit.xsd")).validate(text.split("\n", 1)[1])
    root = ElementTree.fromstring(text.encode())
    cases = root.findall("testsuite/testcase")
    assert {case.get("name") for case in cases} == {each.id for each in made.verdicts}
    assert len(cases) == len(made.verdicts) == int(root.get("tests", "0"))
    failed = {case.get("name") for case in cases if case.find("failure") is not None}
    assert failed == {"create_run.max_prompt_tokens.minimum", "create_run.metadata.maxProperties"}
    assert int(root.get("failures", "0")) == 2
    assert [case.get("name") for case in cases if case.find("error") is not None] == ["steps.broken"]
    kinds = {case.get("name"): skipped.get("type") for case in cases if (skipped := case.find("skipped")) is not None}
    assert kinds["errors.param"] == "warning"
    assert kinds["tenancy.apart"] == "not_judged"


def test_failed_junit_case_contains_the_evidence() -> None:
    root = ElementTree.fromstring(junit.text(report()).encode())
    text = root.findtext("testsuite/testcase[@name='create_run.max_prompt_tokens.minimum']/failure") or ""
    assert "expected:" in text
    assert "curl -sS" in text


@pytest.mark.parametrize("made", [report(), nasty()])
def test_ctrf_is_valid_with_correct_counts(made: Report) -> None:
    document = json.loads(ctrf.text(made))
    valid(document, "ctrf")
    summary, tests = document["results"]["summary"], document["results"]["tests"]
    assert summary["tests"] == len(tests) == len(made.verdicts)
    for name in ("passed", "failed", "skipped", "pending", "other"):
        assert summary[name] == sum(test["status"] == name for test in tests)
    assert summary["failed"] == 3, "two musts, and an error of the suite"
    assert len({test["id"] for test in tests}) == len(tests)


def test_should_failures_count_with_fail_on_should() -> None:
    strict = report()
    strict = replace(strict, suite=replace(strict.suite, fail_on="should"))
    assert "errors.param" in {each.id for each in strict.verdicts if strict.counts_as_failure(each)}
    root = ElementTree.fromstring(junit.text(strict).encode())
    assert root.find("testsuite/testcase[@name='errors.param']/failure") is not None


def passed(**changes: Any) -> Report:
    made = report(verdict("run.id.type", Outcome.PASS, operation=None, capability="core"), exit_code=0)
    return replace(made, outcome=Outcome.PASS, reason="no MUST requirement failed", **changes)


def test_badge_names_outcome_and_edition_in_thirty_characters() -> None:
    badge = claim.badge(passed())
    valid(badge, "badge")
    assert badge["color"] == "brightgreen"
    assert badge["message"] == "pass, 2026-08-14"
    failed = claim.badge(report())
    valid(failed, "badge")
    assert (failed["color"], failed["message"]) == ("red", "fail, 2 unmet, 2026-08-14")
    many = [verdict(f"run.member_{number}.type", Outcome.FAIL) for number in range(1_500)]
    assert len(claim.badge(report(*many))["message"]) <= claim.MAX_BADGE


def test_claim_contains_its_basis() -> None:
    made = claim.document(passed())
    assert made["claim"].startswith("example.org conforms (runs-conformance ")
    assert made["suite"]["schema_digest"] == "0123456789abcdef"
    assert (made["edition"], made["filters"], made["baseline"]) == ("2026-08-14", [], None)
    assert made["classes"] == {"core": {"pass": 1}}


SUITE = report().suite


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"suite": replace(SUITE, filters=("--select 'run.*'",))}, "filtered by --select 'run.*'"),
        ({"complete": False}, "stopped early"),
        ({"outcome": Outcome.INCONCLUSIVE}, "inconclusive"),
        ({"outcome": Outcome.ERROR}, "the suite itself failed"),
        ({"suite": replace(SUITE, profile=None)}, "recorded traffic"),
    ],
)
def test_unsupported_claim_is_refused(changes: dict[str, Any], why: str, tmp_path: Path) -> None:
    here = prepare_folder(tmp_path)
    assert here.write(passed(), views=("claim", "badge")) == []
    refused = here.write(replace(passed(), **changes), views=("claim", "badge"))
    assert [line.partition(":")[0] for line in refused] == ["no claim.json", "no badge.json"]
    assert all(why in line for line in refused)
    assert list(tmp_path.iterdir()) == [], "an older claim is taken away"


def exchange(number: int, **changes: Any) -> Exchange:
    members: dict[str, Any] = {
        "id": f"x{number:06d}",
        "index": number,
        "program": "lifecycle.one",
        "operation": "create_run",
        "request": Request(
            "POST", "/threads/thread_%C3%A9/runs", (("limit", "ä &"),), {"Content-Type": "application/json"}, {"é": 1}
        ),
        "response": Response(200, {"content-type": "application/json"}, {"id": "run_1", "note": NASTY}, size=40),
        "completion": Completion.ANSWERED,
        "started": 5.0,
        "ended": 5.25,
        "wall": 1795231731.25,
    }
    return Exchange(**{**members, **changes})


def recorded(path: Path, *exchanges: Exchange) -> Path:
    file = HistoryWriter(path / "history.jsonl", {"base_url": "https://example.org/v1"})
    for each in exchanges:
        file.record(each)
    file.write_footer({})
    file.close()
    return path / "history.jsonl"


EVENTS = (Event("thread.run.created", {"id": "run_1", "object": "thread.run"}, 5.1), Event("done", "[DONE]", 5.2))


def test_har_round_trips_every_exchange(tmp_path: Path) -> None:
    history = recorded(
        tmp_path,
        exchange(1),
        exchange(2, response=Response(200, {"content-type": "text/event-stream"}, events=EVENTS, size=90)),
        exchange(3, response=None, completion=Completion.UNKNOWN, problem="no response within 60.0 s"),
        exchange(4, request=Request("POST", "/threads", text="{not json"), operation="create_thread"),
    )
    out = io.StringIO()
    assert har.write_har(history, out) == 4
    document = json.loads(out.getvalue())
    valid(document, "har")
    first, stream, silent, raw = document["log"]["entries"]
    assert first["request"]["url"] == "https://example.org/v1/threads/thread_%C3%A9/runs?limit=%C3%A4+%26"
    assert (first["time"], first["startedDateTime"]) == (
        250.0,
        "2026-11-21T05:28:51.250Z"[:0] + first["startedDateTime"],
    )
    assert silent["response"]["status"] == 0
    assert raw["request"]["postData"]["text"] == "{not json"
    (tmp_path / "again.har").write_text(out.getvalue())
    again = load_traffic(tmp_path / "again.har", "2026-08-14").histories[0].exchanges
    assert again[0].body == {"id": "run_1", "note": NASTY}
    assert again[0].request.body == {"é": 1}
    assert [event.name for event in again[1].events] == ["thread.run.created", "done"]
    assert stream["_program"] == "lifecycle.one"


def test_har_of_a_killed_session_omits_the_truncated_line(tmp_path: Path) -> None:
    history = recorded(tmp_path, exchange(1), exchange(2))
    history.write_bytes(history.read_bytes()[:-100])
    out = io.StringIO()
    assert har.write_har(history, out) == 1
    valid(json.loads(out.getvalue()), "har")


def test_har_of_an_invalid_history_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("{}\nnonsense\n")
    with pytest.raises(UsageError, match=r"history.jsonl:2: not an exchange"):
        prepare_folder(tmp_path).write(report(), views=("har",))
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


def test_all_views_can_be_written_together(tmp_path: Path) -> None:
    recorded(tmp_path, exchange(1, response=Response(200, body=ABSENT)))
    assert prepare_folder(tmp_path).write(report(), views=NAMES) == []
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.json", "report.html", "summary.md", "junit.xml", "ctrf.json", "claim.json", "badge.json",
        "history.har", "history.jsonl",
    }  # fmt: skip


def test_views_are_comma_separated_or_repeated() -> None:
    assert parse_views(()) == DEFAULT
    assert parse_views(("junit,html", " ctrf ", "junit")) == ("junit", "html", "ctrf")
    with pytest.raises(UsageError, match="did you mean junit"):
        parse_views(("junitxml",))


def test_summary_is_appended_within_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("before\n")
    assert append_summary(path, "# more\n") is None
    assert path.read_text() == "before\n# more\n"
    assert append_summary(path, "ä" * 100 + "\n" + "line\n" * 400_000) is None
    assert path.stat().st_size < 1024 * 1024
    assert path.read_text().endswith("The rest is in summary.md.\n")
    assert append_summary(path, "x\n" * 100) is None
    assert path.stat().st_size < 1024 * 1024


def test_truncated_summary_closes_its_code_block() -> None:
    text = "one\n```sh\n" + "curl\n" * 100 + "```\n"
    assert truncate(text, 10_000) == text
    cut = truncate(text, 200)
    assert cut.count("```") == 2
    assert len(cut) <= 200
