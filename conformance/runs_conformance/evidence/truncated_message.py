"""Messages whose writing the token limit of their run ended."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.accepted_invalid import is_valid_object
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.stream import Stream, streams
from runs_conformance.model.history import History
from runs_conformance.model.json import at

_LIMITS = ("max_completion_tokens", "max_prompt_tokens")
_OTHER_REASONS = ("content_filter",)
"""The reasons that a run may give for being incomplete without a limit of tokens."""
_OTHER_REASONS_OF_MESSAGES = (*_OTHER_REASONS, "run_cancelled", "run_expired", "run_failed")


def runs_with_truncated_message(history: History) -> Iterator[tuple[Observation, History]]:
    """For each message that the token limit truncated in a stream, the last observation of its run in the stream."""
    for stream in streams(history):
        end = _end_of(stream)
        for message in stream.of_kind("message"):
            if end is not None and _is_truncated(message, stream):
                yield end, history


def _is_truncated(message: Observation, stream: Stream) -> bool:
    """Whether a message says that it is incomplete for its limit of tokens.

    In a stream with a limit of completion tokens, a reason that the contract does not know can only mean this limit.
    """
    reason = message.get("/incomplete_details/reason")
    if reason == "max_tokens":
        return True
    is_incomplete = message.status == "incomplete" and isinstance(reason, str)
    return is_incomplete and reason not in _OTHER_REASONS_OF_MESSAGES and _has_limit(stream)


def messages_cut_by_the_limit(history: History) -> Iterator[Observation]:
    """The last observation of each message whose writing the token limit of its run must have ended in a stream.

    The run has no tools that it could have been calling instead, and its last step creates the message.
    """
    for stream in streams(history):
        end, messages, steps = _end_of(stream), stream.of_kind("message"), stream.of_kind("run_step")
        if (
            end is not None
            and end.status == "incomplete"
            and (end.get("/incomplete_details/reason") in _LIMITS or _has_no_other_reason(end, stream))
            and end.get("tools") == []
            and messages
            and steps
            and steps[-1].get("/step_details/message_creation/message_id") == messages[-1].id
        ):
            yield messages[-1]


def _has_no_other_reason(end: Observation, stream: Stream) -> bool:
    """Whether a run with a limit of completion tokens states a reason that the contract does not know."""
    return _has_limit(stream) and end.get("/incomplete_details/reason") not in _OTHER_REASONS


def _has_limit(stream: Stream) -> bool:
    return isinstance(at(stream.exchange.request.body, "/max_completion_tokens"), int)


def _end_of(stream: Stream) -> Observation | None:
    """The last observation in a stream of its ended run; None if it was created or modified by an invalid request."""
    ends = [run for run in stream.of_kind("run") if run.status in TERMINAL and is_valid_object(stream.history, run)]
    return ends[-1] if ends else None
