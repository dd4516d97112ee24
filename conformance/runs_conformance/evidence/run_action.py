"""Actions on runs, and whether they may have taken effect between two observations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.evidence.observation import Observation
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import must_be_accepted, uses_default_auth
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_array, is_object

_RUN_READS = ("get_run", "modify_run")

CANCELLED_BEFORE_CALL = "a cancellation of a run in progress that can call functions"
"""A part of the evidence: a server may let a run that is being cancelled go on to its calls."""


def actions_between(run: RunTimeline, operation: str, earlier: Observation, later: Observation) -> Iterator[Exchange]:
    """The requests of one operation that may have taken effect on a run between two observations."""
    for exchange in run.actions(operation):
        if may_have_taken_effect(exchange) and exchange.ended >= earlier.earliest and exchange.started <= later.latest:
            yield exchange


def may_be_resumed_between(run: RunTimeline, earlier: Observation, later: Observation) -> bool:
    """Whether tool outputs may have been accepted between two observations."""
    return any(actions_between(run, "submit_tool_outputs", earlier, later))


def may_be_cancelled_between(run: RunTimeline, earlier: Observation, later: Observation) -> bool:
    """Whether a run, or its thread, may have been cancelled or deleted before the later of two observations."""
    return any(actions_between(run, "cancel_run", earlier, later)) or any(
        may_have_taken_effect(exchange) and exchange.started <= later.latest
        for exchange in run.history.in_thread(run.thread_id, "delete_thread")
    )


@dataclass(frozen=True, eq=False)
class RunAction:
    """One cancellation or submission of tool outputs, with the certain state of the run before and after it."""

    run: RunTimeline
    exchange: Exchange

    @property
    def state_before(self) -> Observation | None:
        """The last observation before the action; None if another action may have intervened.

        None, too, if the run was read since, but no run with its id was shown, so that its state is unknown.
        """
        observation = self.run.latest_before(self.exchange)
        if observation is None or self.run.has_action_between(observation, self.exchange):
            return None
        if observation.status not in TERMINAL and self._may_have_changed_since(observation):
            return None
        return observation

    def _may_have_changed_since(self, observation: Observation) -> bool:
        """Whether a read between an observation and the action was answered without an observation of the run."""
        observed = {each.exchange.id for each in self.run.observations}
        return any(
            read.accepted
            and read.id not in observed
            and observation.latest <= read.started
            and read.ended <= self.exchange.started
            for read in self.run.exchanges
            if read.operation in _RUN_READS
        )

    @property
    def state_after(self) -> Observation | None:
        """The first observation after the action; None if another action may have intervened."""
        observation = self.run.earliest_after(self.exchange)
        if observation is None or any(other.started < observation.latest for other in self._later_actions()):
            return None
        return observation

    @property
    def must_be_accepted(self) -> bool:
        """Whether neither the authentication nor the intent of the request lets a correct server refuse it."""
        return must_be_accepted(self.exchange)

    @property
    def response_object(self) -> Observation | None:
        """The run in the response; in a stream, its first observation."""
        return next((each for each in self.run.observations if each.exchange is self.exchange), None)

    @property
    def later_observations(self) -> tuple[Observation, ...]:
        """Every observation that was requested after the action had ended."""
        return tuple(each for each in self.run.observations if self.exchange.ended <= each.earliest)

    @property
    def attributable_observations(self) -> tuple[Observation, ...]:
        """The response and the later observations, until another action may have changed the run.

        A cancellation while the run is already `cancelling` is no other action.
        """
        shown = () if self.response_object is None else (self.response_object,)
        observed = (*shown, *self.later_observations)
        later = (each for each in self._later_actions() if may_have_taken_effect(each))
        for other in sorted(later, key=lambda each: each.started):
            earlier = tuple(each for each in observed if each.latest <= other.started)
            if other.operation != "cancel_run" or not earlier or earlier[-1].status != "cancelling":
                return earlier
        return observed

    def _later_actions(self) -> Iterator[Exchange]:
        """The other actions on the run that may have taken effect after this one began."""
        for other in self.run.possible_actions:
            if other is not self.exchange and (
                other.ended > self.exchange.started or other.operation == "delete_thread"
            ):
                yield other

    @property
    def final_state(self) -> Observation | None:
        """The first observation of the run in a terminal status that was not certainly made before the action."""
        observed = (each for each in self.run.observations if each.latest > self.exchange.started)
        return next((each for each in observed if each.status in TERMINAL), None)


def comes_before_calls(cancellation: RunAction) -> bool:
    """Whether a cancellation and what followed show that a cancelled run does not go on to call functions.

    A run with functions shows it if it was in progress and the response shows that it does not end at once. So does a
    server on which no cancelled run can go on: it shows a new run only once that waits, ends a run without functions at
    once, or refuses to cancel a run in progress.
    """
    run, before, shown = cancellation.run, cancellation.state_before, cancellation.response_object
    if not cancellation.later_observations:
        return False
    has_functions = any(_has_functions(each) for each in run.observations)
    if has_functions and run.observations[0].status not in ("queued", "in_progress"):
        return True
    if before is None or before.status != "in_progress":
        return False
    if shown is None or shown.status in TERMINAL:
        return cancellation.exchange.refused or not has_functions
    return has_functions


def _has_functions(run: Observation) -> bool:
    tools = run.get("tools")
    return is_array(tools) and any(is_object(tool) and tool.get("type") == "function" for tool in tools)


def cancellations(history: History) -> Iterator[RunAction]:
    """Every cancellation of an observed, existing run by its own path and with the default key, accepted or not."""
    return _actions(history, "cancel_run")


def all_cancellations(history: History) -> Iterator[RunAction]:
    """Every cancellation that names an observed run, also by another path or with another key."""
    return (RunAction(run, exchange) for run in runs(history) for exchange in run.actions("cancel_run"))


def submissions(history: History) -> Iterator[RunAction]:
    """Every submission of tool outputs to an observed, existing run by its own path and with the default key."""
    return _actions(history, "submit_tool_outputs")


def _actions(history: History, operation: str) -> Iterator[RunAction]:
    return (
        RunAction(run, exchange)
        for run in runs(history)
        for exchange in run.actions(operation)
        if uses_default_auth(exchange) and targets_existing_run(run, exchange)
    )


def targets_existing_run(run: RunTimeline, exchange: Exchange) -> bool:
    """Whether a request names the run's own thread, and it cannot have been deleted. Otherwise 404 is correct."""
    return exchange.path.get("thread_id") == run.thread_id and not any(
        may_have_taken_effect(other) and other.started < exchange.ended
        for other in run.history.in_thread(run.thread_id, "delete_thread")
    )
