"""The programs of an exploration, drawn from the setting's seed."""

from __future__ import annotations

from runs_conformance.generation.boundary.fixtures import STAGES
from runs_conformance.generation.fuzzing.random_payloads import sending
from runs_conformance.generation.fuzzing.size import ALONE, Dose, Portion, portions
from runs_conformance.generation.fuzzing.walk import MOST_STEPS, walking
from runs_conformance.generation.fuzzing.walk_profile import Theme, dealt
from runs_conformance.model.program import Program, Setting

_STARTING = frozenset({"create_run", "create_thread_and_run", "submit_tool_outputs"})
_LEADS, _FOLLOWS = "submit_tool_outputs", "modify_run"
"""The run that took the outputs is the one that is modified."""


def programs(setting: Setting, dose: Dose = ALONE) -> list[Program]:
    """The programs of an exploration of this size."""
    possible = [portion for portion in portions(dose.payloads) if _possible(portion, setting)]
    following = [portion for portion in possible if portion.operation == _FOLLOWS]
    leading = [portion for portion in possible if portion.operation == _LEADS]
    # Where there are more that would follow than runs to modify, the rest has runs of its own.
    pairs = dict(zip(leading, following, strict=False))
    alone = [portion for portion in possible if portion not in pairs.values()]
    themes = dealt(setting.seed, dose.walks, setting.second_key, dose.runs)
    senders = [_sender(portion, pairs.get(portion)) for portion in alone]
    return [*senders, *(_walk(theme, number) for number, theme in enumerate(themes, 1))]


def _possible(portion: Portion, setting: Setting) -> bool:
    """Whether an operation may be explored: where an assistant is given, none are made and none is modified."""
    return "assistant" not in setting.given or not portion.operation.endswith("_assistant")


def _sender(portion: Portion, following: Portion | None) -> Program:
    stage = STAGES[portion.operation]
    accepted = 1 + portion.legal
    also = 1 + following.legal + following.negatives if following is not None else 0
    return Program(
        id=f"explore.{portion.operation}_{portion.number + 1}",
        title=f"Random payloads of {portion.operation}" + (f" and {following.operation}" if following else ""),
        phase="explore",
        capability="validation",
        play=sending(portion, following),
        runs=accepted if portion.operation in _STARTING else int(portion.operation == _FOLLOWS),
        requests=4 + accepted * (3 if stage.leave else 1) + portion.negatives + also,
        quick=False,
    )


def _walk(theme: Theme, number: int) -> Program:
    return Program(
        id=f"explore.walk_{number}",
        title=f"A random walk: {theme.name}",
        phase="explore",
        capability="core",
        play=walking(theme, number),
        runs=theme.runs,
        requests=MOST_STEPS + 4 + 8 * theme.runs,
        quick=False,
    )
