"""Why a place of responses was not seen: an enclosing one failed, a member was dropped, or the requests that set it
were refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, is_array, is_object
from runs_conformance.model.rule import Constraint
from runs_conformance.model.verdict import REFUSED_PLACE_REASONS, Finding, Tally

_A_TOOL_IS_CALLED = "choice.a_tool_is_called_when_one_must_be"
_TOKENS_ARE_LIMITED = "settings.max_completion_tokens_is_as_asked"

_SHOWN_BY_RULES = {
    "run.required_action": ("action.is_given_while_required", _A_TOOL_IS_CALLED),
    "run.incomplete_details": (_TOKENS_ARE_LIMITED,),
    "message.incomplete_details": (_TOKENS_ARE_LIMITED,),
    "run_step.step_details.tool_calls": (_A_TOOL_IS_CALLED,),
    "run_step.usage": ("steps.usage_goes_with_the_status",),
}
"""By nullable place, the rules that require it, or that check the settings which make a server show it. The failure of
one explains why the place was not shown.
"""

_STREAMED_KINDS = ("message_delta", "run_step_delta", "error_event")
_STREAMS_COME = "streaming.a_stream_comes_where_one_is_asked_for"
"""The kinds of objects that only streams show, and the rule that fails if none comes."""

_NAMES = ".propertyNames"
_SEGMENT = re.compile(r"\[\]|\{\}|[^.\[{]+")


@dataclass(frozen=True)
class ShownPlaces:
    """The places of objects that responses showed, inferred from the constraints that were judged."""

    tallies: Mapping[str, Tally]

    @cached_property
    def failed(self) -> frozenset[str]:
        """The ids with findings."""
        return frozenset(name for name, tally in self.tallies.items() if tally.findings)

    @cached_property
    def shown(self) -> frozenset[str]:
        """The places that were shown. The absence of a place is judged as its `required`."""
        return self.shown_within.union(_place(id_) for id_ in self._judged if not id_.endswith(".required"))

    @cached_property
    def shown_within(self) -> frozenset[str]:
        """The places within which something was shown or missing."""
        return frozenset(place for id_ in self._judged for place in _enclosing_places(id_)[:-1])

    @property
    def _judged(self) -> Iterator[str]:
        return (id_ for id_, tally in self.tallies.items() if tally.judged)

    def explain_absence(self, constraint: Constraint) -> str | None:
        """Why no response showed the place of a constraint, inferred from other requirements; None if unknown."""
        if constraint.side != "response":
            return None
        id_ = constraint.id
        kind, *segments = _SEGMENT.findall(_place(id_))
        if kind in _STREAMED_KINDS and kind not in self.shown_within and _STREAMS_COME in self.failed:
            return f"not observed, because {_STREAMS_COME} failed"
        for place in _enclosing_places(id_)[1:]:
            # If the place failed only occasionally, something within it was judged.
            for name in self._names_of_absence(place) if place not in self.shown_within else ():
                if name != id_ and name in self.failed:
                    return f"not observed, because {name} failed"
        refused = next(
            (name for name in _requests_that_set(id_) if _refuses_valid_values(self.tallies.get(name))), None
        )
        if refused is not None:
            return f"no request with a valid value of {_place(refused)} was accepted"
        for name in sorted(self.failed):
            if any(_drops(finding, kind, segments) for finding in self.tallies[name].findings):
                return f"not observed, because {name} failed"
        return None

    def _names_of_absence(self, place: str) -> Iterator[str]:
        """The requirements that fail if a place has no content. A place that was shown as null was not missing."""
        if place not in self.shown:
            yield f"{place}.required"
        yield f"{place}.type"
        if place.rpartition(".")[0] in self.shown_within:
            yield from _SHOWN_BY_RULES.get(place, ())

    def find_unseen_place(self, constraint: Constraint) -> str | None:
        """The outermost place around that of a response constraint that no response showed; None if unknown."""
        if constraint.side != "response":
            return None
        return next((place for place in _enclosing_places(constraint.id) if place not in self.shown), None)


def _place(id_: str) -> str:
    place = id_.rpartition(".")[0]
    # The names of the members of a map are shown with the members.
    return f"{place.removesuffix(_NAMES)}{{}}" if place.endswith(_NAMES) else place


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
    """Whether every request with a valid value was refused, so that the constraint was not judged."""
    return tally is not None and not tally.judged and not REFUSED_PLACE_REASONS.isdisjoint(tally.inconclusive)


def _drops(finding: Finding, kind: str, segments: Sequence[str]) -> bool:
    """Whether a finding shows that an object lacks a value which a rule expected at this place."""
    # Constraints expect the name of a type or member.
    if isinstance(finding.expected, str | None | Absent) or not segments:
        return False
    operation = OPERATIONS.get(finding.operation or "")
    if operation is None or kind not in (operation.creates, operation.response_kind):
        return False
    member, *inner = segments
    is_lost = isinstance(finding.actual, None | Absent) or not _holds(finding.actual, inner)
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
