"""The actions of a random walk by name.

An action builds a step from the state of the walk, or None if the state does not allow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import TypeAlias

from runs_conformance.generation.fuzzing import list_actions, object_actions, run_actions
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.model.case import Key, Step

Action: TypeAlias = Callable[[WalkState, Random], Step | None]


def _use_second_key(state: WalkState, random: Random) -> Step | None:
    """Read or modify something with the key of another tenant."""
    if not state.context.has_second_api_key:
        return None
    action = random.choice(
        (
            object_actions.get_thread,
            run_actions.get_run,
            object_actions.get_message,
            list_actions.list_messages,
            run_actions.modify_run,
            run_actions.cancel_run,
            object_actions.create_message,
        )
    )
    step = action(state, random)
    return None if step is None else replace(step, key=Key.SECOND)


ACTIONS: Mapping[str, Action] = {
    "create_thread": object_actions.create_thread,
    "create_long_thread": object_actions.create_long_thread,
    "get_thread": object_actions.get_thread,
    "modify_thread": object_actions.modify_thread,
    "delete_thread": object_actions.delete_thread,
    "read_deleted_thread": object_actions.read_deleted_thread,
    "create_message": object_actions.create_message,
    "get_message": object_actions.get_message,
    "modify_message": object_actions.modify_message,
    "delete_message": object_actions.delete_message,
    "create_plain_run": run_actions.create_plain_run,
    "create_long_run": run_actions.create_long_run,
    "create_limited_run": run_actions.create_limited_run,
    "create_calling_run": run_actions.create_calling_run,
    "create_twice_calling_run": run_actions.create_twice_calling_run,
    "create_parallel_calling_run": run_actions.create_parallel_calling_run,
    "create_tool_using_run": run_actions.create_tool_using_run,
    "create_rich_run": run_actions.create_rich_run,
    "create_streamed_run": run_actions.create_streamed_run,
    "create_thread_and_run": run_actions.create_thread_and_run,
    "get_run": run_actions.get_run,
    "wait_for_run": run_actions.wait_for_run,
    "modify_run": run_actions.modify_run,
    "cancel_run": run_actions.cancel_run,
    "use_run_of_other_thread": run_actions.use_run_of_other_thread,
    "submit_outputs": run_actions.submit_outputs,
    "submit_reversed": run_actions.submit_reversed,
    "submit_streamed": run_actions.submit_streamed,
    "submit_incomplete": run_actions.submit_incomplete,
    "submit_extra": run_actions.submit_extra,
    "submit_unknown": run_actions.submit_unknown,
    "submit_again": run_actions.submit_again,
    "list_messages": list_actions.list_messages,
    "list_runs": list_actions.list_runs,
    "list_steps": list_actions.list_steps,
    "read_next_page": list_actions.read_next_page,
    "read_other_page": list_actions.read_other_page,
    "get_step": run_actions.get_step,
    "create_assistant": object_actions.create_assistant,
    "delete_assistant": object_actions.delete_assistant,
    "list_assistants": list_actions.list_assistants,
    "get_assistant": object_actions.get_assistant,
    "modify_assistant": object_actions.modify_assistant,
    "use_second_key": _use_second_key,
}
"""The actions by name."""

RUN_STARTING_ACTIONS = frozenset(ACTIONS) & {
    "create_plain_run",
    "create_long_run",
    "create_limited_run",
    "create_calling_run",
    "create_twice_calling_run",
    "create_parallel_calling_run",
    "create_tool_using_run",
    "create_rich_run",
    "create_streamed_run",
    "create_thread_and_run",
}
"""The actions that start a run."""
