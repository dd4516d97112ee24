"""Settings given in the request of a run: the run shows them."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.accepted_invalid import valid_runs
from runs_conformance.evidence.modification import assistant_at_creation, settings_at_creation
from runs_conformance.evidence.number import has_fewer_digits
from runs_conformance.evidence.refusal_reason import member_named_instead
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.run_timeline import RunTimeline
from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.evidence.tool_choice import runs_by_tool_choice
from runs_conformance.model.case import REFUSES_BODY
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, contains, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import PASSED, Result, Suspicion, with_part

_REQUEST, _RUN = "openai-openapi f85dbe2 openapi.yaml CreateRunRequest", "openai-openapi f85dbe2 openapi.yaml RunObject"
_RECORDED = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)


def _part_of(operation: str | None) -> str:
    return f"a run of {operation}"


_PARTS_OF_CREATORS = tuple((_part_of(operation), operation) for operation in ("create_run", "create_thread_and_run"))
"""A run of each operation that creates one: a server may read the settings of each by code of its own."""


def check_as_requested(run: RunTimeline, name: str) -> Iterator[Result]:
    """Check that a new run shows a setting as its request gave it, but for members that the target filled in.

    A pass names the operation that created the run.
    """
    requested, first = run.creation_body.get(name), settings_at_creation(run)
    if requested is not None and first is not None and first.get(name) is not ABSENT:
        actual = first.get(name)
        holds = contains(actual, requested) or has_fewer_digits(actual, requested)
        result = first.check(holds, f"the run's `{name}` differs from the request", f"/{name}", requested, actual)
        yield with_part(result, _part_of(first.exchange.operation))


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.model", note="a gateway may show the name that it resolved an alias to"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def model_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the model given in its request instead of the assistant's.

    Callers override the model for its price or abilities, and check here that the override took effect.

    Fix: Let `model` in the request override the assistant's.
    """
    yield from check_as_requested(run, "model")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_REQUEST}.model: it will override the model associated with the assistant"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def other_model_replaces_the_assistants(run: RunTimeline) -> Iterator[Result]:
    """A run whose request names another model does not show the assistant's model.

    Applies if the server showed the assistant's model verbatim as it was requested. If it is a dated name of the
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
        result = first.check(shown != own, "the run shows the assistant's model", "/model", requested, shown)
        yield with_part(result, _part_of(first.exchange.operation))


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.tools: the list of tools that the assistant used for this run"),
    capability="tools",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def tools_are_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the tools given in its request instead of the assistant's, in the same order.

    An empty list also overrides. The server may fill in omitted members: `strict`, `parameters`, ranking options.

    Fix: Replace the assistant's tools whenever `tools` is given, even if the list is empty.
    """
    yield from check_as_requested(run, "tools")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.temperature: used for this run"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def temperature_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the temperature given in its request, including 0.

    The OpenAPI document says that it is the temperature used for this run.

    Fix: Test whether `temperature` is absent or null, not whether it is falsy.
    """
    yield from check_as_requested(run, "temperature")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.top_p: used for this run"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def top_p_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `top_p` given in its request, including 0.

    The OpenAPI document says that it is the value used for this run.

    Fix: Test whether `top_p` is absent or null, not whether it is falsy.
    """
    yield from check_as_requested(run, "top_p")


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=schema(f"{_RUN}.temperature, top_p: numbers"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
)
def numbers_keep_their_digits(run: RunTimeline) -> Iterator[Result]:
    """A run shows the temperature and `top_p` of its request with all their digits.

    A number that is rounded when it is stored differs from the one that the caller compares it with.

    Fix: Store `temperature` and `top_p` as double-precision numbers.
    """
    for name in ("temperature", "top_p"):
        requested = run.creation_body.get(name)
        for observation in run.observations if isinstance(requested, float) and settings_at_creation(run) else ():
            actual = observation.get(name)
            if has_fewer_digits(actual, requested):
                yield observation.finding(
                    f"the run's `{name}` is shown with fewer digits", f"/{name}", requested, actual
                )
            elif actual == requested:
                yield PASSED


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.max_prompt_tokens: the maximum number of tokens specified",
        note="echoed in 15 of 15 recorded runs that gave one",
    ),
    capability="core",
    clauses=("token-limits-are-echoed",),
    needs_parts=_PARTS_OF_CREATORS,
)
def max_prompt_tokens_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `max_prompt_tokens` given in its request.

    Callers limit the cost of a run with it, and a limit that is not shown was probably not applied.

    Fix: Store `max_prompt_tokens` with the run and return it.
    """
    yield from check_as_requested(run, "max_prompt_tokens")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(
        f"{_RUN}.max_completion_tokens: the maximum number of tokens specified",
        note="echoed in 15 of 15 recorded runs that gave one",
    ),
    capability="core",
    clauses=("token-limits-are-echoed",),
    needs_parts=_PARTS_OF_CREATORS,
)
def max_completion_tokens_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `max_completion_tokens` given in its request.

    Callers limit the cost of a run with it, and a limit that is not shown was probably not applied.

    Fix: Store `max_completion_tokens` with the run and return it.
    """
    yield from check_as_requested(run, "max_completion_tokens")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.truncation_strategy"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def truncation_strategy_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the truncation strategy given in its request, including the number of `last_messages`.

    It determines which messages of the thread the model reads.

    Fix: Store `truncation_strategy` with the run as it was sent.
    """
    yield from check_as_requested(run, "truncation_strategy")


def _tool_choices(history: History) -> Iterator[RunTimeline | Exchange]:
    """The runs, and a valid request that names a function if none with a choice in that form was accepted."""
    yield from valid_runs(history)
    choices = [choice for choice in runs_by_tool_choice(history) if is_object(choice.value)]
    refused = (each for choice in choices if choice.function is not None for each in choice.refused)
    unexplained = [each for each in refused if must_be_accepted(each) and _may_refuse_form(each)]
    if unexplained and not any(choice.runs for choice in choices):
        yield unexplained[-1]


def _may_refuse_form(exchange: Exchange) -> bool:
    if member_named_instead(exchange, "/tool_choice") is not None:
        return False
    return exchange.status in REFUSES_BODY.statuses or is_server_error(exchange)


@rule(
    units=_tool_choices,
    level=Level.MUST,
    source=schema(f"{_RUN}.tool_choice"),
    capability="tools",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def tool_choice_is_as_asked(unit: RunTimeline | Exchange) -> Iterator[Result]:
    """A run shows the tool choice given in its request, as a word or as an object that names a tool.

    Callers force or forbid tools with it. Where no object is accepted, words alone are not enough for a pass.

    Fix: Store `tool_choice` with the run as it was sent, including the object form.
    """
    if isinstance(unit, Exchange):
        yield Suspicion(f"a tool choice that is an object got HTTP {unit.status}, and none was accepted")
    else:
        yield from check_as_requested(unit, "tool_choice")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.parallel_tool_calls"),
    capability="tools",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def parallel_tool_calls_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the `parallel_tool_calls` given in its request.

    A default easily overwrites false, and the run then makes calls that the caller wanted one at a time.

    Fix: Test whether `parallel_tool_calls` is absent, not whether it is falsy.
    """
    yield from check_as_requested(run, "parallel_tool_calls")


@rule(
    units=valid_runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.response_format"),
    capability="core",
    clauses=("overrides-or-assistant-settings",),
    needs_parts=_PARTS_OF_CREATORS,
)
def response_format_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run shows the response format given in its request.

    Callers parse the answer by it. `auto` is the default and may be shown as what it stands for, so it is not judged.

    Fix: Store `response_format` with the run as it was sent.
    """
    if run.creation_body.get("response_format") != "auto":
        yield from check_as_requested(run, "response_format")


@rule(
    units=valid_runs,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="core",
    clauses=("overrides-or-assistant-settings",),
)
def reasoning_effort_is_as_asked(run: RunTimeline) -> Iterator[Result]:
    """A run that shows a reasoning effort shows the one given in its request.

    A caller checks here whether the override took effect. The document does not list this member on runs; the real
    service sent it from 2025 on.

    Fix: Return the requested value, or omit the member.
    """
    yield from check_as_requested(run, "reasoning_effort")
