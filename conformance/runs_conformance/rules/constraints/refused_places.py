"""Places of a request at which no valid value was accepted; the outermost is reported, not each place within it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, Absent, at, json_pointer, pointer_tokens, spell_pointer
from runs_conformance.model.verdict import Finding, Result, Suspicion

_SEGMENT = re.compile(r"\[\]|\{\}|[^.\[\]{}]+")


def parent_type_constraint(id_: str) -> str:
    """The type constraint of the value that contains a place: `create_run.tools[].type` for a tool's function."""
    place = id_.rpartition(".")[0]
    for suffix in ("[]", "{}"):
        if place.endswith(suffix):
            return f"{place.removesuffix(suffix)}.type"
    return f"{place.rpartition('.')[0]}.type"


def outermost_refused_place(id_: str, tried: Collection[str], accepted: Collection[str]) -> str | None:
    """The type constraint of the outermost value around a place that was never accepted; None if all of them were."""
    outermost = None
    parent = parent_type_constraint(id_)
    while parent in tried and parent not in accepted:
        outermost, parent = parent, parent_type_constraint(parent)
    return outermost


def report_outermost_places(
    excused: Iterable[tuple[str, Exchange, Finding]], findings: Iterable[tuple[Exchange, Finding]]
) -> Iterator[tuple[str, Result]]:
    """One finding for each place that no request shows accepted, unless a finding about the same place exists.

    `excused` are refused valid requests, each with the type constraint of the outermost such place. If the place is
    the member that its object's `type` names, that value of `type` was never accepted either.
    """
    reported = list(findings)
    for id_, exchange, finding in excused:
        place = id_.rpartition(".")[0]
        tokens = pointer_tokens(finding.pointer)[: len(_SEGMENT.findall(place)) - 1]
        pointer = json_pointer(*tokens)
        if any(_is_about(earlier, other.pointer, pointer) for earlier, other in reported):
            continue
        message = f"{finding.message}; no request with {spell_pointer(pointer)} was accepted"
        finding = replace(finding, message=message, pointer=pointer, actual=_value_at(exchange, pointer))
        reported.append((exchange, finding))
        yield id_, finding
        parent = place.rpartition(".")[0]
        if tokens and _value_at(exchange, json_pointer(*tokens[:-1], "type")) == tokens[-1]:
            reason = (
                f"no request with the type {tokens[-1]} at {spell_pointer(json_pointer(*tokens[:-1]))} was accepted"
            )
            yield f"{parent}.type.enum", Suspicion(reason)


def _is_about(exchange: Exchange, reported: str, pointer: str) -> bool:
    """Whether a finding about one place of a request explains that a valid value of another place is refused."""
    return f"{pointer}/".startswith(f"{reported}/") and not isinstance(_value_at(exchange, pointer), Absent)


def _value_at(exchange: Exchange, pointer: str) -> JSON | Absent:
    return at(exchange.request.body, pointer)
