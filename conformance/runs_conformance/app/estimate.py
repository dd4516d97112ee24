"""What playing a plan may cost at most, told before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runs_conformance.app.options import Choice
from runs_conformance.engine.plan import PHASES, TOKENS_PER_RUN, Plan

PREFLIGHT = 3
"""The requests that find out whether there is a target that can be tested."""


def lines(plan: Plan, choice: Choice) -> Iterator[str]:
    """A table by phase, the limits that hold all the same, and what is left out."""
    yield f"{'at most':12}{'programs':>10}{'requests':>10}{'runs':>8}{'tokens':>12}"
    yield _row("preflight", 0, PREFLIGHT, 0)
    for phase in PHASES:
        programs = [program for program in plan.programs if program.phase == phase]
        if programs:
            requests, runs = sum(each.requests for each in programs), sum(each.runs for each in programs)
            yield _row(phase, len(programs), requests, runs)
    yield _row("all", len(plan.programs), plan.requests + PREFLIGHT, plan.runs)
    limits = [text for text in _limits(choice) if text]
    yield f"limited to {', '.join(limits)}" if limits else "without a limit (--max-requests, --max-runs, --max-tokens)"
    reasons = Counter((left.reason, left.needs) for left in plan.left_out)
    for (reason, needs), count in reasons.most_common():
        what = "program is" if count == 1 else "programs are"
        yield f"{count} {what} left out: {reason}" + (f" ({needs})" if needs not in reason else "")


def _row(name: str, programs: int, requests: int, runs: int) -> str:
    return f"{name:12}{programs:>10,}{requests:>10,}{runs:>8,}{runs * TOKENS_PER_RUN:>12,}"


def _limits(choice: Choice) -> Iterator[str]:
    yield f"{choice.most_requests:,} requests" if choice.most_requests is not None else ""
    yield f"{choice.most_runs:,} runs" if choice.most_runs is not None else ""
    yield f"{choice.most_tokens:,} tokens" if choice.most_tokens is not None else ""
    yield f"{choice.most_seconds:g} s" if choice.most_seconds is not None else ""
