"""Assigns the failures of rules to causes, by the part of the server that is responsible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import CauseDraft, FailureClassifier
from runs_conformance.causes.explained_rules import add_explained, take_explained
from runs_conformance.causes.failure import Failure, join_fixes
from runs_conformance.causes.families import are_of_one_family, have_one_fix
from runs_conformance.causes.finding_titles import title_of_finding
from runs_conformance.causes.lagging_lists import split_lag
from runs_conformance.causes.object_titles import ALL_IDS_ARE_EQUAL
from runs_conformance.causes.theme_titles import CANCELLED, describe_failing_part
from runs_conformance.causes.themes import (
    LAG,
    STAMPS,
    STREAM_FORMAT,
    THEMES,
    THEMES_BY_KIND,
    THEMES_BY_RULE,
    THEMES_BY_TOPIC,
    Theme,
)

_RECOMMENDED = ".recommended"
"""The suffix of the kind of a cause with the other failures of a theme in which a single MUST fails."""


_MAX_OWN_FIXES = 4
"""Fixes of failing rules that are joined. With more, most of the theme is wrong, and its own fix is shown."""

_NOTHING_STORED = "data.none"
_MIN_LOST = 5
_UNCHANGED = "metadata.changes_only_when_modified"
"""The rule on metadata that a server which stores none satisfies."""

_NAME_RULE = "streaming.every_event_has_a_name"
_UNNAMED_RULES = (_NAME_RULE, "streaming.a_stream_ends_with_done")
"""The MUST rules that fail if a server writes no `event:` lines."""
_WRAPPED = "is named in its data"
_TITLE_OF_WRAPPED_EVENTS = "Events have no `event:` line; name and object are wrapped in the data"
_FIX_OF_WRAPPED_EVENTS = "Write `event: <name>`, and the object alone as the data."


def classify_rules(classifier: FailureClassifier) -> None:
    """Classify the remaining rules by the part of the server that is responsible for them."""
    by_theme: dict[str, list[Failure]] = defaultdict(list)
    passing = {verdict.id for verdict in classifier.passing}
    explained = take_explained(classifier)
    for failure in classifier.take(lambda failure: True):
        by_theme[_theme(failure).kind].append(failure)
    _join_nameless_events(by_theme)
    by_theme[LAG], by_theme["lists"] = split_lag(by_theme["lists"])
    for theme in THEMES:
        for kind, failures in _causes_of(theme, by_theme.get(theme.kind, [])):
            title, fix = _title_and_fix(theme, failures, passing)
            classifier.add(kind, title, theme.severity, fix, failures)
    _join_data(classifier)
    _join_samples(classifier)
    add_explained(classifier, explained)


def _join_nameless_events(by_theme: dict[str, list[Failure]]) -> None:
    """Move the end of streams to their format where events have no names: `done` has none either."""
    if any(failure.id == _NAME_RULE for failure in by_theme[STREAM_FORMAT]):
        ends = by_theme["streams.end"]
        by_theme[STREAM_FORMAT] += [failure for failure in ends if failure.id in _UNNAMED_RULES]
        by_theme["streams.end"] = [failure for failure in ends if failure.id not in _UNNAMED_RULES]


def _causes_of(theme: Theme, failures: Sequence[Failure]) -> Iterator[tuple[str, Sequence[Failure]]]:
    """The causes of a theme, each with its kind: a single MUST has its own title and fix, so it needs its own cause."""
    if not failures:
        return
    urgent = [failure for failure in failures if failure.verdict.level == "must"]
    if len(urgent) != 1 or theme.kind == LAG:
        yield theme.kind, failures
        return
    fixed = [failure for failure in failures if failure is urgent[0] or have_one_fix(failure, urgent[0])]
    yield theme.kind, fixed
    if rest := [failure for failure in failures if failure not in fixed]:
        yield theme.kind + _RECOMMENDED, rest


def _join_data(classifier: FailureClassifier) -> None:
    """Join the causes of lost data if the server stores nothing: no rule on what it stores passes."""
    kinds = ("data", f"data{_RECOMMENDED}", "data.dropped", "data.ignored")
    drafts = [draft for kind in kinds if (draft := classifier.find(kind)) is not None]
    members = [failure for draft in drafts for failure in draft.members]
    stored = [
        verdict.id for verdict in classifier.passing if verdict.id.partition(".")[0] in THEMES_BY_KIND["data"].topics
    ]
    if (
        len(drafts) < 2
        or (classifier.find("data.dropped") or classifier.find("data.ignored")) is None
        or len(members) < _MIN_LOST
        or set(stored) - {_UNCHANGED}
    ):
        return
    title, fix = "Nothing that is sent is stored", THEMES_BY_KIND["data"].fix
    consequences = [failure for draft in drafts for failure in draft.consequences]
    classifier.replace(drafts, CauseDraft(_NOTHING_STORED, title, Severity.DATA_LOSS, fix, members, consequences))


def _join_samples(classifier: FailureClassifier) -> None:
    """Join the causes of lost data and of equal ids: a server that does both returns the same objects every time."""
    data, identity = classifier.find(_NOTHING_STORED), classifier.find("identity")
    if data is None or identity is None or identity.title != ALL_IDS_ARE_EQUAL:
        return
    members, consequences = [*data.members, *identity.members], [*data.consequences, *identity.consequences]
    title = "The server responds with fixed samples: nothing that is sent is stored, and all objects have the same id"
    fix = "For each request, create an object with an id of its own, and store and return what was sent."
    joined = CauseDraft("data.samples", title, Severity.DATA_LOSS, fix, members, consequences)
    classifier.replace([data, identity], joined)


def _theme(failure: Failure) -> Theme:
    status = failure.finding.actual
    is_cancelled_later = failure.id == "lifecycle.terminal_status_is_final" and status in CANCELLED
    if is_cancelled_later or (failure.id == STAMPS and failure.member == "cancelled_at"):
        return THEMES_BY_KIND["cancel"]
    if _is_refusal(status) and status == failure.status and not _expects_success(failure):
        return THEMES_BY_KIND["refusals"]
    return THEMES_BY_RULE.get(failure.id) or THEMES_BY_TOPIC.get(failure.subject) or THEMES_BY_KIND["refusals"]


def _is_refusal(status: object) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 500


def _expects_success(failure: Failure) -> bool:
    expected = failure.finding.expected
    return isinstance(expected, int) and 200 <= expected < 300


def _title_and_fix(theme: Theme, failures: Sequence[Failure], passing: Collection[str]) -> tuple[str, str]:
    """Title and fix of a cause: from its only rule, from its only MUST rule, or else from its theme.

    Some themes have a more specific title where only a part of them is wrong.
    """
    urgent = [failure for failure in failures if failure.verdict.level == "must"]
    if theme.kind == STREAM_FORMAT and _have_wrapped_events(urgent):
        return _TITLE_OF_WRAPPED_EVENTS, _FIX_OF_WRAPPED_EVENTS
    title, fix = describe_failing_part(theme.kind, failures, passing)
    only = failures[0] if len(failures) == 1 else urgent[0] if len(urgent) == 1 else None
    if only is None or (len(failures) > 1 and are_of_one_family(failures)):
        own_fixes = join_fixes(failures) if theme.by_rule or (not title and _are_few(failures)) else ""
        return title or theme.title, fix or own_fixes or theme.fix
    return title or title_of_finding(only), fix or only.fix or theme.fix


def _are_few(failures: Sequence[Failure]) -> bool:
    """Whether these rules have few fixes, and nothing connects them: these fixes say more than that of the theme."""
    return len({failure.fix for failure in failures}) <= _MAX_OWN_FIXES and not are_of_one_family(failures)


def _have_wrapped_events(failures: Sequence[Failure]) -> bool:
    """Whether events that have name and object in their data are all that fails."""
    named = [failure.finding.message for failure in failures if failure.id == _NAME_RULE]
    return {failure.id for failure in failures} <= {*_UNNAMED_RULES} and any(_WRAPPED in message for message in named)
