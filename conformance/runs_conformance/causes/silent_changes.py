"""Changes that a lenient parser makes to invalid bodies: it converts values, and leaves out unknown members."""

from __future__ import annotations

import json
from collections.abc import Sequence

from runs_conformance.causes.failure import Failure, operations_of
from runs_conformance.causes.wording import list_names
from runs_conformance.model.json import JSON, Absent, at, is_object, json_equal

_SHARE = 0.8
_MIN_SHOWN = 2
"""With fewer values, the response may show them for another reason."""


def describe_changes(accepted: Sequence[Failure]) -> tuple[str, str]:
    """The changes to accepted bodies that make up a title, and how to stop all of them; both empty if none is shown."""
    converted = [failure for failure in accepted if _is_shown_converted(failure)]
    # The response shows what the body contains at its top, and not everything that lies deeper.
    unknown = [
        failure
        for failure in accepted
        if failure.keyword == "additionalProperties" and not failure.place and _shows_object(failure.body)
    ]
    missing = sum(_lacks_member(failure) for failure in unknown)
    dropped = missing >= _MIN_SHOWN and missing >= _SHARE * len(unknown)
    storing = list(operations_of(list(filter(_stores_member, unknown))))
    refuse = "refuse unknown members" + (" instead of dropping them" if dropped else "")
    if storing:
        refuse += f"; {list_names(storing, len(storing))} even {'store' if len(storing) > 1 else 'stores'} them"
    refuse = refuse if dropped or storing else ""
    if len(converted) >= _MIN_SHOWN:
        what = _name_converted(converted, [failure for failure in accepted if failure not in converted])
        switch = f"Switch off the conversion of {what}"
        title = f"{what} are converted" + (", unknown members dropped" if dropped else "")
        return title, switch + (f", and {refuse}" if refuse else "")
    # Alone, this is one of many missing checks, and not a way to treat bodies that explains most of them.
    return "", refuse[:1].upper() + refuse[1:]


def _name_converted(converted: Sequence[Failure], others: Sequence[Failure]) -> str:
    """The values that are converted: those of metadata alone if objects show values of other members as they were."""
    unchanged = any(failure.keyword == "type" and _stores_member(failure) for failure in others)
    in_metadata = sum("metadata" not in failure.place for failure in converted) < _MIN_SHOWN
    return "values of `metadata`" if in_metadata and unchanged else "types"


def _shows_object(body: JSON | Absent) -> bool:
    return is_object(body) and "id" in body


def _lacks_member(failure: Failure) -> bool:
    return isinstance(at(failure.body, failure.finding.pointer), Absent)


def _stores_member(failure: Failure) -> bool:
    """Whether the response shows the unknown member with the value that was sent."""
    shown = at(failure.body, failure.finding.pointer)
    sent = failure.finding.actual
    return not isinstance(shown, Absent) and not isinstance(sent, Absent) and json_equal(shown, sent)


def _is_shown_converted(failure: Failure) -> bool:
    """Whether the response has a value of another type that is spelled like the accepted one."""
    if failure.keyword != "type" or not _shows_object(failure.body):
        return False
    sent, shown = failure.finding.actual, at(failure.body, failure.finding.pointer)
    if isinstance(sent, str) is isinstance(shown, str):
        return isinstance(sent, bool) is not isinstance(shown, bool) and sent == shown
    return _spelling(sent) == _spelling(shown)


def _spelling(value: JSON | Absent) -> object:
    """The number or word that a value spells, whatever its type; the value itself if it spells none."""
    text = value.lower() if isinstance(value, str) else json.dumps(value) if isinstance(value, int | float) else value
    try:
        return float(text) if isinstance(text, str) else text
    except ValueError:
        return text
