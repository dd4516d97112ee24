"""Metadata: shown as it was given, kept, and changed by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.metadata import Expected, Metadata
from runs_conformance.evidence.metadata import metadata as all_metadata
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_object, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result

_SCHEMA = schema("openai-openapi f85dbe2 openapi.yaml Metadata: pairs that can be attached to an object")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")


def _expected(history: History) -> Iterable[Expected]:
    return (expected for line in all_metadata(history) for expected in line.expectations)


def _shown(expected: Expected, why: str, *, empty_too: bool) -> Iterator[Result]:
    shown = expected.seen.get("metadata")
    for name, value in (expected.last.value or {}).items() if shown is not ABSENT else ():
        now = shown.get(name, ABSENT) if is_object(shown) else ABSENT
        if value != "" or now is not ABSENT or empty_too:
            holds = now is not ABSENT and same(now, value)
            yield expected.seen.check(holds, f"{why} {name!r}", "/metadata", expected.last.value, shown)


@rule(over=_expected, level=Level.SHOULD, source=_SEEN, capability="metadata", items=("L-44", "L-46"))
def is_shown_in_the_answer(expected: Expected) -> Iterator[Result]:
    """The answer to a creation or modification shows the metadata that its request gave.

    Whether keys that were there before are kept or dropped is not stated, so both pass.
    """
    if expected.seen.exchange is expected.last.exchange:
        yield from _shown(expected, "the answer does not show the given value of", empty_too=True)


@rule(over=_expected, level=Level.MUST, source=_SCHEMA, capability="metadata", items=("L-44", "L-46"), closed=True)
def is_kept(expected: Expected) -> Iterator[Result]:
    """Metadata that was accepted is shown by every later look, until it is modified.

    By reads, lists and events, of assistants, threads, messages and runs. It is what clients find their objects by. A
    key whose value is empty may be taken for none.
    """
    if expected.seen.exchange is not expected.last.exchange:
        yield from _shown(expected, "a later look does not show the given value of", empty_too=False)


@rule(over=_expected, level=Level.SHOULD, source=_SEEN, capability="metadata", items=("L-46", "L-47"), closed=True)
def holds_nothing_else(expected: Expected) -> Iterator[Result]:
    """Metadata holds nothing that nobody gave to this object; it is `{}` where nothing was given.

    A run does not take over its thread's metadata, nor a thread its run's.
    """
    shown = expected.seen.get("metadata")
    if expected.ever is None or shown is ABSENT:
        return
    foreign = [
        name
        for name, value in (shown.items() if is_object(shown) else ())
        if not any(name in given and same(given[name], value) for given in expected.ever)
    ]
    yield expected.seen.check(
        is_object(shown) and not foreign,
        f"nobody gave {foreign[0]!r}" if foreign else "metadata is no object",
        "/metadata",
        expected.last.value or {},
        shown,
    )


@rule(over=all_metadata, level=Level.MUST, source=_SCHEMA, capability="metadata", items=("L-43", "L-46"), closed=True)
def changes_only_when_modified(line: Metadata) -> Iterator[Result]:
    """Between two looks with no modification in between, metadata is the same.

    Judged on objects that were created here: others may be modified by somebody who was not recorded.
    """
    for earlier, later, attempted in line.untouched_pairs() if line.created_here else ():
        was, now = earlier.get("metadata"), later.get("metadata")
        if not attempted and was is not ABSENT and now is not ABSENT:
            yield later.check(same(was or {}, now or {}), "metadata has changed by itself", "/metadata", was, now)
