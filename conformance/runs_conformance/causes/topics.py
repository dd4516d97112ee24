"""The mistake behind each topic of rules."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.explained_rules import add_explained, take_explained
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Group, Sorting
from runs_conformance.causes.theme_titles import ignored_parameters, specific_title
from runs_conformance.causes.unvalidated_requests import OUTPUT_RULES
from runs_conformance.model.text import excerpt

_FIX = "Fix: "
_MAX_TITLE = 120
_CANCELLED = ("cancelling", "cancelled")
_STAMPS = "times.stamps_of_an_ended_run_stay"
_NOUNS = {
    "asst": "an assistant",
    "thread": "a thread",
    "msg": "a message",
    "run": "a run",
    "step": "a step",
    "call": "a call",
}
_ID = re.compile(rf"\b({'|'.join(_NOUNS)})_(?=\w*\d)\w{{8,}}")
_DETERMINERS = ("a", "an", "the", "its", "this", "that", "another", "each", "no", "one")
_IDENTIFIER = re.compile(r"(?=.*[_.])[a-z_]\w*(?:\.\w+)*")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAMED_ID = re.compile(
    rf"\b(assistant|thread|message|run|step|call) (?:(?:{'|'.join(_NOUNS)})_(?=\w*\d)\w{{8,}}|{_UUID}\b)"
)
"""Ids in findings, which differ between test runs."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A family of rules that one part of a server answers for."""

    kind: str
    title: str
    severity: Severity
    fix: str
    topics: tuple[str, ...]
    rules: tuple[str, ...] = ()


THEMES = (
    Theme(
        "access",
        "Objects and operations are open to those without the right key",
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
        ("lock", "races"),
    ),
    Theme(
        "lifecycle",
        "Runs do not follow the documented lifecycle",
        Severity.LIFECYCLE,
        "Change the status of a run in one place that allows only the documented transitions.",
        ("lifecycle", "ending"),
        (_STAMPS,),
    ),
    Theme(
        "tools",
        "Tool calls and their outputs are not handled as documented",
        Severity.LIFECYCLE,
        "Stop the run at requires_action until the outputs of all calls are submitted, then continue it.",
        ("tools", "action", "choice"),
    ),
    Theme(
        "streams",
        "Streams do not show the run as documented",
        Severity.LIFECYCLE,
        "Send one event for every change of the run, its steps and messages, and end the stream with [DONE].",
        ("streaming", "events", "deltas", "stored"),
    ),
    Theme(
        "data",
        "What was sent is not stored as it was sent",
        Severity.DATA_LOSS,
        "Store every object as it was accepted, and read it back from the same place.",
        ("messages", "threads", "metadata", "modify", "settings", "assistants", "traces"),
    ),
    Theme(
        "deletion",
        "Deleted objects are still there",
        Severity.DATA_LOSS,
        "Remove an object together with what belongs to it, and answer HTTP 404 afterwards.",
        ("deletion",),
    ),
    Theme(
        "lists",
        "Lists do not show what they should",
        Severity.DATA_LOSS,
        "Filter by `run_id`, sort by `order`, cut by `after`, `before` and `limit`, and take `has_more` from the rest.",
        ("listing", "paging"),
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
        "stamps",
        "Times and usage of runs are missing or wrong",
        Severity.MISSING_MEMBER,
        "Set each time stamp and the usage in the transition that they belong to, and never again.",
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
        "Refuse outputs with HTTP 400 unless they are one for each of the calls that the run waits for.",
        (),
        OUTPUT_RULES,
    ),
    Theme(
        "transport",
        "Answers are not plain JSON objects as documented",
        Severity.WRONG_SHAPE,
        "Answer with one JSON object in UTF-8, of the content type application/json.",
        ("transport",),
    ),
    Theme(
        "bodies",
        "Bodies that are not valid JSON objects are accepted",
        Severity.MISSING_VALIDATION,
        "Parse the body strictly, and refuse what is not a JSON object with HTTP 400.",
        ("robustness",),
    ),
    Theme(
        "refusals",
        "Refusals have another status, code or member than documented",
        Severity.WORDING,
        "Refuse an invalid body with HTTP 400 and name the member in `param` and the kind in `code`.",
        ("refusals", "errors"),
        ("references.malformed_ids_are_400_or_404",),
    ),
)


_MIN_LOST = 5
_UNCHANGED = "metadata.changes_only_when_modified"
"""The rule on metadata that a server which stores none satisfies."""

_NAME_RULE = "streaming.every_event_has_a_name"
_UNNAMED_RULES = (_NAME_RULE, "streaming.a_stream_ends_with_done")
"""The MUST rules that fail if a server writes no `event:` lines."""
_WRAPPED = "is named in its data"
_TITLE_OF_WRAPPED_EVENTS = "Events have no `event:` line; name and object are wrapped in the data"
_FIX_OF_WRAPPED_EVENTS = "Write `event: <name>`, and the object alone as the data."


def sort_rules(sorting: Sorting) -> None:
    """Sort the remaining rules by the part of the server that answers for them."""
    by_theme: dict[str, list[Failure]] = defaultdict(list)
    explained = take_explained(sorting)
    for failure in sorting.take(lambda failure: True):
        by_theme[_theme(failure).kind].append(failure)
    for theme in THEMES:
        if failures := by_theme.get(theme.kind, []):
            title, fix = _title_and_fix(theme, failures)
            sorting.add(theme.kind, title, theme.severity, fix, failures)
    _join_data(sorting)
    add_explained(sorting, explained)


def _join_data(sorting: Sorting) -> None:
    """Join the causes of lost data if the server stores nothing: no rule on what it stores passes."""
    groups = [group for kind in ("data", "data.dropped") if (group := sorting.find(kind)) is not None]
    members = [failure for group in groups for failure in group.members]
    stored = [verdict.id for verdict in sorting.passing if verdict.id.partition(".")[0] in _BY_KIND["data"].topics]
    if len(groups) < 2 or len(members) < _MIN_LOST or set(stored) - {_UNCHANGED}:
        return
    title, fix = "Nothing that is sent is stored; responses show other values", _BY_KIND["data"].fix
    consequences = [failure for group in groups for failure in group.consequences]
    sorting.replace(groups, Group("data.none", title, Severity.DATA_LOSS, fix, members, consequences))


def _theme(failure: Failure) -> Theme:
    status = failure.finding.actual
    is_cancelled_later = failure.id == "lifecycle.terminal_status_is_final" and status in _CANCELLED
    if is_cancelled_later or (failure.id == _STAMPS and failure.member == "cancelled_at"):
        return _BY_KIND["cancel"]
    if _is_refusal(status) and status == failure.status and not _expects_success(failure):
        return _BY_KIND["refusals"]
    return _BY_RULE.get(failure.id) or _BY_TOPIC.get(failure.subject) or _BY_KIND["refusals"]


def _is_refusal(status: object) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 500


def _expects_success(failure: Failure) -> bool:
    expected = failure.finding.expected
    return isinstance(expected, int) and 200 <= expected < 300


def _title_and_fix(theme: Theme, failures: Sequence[Failure]) -> tuple[str, str]:
    """The words of a cause: those of its only rule, or of the only one that is a MUST, else those of its theme.

    Some themes have a more specific title where only a part of them is wrong.
    """
    urgent = [failure for failure in failures if failure.verdict.level == "must"]
    only = failures[0] if len(failures) == 1 else urgent[0] if len(urgent) == 1 else None
    if theme.kind == "streams" and _have_wrapped_events(urgent):
        return _TITLE_OF_WRAPPED_EVENTS, _FIX_OF_WRAPPED_EVENTS
    title = specific_title(theme.kind, urgent or failures)
    if only is None:
        return title or theme.title, theme.fix
    last = only.verdict.explanation.rpartition("\n\n")[2]
    fix = last.removeprefix(_FIX) if last.startswith(_FIX) else theme.fix
    if not title:
        title = _title_of(only.finding.message or only.verdict.statement.rstrip("."))
        others = ignored_parameters([failure for failure in failures if failure is not only])
        if theme.kind == "lists" and others:
            return f"{title}; lists do not follow {others}", theme.fix
    return title, fix


def _have_wrapped_events(failures: Sequence[Failure]) -> bool:
    """Whether events that have name and object in their data are all that fails."""
    named = [failure.finding.message for failure in failures if failure.id == _NAME_RULE]
    return {failure.id for failure in failures} <= {*_UNNAMED_RULES} and any(_WRAPPED in message for message in named)


def _noun_without_id(found: re.Match[str]) -> str:
    """The noun before an id, with an article unless it has a determiner."""
    before = found.string[: found.start()].split()
    return found[1] if before and before[-1].lower() in _DETERMINERS else f"the {found[1]}"


def _title_of(message: str) -> str:
    """The message of a finding as a statement about the server, without the ids of the test run's objects."""
    message = _ID.sub(lambda found: _NOUNS[found[1]], _NAMED_ID.sub(_noun_without_id, message))
    first, space, rest = message.partition(" ")
    first = f"`{first}`" if _IDENTIFIER.fullmatch(first) else first[:1].upper() + first[1:]
    return excerpt(first + space + rest, _MAX_TITLE)


_BY_KIND = {theme.kind: theme for theme in THEMES}
_BY_TOPIC = {topic: theme for theme in THEMES for topic in theme.topics}
_BY_RULE = {rule: theme for theme in THEMES for rule in theme.rules}
