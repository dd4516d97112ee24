"""Effects that mutants and faults have only beside others, and mutants whose defects others undo."""

from __future__ import annotations

from collections.abc import Mapping

CONSEQUENCES: Mapping[str, tuple[str, ...]] = {
    "absent": ("acceptance.",),
    "fails": ("errors.", "acceptance.", "robustness.", "error."),
    "random_500": ("errors.", "acceptance.", "robustness.", "error."),
    "stuck": ("cancel.comes_to_an_end", "ending.", "lifecycle.", "times."),
    "cuts_streams": ("streaming.", "events.", "deltas.", "traces.", "stored."),
    "refuses": ("acceptance.", "create_run.", "create_thread_and_run."),
    "dies": (),
}
"""The beginnings of ids that a fault may fail, by the kind of fault."""

MUTANT_CONSEQUENCES: Mapping[str, tuple[str, ...]] = {
    # Another assistant may run on a locked thread.
    "locks_each_assistant_by_itself": ("races.two_runs_never_work_together",),
    # Which values are sent depends on how many others were accepted.
    "accepts_every_body": ("create_", "modify_", "list_", "submit_tool_outputs."),
    # A second run is accepted while the first continues with its outputs.
    "forgets_the_lock_after_outputs": ("races.two_runs_never_work_together",),
    # The run had ended between two reads, and shows the usage, times and details of its end while it is cancelling.
    "cancels_what_is_over": ("times.", "usage.is_null_until_the_run_ends", "ending.only_incomplete_run_has_details"),
    # They lose messages that were never deleted.
    "deletes_the_messages_that_follow": ("acceptance.messages_can_be_read",),
    "forgets_the_first_messages": ("messages.are_not_lost", "acceptance.messages_can_be_read"),
    # It ignores cursors, too, which only shows beside a mutant that makes clients read on.
    "finds_all_messages_of_a_run_at_once": ("paging.",),
    # Outputs for some of the calls are accepted, and nothing is streamed until there are all.
    "collects_outputs": ("streaming.a_stream_comes_where_one_is_asked_for",),
    # A run that had ended works again, with the details of its end and without its lock.
    "reopens_ended_runs": (
        "ending.only_incomplete_run_has_details",
        "lifecycle.",
        "lock.",
        "races.two_runs_never_work_together",
        "times.",
        "usage.",
    ),
    # Only some answers name the kind wrongly.
    "calls_a_thread_threads": ("identity.never_changes",),
    # How many threads others created decides which of several equal requests is refused.
    "refuses_every_fifth_thread": ("acceptance.equal_requests_are_all_accepted",),
    # Each invalid value of a request is answered with 500; alone, this number of consecutive ones ends the test run.
    "refuses_with_500": ("create_", "modify_", "list_", "submit_tool_outputs."),
    # A revived run may end again, at another time and in another status, before it is read, or not before a list.
    "revives_on_modify": (
        "ending.completed_run_has_no_error",
        "modify.run_changes_in_metadata_only",
        "times.completed_run_has_no_other_end",
        "times.stamps_of_an_ended_run_stay",
        "times.unfinished_run_has_no_end",
        "usage.is_null_until_the_run_ends",
    ),
    # A message that equals an earlier one is the earlier one, with its id and metadata.
    "keeps_equal_messages_once": ("identity.never_changes", "messages.given_messages_keep_their_metadata", "threads."),
    # A run that the thread admits, with its messages, is refused for its assistant.
    "locks_the_assistant": ("traces.refused_message_is_not_added",),
    # A run that is listed several times is on both sides of a cursor.
    "lists_runs_once_a_step": ("paging.",),
    # Which events of other runs a stream shows depends on when they come.
    "shares_events_within_a_thread": ("deltas.",),
    # Runs of other programs appear in the thread.
    "runs_in_an_old_thread": (
        "identity.object_names_where_it_is",
        "ids.",
        "lock.",
        "messages.",
        "races.",
        "threads.",
        "traces.",
    ),
    # The second run that it allows works beside the first.
    "unlocks_when_modified": ("races.two_runs_never_work_together",),
    # It hands an assistant_id of another type to a handler that is not written for it, and adds refused messages. The
    # runs that it starts lock their threads.
    "starts_what_it_refuses": (
        "create_run.assistant_id.",
        "errors.requests_do_not_break_the_server",
        "lock.",
        "traces.refused_message_is_not_added",
    ),
}
"""The beginnings of ids that a mutant may fail beside others, although not by itself."""

JOINT_CONSEQUENCES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    # The refusal that is a 404 is a 500.
    ("answers_unknown_roles_with_404", "breaks_on_unknown_ids"): ("create_message.role.enum",),
    # The list that a refusal shows is an array, so that it has no members of an error.
    ("lists_without_an_envelope", "shows_what_it_refuses"): ("errors.message_is_a_text",),
    # The first page of the ascending list, not of the requested one, is turned around.
    ("lists_oldest_first", "orders_only_the_page"): ("listing.",),
    # The request that should lock the thread when it is refused is accepted.
    ("accepts_every_body", "locks_for_a_run_that_is_refused"): ("lock.message_is_taken_after_the_end",),
    ("locks_for_a_run_that_is_refused", "starts_what_it_refuses"): ("lock.message_is_taken_after_the_end",),
    # The value that should be refused is accepted and ignored.
    ("accepts_every_body", "refuses_256_prompt_tokens"): ("settings.max_prompt_tokens_is_as_asked",),
    # A run of an unknown assistant has no instructions, and what is null is left out.
    ("leaves_nulls_out", "runs_unknown_assistants"): ("run.instructions.required",),
    # A run of an accepted body that names no assistant has no instructions, and what is null is left out.
    ("accepts_every_body", "leaves_nulls_out"): ("run.instructions.required",),
    # The refusal of a request without a key is read as an empty body, and the deletion goes on.
    ("deletes_before_checking_the_key", "reads_broken_json"): ("auth.nothing_is_served_without_a_key",),
    # No request satisfies both demands.
    ("wants_a_thread_to_run", "wants_model_and_instructions_of_runs"): ("create_thread_and_run.type",),
    # A body that is too deep is read as an empty one, so that what it says is lost.
    ("breaks_on_depth", "reads_broken_json"): ("modify.", "threads.begin_with_the_messages_given", "settings."),
    # A tool whose name has a dash is left out of the body that is accepted.
    ("accepts_every_body", "refuses_dashes_in_names"): ("settings.tools_are_as_asked", "assistants.show_who_they_are"),
    ("accepts_every_body", "refuses_128_assistant_tools"): ("assistants.show_who_they_are",),
    # A run that should have expired takes outputs again, and responds to a request for a stream as it did before.
    ("takes_outputs_twice", "waits_for_ever"): ("streaming.a_stream_comes_where_one_is_asked_for",),
    # The list shows the run as one of the new thread that it was created in.
    ("lists_runs_as_they_began", "runs_in_an_old_thread"): ("identity.never_changes",),
    # The arguments of calls are looked for where they no longer are.
    ("flattens_required_action", "shows_arguments_as_an_object"): ("errors.", "acceptance."),
    # The page that refuses a locked thread does not say so.
    ("answers_html", "locks_all_threads"): ("acceptance.equal_requests_are_all_accepted",),
    # A message of the caller names a run, as only answers do.
    ("gives_messages_a_run", "modifies_no_answers"): ("acceptance.smallest_request_is_accepted",),
    # The model, which would break on the tool of the request, is offered others.
    ("checks_the_first_tool_only", "uses_the_assistants_tools_only"): ("create_run.tools[].type.enum",),
    # The other key modifies an assistant of its own, in the way that was refused to it.
    ("shares_everything", "shares_metadata_of_assistants"): ("auth.refusals_change_nothing",),
    # The text of an error comes with the status of a success.
    ("answers_errors_in_plain_text", "refuses_with_200"): ("transport.success_is_a_json_object",),
}
"""The beginnings of ids that several mutants fail together, although none of them does by itself."""

FAILED_BY_CHANCE: Mapping[str, tuple[str, ...]] = {
    # A request with several members was one of those that it refuses.
    "refuses_every_fifth_thread": ("acceptance.members_are_accepted_together", "create_thread."),
    # Requests with several members and a name are accepted.
    "wants_names_of_assistants": ("acceptance.members_are_accepted_together",),
}
"""The beginnings of ids that a mutant may fail by itself, although a server with its defect may satisfy them."""

SATISFIES: Mapping[str, tuple[str, ...]] = {
    # They take every run.
    "replaces_the_active_run": ("lock.run_is_taken_after_the_end",),
    "runs_twice_at_once": ("lock.run_is_taken_after_the_end",),
    "shares_events_within_a_thread": ("lock.run_is_taken_after_the_end",),
    # It takes every message.
    "adds_messages_to_locked_threads": ("lock.message_is_taken_after_the_end",),
}
"""The ids that a mutant satisfies even beside mutants that violate them: a pass is correct."""

UNDONE_BY: Mapping[str, Mapping[str, str]] = {
    "answers_unknown_roles_with_404": {
        "accepts_any_role": "no role is unknown",
        "breaks_on_unknown_ids": "every refusal with 404 is a 500",
    },
    "answers_detail": {"answers_errors_as_text": "every error has an error member, if only a text"},
    "adds_messages_before_refusing": {"adds_messages_afterwards": "messages are added at the end of their run only"},
    "breaks_on_arrays": {"accepts_every_body": "a body that is no object is read as an empty object"},
    "breaks_on_bad_utf8": {"reads_broken_json": "invalid UTF-8 is read as an empty object"},
    "breaks_on_half_a_character": {"reads_broken_json": "a body with a lone surrogate is read as an empty object"},
    "breaks_on_depth": {"reads_broken_json": "a body that is too deep is read as an empty object"},
    "breaks_on_length": {"reads_broken_json": "a body that is too long is read as an empty object"},
    "breaks_on_bad_json": {"accepts_every_body": "a body that is not JSON is accepted"},
    "breaks_the_connection_with_bad_json": {"accepts_every_body": "a body that is not JSON is accepted"},
    "breaks_without_a_content_type": {"reads_broken_json": "a body of another type is read as an empty object"},
    "calls_after_cancelling": {"always_streams": "the stream of a run ends when it waits, before it can be cancelled"},
    "filters_the_first_page_only": {
        "finds_all_messages_of_a_run_at_once": "messages of a run have no second page",
        "ignores_after": "the cursor that would lead to a second page is dropped",
    },
    "stores_outputs_before_the_check": {"absent:submit_tool_outputs": "no outputs can be submitted"},
    "modifies_instructions": {"absent:modify_run": "no run can be modified"},
    "never_modifies_threads": {"absent:modify_thread": "no thread can be modified"},
    "modifies_the_end": {"completes_without_a_time": "the time of completion is never shown"},
    "requires_action_early": {"requires_nothing": "required_action is always null"},
    "keeps_requiring": {"requires_nothing": "required_action is always null"},
    "calls_a_tool_step_tool_call": {"details_another_type": "every step says that it created a message"},
    "cancels_what_is_over": {"absent:cancel_run": "no run can be cancelled"},
    "checks_the_lock_too_early": {
        "locks_each_assistant_by_itself": "the lock of a thread without an active run is not checked at all",
    },
    "completes_instead_of_expiring": {"waits_for_ever": "no run that waits expires"},
    "completes_with_an_error": {"fails_without_a_reason": "last_error is always null"},
    "cuts_arguments": {"shows_arguments_as_an_object": "arguments are no text that could be cut"},
    "deletes_the_last_message_instead": {
        "deletes_by_any_path": "the message is deleted from its own thread before it is looked for",
    },
    "details_what_is_complete": {"does_not_say_why_incomplete": "no run has details"},
    "lets_strangers_cancel": {
        "absent:cancel_run": "no run can be cancelled",
        "fails:cancel_run": "no run can be cancelled",
    },
    "spells_canceled": {
        "absent:cancel_run": "no run can be cancelled",
        "fails:cancel_run": "no run can be cancelled",
    },
    "shares_metadata_of_runs_created_with_threads": {
        "saves_the_run_as_it_began": "a run gets metadata of its own when it ends",
    },
    "shares_events_within_a_thread": {
        "locks_the_assistant": "a second run of the same assistant is refused",
    },
    "starts_runs_on_a_thread_that_came_with_its_run": {
        "absent:create_thread_and_run": "no thread comes with its run",
        "fails:create_thread_and_run": "no thread comes with its run",
    },
    "starts_what_it_refuses": {"accepts_every_body": "no run is refused"},
    "streams_its_refusals": {
        "accepts_every_body": "no streamed run is refused",
        "starts_what_it_refuses": "the run of a refused request starts before its body is checked",
    },
    "calls_another_function": {"ignores_the_named_function": "the named function does not reach the model"},
    "forgets_the_lock_after_outputs": {"never_unlocks": "every run locks its thread forever"},
    "holds_everything_by_default": {"holds_10_by_default": "a page without a limit holds ten"},
    "ignores_the_run_filter": {"filters_after_paging": "each page is filtered, if only after paging"},
    "leaves_code_out": {"numbers_errors": "every error has a code"},
    "leaves_has_more_out": {
        "always_has_more": "every list says that it has more",
        "never_has_more": "every list says that it has no more",
    },
    "leaves_outputs_out": {"shows_outputs_as_empty": "every call has an output, if only an empty one"},
    "leaves_the_run_of_a_step_out": {"steps_belong_to_another_run": "every step has a run_id, if only a wrong one"},
    "leaves_usage_out_until_it_is_known": {"counts_before_the_end": "the usage is known from the beginning"},
    "lists_steps_of_all_runs": {"fails:list_run_steps": "no steps are listed"},
    "lists_runs_once_a_step": {"does_not_call_when_required": "no run has several steps"},
    "locks_all_threads": {
        "locks_each_assistant_by_itself": "a thread without an active run takes every run",
        "replaces_the_active_run": "an active run never refuses another one",
        "runs_twice_at_once": "an active run never refuses another one",
        "shares_events_within_a_thread": "an active run never refuses another one",
    },
    "locks_no_thread_that_came_with_its_run": {"runs_in_an_old_thread": "no thread comes with its run"},
    "parses_the_body_that_cancellations_lack": {"reads_broken_json": "a missing body is read as an empty object"},
    "sends_incomplete_as_failed": {
        "completes_over_the_limit": "no run is incomplete",
        "ignores_token_limits": "no run is incomplete",
    },
    "takes_some_of_the_outputs": {"wants_outputs_in_order": "outputs that differ from the calls are refused"},
}
"""Mutants that others, or faults of the server, undo, with the reason why it lacks the defect: a pass is correct."""
