"""Values such as 0 that a server takes for members that are left out."""

from __future__ import annotations

import json

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Sorting
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.model.json import JSON, Absent


def sort_falsy_values(sorting: Sorting) -> None:
    """Sort the settings of which only values such as 0 are lost; a server that drops the member loses others, too."""
    taken = sorting.take(_loses_only_falsy_values)
    names = as_code(sorted({failure.member for failure in taken}))
    values = {json.dumps(finding.expected) for failure in taken for finding in failure.verdict.findings}
    lost = f"of {next(iter(values))}" if len(values) == 1 else "of 0 or without content"
    sorting.add(
        "data.falsy",
        f"{list_names(names)} {lost} {'is' if len(names) == 1 else 'are'} taken for absent",
        Severity.DATA_LOSS,
        "Let a default take the place of null and of members that are left out, not of every falsy value.",
        taken,
    )


def _loses_only_falsy_values(failure: Failure) -> bool:
    """Whether other values of the setting were kept. False may be the only value sent that is not the default."""
    findings = failure.verdict.findings
    is_setting = failure.id.startswith("settings.") and failure.id.endswith("_as_asked")
    if not is_setting or failure.is_negative or failure.mutations or len(findings) >= failure.verdict.judged:
        return False
    return bool(findings) and all(_is_falsy(finding.expected) for finding in findings)


def _is_falsy(value: JSON | Absent) -> bool:
    return not isinstance(value, bool | Absent) and value is not None and not value
