"""The lists of the API as parts of the evidence: servers implement each by itself, so that one may be right alone."""

from __future__ import annotations

from runs_conformance.evidence.page import Page
from runs_conformance.model.verdict import PASSED, Passed, Result

RUNS, MESSAGES, STEPS, ASSISTANTS = "list_runs", "list_messages", "list_run_steps", "list_assistants"
MESSAGES_OF_RUN = "list_messages with run_id"

_LEADING_OPERATIONS = {
    RUNS: (RUNS,),
    MESSAGES: (MESSAGES,),
    STEPS: (STEPS, "submit_tool_outputs"),
    ASSISTANTS: (ASSISTANTS,),
    MESSAGES_OF_RUN: (MESSAGES,),
}
"""The operations without which a list has no page of several items. Only a run that calls tools has several steps."""


def parts_of_lists(evidence: str, *lists: str) -> tuple[tuple[str, ...], ...]:
    """The parts of the evidence that a pass needs: `evidence`, such as `a page of {}`, with the name of each list."""
    return tuple((part_name(evidence, name), *_LEADING_OPERATIONS[name]) for name in lists)


def pass_for_list(page: Page, evidence: str, holds: bool = True) -> Result:
    """A pass; if `holds`, it provides the part of the evidence that `evidence` describes, for the page's list."""
    return Passed(part_name(evidence, list_name(page))) if holds else PASSED


def list_name(page: Page) -> str:
    """The name of the list that a page shows."""
    is_filtered = page.kind == "message" and "run_id" in page.query
    return MESSAGES_OF_RUN if is_filtered else str(page.exchange.operation)


def part_name(evidence: str, name: str) -> str:
    """The name of a part of the evidence: `evidence`, with the name of a list."""
    return evidence.format(name)
