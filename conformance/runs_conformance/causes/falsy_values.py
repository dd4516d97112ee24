"""Values such as 0 that a server treats as unset."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.dropped_members import member_shown, take_following
from runs_conformance.causes.failure import Failure, kind_shown
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.model.json import JSON, Absent

_SHOWN = (
    "assistants.show_their_settings",
    "assistants.show_who_they_are",
    "modify.assistant_shows_what_is_given",
)
"""Rules that compare an assistant with its request, as the topic `settings` compares runs."""


_EMPTY_INSTRUCTIONS = "settings.empty_instructions_replace_the_assistants"
"""The rule on the only falsy value for which a run may show the assistant's value instead."""


def classify_falsy_values(classifier: FailureClassifier) -> None:
    """Classify the settings that lose only values such as 0; a server that drops them loses others, too."""
    taken = classifier.take(_loses_only_falsy_values)
    if not taken:
        return
    operations = _operations(taken)
    taken += classifier.take(
        lambda failure: _loses_only_false(failure) and _is_lost_wherever_others_are(failure, operations)
    )
    taken += classifier.take(lambda failure: failure.id == _EMPTY_INSTRUCTIONS and not failure.is_negative)
    findings = [finding for failure in taken for finding in failure.verdict.findings]
    members = sorted({member_shown(finding.pointer) for finding in findings})
    classifier.add(
        "data.falsy",
        _title(members, {json.dumps(finding.expected) for finding in findings}),
        Severity.DATA_LOSS,
        "Apply a default only to a member that is null or omitted, not to every falsy value"
        f"{f' of {list_names(as_code(members), len(members))}' if len(members) > 1 else ''}.",
        taken,
        take_following(classifier, {(f.operation or "", member_shown(f.pointer)) for f in findings}),
    )


def _title(members: Sequence[str], values: Collection[str]) -> str:
    """The title with the lost value, as JSON, if there is only one of one member."""
    if len(members) == len(values) == 1:
        return f"`{members[0]}: {next(iter(values))}` is treated as unset"
    return f"Falsy values of {list_names(as_code(members))} are treated as unset"


def _operations(failures: list[Failure]) -> set[str]:
    return {finding.operation or "" for failure in failures for finding in failure.verdict.findings}


def _is_lost_wherever_others_are(failure: Failure, operations: Collection[str]) -> bool:
    """Whether a member is lost in exactly those of these operations whose objects have it; some may lose it whole."""
    losing = _operations([failure])
    kinds = set(map(kind_shown, losing))
    return losing == {name for name in operations if kind_shown(name) in kinds}


def _compares_with_request(failure: Failure) -> bool:
    """Whether a rule compares a member with what was sent, and other values of it were kept."""
    is_setting = failure.id.startswith("settings.") and failure.id.endswith("_as_asked")
    is_partial = 0 < len(failure.verdict.findings) < failure.verdict.judged
    return (is_setting or failure.id in _SHOWN) and is_partial and not failure.is_negative and not failure.mutations


def _loses_only_falsy_values(failure: Failure) -> bool:
    """Whether other values of the setting were kept. False may be the only value sent that is not the default."""
    return _compares_with_request(failure) and all(
        _is_falsy(finding.expected) and finding.expected is not False for finding in failure.verdict.findings
    )


def _loses_only_false(failure: Failure) -> bool:
    """Whether only `false` was lost. Without other lost falsy values, the member itself may be what is dropped."""
    return _compares_with_request(failure) and all(finding.expected is False for finding in failure.verdict.findings)


def _is_falsy(value: JSON | Absent) -> bool:
    return not isinstance(value, Absent) and value is not None and not value
