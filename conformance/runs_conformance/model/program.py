"""Multi-step programs and the setting they play in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runs_conformance.model.case import Move

USABLE_KINDS = ("assistant", "thread", "run", "file", "vector_store")
"""The kinds of existing objects that a user may give to work with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramContext:
    """What a program may know of the target before it starts: data from the configuration, nothing measured.

    `prompts` are the user messages to send for a purpose, in place of the suite's own. `given` holds ids of existing
    objects, by kind, where the target cannot or should not create them. `other_model` is one that a run may override
    the assistant's with; where the target does not know it, nothing is concluded from that. `accepts_any_file_id`
    says that the target takes any well-formed id of a file or vector store without looking for it.
    `read_only` allows nothing but GETs.
    """

    edition: str
    model: str = "gpt-4o"
    other_model: str = "gpt-4o-mini"
    dialect: str = "openai"
    seed: int = 0
    has_second_api_key: bool = False
    failing_model: str | None = None
    run_timeout: float = 60.0
    expiry_timeout: float = 15.0
    prompts: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, str] = field(default_factory=dict)
    accepts_any_file_id: bool = False
    allow_stress: bool = True
    read_only: bool = False


# What `yield` gives back: the Exchange of a Step, or a tuple of them for Together. `Any` because a generator has one
# type for both.
StepGenerator: TypeAlias = Generator[Move, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A named way of putting a target to the test.

    `play` is a generator function: it yields moves and is sent the exchanges that came of them. It asserts nothing.
    `capability` is the conformance class it serves, `operations` are those whose request constraints it is there to
    show; `needs` names a member of the setting without which it cannot be played, with `needs_text` for people. `since`
    is the date at which what it is about entered the contract. `runs` and `requests` are upper estimates for the plan,
    `seconds` is what its own pauses add up to, and `writes` says whether it sends anything but GETs.
    """

    id: str
    title: str
    phase: str
    capability: str
    generate: Callable[[ProgramContext], StepGenerator]
    runs: int
    requests: int
    needs: str = ""
    needs_text: str = ""
    since: str = ""
    quick: bool = True
    seconds: float = 0.0
    writes: bool = True
    operations: tuple[str, ...] = ()
