"""Runs that are shown with members missing or mistyped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import answered, shown, without
from runs_conformance.emulator.state import Members, Run


@blind("run.usage.required")
def leaves_usage_out_until_it_is_known(behaviour: Behaviour) -> None:
    """A run shows no usage member while there is no usage."""
    shown(behaviour, "run", lambda run, *_: run.pop("usage") if run["usage"] is None else None)


@blind("run.required_action.required")
def leaves_required_action_out(behaviour: Behaviour) -> None:
    """A run shows no required_action member while nothing is required."""
    shown(behaviour, "run", lambda run, *_: run.pop("required_action") if run["required_action"] is None else None)


@blind(
    "run.completed_at.required",
    broad="Each member of a run that may be null is required, and each is missing at some time.",
)
def leaves_nulls_out(behaviour: Behaviour) -> None:
    """Members that are null are left out of every run, as serializers do that skip what is empty."""

    def skip(run: Members, *_: Any) -> None:
        for name in [name for name, value in run.items() if value is None]:
            del run[name]

    shown(behaviour, "run", skip)


@blind("run.last_error.required")
def leaves_last_error_out(behaviour: Behaviour) -> None:
    """A run has no last_error member."""
    without(behaviour, "run", "last_error")


@blind("run.incomplete_details.required")
def leaves_incomplete_details_out(behaviour: Behaviour) -> None:
    """A run has no incomplete_details member."""
    without(behaviour, "run", "incomplete_details")


@blind("run.parallel_tool_calls.required")
def leaves_parallel_tool_calls_out(behaviour: Behaviour) -> None:
    """A run has no parallel_tool_calls member."""
    without(behaviour, "run", "parallel_tool_calls")


@blind("run.truncation_strategy.required")
def leaves_truncation_out(behaviour: Behaviour) -> None:
    """A run has no truncation_strategy member."""
    without(behaviour, "run", "truncation_strategy")


@blind("run.assistant_id.required")
def leaves_the_assistant_out_of_lists(behaviour: Behaviour) -> None:
    """A run in a list does not name its assistant."""

    def change(call: Call, answer: Any) -> Any:
        for run in answer["data"]:
            run.pop("assistant_id")
        return answer

    answered(behaviour, change, "list_runs")


@blind("run.metadata.required")
def leaves_metadata_out(behaviour: Behaviour) -> None:
    """A run without metadata has no metadata member."""
    shown(behaviour, "run", lambda run, *_: run.pop("metadata") if not run["metadata"] else None)


@blind("run.object.const")
def calls_a_run_run(behaviour: Behaviour) -> None:
    """A run's object is "run"."""
    shown(behaviour, "run", lambda run, *_: run.update(object="run"))


@blind("run.created_at.type", broad="Every time in every object has the same fault.")
def writes_dates(behaviour: Behaviour) -> None:
    """Times are ISO 8601 texts."""
    behaviour.stamp = lambda at: datetime.fromtimestamp(int(at), UTC).isoformat()


@blind("run.created_at.type", broad="Every time in every object has the same fault.")
def writes_fractions_of_seconds(behaviour: Behaviour) -> None:
    """Times have fractions of a second."""
    behaviour.stamp = lambda at: int(at) + 0.25


@blind("run.expires_at.type")
def writes_expiry_as_text(behaviour: Behaviour) -> None:
    """A run's expires_at is the text of a number."""
    shown(behaviour, "run", lambda run, *_: run.update(expires_at=run["expires_at"] and str(run["expires_at"])))


@blind("run.usage.total_tokens.type")
def writes_usage_as_text(behaviour: Behaviour) -> None:
    """The total of tokens is a text."""

    def change(run: Members, *_: Any) -> None:
        if run["usage"]:
            run["usage"] = {**run["usage"], "total_tokens": str(run["usage"]["total_tokens"])}

    shown(behaviour, "run", change)


@blind("run.usage.prompt_tokens.required")
def names_usage_differently(behaviour: Behaviour) -> None:
    """Usage counts input_tokens and output_tokens."""

    def change(run: Members, *_: Any) -> None:
        if usage := run["usage"]:
            run["usage"] = {
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "total_tokens": usage["total_tokens"],
            }

    shown(behaviour, "run", change)


@blind("run.tools.type")
def shows_no_tools_as_null(behaviour: Behaviour) -> None:
    """A run without tools shows null."""
    shown(behaviour, "run", lambda run, *_: run.update(tools=run["tools"] or None))


@blind("run.model.type")
def shows_the_model_as_an_object(behaviour: Behaviour) -> None:
    """A run's model is an object."""
    shown(behaviour, "run", lambda run, *_: run.update(model={"id": run["model"]}))


@blind("run.metadata.type")
def shows_metadata_as_pairs(behaviour: Behaviour) -> None:
    """A run's metadata is a list of pairs."""

    def change(run: Members, *_: Any) -> None:
        run["metadata"] = [{"key": key, "value": value} for key, value in run["metadata"].items()]

    shown(behaviour, "run", change)


@blind("run.status.enum")
def spells_canceled(behaviour: Behaviour) -> None:
    """A cancelled run is "canceled"."""
    shown(behaviour, "run", lambda run, *_: run.update(status=run["status"].replace("cancell", "cancel")))


@blind("run.status.enum")
def writes_status_in_capitals(behaviour: Behaviour) -> None:
    """A run's status is written in capitals."""
    shown(behaviour, "run", lambda run, *_: run.update(status=run["status"].upper()))


@blind("run.status.enum")
def invents_a_status(behaviour: Behaviour) -> None:
    """A run in progress is "running"."""

    def change(run: Members, *_: Any) -> None:
        if run["status"] == "in_progress":
            run["status"] = "running"

    shown(behaviour, "run", change)


@blind("run.required_action.submit_tool_outputs.tool_calls[].function.arguments.type")
def shows_arguments_as_an_object(behaviour: Behaviour) -> None:
    """The arguments of a pending call are an object instead of JSON text."""

    def change(run: Members, *_: Any) -> None:
        for call in _pending(run):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])

    shown(behaviour, "run", change)


@blind("run.required_action.submit_tool_outputs.tool_calls[].type.required")
def leaves_the_type_of_calls_out(behaviour: Behaviour) -> None:
    """A pending call has no type."""
    shown(behaviour, "run", lambda run, *_: [call.pop("type") for call in _pending(run)])


@blind("run.required_action.submit_tool_outputs.required")
def flattens_required_action(behaviour: Behaviour) -> None:
    """The pending calls stand in required_action itself."""

    def change(run: Members, *_: Any) -> None:
        if run["required_action"]:
            run["required_action"] = {"type": "submit_tool_outputs", "tool_calls": _pending(run)}

    shown(behaviour, "run", change)


def _pending(run: Members) -> list[Any]:
    action = run["required_action"]
    return action["submit_tool_outputs"]["tool_calls"] if action else []


@blind("run.last_error.type")
def shows_last_error_as_text(behaviour: Behaviour) -> None:
    """A failed run's last_error is a text."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.last_error:
            members["last_error"] = run.last_error["message"]

    shown(behaviour, "run", change)


@blind("run.last_error.code.enum")
def invents_an_error_code(behaviour: Behaviour) -> None:
    """A failed run's error has the code "internal_error"."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.last_error:
            members["last_error"] = {**run.last_error, "code": "internal_error"}

    shown(behaviour, "run", change)


@blind("run.incomplete_details.reason.enum")
def invents_a_reason(behaviour: Behaviour) -> None:
    """An incomplete run's reason is that of a chat completion."""

    def change(members: Members, run: Run, _: str) -> None:
        if run.incomplete_reason:
            members["incomplete_details"] = {"reason": "length"}

    shown(behaviour, "run", change)


@blind("run.tool_choice.required")
def leaves_tool_choice_out(behaviour: Behaviour) -> None:
    """A run shows tool_choice only where one was given."""
    shown(behaviour, "run", lambda run, *_: run.pop("tool_choice") if run["tool_choice"] == "auto" else None)


@blind("run.response_format.enum")
def shows_response_format_as_text(behaviour: Behaviour) -> None:
    """A run's response_format is "text" where none was given."""

    def change(run: Members, *_: Any) -> None:
        if run["response_format"] == "auto":
            run["response_format"] = "text"

    shown(behaviour, "run", change)
