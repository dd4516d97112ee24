"""The bound that the refusal of a valid value is about, although the value was sent for another of its constraints.

A random number shows that its type is accepted. A target with a lower maximum refuses it for that maximum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeGuard

from runs_conformance.model.case import Step
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object, pointer_tokens

_SAID = (
    ("upper", re.compile(r"\bmax(?:imum)?\b|above[_ ]max|at[_ ]most|<=|exceed", re.IGNORECASE)),
    ("lower", re.compile(r"\bmin(?:imum)?\b|below[_ ]min|at[_ ]least|>=", re.IGNORECASE)),
    ("upper", re.compile(r"less[_ ]than|too[_ ](?:big|large|long|many)", re.IGNORECASE)),
    ("lower", re.compile(r"greater[_ ]than|too[_ ](?:small|short|few)", re.IGNORECASE)),
)
"""Words about bounds, those that name one first: `less than the minimum` is about the lower one."""

_KEYWORDS = {
    "upper": ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"),
    "lower": ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"),
}


class RefusedBound(NamedTuple):
    """The constraint whose bound a refusal is about; empty if it is about none.

    It is uncertain of a fraction beyond accepted numbers that are all integers. Another request has the bound itself.
    """

    id: str = ""
    is_uncertain: bool = False


def find_refused_bound(step: Step, attempts: Sequence[Exchange], valid: Iterable[Exchange]) -> RefusedBound:
    """The bound of the place of the first constraint that a step exercises, if it is why its valid value was refused.

    The refusal says so, or the value is a number beyond all at the place that other `valid` requests had accepted.
    """
    if said := _named_bound(attempts, step.exercises):
        return RefusedBound(said)
    value = step.mutation.mutated if step.mutation is not None else ABSENT
    if not _is_number(value) or step.mutation is None:
        return RefusedBound()
    bodies = [each.request.body for each in valid if each.accepted]
    accepted = [each for body in bodies for each in _values_at(body, step.mutation.pointer) if _is_number(each)]
    if not accepted or min(accepted) <= value <= max(accepted):
        return RefusedBound()
    bound = _bound("upper" if value > max(accepted) else "lower", step.exercises)
    is_like = any(not float(each).is_integer() for each in accepted) or float(value).is_integer()
    return RefusedBound(bound, is_uncertain=bound not in ("", step.exercises[0]) and not is_like)


def _named_bound(attempts: Sequence[Exchange], exercises: Sequence[str]) -> str:
    refused = next((each for each in attempts if each.refused), None)
    reason = f"{at(refused.body, '/error/code')} {refusal_text(refused)}" if refused is not None else ""
    side = next((side for side, words in _SAID if words.search(reason) is not None), "")
    return _bound(side, exercises)


def _values_at(body: JSON | Absent, pointer: str) -> Iterator[JSON]:
    """The values at a pointer, in every item of the lists on its way."""
    values: list[JSON | Absent] = [body]
    for token in pointer_tokens(pointer):
        items = [item for value in values for item in (value if is_array(value) else (value,))]
        values = items if token.isdecimal() else [each.get(token, ABSENT) for each in items if is_object(each)]
    yield from (value for value in values if not isinstance(value, Absent))


def _bound(side: str, exercises: Sequence[str]) -> str:
    place = exercises[0].rpartition(".")[0]
    bounds = (f"{place}.{keyword}" for keyword in _KEYWORDS.get(side, ()))
    return next((bound for bound in bounds if bound in exercises), "")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
