"""Titles of causes that concern objects of all kinds: their ids, their times, and the lists that they are in."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.causes.failure import Failure, kind_shown, most_urgent, operations_of
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent

ALL_IDS_ARE_EQUAL = "All objects have the same id"

_SHARED_IDS = "ids.no_two_objects_share_an_id"
_REPEATED = "of an earlier request instead of a new one"
"""In findings of the rule on shared ids, that the responses were equal."""
_UNIX_SECONDS = "times.are_unix_seconds"
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000
"""The beginning and the end of this century, in milliseconds since 1970."""
_FOREIGN_ITEMS = "listing.items_belong_to_what_is_listed"
_MIN_TIMES = 2
"""Fewest wrong times that show that all have one value."""


def title_of_ids(failures: Sequence[Failure]) -> str:
    """A title that names the objects that all have one id; empty if ids differ."""
    shared = next((failure for failure in failures if failure.id == _SHARED_IDS), None)
    if shared is None or shared.finding_count < shared.verdict.judged:
        return ""
    findings = shared.verdict.findings
    created = (OPERATIONS.get(finding.operation or "") for finding in findings)
    kinds = {operation.creates for operation in created if operation is not None and operation.creates}
    if len({str(finding.actual) for finding in findings}) > 1 or not kinds:
        return ""
    return ALL_IDS_ARE_EQUAL if len(kinds) > 1 else f"All {kinds.pop().replace('_', ' ')}s have the same id"


def describe_repeated_requests(failures: Sequence[Failure]) -> tuple[str, str]:
    """Title and fix if requests get the objects of earlier ones; empty if objects also share ids in other ways."""
    urgent = most_urgent(failures)
    findings = [finding for failure in urgent for finding in failure.verdict.findings]
    if {failure.id for failure in urgent} != {_SHARED_IDS} or any(_REPEATED not in each.message for each in findings):
        return "", ""
    names = list(operations_of(urgent))
    returns = "returns" if len(names) == 1 else "return"
    title = f"{list_names(names)} {returns} the object of an earlier request instead of a new one"
    return title, "Create a new object with an id of its own for every request, even if it equals an earlier request."


def describe_wrong_times(failures: Sequence[Failure]) -> tuple[str, str]:
    """The unit or the one value of all wrong times, and the fixes; empty if they have none in common."""
    wrong = next((failure for failure in failures if failure.id == _UNIX_SECONDS), None)
    findings = wrong.verdict.findings if wrong is not None else ()
    if findings and len(failures) == 1 and all(_is_in_milliseconds(finding.actual) for finding in findings):
        members = sorted({finding.pointer.rpartition("/")[2] for finding in findings})
        of_kinds = {kind_shown(finding.operation or "") for finding in findings}
        owner = f"{of_kinds.pop()}s".replace("_", " ") if len(of_kinds) == 1 and None not in of_kinds else "objects"
        verb = "is" if len(members) == 1 else "are"
        return f"{list_names(as_code(members))} of {owner} {verb} in milliseconds instead of seconds", failures[0].fix
    values = {repr(finding.actual) for finding in findings}
    if wrong is None or len(values) != 1 or len(findings) < _MIN_TIMES:
        return "", ""
    kinds = {kind_shown(finding.operation or "") for finding in findings}
    of_usage = [failure for failure in failures if failure.subject == "usage"]
    title = f"Times of {'runs' if kinds == {'run'} else 'objects'} are {values.pop()}"
    fixes = [failure.fix for failure in (wrong, *of_usage)]
    return title + (", and usage of runs is missing or wrong" if of_usage else ""), " ".join(dict.fromkeys(fixes))


def _is_in_milliseconds(value: JSON | Absent) -> bool:
    """Whether a number is a time of this century in milliseconds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and _FIRST_MS < value < _LAST_MS


def title_of_foreign_items(failures: Sequence[Failure]) -> str:
    """The parents, other than those in the path, of listed items; empty if something else is wrong with lists."""
    if not failures or any(failure.id != _FOREIGN_ITEMS for failure in failures):
        return ""
    pointers = [finding.pointer for failure in failures for finding in failure.verdict.findings]
    parents = [name for name in ("thread", "run") if any(pointer.endswith(f"/{name}_id") for pointer in pointers)]
    return f"Lists show objects of another {' or '.join(parents)}" if parents else ""
