"""Why a place of responses was not seen: an enclosing one failed, a member was dropped, or the requests that set it
were refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, is_array, is_object
from runs_conformance.model.rule import Constraint
from runs_conformance.model.verdict import REFUSED_PLACE_REASONS, Finding, Tally

_SHOWN_BY_RULE = {
    "run.required_action": "action.is_given_while_required",
    "run_step.usage": "steps.usage_goes_with_the_status",
}
"""The rules that say that a place is shown, where its constraints allow null."""

_SEGMENT = re.compile(r"\[\]|\{\}|[^.\[{]+")


def explain_absence(constraint: Constraint, tallies: Mapping[str, Tally]) -> str | None:
    """Why no response showed the place of a constraint, inferred from other requirements; None if unknown."""
    if constraint.side != "response":
        return None
    id_ = constraint.id
    failed, judged = (name for name, tally in tallies.items() if tally.findings), _judged_ids(tallies)
    failed_ids = frozenset(failed)
    for place in _enclosing_places(id_)[1:]:
        for shown in (f"{place}.required", f"{place}.type"):
            # If the place failed only occasionally, something within it was judged.
            if shown != id_ and shown in failed_ids and not _is_seen(place, judged, within=True):
                return f"not observed, because {shown} failed"
        if (shown := _SHOWN_BY_RULE.get(place, "")) in failed_ids:
            return f"not observed, because {shown} failed"
    refused = next((each for each in _requests_that_set(id_) if _refuses_valid_values(tallies.get(each))), None)
    if refused is not None:
        return f"no request with a valid value of {_place(refused)} was accepted"
    kind, *segments = _SEGMENT.findall(_place(id_))
    dropped = next(
        (name for name, tally in tallies.items() if any(_drops(each, kind, segments) for each in tally.findings)), None
    )
    return None if dropped is None else f"not observed, because {dropped} failed"


def find_unseen_place(constraint: Constraint, tallies: Mapping[str, Tally]) -> str | None:
    """The outermost place around the place of a response constraint that no response showed; None if unknown."""
    if constraint.side != "response":
        return None
    judged = _judged_ids(tallies)
    return next((place for place in _enclosing_places(constraint.id) if not _is_seen(place, judged)), None)


def _judged_ids(tallies: Mapping[str, Tally]) -> list[str]:
    return [id_ for id_, tally in tallies.items() if tally.judged]


def _is_seen(place: str, judged: Sequence[str], within: bool = False) -> bool:
    """Whether a constraint on this place or on one `within` it was judged; its absence is judged as `required`."""
    inside, absence = tuple(place + sign for sign in ".[{"), f"{place}.required"
    return any(id_.startswith(inside) and id_ != absence and not (within and _place(id_) == place) for id_ in judged)


def _place(id_: str) -> str:
    return id_.rpartition(".")[0]


def _enclosing_places(id_: str) -> list[str]:
    """The kind of object, the places around that of a constraint, and that: `run`, `run.usage`, `run.usage.x`."""
    place = _place(id_)
    return [*(place[: match.start()] for match in re.finditer(r"[.\[{]", place)), place]


def _requests_that_set(id_: str) -> Iterator[str]:
    """The constraints of the same name on the requests that create an object of this kind."""
    kind, _, rest = id_.partition(".")
    for operation in OPERATIONS.values():
        if operation.creates == kind and operation.body:
            yield f"{operation.name}.{rest}"


def _refuses_valid_values(tally: Tally | None) -> bool:
    return tally is not None and not tally.findings and not REFUSED_PLACE_REASONS.isdisjoint(tally.inconclusive)


def _drops(finding: Finding, kind: str, segments: Sequence[str]) -> bool:
    """Whether a rule expected an object to show the place of a constraint, which it did not show."""
    if isinstance(finding.expected, str | int | None | Absent) or not segments:
        return False
    operation = OPERATIONS.get(finding.operation or "")
    if operation is None or kind not in (operation.creates, operation.response_kind):
        return False
    member, *inner = segments
    is_lost = isinstance(finding.actual, Absent) or not _holds(finding.actual, inner)
    return finding.pointer == f"/{member}" and is_lost and _holds(finding.expected, inner)


def _holds(value: JSON, segments: Sequence[str]) -> bool:
    """Whether a value has a member at a path, in which `[]` is any item and `{}` any member."""
    if not segments:
        return True
    name, *rest = segments
    if name == "[]":
        return is_array(value) and any(_holds(item, rest) for item in value)
    if name == "{}":
        return is_object(value) and any(_holds(member, rest) for member in value.values())
    return is_object(value) and name in value and _holds(value[name], rest)
