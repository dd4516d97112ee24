"""The sections that describe one rule or constraint, for every view that explains it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.contract.known_deviation import glob_matches, known_deviations
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.reporting.detail import CONSTRAINT_RATIONALE
from runs_conformance.rules import violations
from runs_conformance.rules.constraints.fixes import fix


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its paragraphs, or with lines of literal text."""

    heading: str
    paragraphs: Sequence[str] = ()
    literal: Sequence[str] = ()


def sections(requirement: AnyRule | Constraint) -> Iterator[Section]:
    """The sections that describe a rule or constraint, always in the same order; those without content are left out."""
    return (each for each in _sections(requirement) if any(each.paragraphs) or each.literal)


def _sections(requirement: AnyRule | Constraint) -> Iterator[Section]:
    yield Section("What must hold", [requirement.statement])
    if isinstance(requirement, Constraint):
        yield Section("Why it matters", [CONSTRAINT_RATIONALE[requirement.operation is not None]])
        yield Section("How to fix it", [fix(requirement)])
    else:
        yield Section("Why it matters", requirement.explanation.split("\n\n"))
        yield Section("How to fix it", [requirement.fix])
        if requirement.occasions > 1:
            needed = f"{requirement.occasions} occasions on which it could have been violated; fewer are inconclusive."
            yield Section("What a pass needs", [needed])
        yield Section("Example of a violation", literal=violations().get(requirement.id, ()))
    yield Section("Source", list(_source(requirement)))


def _source(requirement: AnyRule | Constraint) -> Iterator[str]:
    yield f"{requirement.source}"
    if not isinstance(requirement, Constraint):
        if requirement.clauses:
            yield f"Clauses of the contract: {', '.join(requirement.clauses)}"
        if requirement.needs:
            yield f"Needs: {requirement.needs}"
    for deviation in known_deviations():
        if any(glob_matches(glob, requirement.id) for glob in deviation.excuses):
            yield f"Known deviation {deviation.id}: {deviation.title} ({deviation.evidence})"
