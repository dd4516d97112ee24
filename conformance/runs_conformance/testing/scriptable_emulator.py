"""An emulator whose answers and failures a test decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.config import parse_edition, require_known
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.emulator.app import BASE, build_with_hooks
from runs_conformance.emulator.catalogue import apply_by_name
from runs_conformance.emulator.clock import Clock
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.testing import run_script
from runs_conformance.testing.fault_injector import FaultInjector, InjectedFault, ReceivedRequest
from runs_conformance.testing.run_script import RunScript


@dataclass(slots=True)
class ScriptableEmulator:
    """A running emulator that follows a script, and otherwise behaves like the API.

    `base_url` and `api_key` are for the client under test. `say`, `call`, `fail`, `cut_off` and `hang` script the next
    turns, one for each run or submission, in that order; without a script the fake model answers. `refuse`, `delay` and
    `break_answer` inject faults, optionally into one operation only, such as `create_run`.
    """

    base_url: str
    api_key: str = "sk-emulator"
    _script: RunScript = field(default_factory=RunScript, repr=False)
    _fault_injector: FaultInjector = field(default_factory=FaultInjector, repr=False)
    _clock: Clock = field(default_factory=Clock, repr=False)

    def say(self, text: str) -> None:
        """Have the next run answer with this text and complete."""
        self._script.turns.append(run_script.answer(text))

    def call(self, function: str, arguments: Mapping[str, Any] | str = "{}", *more: tuple[str, Any]) -> None:
        """Have the next run call this function; `more` are parallel calls as pairs of name and arguments.

        Arguments given as text are sent unchanged, so they may be invalid JSON.
        """
        self._script.turns.append(run_script.call_functions([(function, arguments), *more]))

    def fail(self, code: str = "server_error", message: str = "Sorry, something went wrong.") -> None:
        """Have the next run end failed with this error."""
        self._script.turns.append(run_script.fail(code, message))

    def cut_off(self, text: str = "I was about to", reason: str = "max_completion_tokens") -> None:
        """Have the next run end incomplete for this reason, after this text."""
        self._script.turns.append(run_script.cut_off(text, reason))

    def hang(self) -> None:
        """Have the next run stay in progress until it is cancelled or expires (see `advance`)."""
        self._script.turns.append(run_script.hang())

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock ahead, for example to let runs expire."""
        self._clock.advance(seconds)

    def refuse(
        self, times: int = 1, http_status: int = 429, *, retry_after: float | None = None, operation: str | None = None
    ) -> None:
        """Answer the next requests with an error of this HTTP status."""
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        self._inject(InjectedFault(times, operation, http_status=http_status, headers=headers))

    def delay(self, seconds: float, times: int = 1, *, operation: str | None = None) -> None:
        """Delay the answers to the next requests."""
        self._inject(InjectedFault(times, operation, delay=seconds))

    def break_answer(self, after: int = 0, times: int = 1, *, operation: str | None = None) -> None:
        """Drop the connection during the next answers, after this number of events of a stream."""
        self._inject(InjectedFault(times, operation, cut_after=after))

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The received requests, oldest first."""
        return list(self._fault_injector.received)

    def reset(self) -> None:
        """Discard the script, the faults and the received requests; the stored objects remain."""
        self._script.turns.clear()
        self._fault_injector.clear()

    def _inject(self, fault: InjectedFault) -> None:
        if fault.operation is not None:
            require_known(fault.operation, OPERATIONS, "operation")
        self._fault_injector.add(fault)


@contextmanager
def start_emulator(
    *,
    mutants: Sequence[str] = (),
    variants: Sequence[str] = (),
    edition: str | None = None,
    **options: Any,
) -> Iterator[ScriptableEmulator]:
    """Serve an emulator on a free loopback port until the block ends.

    `mutants` and `variants` are those of `runs-conformance serve`; `options` are `step_ms`, `expires_s`,
    `failing_model` and `keys`. Raises UsageError for an unknown name.
    """
    for name in options:
        require_known(name, ("step_ms", "expires_s", "failing_model", "keys"), "option of the emulator")
    if edition is not None:
        options["edition"] = parse_edition(edition)
    emulator_options, script, fault_injector, clock = EmulatorOptions(**options), RunScript(), FaultInjector(), Clock()
    hooks = default_hooks(emulator_options.edition)
    emulator_options = apply_by_name(hooks, emulator_options, mutants, variants)
    script.install(hooks)
    hooks.middleware.append(fault_injector.wrap)
    # uvicorn logs a dropped connection as an error, but here it is intended.
    with serve_in_thread(
        build_with_hooks(emulator_options, hooks, clock), lifespan="off", log_level="critical"
    ) as origin:
        key = emulator_options.keys[0] if emulator_options.keys else "sk-emulator"
        yield ScriptableEmulator(origin + BASE, key, script, fault_injector, clock)
