"""The rules that judge a response by itself, whatever its request was."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.model.rule import AnyRule

RESPONSE_RULES = frozenset({
    "action.calls_are_distinct",
    "action.calls_name_functions_of_the_run",
    "action.is_given_while_required",
    "action.is_null_otherwise",
    "deletion.response_shows_the_deletion",
    "deltas.message_deltas_come_while_it_is_written",
    "deltas.step_deltas_come_while_it_works",
    "ending.completed_run_has_no_error",
    "ending.failed_run_says_why",
    "ending.incomplete_run_says_why",
    "ending.only_incomplete_run_has_details",
    "ending.unfinished_run_has_no_error",
    "errors.errors_reveal_no_internals",
    "events.a_message_comes_with_its_step",
    "events.a_run_opens_its_stream",
    "events.a_step_completes_after_its_message",
    "events.created_events_show_the_beginning",
    "events.ended_message_says_when",
    "events.objects_are_created_first",
    "events.objects_end_once",
    "events.run_events_fit_their_status",
    "events.step_and_message_events_fit_their_status",
    "events.what_is_created_is_worked_on",
    "events.what_was_begun_is_ended",
    "ids.prefix_tells_the_kind",
    "lifecycle.status_is_known",
    "messages.sent_message_has_no_run",
    "messages.user_message_has_no_assistant",
    "paging.first_and_last_id_are_those_of_the_page",
    "paging.items_are_not_repeated",
    "steps.completed_step_has_no_error",
    "steps.details_fit_the_type",
    "steps.ended_step_says_when",
    "steps.open_step_has_no_end",
    "steps.status_is_known",
    "steps.usage_goes_with_the_status",
    "times.are_in_order",
    "times.are_unix_seconds",
    "times.are_written_as_integers",
    "times.cancelled_run_has_cancelled_at",
    "times.cancelling_run_has_no_end",
    "times.completed_run_has_completed_at",
    "times.completed_run_has_no_other_end",
    "times.ended_run_has_no_expiry",
    "times.ended_run_has_one_end",
    "times.failed_run_has_failed_at",
    "times.unfinished_run_expires_ten_minutes_after_creation",
    "times.unfinished_run_has_no_end",
    "times.working_run_has_started_at",
    "usage.adds_up",
    "usage.is_given_when_completed",
    "usage.is_given_when_ended",
    "usage.is_null_until_the_run_ends",
})  # fmt: skip
"""The ids of rules whose verdict on one response does not depend on path, query, headers, body or status.

Rules on how a response was transmitted are not among them, since a copy of a response does not show that; nor are those
that add up the deltas of a stream, which people leave out when they copy one, and that on the first status of a run,
since clients that create a run and wait for it save what they got last.
"""


def select_response_rules(rules: Mapping[str, AnyRule]) -> dict[str, AnyRule]:
    """Those of these rules that judge a response by itself."""
    return {id_: rule for id_, rule in rules.items() if id_ in RESPONSE_RULES}
