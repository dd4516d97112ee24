"""Compares two reports: outcomes by id, in groups, and measured limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from runs_conformance.app.diff_groups import group_differences, group_lines
from runs_conformance.app.diff_summary import ReportSummary, differences, load_summary
from runs_conformance.model.json import JSON
from runs_conformance.model.limit import Limit
from runs_conformance.reporting import diff_page
from runs_conformance.reporting.failure_text import printable

__all__ = ["ReportSummary", "differences", "document", "lines", "load_summary", "text"]


def lines(a: ReportSummary, b: ReportSummary) -> list[str]:
    """Render the comparison: the differences in groups, then the limits, then a count."""
    found = differences(a, b)
    output = [f"A  {a.name}", f"B  {b.name}"]
    output += [*_caveats(a, b), ""]
    output += group_lines(group_differences(a, b, found))
    limit_lines = _limit_lines(a, b)
    if limit_lines:
        output += ["", "limits", *limit_lines]
    contradictions = sum(each.is_contradiction for each in found)
    verbs = "passes in one report and fails" if contradictions == 1 else "pass in one report and fail"
    rest = "differs" if len(found) - contradictions == 1 else "differ"
    output += [
        "",
        f"{contradictions} {verbs} in the other; {len(found) - contradictions} {rest} otherwise",
    ]
    return output if found or limit_lines else [*output[: output.index("") + 1], "no verdict differs"]


def _caveats(a: ReportSummary, b: ReportSummary) -> Iterator[str]:
    """Yield reasons for differences that are not due to the servers."""
    if a.edition != b.edition:
        yield f"different editions: {a.edition} and {b.edition}"
    if a.profile != b.profile:
        yield f"different profiles: {a.profile or 'none'} and {b.profile or 'none'}"
    if set(a.filters) != set(b.filters):
        in_a, in_b = (", ".join(side.filters) or "no filter" for side in (a, b))
        yield f"different filters: {in_a} and {in_b}"
    for letter, side in (("A", a), ("B", b)):
        if side.unfinished:
            yield f"{letter} is incomplete ({side.unfinished}), so part of it is not judged"


def document(a: ReportSummary, b: ReportSummary) -> dict[str, JSON]:
    """The comparison as JSON."""
    found = differences(a, b)
    return {
        "format_version": 1,
        **{letter: _side(side) for letter, side in (("a", a), ("b", b))},
        "caveats": list(_caveats(a, b)),
        "contradictions": sum(each.is_contradiction for each in found),
        "differences": len(found),
        "groups": [group.to_json() for group in group_differences(a, b, found)],
        "limits": list(_limit_lines(a, b)),
    }


def _side(summary: ReportSummary) -> dict[str, JSON]:
    return {"name": summary.name, "edition": summary.edition, "profile": summary.profile}


def text(a: ReportSummary, b: ReportSummary, form: str) -> str:
    """The comparison as `text`, `json` or `html`."""
    if form == "json":
        return json.dumps(document(a, b), indent=1)
    return diff_page.text(document(a, b)) if form == "html" else printable("\n".join(lines(a, b)))


def _limit_lines(a: ReportSummary, b: ReportSummary) -> Sequence[str]:
    lines = []
    for id_ in sorted({**a.limits, **b.limits}):
        in_a, in_b = a.limits.get(id_), b.limits.get(id_)
        if in_a != in_b:
            text_a, text_b = (each.text if each else _as_documented(in_a or in_b) for each in (in_a, in_b))
            lines.append(f"{id_}: A {text_a}; B {text_b}")
    return lines


def _as_documented(limit: Limit | None) -> str:
    return f"as documented, {limit.stated:,}" if limit is not None else "as documented"
