"""Settings that the request of a run does not give, and settings after the creation of the run."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.accepted_invalid import valid_runs
from runs_conformance.evidence.member_form import check_constant, same_value
from runs_conformance.evidence.modification import assistant_at_creation, settings_at_creation
from runs_conformance.evidence.run_action import may_be_resumed_between
from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.model.json import ABSENT, JSON, contains, is_blank, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result
from runs_conformance.rules.settings.instructions import describe_replacement, shows_instructions

_REQUEST, _RUN = "openai-openapi f85dbe2 openapi.yaml CreateRunRequest", "openai-openapi f85dbe2 openapi.yaml RunObject"
_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)

_INHERITED = ("model", "tools", "temperature", "top_p", "response_format")


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.model, instructions, tools"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
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
                f"the run's `{name}` differs from the assistant's",
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
        holds = shows_instructions(actual, inherited, run.creation_body)
        replacement = describe_replacement(actual, run.creation_body)
        message = replacement or "the instructions differ from the assistant's"
        yield first.check(holds, message, "/instructions", inherited, actual)


_DEFAULTS: dict[str, JSON] = {
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "max_prompt_tokens": None,
    "max_completion_tokens": None,
}


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("defaults-are-echoed", "token-limits-are-echoed"),
)
def defaults_are_shown(run: RunTimeline) -> Iterator[Result]:
    """A setting that neither the request nor the assistant gives is shown with its default.

    Clients read from the run which settings are in effect. The defaults are `auto` for tool choice and truncation
    strategy, parallel tool calls, no token limits, and 1 for temperature and `top_p`.

    Fix: Fill in the defaults of omitted settings when the run is created.
    """
    first = settings_at_creation(run)
    if first is None:
        return
    for name, default in _DEFAULTS.items():
        actual = first.get(name)
        if run.creation_body.get(name) is None and actual is not ABSENT:
            yield first.check(
                json_equal(actual, default), f"the run's `{name}` is not the default", f"/{name}", default, actual
            )
    truncation = first.get("/truncation_strategy/type")
    if run.creation_body.get("truncation_strategy") is None and first.get("truncation_strategy") is not ABSENT:
        yield first.check(
            truncation == "auto",
            "the run's `truncation_strategy` is not the default",
            "/truncation_strategy/type",
            "auto",
            truncation,
        )
    assistant = assistant_at_creation(run)
    for name in ("temperature", "top_p"):
        actual = first.get(name)
        is_unset = assistant is not None and assistant.get(name) in (ABSENT, None)
        if run.creation_body.get(name) is None and is_unset and actual is not ABSENT:
            yield first.check(
                actual is None or actual == 1, f"the run's `{name}` is not the default", f"/{name}", 1, actual
            )


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
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}; ModifyRunRequest allows metadata only"),
    capability="core",
    clauses=("modify-run-changes-only-metadata",),
    occasions=10,
)
def never_change(run: RunTimeline) -> Iterator[Result]:
    """The settings of a run are the same in every response that shows it; only metadata can be modified.

    Settings that are read from the assistant are wrong for the run once the assistant is modified. Compared across
    create, get, list, modify, cancel, submit and events.

    Fix: Copy the settings into the run when it is created, and return that copy everywhere.
    """
    first = run.observations[0]
    before_outputs = [each for each in run.observations if not may_be_resumed_between(run, first, each)]
    for name in _FIXED:
        compared = before_outputs if name == "tool_choice" else run.observations
        are_equal = _are_equal_texts if name == "instructions" else same_value
        yield from check_constant(compared, name, f"`{name}` of the run changed", are_equal)


def _are_equal_texts(was: JSON, now: JSON) -> bool:
    return was == now or (is_blank(was) and is_blank(now))
