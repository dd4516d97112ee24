"""Renders the forecast of a plan, which a test run does not exceed, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runs_conformance.app.options import RunOptions
from runs_conformance.app.shrink_findings import LOCAL_BUDGET, REMOTE_BUDGET
from runs_conformance.engine import forecast
from runs_conformance.engine.forecast import Share
from runs_conformance.engine.plan import FUZZING_PHASE, TOKENS_PER_RUN, Plan
from runs_conformance.engine.shrinking.confirmation import MAX_REQUESTS
from runs_conformance.model.plural import plural
from runs_conformance.model.profile import PHASES

SHRINKING, REMOTE_SHRINKING = Share(LOCAL_BUDGET[1], 60), Share(REMOTE_BUDGET[1], 20)
"""The most that shrinking takes on a server of this machine, and on another one."""

CONFIRMATION_SHARE, MAX_CONFIRMED_RUNS = 3, 30
"""Confirmation takes at most the plan's estimate divided by the first, and this many runs."""

LIMIT_SEARCH = Share(600, 60)
"""The most that the search for the limits of a server takes."""


def follow_up(plan: Plan, options: RunOptions, *, is_loopback: bool) -> dict[str, Share]:
    """The steps that may follow the programs on a target that fails, by name, with the most that each takes."""
    steps: dict[str, Share] = {}
    if any(program.phase == FUZZING_PHASE for program in plan.programs):
        steps["shrinking"] = SHRINKING if is_loopback else REMOTE_SHRINKING
    if options.confirm and not options.read_only:
        requests, runs = plan.requests // CONFIRMATION_SHARE, plan.runs // CONFIRMATION_SHARE
        steps["confirming"] = Share(min(MAX_REQUESTS, requests), min(MAX_CONFIRMED_RUNS, runs))
    if options.find_limits and not options.read_only:
        steps["limits"] = LIMIT_SEARCH
    return steps


def lines(plan: Plan, options: RunOptions, *, is_loopback: bool) -> Iterator[str]:
    """Yield a table by phase, the limits in force, and the skipped programs."""
    after = follow_up(plan, options, is_loopback=is_loopback)
    yield f"{'at most':12}{'programs':>10}{'requests':>10}{'runs':>8}{'tokens':>12}"
    yield _format_row("preflight", 0, forecast.search_share(plan))
    for phase in PHASES:
        programs = [program for program in plan.programs if program.phase == phase]
        if programs:
            share = Share(sum(each.requests for each in programs), sum(each.runs for each in programs))
            yield _format_row(phase, len(programs), share)
    yield _format_row("reserve", 0, forecast.reserve_share(plan, is_loopback=is_loopback))
    for name, share in after.items():
        yield _format_row(name, 0, share)
    yield _format_row("all", len(plan.programs), forecast.total_share(plan, after, is_loopback=is_loopback))
    yield "the reserve is for slow runs, failures that are tried again, and deleting what was created"
    if options.rate_limit is not None:
        yield _describe_time(forecast.search_share(plan).requests + plan.requests, options.rate_limit)
    limits = [text for text in _limits(options) if text]
    yield f"limited to {', '.join(limits)}" if limits else "other limits: --max-requests, --max-runs, --max-tokens"
    reasons = Counter((left.reason, left.needs) for left in plan.skipped)
    for (reason, needs), count in reasons.most_common():
        yield f"{plural(count, 'program')} skipped: {reason}" + (f" ({needs})" if needs not in reason else "")


def _describe_time(requests: int, rate: float) -> str:
    """How long the requests take if nothing but a rate in requests per second holds them back."""
    seconds = requests / rate
    time = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"
    return f"at {60 * rate:g} requests a minute, preflight and programs take up to {time} on a fast server"


def _format_row(name: str, programs: int, share: Share) -> str:
    tokens = share.runs * TOKENS_PER_RUN
    return f"{name:12}{programs:>10,}{share.requests:>10,}{share.runs:>8,}{tokens:>12,}"


def _limits(options: RunOptions) -> Iterator[str]:
    yield f"{options.max_requests:,} requests" if options.max_requests is not None else ""
    yield f"{options.max_runs:,} runs" if options.max_runs is not None else ""
    yield f"{options.max_tokens:,} tokens" if options.max_tokens is not None else ""
    yield f"{options.max_time:g} s" if options.max_time is not None else ""
