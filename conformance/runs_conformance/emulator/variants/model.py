"""Models that behave otherwise than the pretend one, as real ones do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from runs_conformance.emulator.catalogue import variant
from runs_conformance.emulator.fake_model import Situation
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.model_actions import Beat, Begin, CloseMessage, End, OpenMessage, Say
from runs_conformance.emulator.state import Usage


def _planned(behaviour: Behaviour, change: Callable[[list[Beat]], list[Beat]]) -> None:
    inner = behaviour.plan
    behaviour.plan = lambda situation: change(inner(situation))


def _situated(behaviour: Behaviour, change: Callable[[Situation], Situation]) -> None:
    inner = behaviour.plan
    behaviour.plan = lambda situation: inner(change(situation))


@variant()
def calls_one_at_a_time(behaviour: Behaviour) -> None:
    """The model never calls several functions at once."""
    _situated(behaviour, lambda situation: replace(situation, parallel_tool_calls=False))


@variant()
def calls_only_when_forced(behaviour: Behaviour) -> None:
    """The model calls no tool unless it has to."""
    _situated(behaviour, lambda s: replace(s, tool_choice="none") if s.tool_choice == "auto" else s)


@variant()
def calls_whatever_there_is(behaviour: Behaviour) -> None:
    """The model calls tools whenever it may."""
    _situated(behaviour, lambda s: replace(s, tool_choice="required") if s.tool_choice == "auto" else s)


@variant()
def calls_twice(behaviour: Behaviour) -> None:
    """The model calls its functions a second time after it was given their outputs."""
    _situated(behaviour, lambda situation: replace(situation, text=f"{situation.text} twice"))


@variant()
def is_silent(behaviour: Behaviour) -> None:
    """The model's answers are empty."""

    def change(beats: list[Beat]) -> list[Beat]:
        kept = [beat for beat in beats if not isinstance(beat, Say)]
        return [
            replace(beat, usage=Usage(beat.usage.prompt, 0)) if isinstance(beat, CloseMessage) else beat
            for beat in kept
        ]

    _planned(behaviour, change)


@variant()
def writes_no_message(behaviour: Behaviour) -> None:
    """The model ends its runs without a message."""
    _planned(
        behaviour, lambda beats: [beat for beat in beats if not isinstance(beat, (OpenMessage, Say, CloseMessage))]
    )


@variant()
def writes_two_messages(behaviour: Behaviour) -> None:
    """The model answers in two messages."""

    def change(beats: list[Beat]) -> list[Beat]:
        said = [beat for beat in beats if isinstance(beat, (OpenMessage, Say, CloseMessage))]
        return [*beats[:-1], *said, beats[-1]] if beats[-1] == End("completed") else beats

    _planned(behaviour, change)


@variant()
def speaks_in_letters(behaviour: Behaviour) -> None:
    """Deltas hold one character each."""

    def change(beats: list[Beat]) -> list[Beat]:
        spelled: list[Beat] = []
        for beat in beats:
            if isinstance(beat, Say) and len(beat.text) < 60:
                spelled += [Say(letter, pause=beat.pause / len(beat.text)) for letter in beat.text]
            else:
                spelled.append(beat)
        return spelled

    _planned(behaviour, change)


@variant()
def speaks_all_at_once(behaviour: Behaviour) -> None:
    """A message has one delta that holds everything."""

    def change(beats: list[Beat]) -> list[Beat]:
        text = "".join(beat.text for beat in beats if isinstance(beat, Say))
        kept: list[Beat] = []
        for beat in beats:
            if isinstance(beat, OpenMessage):
                kept += [beat, Say(text)] if text else [beat]
            elif not isinstance(beat, Say):
                kept.append(beat)
        return kept

    _planned(behaviour, change)


@variant()
def speaks_in_emoji(behaviour: Behaviour) -> None:
    """Answers hold characters outside the basic plane, one to a delta."""

    def change(beats: list[Beat]) -> list[Beat]:
        return [Say(f"{beat.text}\U0001f600") if isinstance(beat, Say) else beat for beat in beats]

    _planned(behaviour, change)


@variant()
def fails_now_and_then(behaviour: Behaviour) -> None:
    """Every eleventh turn of the model fails."""
    inner = behaviour.plan
    turns: list[None] = []

    def plan(situation: Situation) -> list[Beat]:
        turns.append(None)
        return [Begin(), End("failed")] if len(turns) % 11 == 0 else inner(situation)

    behaviour.plan = plan


@variant()
def counts_no_tokens(behaviour: Behaviour) -> None:
    """All usage is zero."""
    inner = behaviour.usage_object
    behaviour.usage_object = lambda usage: inner(None if usage is None else Usage())
