"""Requirements whose failure leaves nothing to judge another rule by: what is never refused leaves no refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from runs_conformance.model.verdict import Tally

_CALL_DELTAS = ("run_step_delta.delta.step_details.tool_calls[[]].index.*",)
_DONE = ("streaming.a_stream_ends_with_done",)
_USAGE = ("usage.is_given_when_completed", "usage.is_given_when_ended", "run.usage.required")

PREMISES: Mapping[str, tuple[str, ...]] = {
    "auth.missing_beta_header_is_invalid_beta": ("auth.beta_header_is_required",),
    "deletion.refused_deletion_deletes_nothing": ("references.objects_are_found_under_their_own_parent_only",),
    "deltas.awaited_calls_were_streamed": _CALL_DELTAS,
    "deltas.tool_call_deltas_add_up": _CALL_DELTAS,
    "lock.refused_run_holds_no_lock": ("create_run.*",),
    "messages.answer_shows_the_detail_of_images": ("message.content[[]].image_url.required",),
    "refusals.a_refused_stream_is_answered_plainly": ("create_run.*", "create_thread_and_run.*"),
    "refusals.status_is_400": ("create_*", "modify_*", "submit_tool_outputs.*"),
    "streaming.nothing_follows_done": _DONE,
    "streaming.the_connection_ends_with_the_stream": _DONE,
    "tools.refused_outputs_leave_the_run_waiting": ("submit_tool_outputs.*", "tools.*_are_refused"),
    "tools.right_outputs_are_taken": ("races.outputs_are_taken_once",),
    "traces.refused_message_is_not_added": ("create_message.*",),
    "traces.refused_modification_keeps_metadata": ("modify_*.metadata*",),
    "traces.refused_modification_keeps_the_assistant": ("modify_assistant.*", "auth.beta_header_is_required"),
    "traces.refused_run_is_not_created": ("create_run.*",),
    "usage.of_an_ended_run_stays": _USAGE,
    "usage.sums_over_the_steps": ("steps.usage_goes_with_the_status", "run_step.usage.required", *_USAGE),
}
"""For each rule, patterns of ids. Where one of these fails, the rule has fewer occasions, or none."""


def failed_premises(tallies: Mapping[str, Tally]) -> dict[str, str]:
    """For each rule, the failed requirements that leave it fewer occasions or none, as a clause."""
    failed = sorted(name for name, tally in tallies.items() if _leaves_nothing(tally))
    found = {
        id_: [name for name in failed if any(fnmatchcase(name, pattern) for pattern in patterns)]
        for id_, patterns in PREMISES.items()
    }
    return {id_: _clause(names) for id_, names in found.items() if names}


def _leaves_nothing(tally: Tally) -> bool:
    """Whether a requirement failed otherwise than by the refusal of a valid request, which is a refusal as well."""
    return any(finding.expected not in (200, "HTTP 200") for finding in tally.findings)


def _clause(names: Sequence[str]) -> str:
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{others} failed"
