"""The parts of a server that are responsible for the rules, each with the title and fix of its failures."""

from __future__ import annotations

from dataclasses import dataclass

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.unvalidated_requests import OUTPUT_RULES

STREAM_FORMAT = "streams.format"
LAG = "lists.lag"
"""The theme of lists that lack what was just written, whichever rules on lists show it."""
STAMPS = "times.stamps_of_an_ended_run_stay"


@dataclass(frozen=True, slots=True)
class Theme:
    """The rules that one part of a server is responsible for."""

    kind: str
    title: str
    severity: Severity
    fix: str
    topics: tuple[str, ...]
    rules: tuple[str, ...] = ()
    by_rule: bool = False
    """Whether its rules fail for reasons of their own, so that the fix is that of each failing rule."""


THEMES = (
    Theme(
        "access",
        "Objects and operations are accessible without the right key",
        Severity.ACCESS,
        "Check the key before anything else, and look objects up among those of its tenant only.",
        ("auth", "tenancy"),
    ),
    Theme(
        "beta",
        "The header `OpenAI-Beta` is not checked",
        Severity.MISSING_VALIDATION,
        "Refuse requests with HTTP 400 unless their `OpenAI-Beta` is `assistants=v2`.",
        (),
        ("auth.beta_header_is_required", "auth.missing_beta_header_is_invalid_beta", "auth.first_beta_is_over"),
    ),
    Theme(
        "cancel",
        "Cancelling a run does not end it as documented",
        Severity.LIFECYCLE,
        "Accept a cancellation only while the run is active, and move it to cancelling and then cancelled.",
        ("cancel",),
    ),
    Theme(
        "lock",
        "A thread is not locked by its active run, or stays locked after it",
        Severity.LIFECYCLE,
        "Hold a lock on the thread from the creation of a run until it ends, and release it in every case.",
        ("lock",),
        ("races.two_runs_never_work_together", "races.one_of_two_runs_at_once_is_taken"),
    ),
    Theme(
        "races",
        "Concurrent requests overwrite each other, or are all accepted",
        Severity.LIFECYCLE,
        "Change the status of a run by an atomic compare-and-set, and update only the members that a request changes.",
        ("races",),
    ),
    Theme(
        "lifecycle",
        "Runs do not follow the documented lifecycle",
        Severity.LIFECYCLE,
        "Change the status of a run in one place that allows only the documented transitions.",
        ("lifecycle", "ending"),
        (STAMPS,),
    ),
    Theme(
        "tools",
        "Tool calls and their outputs are not handled as documented",
        Severity.LIFECYCLE,
        "Stop the run at requires_action until the outputs of all calls are submitted, then continue it.",
        ("tools", "action"),
        by_rule=True,
    ),
    Theme(
        "choice",
        "`tool_choice` or `parallel_tool_calls` is not obeyed",
        Severity.LIFECYCLE,
        "Obey `tool_choice` and `parallel_tool_calls`: pass them to the model unchanged, with the tools of the run.",
        ("choice",),
    ),
    Theme(
        "streams.asked",
        "`stream` does not determine whether the response is a stream",
        Severity.LIFECYCLE,
        "Respond with server-sent events if and only if `stream` is true, in every operation that takes it.",
        (),
        (
            "streaming.a_stream_comes_where_one_is_asked_for",
            "streaming.no_stream_comes_unasked",
            "streaming.content_type_is_event_stream",
        ),
        by_rule=True,
    ),
    Theme(
        "streams.end",
        "Streams do not end as documented",
        Severity.LIFECYCLE,
        "End every stream with `event: done` and `data: [DONE]` after all other events, and close it.",
        (),
        (
            "streaming.a_stream_ends_with_done",
            "streaming.nothing_follows_done",
            "streaming.a_stream_lasts_until_its_run_stops",
            "streaming.nothing_but_done_follows_the_end_of_the_run",
            "streaming.a_stream_closes_when_the_run_waits",
            "streaming.the_connection_ends_with_the_stream",
        ),
        by_rule=True,
    ),
    Theme(
        STREAM_FORMAT,
        "Streams are not written in the format of server-sent events",
        Severity.LIFECYCLE,
        "Write every event as a line `event:`, a line `data:` with one JSON object, and an empty line.",
        ("streaming",),
        by_rule=True,
    ),
    Theme(
        "streams",
        "Streams do not show the run as documented",
        Severity.LIFECYCLE,
        "Send one event for every change of the run, its steps and messages.",
        ("events", "deltas"),
        by_rule=True,
    ),
    Theme(
        "streams.stored",
        "Stored objects differ from those in streams",
        Severity.LIFECYCLE,
        "Write events and responses from the same stored objects.",
        ("stored",),
        by_rule=True,
    ),
    Theme(
        "data",
        "Objects do not hold the values that accepted requests sent",
        Severity.DATA_LOSS,
        "Store every accepted value and nothing else, and build all responses from the stored object.",
        ("messages", "threads", "metadata", "modify", "settings", "assistants", "traces"),
    ),
    Theme(
        "deletion",
        "Deleted objects still exist",
        Severity.DATA_LOSS,
        "Remove an object together with what belongs to it, and respond with HTTP 404 afterwards.",
        ("deletion",),
    ),
    Theme(
        "lists",
        "Lists have the wrong items, order or pages",
        Severity.DATA_LOSS,
        "Filter by `run_id`, sort by `order`, page by `after`, `before` and `limit`, and set `has_more` to whether "
        "items follow the page.",
        ("listing", "paging"),
    ),
    Theme(
        LAG,
        "Lists lag behind what was just written",
        Severity.DATA_LOSS,
        "Read lists from the store that all writes go to.",
        (),
    ),
    Theme(
        "steps",
        "Run steps are missing or not as documented",
        Severity.MISSING_MEMBER,
        "Record one step for every message and for every round of tool calls, and end it with its run.",
        ("steps",),
        ("messages.answer_has_a_step", "stored.steps_are_as_their_stream_ended"),
    ),
    Theme(
        "defaults",
        "Runs do not show the documented defaults",
        Severity.MISSING_MEMBER,
        "Fill in the defaults of omitted settings when the run is created.",
        (),
        ("settings.defaults_are_shown",),
    ),
    Theme(
        "stamps",
        "Times and usage of runs are missing or wrong",
        Severity.MISSING_MEMBER,
        "Set each timestamp and the usage once, at the transition that they belong to.",
        ("times", "usage"),
    ),
    Theme(
        "identity",
        "Ids or parents of objects are not as documented",
        Severity.WRONG_SHAPE,
        "Give each object a random id with the prefix of its kind, and the ids of its parents.",
        ("ids", "identity"),
    ),
    Theme(
        "references",
        "Ids of objects that do not exist are accepted",
        Severity.MISSING_VALIDATION,
        "Look up every object that a request names, under its parent, and refuse the request if there is none.",
        ("references",),
    ),
    Theme(
        "outputs",
        "Tool outputs are not matched with the calls of the run",
        Severity.MISSING_VALIDATION,
        "Match outputs with calls by id, and refuse them with HTTP 400 unless there is exactly one for each call that "
        "the run waits for.",
        (),
        OUTPUT_RULES,
    ),
    Theme(
        "transport",
        "Responses are not valid JSON objects sent as application/json",
        Severity.WRONG_SHAPE,
        "Respond with one JSON object in UTF-8, of the content type application/json.",
        ("transport",),
    ),
    Theme(
        "bodies",
        "Bodies that are not valid JSON objects are accepted",
        Severity.MISSING_VALIDATION,
        "Parse the body strictly, and refuse anything but a JSON object with HTTP 400.",
        ("robustness",),
    ),
    Theme(
        "refusals",
        "Errors have another status, `type`, `code` or `param` than documented",
        Severity.WORDING,
        "Refuse an invalid body with HTTP 400 and name the member in `param` and the kind in `code`.",
        ("refusals", "errors"),
        ("references.malformed_ids_are_400_or_404",),
    ),
)


THEMES_BY_KIND = {theme.kind: theme for theme in THEMES}
THEMES_BY_TOPIC = {topic: theme for theme in THEMES for topic in theme.topics}
THEMES_BY_RULE = {rule: theme for theme in THEMES for rule in theme.rules}
