"""`runs-conformance proxy`: record and judge live traffic."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import click

from runs_conformance.cli import baseline, output
from runs_conformance.cli.help import GATE, SCOPE, TARGET, declare_command, option
from runs_conformance.cli.live_line import LiveLine
from runs_conformance.cli.options import build_options, judging_options
from runs_conformance.cli.signals import interruptible
from runs_conformance.cli.stderr import say
from runs_conformance.model.plural import plural

_POLL_S = 0.1


@declare_command(
    "proxy",
    examples=(
        ("Judge what a client and a server exchange", "runs-conformance proxy https://api.example.com/v1 --port 8900"),
        ("Stop at the first failure", "runs-conformance proxy http://127.0.0.1:8080/v1 --fail-fast"),
    ),
)
@click.argument("upstream")
@option(
    "--port",
    group=TARGET,
    type=click.IntRange(0, 65535),
    default=8900,
    show_default=True,
    help="Loopback port to listen on; 0 picks a free one.",
)
@option(
    "--key-header",
    group=TARGET,
    metavar="NAME",
    default="",
    help="Header that carries the client's key, if its name does not suggest that.",
)
@option(
    "--partial",
    group=SCOPE,
    is_flag=True,
    help="Other clients share these objects: findings that an unrecorded request could explain become inconclusive.",
)
@option(
    "--inject",
    "injected",
    group=TARGET,
    metavar="FAULT:SHARE",
    multiple=True,
    help=(
        "Respond to a share of the requests with a fault, to test how the client handles it: an HTTP status "
        "(429:0.05), a closed connection (cut:0.01) or a delay in seconds (delay2.5:0.1). Faults are not judged. "
        "Repeatable."
    ),
)
@option("--fail-fast", group=GATE, is_flag=True, help="Stop at the first failure.")
@judging_options(
    "Date of the contract to judge by. Default: the contract in force on the date of each exchange.",
    "reports/<run-id>/.",
)
def command(
    upstream: str, port: int, key_header: str, injected: tuple[str, ...], fail_fast: bool, **values: Any
) -> int:
    """Forward requests to UPSTREAM, record them, and judge them when traffic pauses and at the end.

    Point the client at the printed address instead of the server. Ctrl-C stops the proxy and prints the report.
    """
    from runs_conformance.app.proxy_session import ProxySession
    from runs_conformance.errors import UsageError
    from runs_conformance.proxy import status_page
    from runs_conformance.proxy.forwarding import check_upstream
    from runs_conformance.proxy.injection import parse_fault
    from runs_conformance.proxy.proxy_server import serve_on_loopback
    from runs_conformance.reporting.folder import prepare_folder

    check_upstream(upstream)  # Before a folder is created.
    options = build_options(values)
    live_line = LiveLine()
    folder = prepare_folder(values["report_dir"])
    session = ProxySession(
        upstream,
        folder.history,
        options,
        lambda id_, message: live_line.say_above(f"FAIL {id_}: {message}"),
        options.edition if values["edition"] else None,
        key_header,
        [parse_fault(spec) for spec in injected],
    )
    parts = urlsplit(upstream.strip())
    try:
        with interruptible(), serve_on_loopback(session.app, port) as origin:
            say(f"proxy on {origin}{parts.path.rstrip('/')} for {parts.scheme}://{parts.hostname} (Ctrl-C stops it)")
            say(f"live page: {origin}{status_page.PATH}")
            while not (fail_fast and session.failed):
                time.sleep(_POLL_S)
                session.judge_resting()
                live_line.show(session.status().line)
    except KeyboardInterrupt:
        pass
    live_line.clear()
    review = session.conclude()
    problem = output.write_report(folder, review.report, "openai", values)
    if session.recorder.skipped:
        say(f"skipped {plural(session.recorder.skipped, 'request')} of other APIs")
    baseline.update_file(review.report, values)
    output.print_summary(review.report, None if problem else folder, "openai", values)
    if problem:
        raise UsageError(problem)
    return review.report.exit_code
