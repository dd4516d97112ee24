"""What a run works with: taken from its request, else from its assistant, else by default; and then fixed."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.evidence.likeness import covers, is_nothing
from runs_conformance.evidence.origin import assistant_then, first_shown
from runs_conformance.evidence.run_action import resumed_between
from runs_conformance.evidence.timeline import RunLine, runs
from runs_conformance.model.json import ABSENT, JSON, Absent, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result

_REQUEST, _RUN = "openai-openapi f85dbe2 openapi.yaml CreateRunRequest", "openai-openapi f85dbe2 openapi.yaml RunObject"
_SEEN = observed(
    "recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31, ruby-openai 2024-04"
)


def _as_asked(run: RunLine, name: str) -> Iterator[Result]:
    asked, first = run.asked.get(name), first_shown(run)
    if asked is not None and first is not None and first.get(name) is not ABSENT:
        shown = first.get(name)
        yield first.check(covers(shown, asked), f"{name} is not what was asked for", f"/{name}", asked, shown)


@rule(over=runs, level=Level.SHOULD, source=schema(f"{_REQUEST}.model"), capability="core", items=("L-78",))
def model_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the model that its request named in place of the assistant's.

    Callers override the model for its price or its abilities, and check here that they got it.
    """
    yield from _as_asked(run, "model")


@rule(
    over=runs, level=Level.SHOULD, source=schema(f"{_REQUEST}.instructions"), capability="core", items=("L-78", "L-79")
)
def instructions_are_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the instructions that its request gave in place of the assistant's.

    Whether additional instructions are shown behind them is not stated, so both pass.
    """
    asked, first = run.asked.get("instructions"), first_shown(run)
    if isinstance(asked, str) and asked and first is not None and first.get("instructions") is not ABSENT:
        shown = first.get("instructions")
        yield first.check(
            _shows_instructions(shown, asked, run.asked),
            "the instructions are not those that were asked for",
            "/instructions",
            asked,
            shown,
        )


def _shows_instructions(shown: JSON | Absent, base: str, asked: dict[str, JSON]) -> bool:
    added = not is_nothing(asked.get("additional_instructions"))
    return shown == base or (added and isinstance(shown, str) and base in shown)


@rule(
    over=runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.additional_instructions: appended at the end of the instructions"),
    capability="core",
    items=("L-77", "L-79"),
)
def additional_instructions_come_last(run: RunLine) -> Iterator[Result]:
    """Where a run shows its additional instructions, they stand at the end, behind all others.

    They refine what comes before them. Whether a run shows them at all is not stated.
    """
    first, more = first_shown(run), run.asked.get("additional_instructions")
    shown = first.get("instructions") if first is not None else ABSENT
    if first is not None and isinstance(shown, str) and isinstance(more, str) and more.strip() and more in shown:
        last = shown.rstrip().endswith(more.rstrip())
        yield first.check(last, "the additional instructions are not at the end", "/instructions", more, shown)


@rule(over=runs, level=Level.SHOULD, source=schema(f"{_REQUEST}.tools"), capability="tools", items=("L-78",))
def tools_are_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the tools that its request gave in place of the assistant's, in their order.

    An empty list overrides, too. The target may fill in what was left out: `strict`, `parameters`, ranking options.
    """
    yield from _as_asked(run, "tools")


@rule(
    over=runs,
    level=Level.MUST,
    source=schema(f"{_RUN}.temperature: used for this run"),
    capability="core",
    items=("L-78",),
)
def temperature_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the temperature that its request gave; zero is a temperature, too.

    The document says that it is the temperature used for this run. Test for absence, not for falsehood.
    """
    yield from _as_asked(run, "temperature")


@rule(
    over=runs, level=Level.MUST, source=schema(f"{_RUN}.top_p: used for this run"), capability="core", items=("L-78",)
)
def top_p_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the `top_p` that its request gave.

    The document says that it is the value used for this run. Zero is a value, too.
    """
    yield from _as_asked(run, "top_p")


@rule(over=runs, level=Level.SHOULD, source=schema(f"{_RUN}.max_prompt_tokens"), capability="core", items=("L-83",))
def max_prompt_tokens_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the limit of prompt tokens that its request gave.

    Callers bound with it what a run costs. A limit that is not shown was probably not kept.
    """
    yield from _as_asked(run, "max_prompt_tokens")


@rule(over=runs, level=Level.SHOULD, source=schema(f"{_RUN}.max_completion_tokens"), capability="core", items=("L-83",))
def max_completion_tokens_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the limit of completion tokens that its request gave.

    Callers bound with it what a run costs. A limit that is not shown was probably not kept.
    """
    yield from _as_asked(run, "max_completion_tokens")


@rule(over=runs, level=Level.MUST, source=schema(f"{_RUN}.truncation_strategy"), capability="core", items=("L-78",))
def truncation_strategy_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the truncation strategy that its request gave.

    It decides what the model reads of the thread. `last_messages` comes back with its number.
    """
    yield from _as_asked(run, "truncation_strategy")


@rule(over=runs, level=Level.MUST, source=schema(f"{_RUN}.tool_choice"), capability="tools", items=("L-78",))
def tool_choice_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the tool choice that its request gave: a word, or the tool that it names.

    Callers force or forbid tools with it. Store the object that names a tool as it is.
    """
    yield from _as_asked(run, "tool_choice")


@rule(over=runs, level=Level.MUST, source=schema(f"{_RUN}.parallel_tool_calls"), capability="tools", items=("L-78",))
def parallel_tool_calls_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows whether its request allowed calls in parallel.

    False is easily lost to a default. Test for absence, not for falsehood.
    """
    yield from _as_asked(run, "parallel_tool_calls")


@rule(over=runs, level=Level.MUST, source=schema(f"{_RUN}.response_format"), capability="core", items=("L-78",))
def response_format_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run shows the response format that its request gave.

    `auto` is the default and may be shown as what it stands for, so it is not judged.
    """
    if run.asked.get("response_format") != "auto":
        yield from _as_asked(run, "response_format")


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-78",))
def reasoning_effort_is_as_asked(run: RunLine) -> Iterator[Result]:
    """A run that shows a reasoning effort shows the one that its request gave.

    The member is not documented on runs; the real service sent it from 2025 on.
    """
    yield from _as_asked(run, "reasoning_effort")


_INHERITED = ("model", "tools", "temperature", "top_p", "response_format")


@rule(
    over=runs,
    level=Level.SHOULD,
    source=schema(f"{_REQUEST}.model, instructions, tools"),
    capability="core",
    items=("L-78",),
)
def what_is_not_asked_comes_from_the_assistant(run: RunLine) -> Iterator[Result]:
    """What its request does not say, or says as null, a run takes from its assistant as it was at that moment.

    That is: model, instructions, tools, temperature, `top_p` and response format.
    """
    first, assistant = first_shown(run), assistant_then(run)
    if first is None or assistant is None:
        return
    for name in _INHERITED:
        shown, given = first.get(name), assistant.get(name)
        if run.asked.get(name) is None and shown is not ABSENT and given is not ABSENT and given is not None:
            untold = shown is None and given == 1
            yield first.check(
                untold or covers(shown, given), f"{name} is not the assistant's", f"/{name}", given, shown
            )
    shown, given = first.get("instructions"), assistant.get("instructions")
    if run.asked.get("instructions") is None and shown is not ABSENT and isinstance(given, str) and given:
        holds = _shows_instructions(shown, given, run.asked)
        yield first.check(holds, "the instructions are not the assistant's", "/instructions", given, shown)


_DEFAULTS: dict[str, JSON] = {
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "max_prompt_tokens": None,
    "max_completion_tokens": None,
}


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="core", items=("L-82", "L-83"))
def defaults_are_shown(run: RunLine) -> Iterator[Result]:
    """What neither its request nor its assistant says, a run shows as the default.

    Tool choice and truncation strategy `auto`, parallel tool calls, no token limits, a temperature and a `top_p` of 1.
    """
    first = first_shown(run)
    if first is None:
        return
    for name, default in _DEFAULTS.items():
        shown = first.get(name)
        if run.asked.get(name) is None and shown is not ABSENT:
            yield first.check(same(shown, default), f"{name} is not the default", f"/{name}", default, shown)
    truncation = first.get("/truncation_strategy/type")
    if run.asked.get("truncation_strategy") is None and first.get("truncation_strategy") is not ABSENT:
        yield first.check(
            truncation == "auto", "truncation is not auto", "/truncation_strategy/type", "auto", truncation
        )
    assistant = assistant_then(run)
    for name in ("temperature", "top_p"):
        shown = first.get(name)
        unsaid = assistant is not None and assistant.get(name) in (ABSENT, None)
        if run.asked.get(name) is None and unsaid and shown is not ABSENT:
            yield first.check(shown is None or shown == 1, f"{name} is not the default", f"/{name}", 1, shown)


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
    over=runs,
    level=Level.MUST,
    source=schema(f"{_RUN}; ModifyRunRequest allows metadata only"),
    capability="core",
    items=("L-43",),
)
def never_change(run: RunLine) -> Iterator[Result]:
    """What a run works with is the same wherever and whenever the run is seen: nothing but metadata can be modified.

    Seen in create, get, list, modify, cancel, submit and in events alike. Keep a copy of the assistant's settings in
    the run; a look that reads them from the assistant shows what the run never used once the assistant is modified.
    """
    first = run.sightings[0]
    for seen in run.sightings[1:]:
        for name in _FIXED:
            was, now = first.get(name), seen.get(name)
            if was is ABSENT or now is ABSENT or (name == "tool_choice" and resumed_between(run, first, seen)):
                continue
            unsaid = name == "instructions" and is_nothing(was) and is_nothing(now)
            yield seen.check(unsaid or same(was, now), f"{name} has changed", f"/{name}", was, now)
