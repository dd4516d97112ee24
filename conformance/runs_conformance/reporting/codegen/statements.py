"""The moves of a case as lines of Python, one after the other."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.model.case import Move, Ref, Step, Together
from runs_conformance.model.json import is_object
from runs_conformance.reporting.codegen.client_call import Sending, Writer
from runs_conformance.reporting.codegen.literal import INDENT, Held, source

_WORDS = "answer at client httpx json openai os send sent streamed sys time told until warnings"
_TAKEN = frozenset(_WORDS.split(" "))
"""Names that the files use themselves."""


def steps_of(moves: Sequence[Move]) -> list[Step]:
    """Every step of these moves, in order."""
    return [step for move in moves for step in (move.steps if isinstance(move, Together) else (move,))]


@dataclass(slots=True)
class Written:
    """Moves written as lines of Python. `shows` is the step whose answer is kept at hand."""

    moves: Sequence[Move]
    shows: Step
    writer: Writer

    def lines(self) -> list[str]:
        """The moves, one after the other. `status` and `said` are then the answer that was to be kept."""
        found: list[str] = []
        for move in self.moves:
            found += self._together(move.steps) if isinstance(move, Together) else self._step(move)
        return "\n".join(found).split("\n")

    def _step(self, step: Step) -> Iterator[str]:
        if step.pause:
            yield f"time.sleep({step.pause})"
        shows = step is self.shows
        # An answer that nothing refers to is taken as it comes: a refusal there must not end everything.
        loose = not (step.until or self._is_referred_to(step))
        sending = self.writer.sending(step, raw=(shows or loose) and not step.stream)
        if sending.because:
            yield f"# By httpx, since {sending.because}."
        if shows:
            yield from self._shown(step, sending)
        elif step.stream and loose:
            yield _answer(step, sending)
        elif step.until:
            yield from self._kept(step, f"until(lambda: {_value(sending)}, {source(list(step.until), {})})", sending)
        elif step.stream:
            told = f"told({sending.source})[1]" if sending.by_client else f"{sending.source}.text"
            yield from self._kept(step, f"streamed({told})", sending)
        elif loose:
            yield _answer(step, sending) if sending.by_client else sending.source
        else:
            yield from self._kept(step, _value(sending), sending)

    def _shown(self, step: Step, sending: Sending) -> Iterator[str]:
        """The step that shows it: its HTTP status and what was said stay at hand."""
        yield f"status, said = {_answer(step, sending)}"
        if self._is_referred_to(step):
            yield from self._kept(step, _read(step, "said"), None)

    def _together(self, steps: Sequence[Step]) -> Iterator[str]:
        """Steps sent at the same moment: what came of each is its HTTP status and its text."""
        yield "with ThreadPoolExecutor() as pool:"
        yield f"{INDENT}sent = ["
        for step in steps:
            sending = self.writer.sending(step, depth=2, raw=not step.stream)
            yield f"{INDENT * 2}pool.submit(lambda: {_answer(step, sending)}),"
        yield f"{INDENT}]"
        for number, step in enumerate(steps):
            if step is self.shows:
                yield f"status, said = sent[{number}].result()"
            if self._is_referred_to(step):
                yield from self._kept(step, _read(step, f"sent[{number}].result()[1]"), None)

    def _kept(self, step: Step, value: str, sending: Sending | None) -> Iterator[str]:
        """The value, in a variable where a later step refers to it."""
        if not self._is_referred_to(step):
            yield value
            return
        name = _variable(step.name)
        is_object = sending is not None and sending.by_client and not step.stream
        self.writer.held[step.name] = Held(name, is_object)
        yield f"{name} = {value}"

    def _is_referred_to(self, step: Step) -> bool:
        return bool(step.name) and any(step.name in _referred(other) for other in steps_of(self.moves))


def _value(sending: Sending) -> str:
    return sending.source if sending.by_client else f"{sending.source}.json()"


def _answer(step: Step, sending: Sending) -> str:
    """The source of the HTTP status and the text that a step is answered with."""
    if step.stream and sending.by_client:
        return f"answer(lambda: told({sending.source}))"
    return f"answer(lambda: {sending.source})"


def _read(step: Step, text: str) -> str:
    return f"streamed({text})" if step.stream else f"json.loads({text})"


def _variable(name: str) -> str:
    made = re.sub(r"\W", "_", name)
    return f"the_{made}" if made in _TAKEN or keyword.iskeyword(made) or not made.isidentifier() else made


def _referred(value: object) -> Iterator[str]:
    if isinstance(value, Step):
        for part in (*value.path.values(), *(pair[1] for pair in value.query), value.body):
            yield from _referred(part)
    elif isinstance(value, Ref):
        yield value.step
    elif is_object(value):
        for member in value.values():
            yield from _referred(member)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _referred(item)
