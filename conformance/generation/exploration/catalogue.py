"""The programs of an exploration, drawn from the setting's seed."""

from __future__ import annotations

from conformance.generation.boundary.stage import STAGES
from conformance.generation.exploration.allotment import STANDARD_PAYLOADS, STANDARD_WALKS, Portion, portions
from conformance.generation.exploration.sending import sending
from conformance.generation.exploration.theme import Theme, dealt
from conformance.generation.exploration.walk import MOST_STEPS, walking
from conformance.model.program import Program, Setting

_STARTING = frozenset({"create_run", "create_thread_and_run", "submit_tool_outputs"})


def programs(setting: Setting, payloads: int = STANDARD_PAYLOADS, walks: int = STANDARD_WALKS) -> list[Program]:
    """The programs of an exploration of so many payloads and so many walks."""
    senders = [_sender(portion) for portion in portions(payloads) if _possible(portion, setting)]
    themes = dealt(setting.seed, walks, setting.second_key)
    return [*senders, *(_walk(theme, number) for number, theme in enumerate(themes, 1))]


def _possible(portion: Portion, setting: Setting) -> bool:
    """Whether an operation may be explored: where an assistant is given, none are made and none is modified."""
    return "assistant" not in setting.given or not portion.operation.endswith("_assistant")


def _sender(portion: Portion) -> Program:
    stage = STAGES[portion.operation]
    accepted = 1 + portion.legal
    return Program(
        id=f"explore.{portion.operation}_{portion.number + 1}",
        title=f"Random payloads of {portion.operation}",
        phase="explore",
        capability="validation",
        play=sending(portion),
        runs=accepted if portion.operation in _STARTING else int(portion.operation == "modify_run"),
        requests=4 + accepted * (3 if stage.leave else 1) + portion.negatives,
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
