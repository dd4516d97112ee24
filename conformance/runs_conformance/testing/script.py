"""What runs are told to do next, in place of what the pretend model would make of the request."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.emulator.fake_model import Situation, tokens
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import (
    Await,
    Beat,
    Begin,
    Call,
    CloseMessage,
    End,
    Input,
    OpenMessage,
    OpenTools,
    Say,
)
from runs_conformance.emulator.state import Run, Usage

Scene = Callable[[Situation], list[Beat]]
"""What a run does from its start, or from its tool outputs, until it waits or ends."""


@dataclass(frozen=True, slots=True)
class Failure(End):
    """The run fails with this error."""

    code: str = "server_error"
    message: str = ""


@dataclass(slots=True)
class Script:
    """Scenes in the order in which runs take them; with none left, the pretend model decides."""

    scenes: deque[Scene] = field(default_factory=deque)

    def direct(self, behaviour: Behaviour) -> None:
        """Let this script decide what the runs of an emulator do."""
        improvised, perform, shown = behaviour.plan, behaviour.perform, behaviour.run_object

        def plan(situation: Situation) -> list[Beat]:
            try:
                scene = self.scenes.popleft()
            except IndexError:
                return improvised(situation)
            return scene(situation)

        def performed(world: Any, thread: Any, run: Run, beat: Beat, at: float) -> None:
            if isinstance(beat, Failure):
                run.notes["failure"] = {"code": beat.code, "message": beat.message}
            perform(world, thread, run, beat, at)

        def run_object(world: Any, run: Run, edition: str) -> dict[str, Any]:
            members = shown(world, run, edition)
            failure = run.notes.get("failure")
            return {**members, "last_error": dict(failure)} if failure and members.get("last_error") else members

        behaviour.plan, behaviour.perform, behaviour.run_object = plan, performed, run_object


def saying(text: str) -> Scene:
    """The run answers this text and completes."""

    def scene(situation: Situation) -> list[Beat]:
        said = tokens(text)
        usage = Usage(situation.prompt_tokens, len(said))
        return [Begin(), OpenMessage(), *map(Say, said), CloseMessage(usage), End("completed")]

    return scene


def calling(calls: Sequence[tuple[str, Mapping[str, Any] | str]]) -> Scene:
    """The run waits for the outputs of these functions; arguments given as text are sent as they are."""

    def scene(situation: Situation) -> list[Beat]:
        beats: list[Beat] = [Begin(), OpenTools()]
        for index, (name, arguments) in enumerate(calls):
            text = arguments if isinstance(arguments, str) else json.dumps(dict(arguments))
            half = len(text) // 2
            beats += [Call("function", name), Input(index, text[:half]), Input(index, text[half:])]
        return [*beats, Await(Usage(situation.prompt_tokens, 8 * len(calls)))]

    return scene


def failing(code: str, message: str) -> Scene:
    """The run fails in the middle of its answer."""
    return lambda situation: [Begin(), OpenMessage(), Say("I"), Failure("failed", code=code, message=message)]


def cut_off(text: str, reason: str) -> Scene:
    """The run ends incomplete after this much of its answer."""
    ends = "max_tokens" if reason == "max_completion_tokens" else reason

    def scene(situation: Situation) -> list[Beat]:
        usage = Usage(situation.prompt_tokens, len(tokens(text)))
        return [Begin(), OpenMessage(), Say(text), CloseMessage(usage, ends), End("incomplete", reason)]

    return scene


def hanging() -> Scene:
    """The run stays in progress until it is cancelled or expires."""
    return lambda situation: [Begin()]
