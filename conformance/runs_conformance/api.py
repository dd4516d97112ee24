"""The functions of the public Python API: judge a server, judge recorded traffic, render a report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from runs_conformance.app import judge_recording, run
from runs_conformance.app.check_options import check_options
from runs_conformance.app.options import RunOptions
from runs_conformance.app.serve_application import serve_application
from runs_conformance.contract.dialect import FAMILIES
from runs_conformance.engine import outcome
from runs_conformance.errors import UsageError
from runs_conformance.model.history import History
from runs_conformance.recordings.load import RecordedTraffic, load_traffic, parse_traffic
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.shorten import shorten
from runs_conformance.reporting.view import VIEWS, RenderContext
from runs_conformance.targets import DIALECTS, remote_target

_LONGEST_PATH = 4096


def judge_server(
    server: Any,
    options: RunOptions | None = None,
    *,
    base_path: str = "/v1",
    api_key: str | None = None,
    second_api_key: str | None = None,
    failing_model: str | None = None,
    dialect: str = "openai",
    headers: Sequence[tuple[str, str]] = (),
    query: Sequence[tuple[str, str]] = (),
    report_dir: Path | str | None = None,
) -> Report:
    """Judge a server: its base URL, or an ASGI or WSGI application, which is served on loopback while it is judged.

    `base_path` is the path of the API within an application. `headers` and `query` are sent with every request. The
    report, with the history of all exchanges, is written to `report_dir` if it is given. Objects that the run created
    are deleted at its end. Raises UsageError for an unusable option; a server that cannot be tested is reported, with
    exit code 3.
    """
    options = RunOptions() if options is None else options
    check_options(options)
    if dialect not in DIALECTS:
        raise UsageError(f"no dialect {dialect!r}; choose from {', '.join(DIALECTS)}")
    with _base_url(server, base_path) as base_url, _report_folder(report_dir) as path:
        target = remote_target(
            base_url,
            dialect=dialect,
            headers=headers,
            query=query,
            secret_values=[value for _, value in (*headers, *query)],
            api_key=api_key,
            second_api_key=second_api_key,
            failing_model=failing_model,
        )
        folder = prepare_folder(path)
        report = run.judge(target, options, run.plan_run(target, options), folder, SilentProgress())
        if report_dir is not None:
            folder.write(report, target.address.dialect.family.name)
    if report.exit_code == outcome.INTERRUPTED:
        raise KeyboardInterrupt
    return report


def judge_traffic(
    traffic: History | Path | str | bytes | Mapping[str, Any],
    options: RunOptions | None = None,
    *,
    edition: str | None = None,
    hosts: Sequence[str] = (),
    as_operation: str | None = None,
) -> Report:
    """Judge recorded traffic: the text of a `history.jsonl`, a HAR or another known format, the parsed document of a
    HAR, a `History`, or the path of a file.

    Each exchange is judged by `edition` or, without one, by the edition of its own date; `options.edition` is not used.
    `hosts` are globs of the hosts whose traffic is judged. With `as_operation`, the text is one response of that
    operation. Raises UsageError if the traffic cannot be read.
    """
    options = RunOptions() if options is None else options
    check_options(options)
    name = traffic.name if isinstance(traffic, Path) else "traffic"
    reading = _read(name, traffic, edition, hosts, as_operation)
    return judge_recording.judge_traffic(name, (reading,), options, edition)


def render_report(report: Report, view: str = "json") -> str:
    """The text of a report as `json`, `html`, `markdown`, `junit`, `ctrf`, `claim` or `badge`.

    Raises UsageError for another view, or if the report does not support it.
    """
    if view not in VIEWS:
        raise UsageError(f"no view {view!r}; choose from {', '.join(VIEWS)}")
    report = shorten(report)
    if reason := VIEWS[view].unavailable_reason(report):
        raise UsageError(f"{view}: {reason}")
    # A report on recorded traffic may name several dialects; commands are then written for the usual one.
    dialect = report.target.dialect if report.target.dialect in FAMILIES else "openai"
    return VIEWS[view].text(report, RenderContext(dialect=dialect))


def _read(
    name: str,
    traffic: History | Path | str | bytes | Mapping[str, Any],
    edition: str | None,
    hosts: Sequence[str],
    as_operation: str | None,
) -> RecordedTraffic:
    if isinstance(traffic, Path):
        return load_traffic(traffic, edition, hosts, as_operation)
    if isinstance(traffic, History):
        exchanges = traffic.exchanges
        if edition is not None:
            exchanges = tuple(replace(exchange, edition=edition) for exchange in exchanges)
        return RecordedTraffic((replace(traffic, exchanges=exchanges),))
    if not isinstance(traffic, (str, bytes, Mapping)):
        raise UsageError(
            f"{name}: a {type(traffic).__name__} is no traffic; pass a text, bytes, a HAR, a History or a Path"
        )
    if isinstance(traffic, str) and _looks_like_path(traffic):
        raise UsageError(f"{name}: {traffic!r} is a text, not a recording; pass Path({traffic!r}) to read a file")
    data = traffic.encode("utf-8", "surrogatepass") if isinstance(traffic, str) else traffic
    return parse_traffic(name, data, edition, hosts, as_operation)


def _looks_like_path(text: str) -> bool:
    """Whether a text is rather the name of a file than its content."""
    return 0 < len(text) < _LONGEST_PATH and not any(mark in text for mark in "\n\r\0{[") and Path(text).suffix != ""


@contextmanager
def _base_url(server: Any, base_path: str) -> Iterator[str]:
    if isinstance(server, str):
        yield server
        return
    with serve_application(server) as origin:
        yield origin + base_path


@contextmanager
def _report_folder(path: Path | str | None) -> Iterator[Path]:
    """Yield the folder of the report; without a path, a temporary one."""
    if path is not None:
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="runs-conformance-") as folder:
        yield Path(folder)
