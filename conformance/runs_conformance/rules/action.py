"""What a run requires of its caller: tool calls that wait for their outputs."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.contract.lifecycle import STATUSES
from runs_conformance.evidence.observation import Sighting
from runs_conformance.evidence.run_action import resumed_between
from runs_conformance.evidence.timeline import RunLine, credible_runs, runs
from runs_conformance.evidence.tool_call import calls_of, names_of_functions
from runs_conformance.model.json import ABSENT, is_object, same
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import Result

_RUN = schema("openai-openapi f85dbe2 openapi.yaml RunObject.required_action")
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/tool-function-calling.txt")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_CALLS = "/required_action/submit_tool_outputs/tool_calls"


@rule(over=credible_runs, level=Level.MUST, source=_RUN, capability="tools", items=("L-05",))
def is_given_while_required(run: Sighting) -> Iterator[Result]:
    """A run in `requires_action` says which tool outputs it waits for.

    Without `required_action.submit_tool_outputs.tool_calls` a client cannot answer, and the run can only expire.
    """
    if run.status == "requires_action":
        value = run.get("required_action")
        yield run.check(
            is_object(value) and calls_of(run) is not None,
            "the run requires action, and does not say which",
            "/required_action",
            "submit_tool_outputs.tool_calls",
            value,
        )


@rule(over=credible_runs, level=Level.MUST, source=_RUN, capability="core", items=("L-05",))
def is_null_otherwise(run: Sighting) -> Iterator[Result]:
    """A run in any other status than `requires_action` requires none: `required_action` is null.

    Clients look at this member to see whether they have to call tools. Clear it in the step that takes the outputs.
    """
    value = run.get("required_action")
    if run.status in STATUSES and run.status != "requires_action" and value is not ABSENT:
        yield run.check(value is None, f"a {run.status!r} run requires action", "/required_action", None, value)


@rule(over=credible_runs, level=Level.SHOULD, source=_GUIDE, capability="tools", items=("L-06",))
def calls_are_distinct(run: Sighting) -> Iterator[Result]:
    """A run that requires action makes at least one call, and no two of its calls share an id.

    Outputs are matched to calls by id alone.
    """
    calls = calls_of(run)
    if run.status == "requires_action" and calls is not None:
        ids = [each.id for each in calls]
        yield run.check(bool(ids), "the run requires action, but makes no call", _CALLS, "at least one", ids)
        yield run.check(len(set(ids)) == len(ids), "two calls share an id", _CALLS, "distinct ids", ids)


@rule(over=runs, level=Level.SHOULD, source=_SEEN, capability="tools", items=("L-05", "L-39"))
def stays_until_outputs_come(run: RunLine) -> Iterator[Result]:
    """While a run waits for the same outputs, it shows the same calls wherever it is seen.

    A client may read the calls in one answer and check them in another.
    """
    for earlier, later in run.pairs():
        if {earlier.status, later.status} == {"requires_action"} and not resumed_between(run, earlier, later):
            was, now = earlier.get(_CALLS), later.get(_CALLS)
            if was is not ABSENT and now is not ABSENT:
                yield later.check(same(was, now), "the calls have changed while the run waits", _CALLS, was, now)


@rule(over=credible_runs, level=Level.SHOULD, source=_GUIDE, capability="tools", items=("L-05",))
def calls_name_functions_of_the_run(run: Sighting) -> Iterator[Result]:
    """A run calls functions that are among its tools.

    What is called must be something the caller offered; else there is nobody to answer.
    """
    known = names_of_functions(run.get("tools"))
    for place, each in enumerate(calls_of(run) or ()):
        if run.status == "requires_action" and known is not None:
            yield run.check(
                each.name in known,
                f"the run calls {each.name!r}, which is not among its tools",
                f"{_CALLS}/{place}/function/name",
                sorted(known),
                each.name,
            )
