"""An emulator that a test holds in its hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.config import edition as checked_edition
from runs_conformance.config import known
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.emulator.app import BASE, assemble
from runs_conformance.emulator.catalogue import alter
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.hooks import plain
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.server import hosted
from runs_conformance.testing import script
from runs_conformance.testing.fault_injector import Fault, Seen, Wire
from runs_conformance.testing.script import Script


@dataclass(slots=True)
class Puppet:
    """A running emulator that does what it is told, and otherwise what the API does.

    `base_url` and `api_key` are for the client under test. What runs do next is told by `say`, `call`, `fail`,
    `cut_off` and `hang`, one for each run or submission, in that order; with nothing told, the pretend model answers.
    What goes wrong on the way is told by `refuse`, `delay` and `break_answer`. Each can be limited to one operation,
    such as `create_run`.
    """

    base_url: str
    api_key: str = "sk-emulator"
    _script: Script = field(default_factory=Script, repr=False)
    _wire: Wire = field(default_factory=Wire, repr=False)
    _clock: Clock = field(default_factory=Clock, repr=False)

    def say(self, text: str) -> None:
        """The next run answers this and completes."""
        self._script.scenes.append(script.saying(text))

    def call(self, function: str, arguments: Mapping[str, Any] | str = "{}", *more: tuple[str, Any]) -> None:
        """The next run waits for the output of this function; `more` are calls beside it, as (name, arguments).

        Arguments given as text are sent as they are, so that they need not be JSON.
        """
        self._script.scenes.append(script.calling([(function, arguments), *more]))

    def fail(self, code: str = "server_error", message: str = "Sorry, something went wrong.") -> None:
        """The next run ends failed with this error."""
        self._script.scenes.append(script.failing(code, message))

    def cut_off(self, text: str = "I was about to", reason: str = "max_completion_tokens") -> None:
        """The next run ends incomplete for this reason."""
        self._script.scenes.append(script.cut_off(text, reason))

    def hang(self) -> None:
        """The next run stays in progress until it is cancelled, or its time is up (see `advance`)."""
        self._script.scenes.append(script.hanging())

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock ahead, so that runs expire."""
        self._clock.advance(seconds)

    def refuse(
        self, times: int = 1, http_status: int = 429, *, retry_after: float | None = None, operation: str | None = None
    ) -> None:
        """Answer the next requests by an error with this HTTP status."""
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        self._add(Fault(times, operation, http_status=http_status, headers=headers))

    def delay(self, seconds: float, times: int = 1, *, operation: str | None = None) -> None:
        """Let the next requests wait so long for their answers."""
        self._add(Fault(times, operation, delay=seconds))

    def break_answer(self, after: int = 0, times: int = 1, *, operation: str | None = None) -> None:
        """Lose the connection in the middle of the next answers: after so many events of a stream, or none."""
        self._add(Fault(times, operation, cut_after=after))

    @property
    def requests(self) -> list[Seen]:
        """The requests that came in, the oldest first."""
        return list(self._wire.seen)

    def reset(self) -> None:
        """Forget what was told and what came in; objects stay."""
        self._script.scenes.clear()
        self._wire.clear()

    def _add(self, fault: Fault) -> None:
        if fault.operation is not None:
            known(fault.operation, OPERATIONS, "operation")
        self._wire.add(fault)


@contextmanager
def start_emulator(
    *,
    mutants: Sequence[str] = (),
    variants: Sequence[str] = (),
    edition: str | None = None,
    **options: Any,
) -> Iterator[Puppet]:
    """An emulator on a free port of the loopback interface, as long as the block lasts.

    `mutants` and `variants` are those of `runs-conformance serve`; `options` are `step_ms`, `expires_s`,
    `failing_model` and `keys`. Raises UsageError for names that there are not.
    """
    for name in options:
        known(name, ("step_ms", "expires_s", "failing_model", "keys"), "option of the emulator")
    if edition is not None:
        options["edition"] = checked_edition(edition)
    chosen, script, wire, clock = Options(**options), Script(), Wire(), Clock()
    behaviour = plain(chosen.edition)
    chosen = alter(behaviour, chosen, mutants, variants)
    script.direct(behaviour)
    behaviour.wrappers.append(wire.around)
    # An answer that is broken off is an error in the server's log, and here it was asked for.
    with hosted(assemble(chosen, behaviour, clock), lifespan="off", log_level="critical") as origin:
        key = chosen.keys[0] if chosen.keys else "sk-emulator"
        yield Puppet(origin + BASE, key, script, wire, clock)
