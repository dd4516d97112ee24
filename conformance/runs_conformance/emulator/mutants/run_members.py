"""Mutants of runs: members are missing or mistyped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import written_from_spec
from runs_conformance.emulator.patching import patch_object, patch_response, remove_members
from runs_conformance.emulator.state import Members, Run


@written_from_spec("run.usage.required")
def leaves_usage_out_until_it_is_known(hooks: Hooks) -> None:
    """A run without usage has no usage member."""
    patch_object(hooks, "run", lambda run, *_: run.pop("usage", None) if run.get("usage") is None else None)


@written_from_spec("run.required_action.required")
def leaves_required_action_out(hooks: Hooks) -> None:
    """A run without required_action has no required_action member."""
    patch_object(hooks, "run", lambda run, *_: run.pop("required_action") if run["required_action"] is None else None)


@written_from_spec(
    "run.completed_at.required",
    broad_reason="Every nullable member of a run is required, and each is null at some time.",
)
def leaves_nulls_out(hooks: Hooks) -> None:
    """Members of a run that are null are omitted, as some serializers do."""

    def skip(run: Members, *_: Any) -> None:
        for name in [name for name, value in run.items() if value is None]:
            del run[name]

    patch_object(hooks, "run", skip)


@written_from_spec("run.last_error.required")
def leaves_last_error_out(hooks: Hooks) -> None:
    """A run has no last_error member."""
    remove_members(hooks, "run", "last_error")


@written_from_spec("run.incomplete_details.required")
def leaves_incomplete_details_out(hooks: Hooks) -> None:
    """A run has no incomplete_details member."""
    remove_members(hooks, "run", "incomplete_details")


@written_from_spec("run.parallel_tool_calls.required")
def leaves_parallel_tool_calls_out(hooks: Hooks) -> None:
    """A run has no parallel_tool_calls member."""
    remove_members(hooks, "run", "parallel_tool_calls")


@written_from_spec("run.truncation_strategy.required")
def leaves_truncation_out(hooks: Hooks) -> None:
    """A run has no truncation_strategy member."""
    remove_members(hooks, "run", "truncation_strategy")


@written_from_spec("run.assistant_id.required")
def leaves_the_assistant_out_of_lists(hooks: Hooks) -> None:
    """Runs in lists have no assistant_id."""

    def change(request: RequestContext, response: Any) -> Any:
        for run in response["data"]:
            run.pop("assistant_id")
        return response

    patch_response(hooks, change, "list_runs")


@written_from_spec("run.metadata.required")
def leaves_metadata_out(hooks: Hooks) -> None:
    """A run without metadata has no metadata member."""
    patch_object(hooks, "run", lambda run, *_: run.pop("metadata") if not run["metadata"] else None)


@written_from_spec("run.object.const")
def calls_a_run_run(hooks: Hooks) -> None:
    """A run's object is "run"."""
    patch_object(hooks, "run", lambda run, *_: run.update(object="run"))


@written_from_spec("run.created_at.type", broad_reason="Every time in every object has the same violation.")
def writes_dates(hooks: Hooks) -> None:
    """Times are ISO 8601 strings."""
    hooks.timestamp = lambda at: datetime.fromtimestamp(int(at), UTC).isoformat()


@written_from_spec("run.created_at.type", broad_reason="Every time in every object has the same violation.")
def writes_fractions_of_seconds(hooks: Hooks) -> None:
    """Times have fractions of a second."""
    hooks.timestamp = lambda at: int(at) + 0.25


@written_from_spec("run.expires_at.type")
def writes_expiry_as_text(hooks: Hooks) -> None:
    """expires_at of a run is a numeric string."""
    patch_object(hooks, "run", lambda run, *_: run.update(expires_at=run["expires_at"] and str(run["expires_at"])))


@written_from_spec("run.usage.total_tokens.type")
def writes_usage_as_text(hooks: Hooks) -> None:
    """The total of tokens is a string."""

    def change(run: Members, *_: Any) -> None:
        if run.get("usage"):
            run["usage"] = {**run["usage"], "total_tokens": str(run["usage"]["total_tokens"])}

    patch_object(hooks, "run", change)


@written_from_spec("run.usage.prompt_tokens.required")
def names_usage_differently(hooks: Hooks) -> None:
    """Usage has input_tokens and output_tokens."""

    def change(run: Members, *_: Any) -> None:
        if usage := run.get("usage"):
            run["usage"] = {
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "total_tokens": usage["total_tokens"],
            }

    patch_object(hooks, "run", change)


@written_from_spec("run.tools.type")
def shows_no_tools_as_null(hooks: Hooks) -> None:
    """The tools of a run without tools are null."""
    patch_object(hooks, "run", lambda run, *_: run.update(tools=run["tools"] or None))


@written_from_spec("run.model.type")
def shows_the_model_as_an_object(hooks: Hooks) -> None:
    """A run's model is an object."""
    patch_object(hooks, "run", lambda run, *_: run.update(model={"id": run["model"]}))


@written_from_spec("run.metadata.type")
def shows_metadata_as_pairs(hooks: Hooks) -> None:
    """A run's metadata is a list of pairs."""

    def change(run: Members, *_: Any) -> None:
        run["metadata"] = [{"key": key, "value": value} for key, value in run["metadata"].items()]

    patch_object(hooks, "run", change)


@written_from_spec("run.status.enum")
def spells_canceled(hooks: Hooks) -> None:
    """The status of a cancelled run is "canceled"."""
    patch_object(hooks, "run", lambda run, *_: run.update(status=run["status"].replace("cancell", "cancel")))


@written_from_spec("run.status.enum")
def writes_status_in_capitals(hooks: Hooks) -> None:
    """The status of a run is in upper case."""
    patch_object(hooks, "run", lambda run, *_: run.update(status=run["status"].upper()))


@written_from_spec("run.status.enum")
def invents_a_status(hooks: Hooks) -> None:
    """The status of a run in progress is "running"."""

    def change(run: Members, *_: Any) -> None:
        if run["status"] == "in_progress":
            run["status"] = "running"

    patch_object(hooks, "run", change)


@written_from_spec("run.required_action.submit_tool_outputs.tool_calls[].function.arguments.type")
def shows_arguments_as_an_object(hooks: Hooks) -> None:
    """The arguments of a pending call are an object instead of JSON text."""

    def change(run: Members, *_: Any) -> None:
        for call in _pending(run):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])

    patch_object(hooks, "run", change)


@written_from_spec("run.required_action.submit_tool_outputs.tool_calls[].type.required")
def leaves_the_type_of_calls_out(hooks: Hooks) -> None:
    """A pending call has no type."""
    patch_object(hooks, "run", lambda run, *_: [call.pop("type") for call in _pending(run)])


@written_from_spec("run.required_action.submit_tool_outputs.required")
def flattens_required_action(hooks: Hooks) -> None:
    """The pending calls are members of required_action itself."""

    def change(run: Members, *_: Any) -> None:
        if run["required_action"]:
            run["required_action"] = {"type": "submit_tool_outputs", "tool_calls": _pending(run)}

    patch_object(hooks, "run", change)


def _pending(run: Members) -> list[Any]:
    action = run["required_action"]
    return action["submit_tool_outputs"]["tool_calls"] if action else []


@written_from_spec("run.last_error.type")
def shows_last_error_as_text(hooks: Hooks) -> None:
    """last_error of a failed run is a string."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.last_error:
            members["last_error"] = run.last_error["message"]

    patch_object(hooks, "run", change)


@written_from_spec("run.last_error.code.enum")
def invents_an_error_code(hooks: Hooks) -> None:
    """The error code of a failed run is "internal_error"."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.last_error:
            members["last_error"] = {**run.last_error, "code": "internal_error"}

    patch_object(hooks, "run", change)


@written_from_spec("run.incomplete_details.reason.enum")
def invents_a_reason(hooks: Hooks) -> None:
    """The reason of an incomplete run is "length", as in chat completions."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.incomplete_reason:
            members["incomplete_details"] = {"reason": "length"}

    patch_object(hooks, "run", change)


@written_from_spec("run.tool_choice.required")
def leaves_tool_choice_out(hooks: Hooks) -> None:
    """A run has tool_choice only if the request set it."""
    patch_object(hooks, "run", lambda run, *_: run.pop("tool_choice") if run["tool_choice"] == "auto" else None)


@written_from_spec("run.response_format.enum")
def shows_response_format_as_text(hooks: Hooks) -> None:
    """The default response_format of a run is "text"."""

    def change(run: Members, *_: Any) -> None:
        if run["response_format"] == "auto":
            run["response_format"] = "text"

    patch_object(hooks, "run", change)
