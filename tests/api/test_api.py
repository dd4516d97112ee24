"""The public Python API: its names, and what they do in memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import runs_conformance
from runs_conformance import (
    History,
    Outcome,
    Report,
    RunOptions,
    UsageError,
    judge_server,
    judge_traffic,
    render_report,
)
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.model.exchange import exchange_to_json
from tests.rules.histories import HistoryBuilder, run

FEW = RunOptions(profile="quick", select=("create_run.max_prompt_tokens.minimum",))
KEY = "sk-api-test"


def application(*mutants: str) -> Any:
    return build(EmulatorOptions(step_ms=1, keys=(KEY,)), mutants)


def history(*statuses: str) -> History:
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    for status in statuses:
        builder.get_run(run(status))
    return builder.history()


def outcome_of(report: Report, id_: str) -> Outcome:
    return next(verdict.outcome for verdict in report.verdicts if verdict.id == id_)


def har(*statuses: str) -> dict[str, Any]:
    """The HAR of reads of one run."""
    return {
        "log": {
            "version": "1.2",
            "entries": [
                {
                    "startedDateTime": f"2026-03-01T10:00:0{index}.000Z",
                    "time": 5,
                    "request": {
                        "method": "GET",
                        "url": "http://127.0.0.1:9/v1/threads/thread_a/runs/run_a",
                        "headers": [],
                    },
                    "response": {
                        "status": 200,
                        "headers": [],
                        "content": {"mimeType": "application/json", "text": json.dumps(run(status))},
                    },
                }
                for index, status in enumerate(statuses)
            ],
        }
    }


def test_all_names_exist_and_are_documented() -> None:
    for name in runs_conformance.__all__:
        value = getattr(runs_conformance, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    page = (Path(__file__).parents[2] / "docs" / "python-api.md").read_text(encoding="utf-8")
    assert [name for name in runs_conformance.__all__ if f"`{name}`" not in page and f"`{name}(" not in page] == []


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'judge_everything'"):
        runs_conformance.judge_everything  # noqa: B018


def test_import_loads_no_other_module_of_the_package() -> None:
    code = (
        "import sys, runs_conformance; "
        "print([name for name in sys.modules if name.startswith(('runs_conformance.', 'httpx', 'hypothesis'))])"
    )
    folder = Path(runs_conformance.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    assert done.stdout.strip() == "[]"


def test_history_in_memory_is_judged() -> None:
    report = judge_traffic(history("in_progress", "completed", "in_progress"))
    assert report.exit_code == 1
    verdict = next(verdict for verdict in report.verdicts if verdict.id == "lifecycle.terminal_status_is_final")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.findings[0].pointer == "/status"
    assert outcome_of(judge_traffic(history("completed", "completed", "completed")), verdict.id) is Outcome.PASS


def test_text_of_a_history_gives_the_same_verdicts() -> None:
    judged = history("in_progress", "completed", "in_progress")
    lines = "\n".join(json.dumps({"type": "exchange", **exchange_to_json(exchange)}) for exchange in judged)
    verdicts = [(verdict.id, verdict.outcome) for verdict in judge_traffic(lines).verdicts]
    assert verdicts == [(verdict.id, verdict.outcome) for verdict in judge_traffic(judged).verdicts]


@pytest.mark.parametrize("form", [lambda har: har, json.dumps, lambda har: json.dumps(har).encode()])
def test_har_in_memory_is_judged(form: Any) -> None:
    report = judge_traffic(form(har("in_progress", "completed", "in_progress")))
    assert outcome_of(report, "lifecycle.terminal_status_is_final") is Outcome.FAIL
    assert report.target.base_url is None


def test_path_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "traffic.har"
    path.write_text(json.dumps(har("completed")), encoding="utf-8")
    assert judge_traffic(path).target.name == "traffic.har"


def test_edition_applies_to_every_exchange() -> None:
    old = judge_traffic(history("queued", "completed"), edition="2024-04-17")
    assert old.suite.edition == "2024-04-17"
    assert old.exit_code == 0


@pytest.mark.parametrize("traffic", ["{}", b"", {"entries": []}, "no recording"])
def test_unknown_traffic_is_a_usage_error(traffic: Any) -> None:
    with pytest.raises(UsageError, match=r"^traffic: "):
        judge_traffic(traffic)


def test_application_is_judged(tmp_path: Path) -> None:
    report = judge_server(
        application("relaxed:create_run.max_prompt_tokens.minimum"), FEW, api_key=KEY, report_dir=tmp_path / "report"
    )
    (failure,) = report.failures("must")
    assert (failure.id, report.exit_code) == ("create_run.max_prompt_tokens.minimum", 1)
    assert (tmp_path / "report" / "report.json").is_file()
    assert KEY not in (tmp_path / "report" / "history.jsonl").read_text(encoding="utf-8")


def test_correct_application_passes() -> None:
    assert judge_server(application(), FEW, api_key=KEY).exit_code == 0


def test_application_below_another_path_is_found() -> None:
    report = judge_server(application(), FEW, base_path="/elsewhere")
    assert report.exit_code == 3


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"profile": "quik"}, "there is no profile 'quik'; did you mean quick"),
        ({"phases": ("bondary",)}, "there is no name in phases 'bondary'; did you mean boundary"),
        ({"fail_on": "never"}, "there is no fail_on 'never'"),
        ({"edition": "tomorrow"}, "--edition 'tomorrow' is not one of"),
        ({"select": "create_run.*"}, "select must be a tuple of strings, not 'create_run.*'"),
        ({"no_capabilities": ("strem",)}, "there is no name in no_capabilities 'strem'; did you mean streaming"),
        ({"prompts": {"lng": "x"}}, "there is no name in prompts 'lng'; did you mean long"),
        ({"timeout": -1}, "timeout must be at least 0.1 and at most 3600, not -1"),
        ({"run_timeout": float("nan")}, "run_timeout must be at least 0.1, not nan"),
        ({"max_requests": True}, "max_requests must be a whole number, not True"),
        ({"strict": "no"}, "strict must be true or false, not 'no'"),
        ({"rate_limit": "5/s"}, "rate_limit must be a number of requests per second"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_unusable_options_are_usage_errors(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(problem)}"):
        judge_server("http://127.0.0.1:9/v1", RunOptions(**options))
    with pytest.raises(UsageError, match=f"^{re.escape(problem)}"):
        judge_traffic("{}", RunOptions(**options))


def test_other_options_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"^options must be RunOptions, not dict"):
        judge_server("http://127.0.0.1:9/v1", {"profile": "quick"})  # type: ignore[arg-type]


@pytest.mark.parametrize("traffic", [5, None, [1]])
def test_traffic_of_another_type_is_a_usage_error(traffic: Any) -> None:
    with pytest.raises(UsageError, match=r"^traffic: a \w+ is no traffic"):
        judge_traffic(traffic)


def test_name_of_a_file_is_not_its_text() -> None:
    with pytest.raises(UsageError, match=r"pass Path\('traffic\.har'\) to read a file"):
        judge_traffic("traffic.har")


def test_unusable_arguments_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="no dialect 'opnai'"):
        judge_server("http://127.0.0.1:9/v1", dialect="opnai")
    with pytest.raises(UsageError, match="a dict is not an ASGI or WSGI application"):
        judge_server({})
    with pytest.raises(UsageError, match="matches no rule"):
        judge_server("http://127.0.0.1:9/v1", RunOptions(select=("lifecicle.*",)))


@pytest.fixture(scope="module")
def failing() -> Report:
    return judge_traffic(history("in_progress", "completed", "in_progress"))


@pytest.mark.parametrize("view", ["json", "html", "markdown", "junit", "ctrf"])
def test_report_is_rendered(failing: Report, view: str) -> None:
    assert "lifecycle.terminal_status_is_final" in render_report(failing, view)


def test_unsupported_view_is_a_usage_error(failing: Report) -> None:
    with pytest.raises(UsageError, match="no view 'pdf'"):
        render_report(failing, "pdf")
    with pytest.raises(UsageError, match=r"^claim: "):
        render_report(failing, "claim")


SECOND_KEY, GATEWAY_SECRET, TENANT = "sk-second-api-test", "gw-3f9a1c5e7b2d", "tenant-7c1e9b3a5d"


def behind_gateway(application: Any, seen: list[tuple[bytes, bytes]]) -> Any:
    """An application that refuses requests without the header and the parameter of its gateway."""

    async def gateway(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            seen.append((headers.get(b"authorization", b""), headers.get(b"x-gateway-key", b"")))
            is_known = headers.get(b"x-gateway-key") == GATEWAY_SECRET.encode()
            if not is_known or f"tenant={TENANT}".encode() not in scope["query_string"]:
                await send({"type": "http.response.start", "status": 407, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await application(scope, receive, send)

    return gateway


def test_headers_query_and_second_key_are_sent_and_not_written(tmp_path: Path) -> None:
    seen: list[tuple[bytes, bytes]] = []
    report = judge_server(
        behind_gateway(build(EmulatorOptions(step_ms=1, keys=(KEY, SECOND_KEY))), seen),
        RunOptions(profile="quick", select=("tenancy.*",)),
        api_key=KEY,
        second_api_key=SECOND_KEY,
        failing_model="model-that-fails",
        headers=[("X-Gateway-Key", GATEWAY_SECRET)],
        query=[("tenant", TENANT)],
        report_dir=tmp_path,
    )
    assert report.exit_code == 0
    assert Outcome.PASS in {verdict.outcome for verdict in report.verdicts}
    assert {key for _, key in seen} == {GATEWAY_SECRET.encode()}
    assert {f"Bearer {key}".encode() for key in (KEY, SECOND_KEY)} <= {authorization for authorization, _ in seen}
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    assert {"report.json", "history.jsonl"} <= written.keys()
    secrets = (KEY, SECOND_KEY, GATEWAY_SECRET, TENANT)
    assert [(name, secret) for name, text in written.items() for secret in secrets if secret in text] == []
    header = json.loads(written["history.jsonl"].splitlines()[0])
    assert header["setting"]["failing_model"] == "model-that-fails"
