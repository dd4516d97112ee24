"""The forecast of a plan: the most requests and runs that a test run takes on any target.

Each program has a share, its own estimate, which no other program can use up. Programs that need more, because the
target is slow, refuses at random or accepts what it must refuse, draw on a common reserve; the unused shares of ended
programs go back to it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.plan import Plan
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program_end import FORECAST

SEARCH_REQUESTS, SEARCH_RUNS = 12, 2
"""Requests and runs before the first program: the preflight, and the search for request forms."""

RESERVE_PERCENT, LOCAL_REQUESTS_PERCENT, LOCAL_RUNS_PERCENT = 25, 60, 300
"""The reserve as a share of the plan's estimate. Runs on a server of this machine cost time only. A server that accepts
invalid requests, or refuses a member of runs, starts up to three times as many runs as a correct one; each is polled,
and its thread and assistant are replaced.
"""

MIN_RESERVE_REQUESTS, MIN_RESERVE_RUNS, MIN_LOCAL_RUNS = 60, 8, 120

OVERDRAFT_REQUESTS = 8
"""Requests by which a program may exceed its share when the reserve is used up; estimates are not exact."""


@dataclass(frozen=True, slots=True)
class Share:
    """Numbers of requests and runs."""

    requests: int = 0
    runs: int = 0


def reserve_share(plan: Plan, *, is_loopback: bool = False) -> Share:
    """The part of a forecast that belongs to no program; a plan without runs reserves none."""
    requests = plan.requests * (LOCAL_REQUESTS_PERCENT if is_loopback else RESERVE_PERCENT) // 100
    runs = plan.runs * (LOCAL_RUNS_PERCENT if is_loopback else RESERVE_PERCENT) // 100
    least = MIN_LOCAL_RUNS if is_loopback else MIN_RESERVE_RUNS
    return Share(max(MIN_RESERVE_REQUESTS, requests), max(least, runs) if plan.runs else 0)


def search_share(plan: Plan) -> Share:
    """The estimate for the search for request forms, which precedes the programs."""
    return Share(SEARCH_REQUESTS, SEARCH_RUNS if plan.runs else 0)


def total_share(
    plan: Plan, follow_up: Mapping[str, Share] = MappingProxyType({}), *, is_loopback: bool = False
) -> Share:
    """The whole forecast; `follow_up` has the shares of the phases after the programs."""
    spare = reserve_share(plan, is_loopback=is_loopback)
    parts = (Share(plan.requests, plan.runs), search_share(plan), spare, *follow_up.values())
    return Share(sum(part.requests for part in parts), sum(part.runs for part in parts))


@dataclass(slots=True)
class Forecast:
    """The forecast of a plan with the requests and runs used so far. Thread-safe.

    No program can use up `follow_up`, the share of the phases after the programs. A limit that the user set replaces
    the forecast: without `limits_requests` and `limits_runs` it only counts.
    """

    plan: Plan
    limits_requests: bool = True
    limits_runs: bool = True
    follow_up: Mapping[str, Share] = field(default_factory=dict)
    is_loopback: bool = False
    total: Share = field(init=False)
    _shares: dict[str, Share] = field(init=False)
    _requests: Counter[str] = field(default_factory=Counter)
    _runs: Counter[str] = field(default_factory=Counter)
    _free_requests: int = field(init=False)
    _free_runs: int = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        spare, before = reserve_share(self.plan, is_loopback=self.is_loopback), search_share(self.plan)
        self.total = total_share(self.plan, self.follow_up, is_loopback=self.is_loopback)
        self._shares = {program.id: Share(program.requests, program.runs) for program in self.plan.programs}
        self._free_requests = spare.requests + before.requests
        self._free_runs = spare.runs + before.runs

    @property
    def max_requests(self) -> int | None:
        """The limit on requests; None if the user set another."""
        return self.total.requests if self.limits_requests else None

    @property
    def max_runs(self) -> int | None:
        """The limit on runs; None if the user set another."""
        return self.total.runs if self.limits_runs else None

    def request_refusal(self, program: str, count: int) -> str | None:
        """Why a program must not send this many requests.

        When the reserve is used up, a program may still exceed its share slightly, by at most half of the share of the
        phases after the programs.
        """
        with self._lock:
            beyond = self._requests[program] + count - self._shares.get(program, Share()).requests
            if not self.limits_requests or min(count, beyond) <= max(0, self._free_requests):
                return None
            spare = self._free_requests + sum(part.requests for part in self.follow_up.values()) // 2
            return None if beyond <= OVERDRAFT_REQUESTS and count <= spare else self.requests_reason

    def run_refusal(self, program: str, *, is_invalid: bool) -> str | None:
        """Why a program must not send a request that starts a run if it is accepted.

        When the reserve is used up, invalid requests are still sent, and so is the first request beyond the share, up
        to half of the share of the phases after the programs. A correct target refuses the invalid requests, and the
        other one if its thread is busy.
        """
        with self._lock:
            used, share = self._runs[program], self._shares.get(program, Share()).runs
            if not self.limits_runs or used < share or self._free_runs > 0:
                return None
            spare = self._free_runs + sum(part.runs for part in self.follow_up.values()) // 2
            return None if spare > 0 and (is_invalid or used == share) else self.runs_reason

    def record(self, exchange: Exchange) -> None:
        """Count a request; one of a cleanup counts for the program whose objects it deletes."""
        program = exchange.program.partition("/")[0]
        with self._lock:
            share = self._shares.get(program, Share())
            self._requests[program] += 1
            self._free_requests -= self._requests[program] > share.requests
            if exchange.accepted and exchange.operation and OPERATIONS[exchange.operation].creates == "run":
                self._runs[program] += 1
                self._free_runs -= self._runs[program] > share.runs

    def release(self, program: str) -> None:
        """Give the unused share of a program that ended back to the reserve."""
        with self._lock:
            share = self._shares.pop(program, Share())
            self._free_requests += max(0, share.requests - self._requests[program])
            self._free_runs += max(0, share.runs - self._runs[program])

    def begin_follow_up(self) -> None:
        """Release the share of the phases after the programs, which begin now."""
        with self._lock:
            self._free_requests = max(0, self._free_requests) + sum(part.requests for part in self.follow_up.values())
            self._free_runs = max(0, self._free_runs) + sum(part.runs for part in self.follow_up.values())
            self.follow_up = {}

    @property
    def requests_reason(self) -> str:
        """Why no more requests are sent."""
        return f"{FORECAST}{self.total.requests:,} requests is used up (--max-requests sets another limit)"

    @property
    def runs_reason(self) -> str:
        """Why no more runs are started."""
        return f"{FORECAST}{self.total.runs:,} runs is used up (--max-runs sets another limit)"
