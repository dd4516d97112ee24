"""Failures that say the same, together: one fault often breaks many demands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.model.json import at, is_object
from runs_conformance.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Group:
    """Failed verdicts with one likely cause; the first is the one to show in full."""

    title: str
    verdicts: tuple[Verdict, ...]


def groups(failed: Iterable[Verdict]) -> list[Group]:
    """Failed verdicts grouped by what they have in common, in the order in which each group is first met.

    Those that say the same of their subject are one group, and so are those whose findings are, for the most part, at
    the same places of the same answers: one mistake of a server is often held against it by several demands.
    """
    found: dict[str, list[Verdict]] = {}
    for verdict in failed:
        found.setdefault(title(verdict), []).append(verdict)
    joined: list[tuple[str, list[Verdict], set[tuple[str, str]]]] = []
    for name, verdicts in found.items():
        places = {place for verdict in verdicts for place in _places(verdict)}
        for _, others, theirs in joined:
            if 2 * len(places & theirs) > min(len(places), len(theirs)):
                others += verdicts
                theirs |= places
                break
        else:
            joined.append((name, [*verdicts], places))
    return [Group(name, tuple(verdicts)) for name, verdicts, _ in joined]


def _places(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Where in which answers a failure was found; a change in a request is a place in no answer."""
    if not (verdict.kind == "constraint" and verdict.operation is not None):
        for finding in verdict.findings:
            if finding.exchange and finding.pointer:
                yield finding.exchange, finding.pointer


def title(verdict: Verdict) -> str:
    """What a failure has in common with others of its kind, in a few words."""
    if verdict.kind == "rule":
        return verdict.id
    if verdict.operation is not None:
        return f"{verdict.operation} {_treatment(verdict)}"
    place = verdict.id.rpartition(".")[0]
    kind, _, inner = place.partition(".")
    if kind.endswith("_list") and inner.startswith("data[]"):
        kind, inner = kind.removesuffix("_list"), inner.removeprefix("data[]").lstrip(".")
    parent = inner.rpartition(".")[0]
    return f"the {kind} object is not as documented" + (f" at {parent}" if parent else "")


def _treatment(verdict: Verdict) -> str:
    """How the target treated the request that shows the failure."""
    example = verdict.counterexample
    status = at(example, "/answer/http_status") if is_object(example) else None
    if not isinstance(status, int):
        return "gives no answer"
    if 200 <= status < 300:
        return "accepts what it must refuse"
    return "fails on what it should judge" if status >= 500 else "refuses what it must accept"
