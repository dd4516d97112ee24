"""Submissions of tool outputs that may be refused for their outputs, and not for the status of the run."""

from __future__ import annotations

import re

from runs_conformance.evidence.refusal_reason import is_refused_for_status, named_members
from runs_conformance.evidence.run_action import RunAction
from runs_conformance.evidence.tool_call import (
    pending_calls,
    step_observations_of_run,
    step_tool_calls,
    submitted_outputs,
)
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.text import contains_word

_CALL_IDS = re.compile(r"\b(?:tool_)?call[_ -]?ids?\b", re.IGNORECASE)


def may_be_refused_for_outputs(action: RunAction) -> bool:
    """Whether a refused submission has outputs for calls that the run was not seen to make, and is refused for them.

    A refusal is for the outputs if it names them or the ids of their calls, and does not name the status of the run.
    Outputs for the run's own calls are right, so that nothing but the state of the run is a reason to refuse them.
    """
    exchange = action.exchange
    sent = {id_ for id_, _ in submitted_outputs(exchange.request.body)}
    if is_refused_for_status(exchange) or (sent and sent <= _ids_of_calls(action)):
        return False
    text = refusal_text(exchange)
    names_outputs = bool(named_members(exchange) & {"tool_outputs", "tool_call_id"})
    return names_outputs or _CALL_IDS.search(text) is not None or any(contains_word(text, id_) for id_ in sent)


def _ids_of_calls(action: RunAction) -> set[str]:
    """The ids of all calls that a run was seen to make."""
    pending = {call.id for each in action.run.observations for call in pending_calls(each) or ()}
    return pending | {call.id for step in step_observations_of_run(action.run) for call in step_tool_calls(step)}
