"""The order of an id's findings in a report, which shows only the first ones."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.model.json import JSON, Absent, is_object
from runs_conformance.model.turns import take_turns
from runs_conformance.model.verdict import Finding


def sort_findings(findings: Sequence[Finding], example: JSON) -> list[Finding]:
    """Sort a finding of the counterexample's exchange to the front, then those that differ from the ones before.

    Several causes may fail one id.
    """
    exchange = example.get("exchange") if is_object(example) else None
    ordered = sorted(findings, key=lambda finding: finding.exchange != exchange)
    return take_turns(ordered, _kind, lambda finding: finding.operation)


def _kind(finding: Finding) -> tuple[str, bool]:
    """The place of the finding, and whether an empty value was expected, which is often lost in another way."""
    place = "/".join(name for name in finding.pointer.split("/") if not name.isdigit())
    return place, isinstance(finding.expected, Absent) or not finding.expected
