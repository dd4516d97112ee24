"""Evidence that causes need from the history of a finding: the objects that it names, and what other responses show.

Causes are derived from findings alone, when the histories are no longer in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.finding_context import object_at
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, all_observations, observations
from runs_conformance.evidence.tool_call import pending_calls, step_tool_calls
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent
from runs_conformance.model.verdict import Finding, Tally

_MIN_ID_LENGTH = 6
"""Shorter ids, such as numbers, may occur in a message by chance."""
_WORD = re.compile(r"[^\s'\"`(),;]+")
_PARENTS = {"assistant_id": "assistant", "thread_id": "thread", "run_id": "run", "message_id": "message"}


def add_evidence(tally: Tally, history: History) -> Tally:
    """The tally with the evidence of the history in each of its findings."""
    if not tally.findings:
        return tally
    return replace(tally, findings=[_add_evidence(finding, history) for finding in tally.findings])


def _add_evidence(finding: Finding, history: History) -> Finding:
    named = tuple(_ids_in(finding.message, history))
    shown_by = _find_single_response(finding, history)
    return replace(finding, named_ids=named, shown_by=shown_by) if named or shown_by else finding


def _ids_in(message: str, history: History) -> Iterator[tuple[str, str]]:
    """Each id of the history in a message, with the kind of its object."""
    words = dict.fromkeys(word.rstrip(".:") for word in _WORD.findall(message))
    ids = [word for word in words if len(word) >= _MIN_ID_LENGTH and any(map(str.isdigit, word))]
    known = _kinds_by_id(history) if ids else {}
    yield from ((id_, known[id_]) for id_ in ids if id_ in known)


@lru_cache(maxsize=4)
def _kinds_by_id(history: History) -> Mapping[str, str]:
    return {id_: kind for observation in all_observations(history) for id_, kind in _ids_of(observation)}


def _ids_of(observation: Observation) -> Iterator[tuple[str, str]]:
    yield from ((observation.text(member), kind) for member, kind in _PARENTS.items())
    if observation.kind == "run":
        yield from ((call.id, "call") for call in pending_calls(observation) or ())
    if observation.kind == "run_step":
        yield from ((call.id, "call") for call in step_tool_calls(observation))
    yield observation.id, observation.kind


def _find_single_response(finding: Finding, history: History) -> str:
    """The operation that shows a value which an item of a list lacks, in a single object; empty if there is none.

    It showed the value before the list was requested, while the object had the same status.
    """
    operation = OPERATIONS.get(finding.operation or "")
    lacks_value = _is_missing(finding.actual) and not _is_missing(finding.expected)
    if operation is None or not operation.listed_kind or not lacks_value:
        return ""
    item = object_at(history, finding)
    member = finding.pointer[len(item.pointer) :].strip("/").partition("/")[0] if item is not None else ""
    if item is None or not item.id or not member:
        return ""
    return next(
        (
            other.exchange.operation or ""
            for other in reversed(observations(item.kind, history))
            if (other.id, other.status, other.channel) == (item.id, item.status, JSON_CHANNEL)
            and other.happened_before(item)
            and not OPERATIONS[other.exchange.operation or ""].listed_kind
            and not _is_missing(other.get(member))
        ),
        "",
    )


def _is_missing(value: object) -> bool:
    return value is None or isinstance(value, Absent)
