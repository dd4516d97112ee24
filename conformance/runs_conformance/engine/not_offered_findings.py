"""Discards what a test run found on operations and streams that the target does not offer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from runs_conformance.engine.capabilities import capabilities_not_offered, operations_not_offered, undelivered_streams
from runs_conformance.engine.counterexample import smallest_counterexample
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.program_verdicts import FuzzedViolation
from runs_conformance.engine.reported_findings import discard_findings
from runs_conformance.model.json import JSON, is_object


def discard_not_offered(result: RunResult, declared: Collection[str], declared_absent: Collection[str]) -> RunResult:
    """The result without these findings, and with counterexamples of those that remain.

    `declared` are the capabilities that the user says the target has, `declared_absent` those that it lacks. A result
    without such findings stays as it is, so that nothing is lost if this is called again.
    """
    not_offered = capabilities_not_offered(result.operation_stats, declared, declared_absent)
    streams = undelivered_streams(result.operation_stats, not_offered)
    missing = operations_not_offered(result.operation_stats)
    if not (not_offered or streams or missing):
        return result

    def is_discarded(example: JSON) -> bool:
        return is_object(example) and (example.get("operation") in not_offered or example.get("exchange") in streams)

    examples: dict[str, JSON] = {}
    for id_, example in result.counterexamples.items():
        groups = [example, *result.grouped_examples.get(id_, {}).values()]
        remaining = [each for each in groups if not is_discarded(each)]
        # A missing operation that is not optional is a failure, but other requests show the others better.
        offered = [each for each in remaining if not (is_object(each) and each.get("operation") in missing)]
        if example in (offered or remaining):
            examples[id_] = example
        elif remaining:
            examples[id_] = smallest_counterexample(id_, offered or remaining)
    return replace(
        result,
        tallies=discard_findings(result.tallies, not_offered, streams),
        counterexamples=examples,
        fuzzed_violations=_remaining_violations(result.fuzzed_violations, not_offered, streams),
    )


def _remaining_violations(
    violations: Mapping[str, FuzzedViolation], operations: Collection[str], streams: Collection[str]
) -> dict[str, FuzzedViolation]:
    """The violations whose first finding remains: shrinking would reproduce that one."""
    return {
        id_: violation
        for id_, violation in violations.items()
        if (shown := violation.violation.exchange) is None
        or (shown.operation not in operations and shown.id not in streams)
    }
