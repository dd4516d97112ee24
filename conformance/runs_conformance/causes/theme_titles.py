"""The titles of themes that are more specific where only a part of the theme is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from runs_conformance.causes.failure import Failure, most_urgent, operations_of
from runs_conformance.causes.families import (
    NEVER_LOCKED,
    STAYS_LOCKED,
    have_one_fix,
)
from runs_conformance.causes.finding_titles import title_of_finding
from runs_conformance.causes.lagging_lists import describe_lag
from runs_conformance.causes.list_titles import describe_lists
from runs_conformance.causes.object_titles import describe_repeated_requests, describe_wrong_times, title_of_ids
from runs_conformance.causes.themes import LAG
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.lifecycle import STATUSES

_FORCED, _NAMED = "choice.a_tool_is_called_when_one_must_be", "choice.the_tool_that_is_named_is_called"
_TOOL_CHOICE = re.compile(r"although their tool choice is '(\w+)'$")
_BUILT_IN = ("code_interpreter", "file_search")
"""The tools that a server calls itself."""
_OBEY_EVERY_CHOICE = (
    "Pass a tool choice to the model unchanged, whether it names a function or a tool of the server. Refuse tools that "
    "the server does not have with HTTP 400."
)
_PARALLEL = "choice.calls_are_not_parallel_unless_allowed"
_STREAM_ASKED_FOR = "streaming.a_stream_comes_where_one_is_asked_for"
_FINAL = "lifecycle.terminal_status_is_final"
_GRAPH = "lifecycle.follows_the_graph"
CANCELLED = ("cancelling", "cancelled")
"""The statuses of a run whose cancellation was accepted."""
_ENDINGS = {"completed": "completes", "failed": "fails", "expired": "expires"}
_WITHOUT_DONE = "the stream ends without done"
_BETA_NOT_CHECKED = ("auth.beta_header_is_required", "auth.first_beta_is_over")

TitleAndFix = tuple[str, str]
"""A title and a fix."""
_NO_DESCRIPTION: TitleAndFix = ("", "")


def _title_of_lock(failures: Sequence[Failure]) -> str:
    """The title for failures of locking: what is wrong with taking the lock, with releasing it, or with both."""
    never_locked, stays_locked = (
        [failure for failure in most_urgent(failures) if failure.id.startswith(prefixes)]
        for prefixes in (NEVER_LOCKED, STAYS_LOCKED)
    )
    titles = [_title_of_accepted_writes(failures)] if never_locked else []
    titles += [_title_of_kept_lock(stays_locked)] if stays_locked else []
    return _join_titles(titles) or "Requests during an active run are not handled as documented"


_STATUS = re.compile(r" was '(\w+)'")
_END = re.compile(r" had ended '(\w+)'")
_OF_BOTH = " of create_thread_and_run"
"""In findings, the origin of a run that was created together with its thread."""


def _statuses(failures: Iterable[Failure], pattern: re.Pattern[str]) -> list[str]:
    """The statuses that findings name in this way."""
    messages = [finding.message for failure in failures for finding in failure.verdict.findings]
    return [status for status in STATUSES if any(status in pattern.findall(message) for message in messages)]


def _title_of_kept_lock(failures: Sequence[Failure]) -> str:
    """The end of the runs after which a thread stays locked, if it is always the same."""
    ends = _statuses(failures, _END)
    return f"A thread stays locked after {_with_article(f'{ends[0]} run') if len(ends) == 1 else 'its run'}"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aei' else 'a'} {noun}"


def _title_of_accepted_writes(failures: Sequence[Failure]) -> str:
    """The writes that were accepted while a run was active, and the statuses in which they were."""
    messages, second_runs, at_once = (
        [failure for failure in failures if failure.id.startswith(prefix)]
        for prefix in ("lock.no_message_", "lock.no_second_run_", "races.")
    )
    writes = [*messages, *second_runs]
    if not writes:
        return "Two runs are accepted in one thread if they are created at the same time"
    seen = as_code(_statuses(writes, _STATUS))
    if messages and second_runs and all(len(failure.verdict.findings) >= failure.verdict.judged for failure in writes):
        return "A thread is not locked by its active run"
    is_of_both = all(_OF_BOTH in finding.message for failure in writes for finding in failure.verdict.findings)
    if messages and second_runs and is_of_both:
        return "`create_thread_and_run` does not lock its thread"
    what = "Messages and runs" if messages and second_runs else "Messages" if messages else "Second runs"
    title = f"{what} are accepted while a run{_OF_BOTH if is_of_both else ''} is active"
    title += f" ({list_names(seen, len(seen))})" if seen else ""
    return title + (", and two runs if created together" if at_once and not second_runs else "")


def _title_of_access(failures: Sequence[Failure]) -> str:
    """The title of failing rules on tenants; empty if others fail, or only one, which has a better title."""
    urgent = most_urgent(failures)
    if any(failure.subject != "tenancy" for failure in urgent):
        return ""
    names = list(operations_of(urgent))
    if len(urgent) == 1 and (urgent[0].id != "tenancy.objects_are_their_tenants_own" or not names):
        return ""
    return "Objects of one key are accessible with another" + (f" in {list_names(names)}" if names else "")


def _describe_deletion(failures: Sequence[Failure]) -> TitleAndFix:
    """The titles and fixes of the rules on deleted objects; empty if one fails, or if such objects can be read."""
    operations = {failure.id: f" ({list_names(list(operations_of([failure])))})" for failure in failures}
    if len(failures) == 1 or any(failure.id in _STILL_THERE for failure in failures):
        return _NO_DESCRIPTION
    titles = [title_of_finding(failure) + operations[failure.id] for failure in failures[:_MAX_TITLES]]
    fixes = [failure.fix for failure in failures]
    return _join_titles(titles), " ".join(dict.fromkeys(fixes)) if all(fixes) else ""


def _describe_choice(failures: Sequence[Failure], passing: Collection[str]) -> TitleAndFix:
    """Title and fix for the member that is not obeyed, or for the tools of the server's own that are not called.

    Empty if both members are not obeyed, or if only one rule fails in another way.
    """
    urgent = most_urgent(failures)
    messages = [finding.message for failure in urgent for finding in failure.verdict.findings]
    ignored = {found[1] for message in messages if (found := _TOOL_CHOICE.search(message)) is not None}
    if [failure.id for failure in urgent] == [_FORCED] and ignored and ignored <= set(_BUILT_IN):
        tools = " and ".join(as_code(tool for tool in _BUILT_IN if tool in ignored))
        functions = "; forced functions are called" if _NAMED in passing else ""
        return f"`tool_choice` is not obeyed if it forces {tools}{functions}", _OBEY_EVERY_CHOICE
    if len(failures) == 1 or any(failure.id == _PARALLEL for failure in failures):
        return _NO_DESCRIPTION
    return "`tool_choice` is not obeyed", ""


def _title_of_streams_asked_for(failures: Sequence[Failure]) -> str:
    """The operations that respond without the stream that was asked for; empty if something else is wrong."""
    if any(failure.id != _STREAM_ASKED_FOR for failure in most_urgent(failures)):
        return ""
    return f"`stream: true` is ignored by {list_names(list(operations_of(failures)))}"


def _title_of_stream_ends(failures: Sequence[Failure]) -> str:
    """The title if streams end without done whether or not their run has ended; empty if they differ in other ways."""
    urgent = most_urgent(failures)
    messages = {finding.message for failure in urgent for finding in failure.verdict.findings}
    is_any = len(messages) > 1 and all(message.startswith(_WITHOUT_DONE) for message in messages)
    return _WITHOUT_DONE.capitalize() if is_any else ""


def _title_of_beta_header(failures: Sequence[Failure]) -> str:
    """The title if some operations check the header and others do not; empty if none does, or if only one rule fails.

    A rule that judges only refusals does not say where the header is not checked.
    """
    unchecked = [failure for failure in failures if failure.id in _BETA_NOT_CHECKED]
    if not any(failure.finding_count < failure.verdict.judged for failure in unchecked):
        return ""
    return f"Some operations do not check the header `OpenAI-Beta`: {list_names(list(operations_of(unchecked)))}"


def _title_of_lifecycle(failures: Sequence[Failure]) -> str:
    """The wrong transitions of runs: after an end, or between other statuses; empty if another MUST fails."""
    urgent = most_urgent(failures)
    titles = [_title_of_transition(failure) for failure in urgent]
    return _join_titles(titles) if all(titles) and {failure.id for failure in urgent} != {_GRAPH} else ""


def _describe_late_cancellation(failures: Sequence[Failure]) -> TitleAndFix:
    """Title and fix if runs that had ended become cancelled; empty if another MUST on cancellation fails, too."""
    urgent = most_urgent(failures)
    if [failure.id for failure in urgent] != [_FINAL] or not (title := _title_of_transition(urgent[0])):
        return _NO_DESCRIPTION
    return (
        title,
        "Refuse the cancellation of a run that has ended, and check its status in the transaction that changes it.",
    )


def _title_of_transition(failure: Failure) -> str:
    """The earlier and the later status of a run, if that is what a rule is about."""
    ended, status = failure.finding.expected, failure.finding.actual
    changed = _CHANGE.search(failure.finding.message)
    if failure.id == _FINAL and isinstance(ended, str) and ended in STATUSES and isinstance(status, str):
        continues = (
            f"becomes {status}" if status in CANCELLED else f"continues and {_ENDINGS.get(status, f'is {status}')}"
        )
        return f"{_with_article(f'{ended} run')} {continues}".capitalize()
    if failure.id == _GRAPH and changed is not None:
        return f"{_with_article(f'{changed[1]} run')} becomes {changed[2]}".capitalize()
    return ""


_CHANGE = re.compile(r"changed from '(\w+)' to '(\w+)'")

_STILL_THERE = ("deletion.what_is_deleted_cannot_be_read", "listing.what_was_deleted_is_not_listed")
"""Rules that fail if a deletion does not remove its object."""
_SEVERAL = ("cancel", "data", "lifecycle", "streams", "streams.end", "streams.stored", "tools")
"""Themes with rules on things that have little to do with one another."""
_VAGUE = ("data", "stamps", "steps")
"""Themes whose own title says little if a few rules fail, none of them a MUST."""
_MAX_TITLES, _MAX_SEVERAL = 3, 6
"""With more titles, the first two stand for all; with more rules that nothing connects, the whole theme is wrong."""


def _describe_several(kind: str, failures: Sequence[Failure]) -> TitleAndFix:
    """The titles and fixes of the MUST rules of such a theme, or of its few rules if none is a MUST.

    Empty if only one fails, or if most of the theme is wrong.
    """
    groups: list[list[Failure]] = []
    is_must = any(failure.verdict.level == "must" for failure in failures)
    for failure in most_urgent(failures):
        if kind in _SEVERAL or (kind in _VAGUE and not is_must):
            alike = (group for group in groups if any(have_one_fix(failure, other) for other in group))
            if (group := next(alike, None)) is None:
                groups.append(group := [])
            group.append(failure)
    titles = list(dict.fromkeys(_title_of_transition(each) or title_of_finding(each) for each, *_ in groups))
    if not 1 < len(titles) <= (_MAX_SEVERAL if is_must or kind in _VAGUE else 2):
        return _NO_DESCRIPTION
    if len(titles) > (_MAX_TITLES if is_must else _MAX_TITLES - 1):
        titles[_MAX_TITLES - 1 :] = [f"{len(titles) - _MAX_TITLES + 1} more"]
    fixes = [failure.fix for failure in (*most_urgent(failures), *failures)]
    # Causes without a MUST may be joined: there a semicolon separates their titles.
    joined = _join_titles(titles) if is_must else _join_titles(titles, ", ", ", and ")
    return joined, " ".join(dict.fromkeys(fixes)) if all(fixes) else ""


def _join_titles(titles: Sequence[str], separator: str = "; ", last_separator: str = "; ") -> str:
    """The titles as one; a word in capitals, or in backticks, stays as it is."""
    later = [
        title[:1].lower() + title[1:] if title[1:2] in (" ", "") or title[1:2].islower() else title
        for title in titles[1:]
    ]
    return last_separator.join([separator.join([*titles[:1], *later[:-1]]), *later[-1:]])


_TITLES: Mapping[str, Callable[[Sequence[Failure]], str]] = {
    "access": _title_of_access,
    "beta": _title_of_beta_header,
    "identity": title_of_ids,
    "lifecycle": _title_of_lifecycle,
    "lock": _title_of_lock,
    "streams.end": _title_of_stream_ends,
    "streams.asked": _title_of_streams_asked_for,
}


def describe_failing_part(kind: str, failures: Sequence[Failure], passing: Collection[str]) -> TitleAndFix:
    """Title and fix of a theme of this kind for the part of it that fails, each empty if the theme has better ones.

    `passing` are the ids of the rules that are satisfied.
    """
    if kind == LAG:
        return describe_lag(failures)
    if kind == "lists":
        return describe_lists(failures, passing)
    if kind == "deletion":
        return _describe_deletion(failures)
    if kind == "cancel" and (description := _describe_late_cancellation(failures)) != _NO_DESCRIPTION:
        return description
    if kind == "choice" and (description := _describe_choice(failures, passing)) != _NO_DESCRIPTION:
        return description
    if kind == "stamps" and (description := describe_wrong_times(failures)) != _NO_DESCRIPTION:
        return description
    title = _TITLES[kind](failures) if kind in _TITLES else ""
    if kind == "identity" and not title:
        return describe_repeated_requests(failures)
    return (title, "") if title else _describe_several(kind, failures)
