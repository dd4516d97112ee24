"""Why a place of responses was not seen: an enclosing one failed, or the requests that set it were refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.rule import Constraint
from runs_conformance.model.verdict import REFUSED_PLACE_REASONS, Tally

_SHOWN_BY_RULE = {"run.required_action": "action.is_given_while_required"}
"""The rules that say that a place is shown, where its constraints allow null."""


def explain_absence(constraint: Constraint, tallies: Mapping[str, Tally]) -> str | None:
    """Why no response showed the place of a constraint, inferred from other constraints; None if unknown."""
    if constraint.side != "response":
        return None
    id_ = constraint.id
    for place in _enclosing_places(id_):
        for shown in (f"{place}.required", f"{place}.type", _SHOWN_BY_RULE.get(place, "")):
            if shown != id_ and shown in tallies and tallies[shown].findings:
                return f"not observed, because {shown} failed"
    refused = next((each for each in _requests_that_set(id_) if _refuses_valid_values(tallies.get(each))), None)
    return None if refused is None else f"no request with a valid value of {refused.rpartition('.')[0]} was accepted"


def _enclosing_places(id_: str) -> Iterator[str]:
    """The place of a constraint and those around it, the outermost first: `run.usage`, `run.usage.total_tokens`."""
    place = id_.rpartition(".")[0]
    ends = [match.start() for match in re.finditer(r"[.\[{]", place)]
    yield from (place[:end] for end in ends[1:])
    yield place


def _requests_that_set(id_: str) -> Iterator[str]:
    """The constraints of the same name on the requests that create an object of this kind."""
    kind, _, rest = id_.partition(".")
    for operation in OPERATIONS.values():
        if operation.creates == kind and operation.body:
            yield f"{operation.name}.{rest}"


def _refuses_valid_values(tally: Tally | None) -> bool:
    return tally is not None and not tally.findings and not REFUSED_PLACE_REASONS.isdisjoint(tally.inconclusive)
