"""Whether overlapping requests were sent early enough to race each other."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.concurrent_requests import ConcurrentRequests
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

_SEPARATE = Inconclusive("the requests did not race: one got its response before another was sent")

ROUNDS = 2
"""Rounds of simultaneous requests that a pass needs: one that is survived may be chance."""


def pass_if_simultaneous(concurrent: ConcurrentRequests) -> Iterator[Result]:
    """A pass if all requests were decided, and sent before the first response: a race may lie in a moment."""
    if concurrent.all_decided:
        yield PASSED if concurrent.are_simultaneous else _SEPARATE
