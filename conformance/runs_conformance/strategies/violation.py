"""The exception for a requirement that an application violates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from runs_conformance.evidence.description import describe_request, describe_response
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Finding


class RequirementViolated(AssertionError):  # noqa: N818 -- it says what the application did
    """The application violated a requirement. `id` is the id of the rule or constraint, `findings` are by id."""

    def __init__(self, id_: str, text: str, findings: Mapping[str, tuple[Finding, ...]]) -> None:
        super().__init__(text)
        self.id = id_
        self.findings = findings


def violation(
    history: History, statements: Mapping[str, str], findings: Mapping[str, tuple[Finding, ...]]
) -> Exception:
    """The exception for the findings in a history, which starts with the first of them in the history."""
    positions = {exchange.id: exchange.index for exchange in history}

    def position(id_: str) -> tuple[int, str]:
        return min(positions.get(finding.exchange, 0) for finding in findings[id_]), id_

    ordered = sorted(findings, key=position)
    lines = [line for id_ in ordered for line in _lines(id_, statements[id_], findings[id_][0], history)]
    return _violation_of(ordered[0])(ordered[0], "\n".join(lines), {id_: findings[id_] for id_ in ordered})


def _lines(id_: str, statement: str, finding: Finding, history: History) -> list[str]:
    lines = [f"{id_}: {statement}", f"  {finding.message}"]
    exchange = history.find(finding.exchange)
    if exchange is not None:
        lines.append(f"  {describe_request(exchange)} got {describe_response(exchange)}")
    return lines


@cache
def _violation_of(id_: str) -> type[RequirementViolated]:
    """A class for each requirement: Hypothesis distinguishes failures by their class, and then shrinks each of them."""
    return type(f"RequirementViolated[{id_}]", (RequirementViolated,), {"__doc__": RequirementViolated.__doc__})
