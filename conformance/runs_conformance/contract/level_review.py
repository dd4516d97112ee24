"""Reviewed levels: for requirements whose level was disputed, what the documents say, what is recorded, and the result.

A requirement is a MUST if a document states it in a sentence, no recorded response of the real service contradicts it,
and no correct server violates it. The level itself is that of the rules that are named.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelReview:
    """One behaviour of servers, and the reasons for the level of the rules that find it.

    `variants` are those of the emulator that act like the correct servers. A SHOULD needs none, since it does not fail
    correct servers.
    """

    behaviour: str
    sentence: str
    recorded: str
    correct_servers: str
    rules: tuple[str, ...]
    variants: tuple[str, ...] = ()


REVIEWS = (
    LevelReview(
        behaviour="A run ignores `instructions` of its request.",
        sentence="RunObject.instructions: the instructions that the assistant used for this run. CreateRunRequest: "
        "overrides the instructions of the assistant.",
        recorded="No contradiction; null only where the assistant has none.",
        correct_servers="A server may show additional instructions as well, or trim white space: the first passes, the "
        "second is a SHOULD of its own.",
        rules=("settings.instructions_are_as_asked", "settings.instructions_keep_their_white_space"),
        variants=("shows_empty_instructions", "hides_additional_instructions"),
    ),
    LevelReview(
        behaviour="A run ignores `tools` of its request.",
        sentence="RunObject.tools: the list of tools that the assistant used for this run. CreateRunRequest: override "
        "the tools the assistant can use for this run.",
        recorded="No contradiction.",
        correct_servers="A server may fill in members that the request omitted, which passes.",
        rules=("settings.tools_are_as_asked",),
        variants=("completes_functions",),
    ),
    LevelReview(
        behaviour="A run ignores `max_prompt_tokens` or `max_completion_tokens`.",
        sentence="RunObject: the maximum number of prompt (completion) tokens specified to have been used over the "
        "course of the run.",
        recorded="Echoed wherever a request gave one.",
        correct_servers="A server without these members (an early Azure edition) is not judged by this rule.",
        rules=("settings.max_prompt_tokens_is_as_asked", "settings.max_completion_tokens_is_as_asked"),
        variants=("is_azure",),
    ),
    LevelReview(
        behaviour="A run ignores `model` of its request.",
        sentence="CreateRunRequest.model: if a value is provided here, it will override the model associated with the "
        "assistant.",
        recorded="No contradiction.",
        correct_servers="A gateway may show another name than the one it was given: an alias, a dated name or a "
        "deployment. So the MUST is limited to runs that show the assistant's model, where that was shown verbatim.",
        rules=("settings.other_model_replaces_the_assistants", "settings.model_is_as_asked"),
        variants=("shows_dated_models", "serves_one_model"),
    ),
    LevelReview(
        behaviour="`additional_instructions` are lost.",
        sentence="CreateRunRequest: appends additional instructions at the end of the instructions for the run. No "
        "sentence says that the run shows them.",
        recorded="No recorded request has any.",
        correct_servers="A server may append them to the prompt only, which no response shows. So only their place is "
        "judged, if they are shown.",
        rules=("settings.additional_instructions_come_last",),
        variants=("hides_additional_instructions",),
    ),
    LevelReview(
        behaviour="`usage` is null in a completed run.",
        sentence="RunObject.usage: null if the run is not in a terminal state. The converse is not stated, and the "
        "schema allows null.",
        recorded="Never null in a completed run.",
        correct_servers="A server whose model reports no token counts has no true value to show.",
        rules=("usage.is_given_when_completed",),
    ),
    LevelReview(
        behaviour="Tool outputs are not recorded in their step.",
        sentence="RunStepDetailsToolCallsFunctionObject.output: the output of the function, null if the outputs have "
        "not been submitted yet. That it is set afterwards is implied.",
        recorded="Set in every recorded step after a submission.",
        correct_servers="A gateway that does not store outputs, for reasons of privacy, shows null.",
        rules=("tools.step_records_the_outputs",),
    ),
    LevelReview(
        behaviour="A streamed completed step lacks the output that the stored one has.",
        sentence="AssistantStreamEvent: the data of the event is the run step. That it equals the stored step is "
        "implied.",
        recorded="Equal but for `expires_at`, which the real service itself shows differently.",
        correct_servers="A server may store members later than it streams them.",
        rules=("stored.steps_are_as_their_stream_ended",),
    ),
    LevelReview(
        behaviour="Events have no `event:` line.",
        sentence="AssistantStreamEvent: each event in a server-sent events stream has an `event` and `data` property.",
        recorded="Every event of every recorded stream has one.",
        correct_servers="Events that the contract does not name, such as those of a proxy, are not judged.",
        rules=("streaming.every_event_has_a_name",),
        variants=("pings_without_a_name",),
    ),
    LevelReview(
        behaviour="`type`, `param` or `code` of an error is a text such as `None` or `500`.",
        sentence="Error: param and code are a string or null. No sentence excludes any text.",
        recorded="null or a name in every recorded error.",
        correct_servers="A gateway may send the HTTP status as code, as Azure's does.",
        rules=("errors.missing_values_are_null",),
    ),
    LevelReview(
        behaviour="A cancelled run can be cancelled again.",
        sentence="No sentence says what cancelling an ended run does.",
        recorded="400 for a completed run; quoted by users for a cancelled one.",
        correct_servers="Many APIs treat a repeated cancellation as done.",
        rules=("cancel.ended_run_cannot_be_cancelled",),
        variants=("answers_a_second_cancel",),
    ),
)
"""The reviewed behaviours."""
