"""The scope of a conclusion: the capabilities in which a target conforms, and the operations it does not offer."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.contract.operation import OPERATIONS, Operation
from runs_conformance.model.plural import plural
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import Report

MAX_NAMES = 8
"""Names that are listed where space is short."""

_NAMED_BY_OPERATION = ("create_and_run", "cancel", "tools")
"""Capabilities of one operation, whose method and path say what is missing: `tools` are also part of requests."""

_REASONS = {"auth": "requests without a key are served"}
"""By capability without an operation, what shows that it is missing."""


def scope_line(report: Report, max_names: int | None = MAX_NAMES) -> str:
    """The second line of an outcome; empty if the target offers everything.

    A passing report names the capabilities in which the target conforms; every report names those that it does not
    offer.
    """
    missing = missing_parts(report)
    if not missing:
        return ""
    lacking = f"not offered: {_join(missing, max_names)}"
    if operations := report.target.operations_not_offered:
        lacking += f" ({len(operations)} of {plural(len(OPERATIONS), 'operation')})"
    conforming = conforming_capabilities(report)
    return f"conforms in {', '.join(conforming)}; {lacking}" if conforming else lacking


def missing_parts(report: Report) -> list[str]:
    """The capabilities that the target does not offer, then single operations by method and path.

    Operations whose absence fails a requirement come first: they are named even where space is short.
    """
    single = [OPERATIONS[name] for name in report.target.operations_not_offered if name in OPERATIONS]
    named_by_operation = {each.capability for each in single} & {*_NAMED_BY_OPERATION}
    whole = [name for name in report.target.capabilities_not_offered if name not in named_by_operation]
    failing = {finding.operation for verdict in report.with_outcome(Outcome.FAIL) for finding in verdict.findings}
    single.sort(key=lambda operation: operation.name not in failing)
    capabilities = (f"{name} ({_REASONS[name]})" if name in _REASONS else name for name in whole)
    return [*capabilities, *(_describe(each, report) for each in single if each.capability not in whole)]


def _describe(operation: Operation, report: Report) -> str:
    """The method and path of an operation, and the route that may take its requests."""
    is_shadowed = operation.name in report.target.shadowed_operations
    return operation.route + (" (or the route of /threads/{thread_id} takes its requests)" if is_shadowed else "")


def conforming_capabilities(report: Report) -> list[str]:
    """The offered capabilities whose MUST requirements were judged; none unless the report passes."""
    if report.outcome is not Outcome.PASS:
        return []
    judged = {
        verdict.capability
        for verdict in report.with_outcome(Outcome.PASS, Outcome.FAIL)
        if verdict.level == "must" and not report.counts_as_failure(verdict)
    }
    return [name for name in report.target.capabilities if name in judged]


def _join(names: Sequence[str], limit: int | None) -> str:
    if limit is None or len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"
