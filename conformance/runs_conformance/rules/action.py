"""The required action of a run: tool calls that wait for their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.contract.lifecycle import STATUSES
from runs_conformance.evidence.accepted_invalid import valid_run_observations
from runs_conformance.evidence.observation import Observation, assistant_observations
from runs_conformance.evidence.run_action import may_be_resumed_between
from runs_conformance.evidence.run_timeline import RunTimeline, find_run, runs
from runs_conformance.evidence.tool_call import asks_for_approval, function_names, pending_calls
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Result, Suspicion

_RUN = schema("openai-openapi f85dbe2 openapi.yaml RunObject.required_action")
_GUIDE = prose("openai-cookbook d2bb606 examples/data/oai_docs/tool-function-calling.txt")
_SEEN = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")
_CALLS = "/required_action/submit_tool_outputs/tool_calls"


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_RUN,
    capability="tools",
    clauses=("required-action-iff-requires-action",),
)
def is_given_while_required(run: Observation) -> Iterator[Result]:
    """A run in `requires_action` lists the tool calls whose outputs it waits for.

    Without `required_action.submit_tool_outputs.tool_calls` a client cannot submit outputs, so the run can only expire.
    On Azure, MCP calls that wait for an approval are in `submit_tool_approval`.

    Fix: Set `required_action` together with the status.
    """
    if run.status == "requires_action":
        value = run.get("required_action")
        yield run.check(
            is_object(value) and (pending_calls(run) is not None or asks_for_approval(run)),
            "the run requires action but lists no tool calls",
            "/required_action",
            "submit_tool_outputs.tool_calls",
            value,
        )


@rule(
    units=valid_run_observations,
    level=Level.MUST,
    source=_RUN,
    capability="core",
    clauses=("required-action-iff-requires-action",),
)
def is_null_otherwise(run: Observation) -> Iterator[Result]:
    """A run in any status other than `requires_action` has `required_action` null.

    Clients use this member to decide whether to call tools.

    Fix: Show `required_action` only with the status `requires_action`, and clear it in every transition to another.
    """
    value = run.get("required_action")
    if run.status not in STATUSES and is_object(value):
        yield Suspicion(f"a run in the unknown status {excerpt(run.status, 40)!r} has a required action")
    elif run.status in STATUSES and run.status != "requires_action" and value is not ABSENT:
        yield run.check(
            value is None, f"the run is {run.status!r} but has a required action", "/required_action", None, value
        )


@rule(
    units=valid_run_observations,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="tools",
    clauses=("tool-call-ids-unique-within-run",),
)
def calls_are_distinct(run: Observation) -> Iterator[Result]:
    """A run in `requires_action` has at least one call, and the ids of its calls are distinct.

    Outputs are matched to calls by id alone.

    Fix: Generate a unique id for every tool call.
    """
    calls = pending_calls(run)
    if run.status == "requires_action" and calls is not None:
        ids = [call.id for call in calls]
        yield run.check(bool(ids), "the run requires action but makes no call", _CALLS, "at least one", ids)
        yield run.check(len(set(ids)) == len(ids), "two calls have the same id", _CALLS, "distinct ids", ids)


@rule(
    units=runs,
    level=Level.SHOULD,
    source=_SEEN,
    capability="tools",
    clauses=("required-action-iff-requires-action", "refused-outputs-change-nothing"),
    needs_complete_history=True,
)
def stays_until_outputs_come(run: RunTimeline) -> Iterator[Result]:
    """A run that waits for the same outputs shows the same calls in every response.

    Clients may read the calls in one response and verify them in another.

    Fix: Store the calls once instead of rebuilding them for each response.
    """
    for earlier, later in run.up_to_date.pairs():
        if {earlier.status, later.status} == {"requires_action"} and not may_be_resumed_between(run, earlier, later):
            before, after = earlier.get(_CALLS), later.get(_CALLS)
            if before is not ABSENT and after is not ABSENT:
                yield later.check(
                    json_equal(before, after), "the calls changed while the run was waiting", _CALLS, before, after
                )


def _runs_with_requested_functions(history: History) -> Iterator[tuple[Observation, frozenset[str]]]:
    """Every valid observation of a run, with the functions that the request gave it, or else its assistant."""
    for observation in valid_run_observations(history):
        run = find_run(history, observation.id)
        body = run.creation_body if run is not None else {}
        given = [body["tools"]] if is_array(body.get("tools")) else _tools_of_assistant(history, body)
        yield observation, frozenset(name for tools in given for name in function_names(tools) or ())


def _tools_of_assistant(history: History, body: Mapping[str, JSON]) -> list[JSON | Absent]:
    id_ = body.get("assistant_id")
    return [each.get("tools") for each in assistant_observations(history) if each.id and each.id == id_]


@rule(
    units=_runs_with_requested_functions,
    level=Level.SHOULD,
    source=_GUIDE,
    capability="tools",
    clauses=("required-action-iff-requires-action",),
)
def calls_name_functions_of_the_run(unit: tuple[Observation, frozenset[str]]) -> Iterator[Result]:
    """A run calls only functions that are among its tools.

    The caller implements only the functions that it offered, so nothing can provide the output of any other call.

    Fix: Refuse calls of unknown functions by the model before they reach the run.
    """
    run, requested = unit
    known = function_names(run.get("tools"))
    for index, call in enumerate(pending_calls(run) or ()):
        if run.status == "requires_action" and known is not None and call.name in requested - known:
            yield Suspicion("the run calls a function that it was given, but does not show among its tools")
        elif run.status == "requires_action" and known is not None:
            yield run.check(
                call.name in known,
                f"the run calls {call.name!r}, which is not among its tools",
                f"{_CALLS}/{index}/function/name",
                sorted(known),
                call.name,
            )
