"""Groups failures with a likely common cause: one defect often violates several requirements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.model.json import at, is_object
from runs_conformance.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failed verdicts with one likely cause; views show the first in full."""

    title: str
    verdicts: tuple[Verdict, ...]


def group_failures(failed: Iterable[Verdict]) -> list[FailureGroup]:
    """Group failed verdicts by their likely cause, in order of first appearance.

    Verdicts with the same title form a group, and so do those whose findings are mostly at the same locations of the
    same responses, since one mistake of a server often violates several requirements.
    """
    by_title: dict[str, list[Verdict]] = {}
    for verdict in failed:
        by_title.setdefault(group_title(verdict), []).append(verdict)
    joined: list[tuple[str, list[Verdict], set[tuple[str, str]]]] = []
    for name, verdicts in by_title.items():
        locations = {location for verdict in verdicts for location in _locations(verdict)}
        for _, members, group_locations in joined:
            if 2 * len(locations & group_locations) > min(len(locations), len(group_locations)):
                members += verdicts
                group_locations |= locations
                break
        else:
            joined.append((name, [*verdicts], locations))
    return [FailureGroup(name, tuple(verdicts)) for name, verdicts, _ in joined]


def _locations(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """The exchange and pointer of each finding in a response; findings in requests have none."""
    if not (verdict.kind == "constraint" and verdict.operation is not None):
        for finding in verdict.findings:
            if finding.exchange and finding.pointer:
                yield finding.exchange, finding.pointer


def group_title(verdict: Verdict) -> str:
    """The title that a failure shares with members of its kind."""
    if verdict.kind == "rule":
        return verdict.id
    if verdict.operation is not None:
        return f"{verdict.operation} {_server_behaviour(verdict)}"
    location = verdict.id.rpartition(".")[0]
    kind, _, inner = location.partition(".")
    if kind.endswith("_list") and inner.startswith("data[]"):
        kind, inner = kind.removesuffix("_list"), inner.removeprefix("data[]").lstrip(".")
    parent = inner.rpartition(".")[0]
    return f"the {kind} object is not as documented" + (f" at {parent}" if parent else "")


def _server_behaviour(verdict: Verdict) -> str:
    """The server's behaviour on the request of the counterexample."""
    example = verdict.counterexample
    status = at(example, "/answer/http_status") if is_object(example) else None
    if not isinstance(status, int):
        return "does not respond"
    if 200 <= status < 300:
        return "accepts invalid requests"
    return "fails with a server error" if status >= 500 else "rejects valid requests"
