"""The titles of themes that are more specific where only a part of the theme is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.families import (
    HAS_MORE,
    LIST_PARAMETERS,
    NEVER_LOCKED,
    STAYS_LOCKED,
    are_of_one_family,
)
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.lifecycle import STATUSES

_PAGES = "paging.pages_hold_what_comes_next"
_SHORT_PAGES = "paging.pages_are_full"
_PARALLEL = "choice.calls_are_not_parallel_unless_allowed"
_STREAM_ASKED_FOR = "streaming.a_stream_comes_where_one_is_asked_for"
_FINAL = "lifecycle.terminal_status_is_final"
_ENDINGS = {"completed": "completes", "failed": "fails", "expired": "expires"}
_BY_RUN = "listing.messages_can_be_listed_by_run"
_DEFAULT_ORDER = "listing.newest_come_first_by_default"


def _title_of_lists(failures: Sequence[Failure]) -> str:
    """The parameters that lists ignore; empty if more is wrong, or only one rule on another one fails."""
    if len(failures) == 1 and failures[0].id == _BY_RUN:
        return "list_messages does not filter by `run_id`"
    if len(failures) == 1 or not are_of_one_family(_most_urgent(failures)):
        return ""
    ignored = _ignored_parameters(failures)
    by_run = _fail_by_run(failures)
    has_more = any(failure.id == HAS_MORE and not _follows_from_run(failure, by_run) for failure in failures)
    if ignored:
        names = " and ".join(filter(None, (", ".join(ignored[:-1]), ignored[-1])))
        return f"Lists ignore {names}" + ("; `has_more` is wrong" if has_more else "")
    return "`has_more` of lists is wrong" if has_more else ""


def _ignored_parameters(failures: Sequence[Failure]) -> list[str]:
    """The parameters that lists ignore, as far as no other parameter of the request explains the failure."""
    by_run = _fail_by_run(failures)
    rules = {
        failure.id
        for failure in failures
        if not _follows_from_run(failure, by_run)
        and (failure.id != _PAGES or "after" in failure.parameters or not failure.parameters)
    }
    named = {
        "the default order" if name == "`order`" and violated == {_DEFAULT_ORDER} else name: violated
        for name, related in LIST_PARAMETERS.items()
        if (violated := rules.intersection(related))
    }
    # A page may be short whichever parameter was ignored.
    return [name for name, violated in named.items() if violated != {_SHORT_PAGES} or len(named) == 1]


def _fail_by_run(failures: Iterable[Failure]) -> bool:
    return any(failure.id in LIST_PARAMETERS["`run_id`"] for failure in failures)


def _follows_from_run(failure: Failure, by_run: bool) -> bool:
    """Whether the messages of a run, the only lists that take `run_id`, show a failure and are wrong anyway."""
    operations = {finding.operation for finding in failure.verdict.findings}
    return (
        by_run
        and "run_id" in failure.parameters
        and operations <= {"list_messages"}
        and failure.id not in LIST_PARAMETERS["`run_id`"]
    )


def _title_of_lock(failures: Sequence[Failure]) -> str:
    """The title that says which half of locking is wrong, if any; empty if both are."""
    is_never_locked, stays_locked = (
        any(failure.id.startswith(prefixes) for failure in _most_urgent(failures))
        for prefixes in (NEVER_LOCKED, STAYS_LOCKED)
    )
    if not is_never_locked and not stays_locked:
        return "Requests during an active run are not handled as documented"
    if is_never_locked and stays_locked:
        return ""
    return _title_of_accepted_writes(failures) if is_never_locked else "A thread stays locked after its run"


_STATUS = re.compile(r" was '(\w+)'")


def _title_of_accepted_writes(failures: Sequence[Failure]) -> str:
    """The writes that were accepted while a run was active, and the statuses in which they were."""
    messages, second_runs, at_once = (
        [failure for failure in failures if failure.id.startswith(prefix)]
        for prefix in ("lock.no_message_", "lock.no_second_run_", "races.")
    )
    writes = [*messages, *second_runs]
    if not writes:
        return "Two runs are accepted in one thread if they are created at the same time"
    found = {
        status
        for failure in writes
        for finding in failure.verdict.findings
        for status in _STATUS.findall(finding.message)
    }
    seen = as_code(status for status in STATUSES if status in found)
    if messages and second_runs and all(len(failure.verdict.findings) >= failure.verdict.judged for failure in writes):
        return "A thread is not locked by its active run"
    what = "Messages and runs" if messages and second_runs else "Messages" if messages else "Second runs"
    title = f"{what} are accepted while a run is active" + (f" ({list_names(seen, len(seen))})" if seen else "")
    return title + (", and two runs if created together" if at_once and not second_runs else "")


def _title_of_access(failures: Sequence[Failure]) -> str:
    """The title of failing rules on tenants; empty if others fail, or only one, which has a better title."""
    urgent = _most_urgent(failures)
    if any(failure.subject != "tenancy" for failure in urgent):
        return ""
    names = list(operations_of(urgent))
    if len(urgent) == 1 and (urgent[0].id != "tenancy.objects_are_their_tenants_own" or not names):
        return ""
    return "Objects of one key are accessible with another" + (f" in {list_names(names)}" if names else "")


def _most_urgent(failures: Sequence[Failure]) -> Sequence[Failure]:
    """The failures that are a MUST, or all if none is."""
    return [failure for failure in failures if failure.verdict.level == "must"] or failures


def _title_of_choice(failures: Sequence[Failure]) -> str:
    """The member that is not obeyed; empty if both are not, or if only one rule fails."""
    if len(failures) == 1 or any(failure.id == _PARALLEL for failure in failures):
        return ""
    return "`tool_choice` is not obeyed"


def _title_of_streams_asked_for(failures: Sequence[Failure]) -> str:
    """The operations that respond without the stream that was asked for; empty if something else is wrong."""
    if any(failure.id != _STREAM_ASKED_FOR for failure in _most_urgent(failures)):
        return ""
    return f"`stream: true` is ignored by {list_names(list(operations_of(failures)))}"


def _title_of_lifecycle(failures: Sequence[Failure]) -> str:
    """The end of runs and their later status, if that is the only MUST that fails."""
    urgent = _most_urgent(failures)
    ended, status = urgent[0].finding.expected, urgent[0].finding.actual
    if len(urgent) > 1 or urgent[0].id != _FINAL or ended not in STATUSES or not isinstance(status, str):
        return ""
    return f"{'An' if str(ended)[0] in 'aei' else 'A'} {ended} run continues and {_ENDINGS.get(status, f'is {status}')}"


_TITLES: Mapping[str, Callable[[Sequence[Failure]], str]] = {
    "access": _title_of_access,
    "choice": _title_of_choice,
    "lifecycle": _title_of_lifecycle,
    "lists": _title_of_lists,
    "lock": _title_of_lock,
    "streams.asked": _title_of_streams_asked_for,
}


def specific_title(kind: str, failures: Sequence[Failure]) -> str:
    """The title of a theme of this kind for the part of it that fails; empty if the theme as a whole is wrong."""
    return _TITLES[kind](failures) if kind in _TITLES else ""
