"""Commands for the requests at which a target terminated, or which it does not survive."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.report import Report


def lost_request_commands(report: Report, curl_dialect: str) -> Iterator[tuple[str, str]]:
    """Yield the exchange of each such request with the commands that send it again, if a shell can."""
    for exchange, example in report.lost_requests.items():
        commands = curl.script(example, report.target.base_url or "$BASE_URL", curl_dialect, report.target.access)
        if commands:
            yield exchange, commands
