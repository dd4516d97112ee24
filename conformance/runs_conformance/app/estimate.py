"""The forecast of a plan, which a test run keeps to, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runs_conformance.app.options import RunOptions
from runs_conformance.engine import forecast
from runs_conformance.engine.plan import PHASES, TOKENS_PER_RUN, Plan
from runs_conformance.model.plural import plural


def lines(plan: Plan, options: RunOptions) -> Iterator[str]:
    """Yield a table by phase, the limits in force, and the skipped programs."""
    yield f"{'at most':12}{'programs':>10}{'requests':>10}{'runs':>8}{'tokens':>12}"
    yield _format_row("preflight", 0, forecast.search(plan))
    for phase in PHASES:
        programs = [program for program in plan.programs if program.phase == phase]
        if programs:
            share = forecast.Share(sum(each.requests for each in programs), sum(each.runs for each in programs))
            yield _format_row(phase, len(programs), share)
    yield _format_row("reserve", 0, forecast.reserve(plan))
    yield _format_row("all", len(plan.programs), forecast.total(plan))
    yield "the reserve is for slow runs, failures that are tried again, and deleting what was created"
    limits = [text for text in _limits(options) if text]
    yield f"limited to {', '.join(limits)}" if limits else "other limits: --max-requests, --max-runs, --max-tokens"
    reasons = Counter((left.reason, left.needs) for left in plan.skipped)
    for (reason, needs), count in reasons.most_common():
        yield f"{plural(count, 'program')} skipped: {reason}" + (f" ({needs})" if needs not in reason else "")


def _format_row(name: str, programs: int, share: forecast.Share) -> str:
    tokens = share.runs * TOKENS_PER_RUN
    return f"{name:12}{programs:>10,}{share.requests:>10,}{share.runs:>8,}{tokens:>12,}"


def _limits(options: RunOptions) -> Iterator[str]:
    yield f"{options.max_requests:,} requests" if options.max_requests is not None else ""
    yield f"{options.max_runs:,} runs" if options.max_runs is not None else ""
    yield f"{options.max_tokens:,} tokens" if options.max_tokens is not None else ""
    yield f"{options.max_time:g} s" if options.max_time is not None else ""
