"""Looks up rules and constraints; needs no server."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from runs_conformance import config
from runs_conformance.app.options import requirements
from runs_conformance.app.requirement_page import sections
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine.plan import selector
from runs_conformance.engine.verdicts import Requirements
from runs_conformance.errors import UsageError
from runs_conformance.model.json import JSON
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.model.suggestion import did_you_mean


def select(
    globs: Sequence[str],
    edition: str | None = None,
    levels: Sequence[str] = (),
    kinds: Sequence[str] = (),
    capabilities: Sequence[str] = (),
) -> list[AnyRule | Constraint]:
    """The rules and constraints that match all filters. Raises UsageError if nothing matches."""
    for capability in capabilities:
        config.require_known(capability, CAPABILITIES, "capability")
    known = _requirements(edition)
    selected = selector(globs, ())
    found = [
        requirement
        for requirement in _all_in_order(known)
        if selected(requirement.id)
        and (not levels or requirement.level in levels)
        and (not kinds or _kind(requirement) in kinds)
        and (not capabilities or requirement.capability in capabilities)
    ]
    if not found:
        hint = did_you_mean(globs[0], known.ids()) if globs else ""
        raise UsageError(f"nothing matches{hint}")
    return found


def lines(selected: Sequence[AnyRule | Constraint]) -> Iterator[str]:
    """Yield one line for each rule or constraint: level, id, statement."""
    width = min(max(len(requirement.id) for requirement in selected), 60)
    for requirement in selected:
        yield f"{requirement.level:6} {requirement.id:{width}}  {requirement.statement}"


def to_json(requirement: AnyRule | Constraint) -> dict[str, JSON]:
    """The fields of a rule or constraint that identify and describe it."""
    return {
        "id": requirement.id,
        "kind": _kind(requirement),
        "level": str(requirement.level),
        "capability": requirement.capability,
        "operation": requirement.operation or None,
        "statement": requirement.statement,
        "source": str(requirement.source),
    }


def explanation(id_: str, edition: str | None = None) -> str:
    """Describe one rule or constraint in full. Raises UsageError, with the nearest names, for an unknown id."""
    known = _requirements(edition)
    renamed = {old: rule.id for rule in known.rules.values() for old in rule.formerly}
    name = config.require_known(renamed.get(id_, id_), known.ids(), "rule or constraint")
    requirement = known.rules.get(name) or known.constraints[name]
    return "\n".join(_explanation_lines(requirement))


def _explanation_lines(requirement: AnyRule | Constraint) -> Iterator[str]:
    kind = f"{requirement.side} constraint" if isinstance(requirement, Constraint) else "rule"
    operation = f"; operation {requirement.operation}" if requirement.operation else ""
    yield requirement.id
    yield f"level {requirement.level}; {kind}; capability {requirement.capability}{operation}"
    for section in sections(requirement):
        yield ""
        yield section.heading
        for paragraph in section.paragraphs:
            yield from textwrap.indent("\n".join(_wrap(paragraph)), "  ").splitlines()
        yield from (f"  {line}".rstrip() for line in section.literal)


def _kind(requirement: AnyRule | Constraint) -> str:
    return "constraint" if isinstance(requirement, Constraint) else "rule"


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False)


def _requirements(edition: str | None) -> Requirements:
    return requirements(config.parse_edition(edition) if edition else DEFAULT_EDITION)


def _all_in_order(requirements: Requirements) -> Iterator[AnyRule | Constraint]:
    yield from requirements.rules.values()
    yield from requirements.constraints.values()
