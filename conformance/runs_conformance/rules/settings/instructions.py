"""Instructions given in the request of a run, and additional ones."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.accepted_invalid import valid_runs
from runs_conformance.evidence.modification import assistant_at_creation, settings_at_creation
from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.model.json import ABSENT, JSON, Absent, is_blank
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import Result

_REQUEST, _RUN = "openai-openapi f85dbe2 openapi.yaml CreateRunRequest", "openai-openapi f85dbe2 openapi.yaml RunObject"


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.instructions: the instructions that the assistant used for this run"),
    capability="core",
    clauses=("overrides-or-assistant-settings", "additional-instructions-visibility"),
)
def instructions_are_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the instructions given in its request instead of the assistant's.

    They determine how the model answers. No source says whether additional instructions are shown after them, so both
    pass. White space at both ends is judged by another rule.

    Fix: Let `instructions` in the request replace the assistant's, and append `additional_instructions` to them.
    """
    requested, first = run.creation_body.get("instructions"), settings_at_creation(run)
    if isinstance(requested, str) and requested and first is not None and first.get("instructions") is not ABSENT:
        actual = first.get("instructions")
        yield first.check(
            shows_instructions(_strip(actual), requested.strip(), run.creation_body),
            describe_replacement(actual, run.creation_body) or "the run's instructions differ from the request",
            "/instructions",
            requested,
            actual,
        )


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=schema(f"{_RUN}.instructions", note="no document says that white space is kept"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
)
def instructions_keep_their_white_space(run: RunTimeline) -> Iterator[Result]:
    """A run shows the instructions given in its request with the white space at their beginning and end.

    Clients that find the run of a request by its instructions would not find it.

    Fix: Store `instructions` unchanged.
    """
    requested, first = run.creation_body.get("instructions"), settings_at_creation(run)
    if not isinstance(requested, str) or first is None or requested == requested.strip():
        return
    actual = first.get("instructions")
    if shows_instructions(_strip(actual), requested.strip(), run.creation_body):
        holds = isinstance(actual, str) and requested in actual
        yield first.check(holds, "the instructions lost white space", "/instructions", requested, actual)


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.instructions: overrides", note="no document says that an empty text overrides nothing"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
)
def empty_instructions_replace_the_assistants(run: RunTimeline) -> Iterator[Result]:
    """A run whose request has empty instructions does not show those of its assistant.

    Callers who want the assistant's instructions leave the member out.

    Fix: Inherit the assistant's instructions only if the request has none or null, not for every falsy value.
    """
    first, assistant = settings_at_creation(run), assistant_at_creation(run)
    if run.creation_body.get("instructions") != "" or first is None or assistant is None:
        return
    actual, replaced = first.get("instructions"), assistant.get("instructions")
    if actual is not ABSENT and isinstance(replaced, str) and replaced.strip():
        is_shown = isinstance(actual, str) and replaced.strip() in actual
        yield first.check(
            not is_shown,
            "the run shows its assistant's instructions instead of empty ones",
            "/instructions",
            "",
            actual,
        )


def shows_instructions(actual: JSON | Absent, base: str, request: dict[str, JSON]) -> bool:
    """Whether these are the base instructions, or contain them if the request has additional ones."""
    has_additional = not is_blank(request.get("additional_instructions"))
    return actual == base or (has_additional and isinstance(actual, str) and base in actual)


def describe_replacement(actual: JSON | Absent, request: dict[str, JSON]) -> str:
    """The defect of instructions that consist of the additional ones of a request alone; empty if they do not."""
    additional = request.get("additional_instructions")
    is_replaced = isinstance(additional, str) and additional.strip() and _strip(actual) == additional.strip()
    return "`additional_instructions` replaces the other instructions" if is_replaced else ""


def _strip(value: JSON | Absent) -> JSON | Absent:
    return value.strip() if isinstance(value, str) else value


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.additional_instructions: appended at the end of the instructions"),
    capability="core",
    clauses=("additional-messages-are-added-first", "additional-instructions-visibility"),
)
def additional_instructions_come_last(run: RunTimeline) -> Iterator[Result]:
    """Additional instructions that a run shows come after all other instructions.

    Additional instructions refine the others. No source says whether a run shows them at all. A pass needs a run that
    shows them after other instructions, or alone if there are no others: not after a word such as `null`.

    Fix: Append `additional_instructions` to the end of the instructions, or use them alone if there are no others.
    """
    first, additional = settings_at_creation(run), run.creation_body.get("additional_instructions")
    actual = first.get("instructions") if first is not None else ABSENT
    if (
        first is not None
        and isinstance(actual, str)
        and isinstance(additional, str)
        and additional.strip()
        and additional in actual
    ):
        if actual.strip() == additional.strip() and _has_other_instructions(run):
            return
        if _lacks_instructions(run) and (word := _word_before(actual, additional)) in _WORDS_FOR_NOTHING:
            message = f"the additional instructions come after the word {word!r}, although there are no others"
            yield first.finding(message, "/instructions", additional, actual)
            return
        is_last = actual.rstrip().endswith(additional.rstrip())
        yield first.check(
            is_last, "the additional instructions are not at the end", "/instructions", additional, actual
        )


_WORDS_FOR_NOTHING = frozenset({"null", "None", "nil", "undefined", "NaN", "<nil>", "<null>"})
"""Texts to which programming languages convert a value that is not there."""


def _word_before(actual: str, additional: str) -> str:
    """The text before the additional instructions, without quotes and white space."""
    return actual.partition(additional.strip())[0].strip(" \t\r\n\"'")


def _lacks_instructions(run: RunTimeline) -> bool:
    """Whether certainly neither the request of a run nor its assistant has instructions."""
    assistant = assistant_at_creation(run)
    inherited = assistant.get("instructions") if assistant is not None else ABSENT
    return is_blank(run.creation_body.get("instructions")) and inherited is not ABSENT and is_blank(inherited)


def _has_other_instructions(run: RunTimeline) -> bool:
    """Whether the request of a run or, without instructions in it, the assistant has instructions."""
    requested, assistant = run.creation_body.get("instructions"), assistant_at_creation(run)
    base = requested if requested is not None else assistant.get("instructions") if assistant is not None else None
    return isinstance(base, str) and not is_blank(base.strip())
