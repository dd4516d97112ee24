"""Settings of a run: taken from its request, its assistant or the defaults, and fixed from then on."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.illegal_values import legal_runs
from runs_conformance.evidence.modification import assistant_at_creation, settings_at_creation
from runs_conformance.evidence.number import has_fewer_digits
from runs_conformance.evidence.run_action import may_be_resumed_between
from runs_conformance.evidence.timeline import RunTimeline
from runs_conformance.model.json import (
    ABSENT,
    JSON,
    Absent,
    contains,
    equal_but_for_nulls,
    is_blank,
    is_object,
    json_equal,
)
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Result

_REQUEST, _RUN = "openai-openapi f85dbe2 openapi.yaml CreateRunRequest", "openai-openapi f85dbe2 openapi.yaml RunObject"
_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)


def _check_as_requested(run: RunTimeline, name: str) -> Iterator[Result]:
    requested, first = run.creation_body.get(name), settings_at_creation(run)
    if requested is not None and first is not None and first.get(name) is not ABSENT:
        actual = first.get(name)
        holds = contains(actual, requested) or has_fewer_digits(actual, requested)
        yield first.check(holds, f"{name} differs from the request", f"/{name}", requested, actual)


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.model", note="a gateway may show the name that it resolved an alias to"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def model_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the model given in its request instead of the assistant's.

    Callers override the model for its price or abilities, and check here that the override took effect.

    Fix: Let `model` in the request override the assistant's.
    """
    yield from _check_as_requested(run, "model")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_REQUEST}.model: it will override the model associated with the assistant"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def other_model_replaces_the_assistants(run: RunTimeline) -> Iterator[Result]:
    """A run whose request names another model does not show the assistant's model.

    Applies if the target showed the assistant's model verbatim as it was requested. If it is a dated name of the
    requested model, nothing is judged.

    Fix: Let `model` in the request override the assistant's.
    """
    requested, first, assistant = run.creation_body.get("model"), settings_at_creation(run), assistant_at_creation(run)
    if first is None or assistant is None or not isinstance(requested, str) or not requested:
        return
    own, body = assistant.text("model"), assistant.exchange.request.body
    is_verbatim = is_object(body) and body.get("model") == own
    if is_verbatim and own != requested and not own.startswith(requested) and first.text("model"):
        shown = first.text("model")
        yield first.check(shown != own, "the run shows the assistant's model", "/model", requested, shown)


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.instructions: the instructions that the assistant used for this run"),
    capability="core",
    requirements=("overrides-or-assistant-settings", "additional-instructions-visibility"),
)
def instructions_are_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the instructions given in its request instead of the assistant's.

    They determine how the model answers. No source says whether additional instructions are shown after them, so both
    pass. White space at both ends is judged by another rule.

    Fix: Let `instructions` in the request replace the assistant's.
    """
    requested, first = run.creation_body.get("instructions"), settings_at_creation(run)
    if isinstance(requested, str) and requested and first is not None and first.get("instructions") is not ABSENT:
        actual = first.get("instructions")
        yield first.check(
            _shows_instructions(_stripped(actual), requested.strip(), run.creation_body),
            "the instructions differ from the request",
            "/instructions",
            requested,
            actual,
        )


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=schema(f"{_RUN}.instructions", note="no document says that white space is kept"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def instructions_keep_their_white_space(run: RunTimeline) -> Iterator[Result]:
    """A run shows the instructions given in its request with the white space at their beginning and end.

    Clients that compare the two would take a run for one of another request.

    Fix: Store `instructions` unchanged.
    """
    requested, first = run.creation_body.get("instructions"), settings_at_creation(run)
    if not isinstance(requested, str) or first is None or requested == requested.strip():
        return
    actual = first.get("instructions")
    if _shows_instructions(_stripped(actual), requested.strip(), run.creation_body):
        holds = isinstance(actual, str) and requested in actual
        yield first.check(holds, "the instructions lost white space", "/instructions", requested, actual)


def _shows_instructions(actual: JSON | Absent, base: str, request: dict[str, JSON]) -> bool:
    has_additional = not is_blank(request.get("additional_instructions"))
    return actual == base or (has_additional and isinstance(actual, str) and base in actual)


def _stripped(value: JSON | Absent) -> JSON | Absent:
    return value.strip() if isinstance(value, str) else value


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.additional_instructions: appended at the end of the instructions"),
    capability="core",
    requirements=("additional-messages-are-added-first", "additional-instructions-visibility"),
)
def additional_instructions_come_last(run: RunTimeline) -> Iterator[Result]:
    """Additional instructions that a run shows come after all other instructions.

    They refine what comes before them. No source says whether a run shows them at all.

    Fix: Append `additional_instructions` to the end of the instructions.
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
        is_last = actual.rstrip().endswith(additional.rstrip())
        yield first.check(
            is_last, "the additional instructions are not at the end", "/instructions", additional, actual
        )


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.tools: the list of tools that the assistant used for this run"),
    capability="tools",
    requirements=("overrides-or-assistant-settings",),
)
def tools_are_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the tools given in its request instead of the assistant's, in the same order.

    An empty list also overrides. The target may fill in omitted members: `strict`, `parameters`, ranking options.

    Fix: Replace the assistant's tools whenever `tools` is given, even if the list is empty.
    """
    yield from _check_as_requested(run, "tools")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.temperature: used for this run"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def temperature_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the temperature given in its request, including 0.

    The document says that it is the temperature used for this run.

    Fix: Test whether `temperature` is absent or null, not whether it is falsy.
    """
    yield from _check_as_requested(run, "temperature")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.top_p: used for this run"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def top_p_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `top_p` given in its request, including 0.

    The document says that it is the value used for this run.

    Fix: Test whether `top_p` is absent or null, not whether it is falsy.
    """
    yield from _check_as_requested(run, "top_p")


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=schema(f"{_RUN}.temperature, top_p: numbers"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def numbers_keep_their_digits(run: RunTimeline) -> Iterator[Result]:
    """A run shows the temperature and `top_p` of its request with all their digits.

    A number that is rounded when it is stored differs from the one that the caller compares it with.

    Fix: Store both as double-precision numbers.
    """
    for name in ("temperature", "top_p"):
        requested = run.creation_body.get(name)
        for observation in run.observations if isinstance(requested, float) and settings_at_creation(run) else ():
            actual = observation.get(name)
            if has_fewer_digits(actual, requested):
                yield observation.finding(f"{name} is shown with fewer digits", f"/{name}", requested, actual)
            elif actual == requested:
                yield PASSED


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.max_prompt_tokens: the maximum number of tokens specified",
        note="echoed in 15 of 15 recorded runs that gave one",
    ),
    capability="core",
    requirements=("token-limits-are-echoed",),
)
def max_prompt_tokens_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `max_prompt_tokens` given in its request.

    Callers limit the cost of a run with it, and a limit that is not shown was probably not applied.

    Fix: Store `max_prompt_tokens` with the run and return it.
    """
    yield from _check_as_requested(run, "max_prompt_tokens")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.max_completion_tokens: the maximum number of tokens specified",
        note="echoed in 15 of 15 recorded runs that gave one",
    ),
    capability="core",
    requirements=("token-limits-are-echoed",),
)
def max_completion_tokens_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `max_completion_tokens` given in its request.

    Callers limit the cost of a run with it, and a limit that is not shown was probably not applied.

    Fix: Store `max_completion_tokens` with the run and return it.
    """
    yield from _check_as_requested(run, "max_completion_tokens")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.truncation_strategy"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def truncation_strategy_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the truncation strategy given in its request, including the number of `last_messages`.

    It determines which messages of the thread the model reads.

    Fix: Store `truncation_strategy` with the run as it was sent.
    """
    yield from _check_as_requested(run, "truncation_strategy")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.tool_choice"),
    capability="tools",
    requirements=("overrides-or-assistant-settings",),
)
def tool_choice_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the tool choice given in its request, as a word or as an object that names a tool.

    Callers force or forbid tools with it.

    Fix: Store `tool_choice` with the run as it was sent, including the object form.
    """
    yield from _check_as_requested(run, "tool_choice")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.parallel_tool_calls"),
    capability="tools",
    requirements=("overrides-or-assistant-settings",),
)
def parallel_tool_calls_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `parallel_tool_calls` given in its request.

    A default easily overwrites false, and the run then makes calls that the caller wanted one at a time.

    Fix: Test whether the member is absent, not whether it is falsy.
    """
    yield from _check_as_requested(run, "parallel_tool_calls")


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.response_format"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def response_format_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the response format given in its request.

    Callers parse the answer by it. `auto` is the default and may be shown as what it stands for, so it is not judged.

    Fix: Store `response_format` with the run as it was sent.
    """
    if run.creation_body.get("response_format") != "auto":
        yield from _check_as_requested(run, "response_format")


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def reasoning_effort_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run that shows a reasoning effort shows the one given in its request.

    The document does not list this member on runs; the real service sent it from 2025 on.

    Fix: Return the requested value, or omit the member.
    """
    yield from _check_as_requested(run, "reasoning_effort")


_INHERITED = ("model", "tools", "temperature", "top_p", "response_format")


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.model, instructions, tools"),
    capability="core",
    requirements=("overrides-or-assistant-settings",),
)
def what_is_not_asked_comes_from_the_assistant(run: RunTimeline) -> Iterator[Result]:
    """A setting that is omitted or null is inherited from the assistant as of the run's creation.

    Callers configure the assistant once and rely on it in every run. Applies to model, instructions, tools,
    temperature, `top_p` and response format.

    Fix: Copy the assistant's value into the run if the request gives none.
    """
    first, assistant = settings_at_creation(run), assistant_at_creation(run)
    if first is None or assistant is None:
        return
    for name in _INHERITED:
        actual, inherited = first.get(name), assistant.get(name)
        if (
            run.creation_body.get(name) is None
            and actual is not ABSENT
            and inherited is not ABSENT
            and inherited is not None
        ):
            is_unset_default = actual is None and inherited == 1
            yield first.check(
                is_unset_default or contains(actual, inherited),
                f"{name} differs from the assistant's",
                f"/{name}",
                inherited,
                actual,
            )
    actual, inherited = first.get("instructions"), assistant.get("instructions")
    if (
        run.creation_body.get("instructions") is None
        and actual is not ABSENT
        and isinstance(inherited, str)
        and inherited
    ):
        holds = _shows_instructions(actual, inherited, run.creation_body)
        yield first.check(holds, "the instructions differ from the assistant's", "/instructions", inherited, actual)


_DEFAULTS: dict[str, JSON] = {
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "max_prompt_tokens": None,
    "max_completion_tokens": None,
}


@rule(
    units=legal_runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    requirements=("defaults-are-echoed", "token-limits-are-echoed"),
)
def defaults_are_shown(run: RunTimeline) -> Iterator[Result]:
    """A setting that neither the request nor the assistant gives is shown with its default.

    Clients read from the run which settings are in effect. The defaults are `auto` for tool choice and truncation
    strategy, parallel tool calls, no token limits, and 1 for temperature and `top_p`.

    Fix: Fill in the defaults when the run is created.
    """
    first = settings_at_creation(run)
    if first is None:
        return
    for name, default in _DEFAULTS.items():
        actual = first.get(name)
        if run.creation_body.get(name) is None and actual is not ABSENT:
            yield first.check(json_equal(actual, default), f"{name} is not the default", f"/{name}", default, actual)
    truncation = first.get("/truncation_strategy/type")
    if run.creation_body.get("truncation_strategy") is None and first.get("truncation_strategy") is not ABSENT:
        yield first.check(
            truncation == "auto", "truncation is not auto", "/truncation_strategy/type", "auto", truncation
        )
    assistant = assistant_at_creation(run)
    for name in ("temperature", "top_p"):
        actual = first.get(name)
        is_unset = assistant is not None and assistant.get(name) in (ABSENT, None)
        if run.creation_body.get(name) is None and is_unset and actual is not ABSENT:
            yield first.check(actual is None or actual == 1, f"{name} is not the default", f"/{name}", 1, actual)


_FIXED = (
    "model",
    "instructions",
    "tools",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
)


@rule(
    units=legal_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}; ModifyRunRequest allows metadata only"),
    capability="core",
    requirements=("modify-run-changes-only-metadata",),
    occasions=10,
)
def never_change(run: RunTimeline) -> Iterator[Result]:
    """The settings of a run are the same in every answer that shows it; only metadata can be modified.

    Settings that are read from the assistant are wrong for the run once the assistant is modified. Compared across
    create, get, list, modify, cancel, submit and events.

    Fix: Copy the settings into the run when it is created, and return that copy everywhere.
    """
    first = run.observations[0]
    for observation in run.observations[1:]:
        for name in _FIXED:
            was, now = first.get(name), observation.get(name)
            if (
                was is ABSENT
                or now is ABSENT
                or (name == "tool_choice" and may_be_resumed_between(run, first, observation))
            ):
                continue
            both_blank = name == "instructions" and is_blank(was) and is_blank(now)
            is_rounded = has_fewer_digits(was, now) or has_fewer_digits(now, was)
            holds = both_blank or is_rounded or equal_but_for_nulls(was, now)
            yield observation.check(holds, f"{name} has changed", f"/{name}", was, now)
