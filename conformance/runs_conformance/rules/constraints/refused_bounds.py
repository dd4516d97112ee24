"""The bound that the refusal of a valid value is about, although the value was sent for another of its constraints.

A random number shows that its type is accepted. A target with a lower maximum refuses it for that maximum.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at

_ABOVE = re.compile(r"above[_ ]max|less[_ ]than|too[_ ](?:big|large|long|many)", re.IGNORECASE)
_BELOW = re.compile(r"below[_ ]min|greater[_ ]than|too[_ ](?:small|short|few)", re.IGNORECASE)
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


def bound_refused(attempts: Sequence[Exchange], exercises: Sequence[str]) -> str | None:
    """The bound of the place of the first constraint that these requests exercise, if it is why one was refused.

    None if the refusal says neither that the value is too large nor that it is too small.
    """
    refused, place = next((each for each in attempts if each.refused), None), exercises[0].rpartition(".")[0]
    reason = f"{at(refused.body, '/error/code')} {refusal_text(refused)}" if refused is not None else ""
    for said, keywords in ((_ABOVE, _UPPER), (_BELOW, _LOWER)):
        if said.search(reason) is not None:
            bounds = (f"{place}.{keyword}" for keyword in keywords)
            return next((bound for bound in bounds if bound in exercises), None)
    return None
