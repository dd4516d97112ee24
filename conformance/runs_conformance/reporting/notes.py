"""Sentences about a whole test run that several views share."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.model.plural import plural
from runs_conformance.reporting.report import Report

MAX_NAMED = 3
"""Requirements named in a sentence; the rest are counted."""


def edition_note(report: Report) -> str:
    """Which other edition the server fits better, and how to judge by it; empty if none explains a tenth."""
    fit = report.edition_fit
    if fit is None:
        return ""
    return (
        f"By edition {fit.edition} there are {fit.fewer} fewer of the {plural(fit.failures, 'MUST failure')}: "
        f"judge by it with --edition {fit.edition}"
    )


def rate_limit_note(report: Report) -> str:
    """How many requests the target refused for its rate limit, and how long they waited; empty if it refused none."""
    usage = report.usage
    if not usage.rate_limited:
        return ""
    seconds = usage.rate_limit_seconds
    waited = f"; waiting for it took {seconds:.1f} s" if seconds else ""
    requests = f"{usage.rate_limited:,} of {plural(usage.requests, 'request')}"
    return f"A rate limit refused {requests} (HTTP 429 or 503){waited}"


def changes_note(report: Report) -> str:
    """How many failures are new, fixed and still there since the last test run; empty if there is none to compare."""
    changes = report.changes
    if changes is None:
        return ""
    when = f" of {changes.since[:10]} {changes.since[11:16]} UTC" if len(changes.since) >= 16 else ""
    counts = f"{len(changes.new)} new, {len(changes.fixed)} fixed, {len(changes.still)} still failing"
    counts += f", {len(changes.not_seen_again)} not seen again" if changes.not_seen_again else ""
    return f"Since the last test run{when}: {counts}"


def changed_ids(report: Report) -> Iterator[tuple[str, str]]:
    """The new and the fixed requirements and those not seen again, the first few by name; nothing if there are none."""
    changes = report.changes
    if changes is not None:
        for label, ids in (("new", changes.new), ("fixed", changes.fixed), ("not seen again", changes.not_seen_again)):
            if ids:
                more = f" and {len(ids) - MAX_NAMED} more" if len(ids) > MAX_NAMED else ""
                yield label, ", ".join(ids[:MAX_NAMED]) + more
