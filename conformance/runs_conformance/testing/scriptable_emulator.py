"""An emulator whose responses and failures a test decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.config import parse_edition, require_known
from runs_conformance.emulator import file_references
from runs_conformance.emulator.app import BASE
from runs_conformance.emulator.catalogue import apply_by_name
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.testing.control import Control
from runs_conformance.testing.control_routes import build_controlled
from runs_conformance.testing.control_words import Document
from runs_conformance.testing.fault_injector import ReceivedRequest
from runs_conformance.testing.scenario import load_scenario

_OPTIONS = ("step_ms", "expires_s", "failing_model", "keys", "check_files")
OPTION_NAMES = ("mutants", "variants", "edition", *_OPTIONS)
"""The options of `start_emulator`."""


@dataclass(slots=True)
class ScriptableEmulator:
    """A running emulator that follows a script, and otherwise behaves like the API.

    `base_url` and `api_key` are for the client under test; `control_url` accepts the same words by HTTP. `say`, `call`,
    `fail`, `cut_off`, `hang` and `hold` script the next turns, one for each run or submission, in that order; without a
    script the fake model answers. `refuse`, `limit_rate`, `delay`, `break_answer`, `pause_answer` and
    `send_error_event` inject faults, optionally into one operation only, such as `create_run`; all but `limit_rate`
    can let `skip` requests pass first.
    """

    base_url: str
    api_key: str
    control_url: str
    _control: Control = field(repr=False)

    def script(self, *acts: Mapping[str, Any] | str) -> None:
        """Have the next run perform these acts, such as `{"say": "Let me see."}, {"call": "get_weather"}`."""
        self._control.apply({"script": [[dict(act) if isinstance(act, Mapping) else act for act in acts]]})

    def say(
        self,
        text: str,
        *,
        usage: Mapping[str, int] | None = None,
        annotations: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        """Have the next run answer with this text and complete."""
        cited = None if annotations is None else [dict(annotation) for annotation in annotations]
        self._act("say", text=text, usage=_copy(usage), annotations=cited)

    def call(
        self,
        function: str,
        arguments: Mapping[str, Any] | str = "{}",
        *more: tuple[str, Any],
        usage: Mapping[str, int] | None = None,
    ) -> None:
        """Have the next run call this function; `more` are parallel calls as pairs of name and arguments.

        Arguments given as text are sent unchanged, so they may be invalid JSON.
        """
        calls = [{"function": name, "arguments": _plain(given)} for name, given in more]
        self._act("call", function=function, arguments=_plain(arguments), more=calls, usage=_copy(usage))

    def fail(self, code: str = "server_error", message: str | None = None) -> None:
        """Have the next run end failed with this error."""
        self._act("fail", code=code, message=message)

    def cut_off(self, text: str = "I was about to", reason: str = "max_completion_tokens") -> None:
        """Have the next run end incomplete for this reason, after this text."""
        self._act("cut_off", text=text, reason=reason)

    def hang(self) -> None:
        """Have the next run stay in progress until it is cancelled or expires (see `advance`)."""
        self._act("hang")

    def hold(self, status: str, seconds: float | None = None) -> None:
        """Keep the next run in this status, for a time or until it expires.

        The status is `queued`, `in_progress` or, once a client cancels the run, `cancelling`.
        """
        self._act("hold", status=status, seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock ahead, for example to let runs expire."""
        self._control.apply({"advance": seconds})

    def refuse(
        self,
        times: int | None = 1,
        http_status: int | None = None,
        *,
        error: str | None = None,
        retry_after: float | None = None,
        body: str | Mapping[str, Any] | None = None,
        content_type: str | None = None,
        after_doing: bool = False,
        operation: str | None = None,
        skip: int = 0,
    ) -> None:
        """Respond to the next requests with an error of this HTTP status (429); with `after_doing`, perform them first.

        `times` is None for every request. `error` names an error of the service, such as `insufficient_quota`. A `body`
        of text is HTML by default, an object is JSON.
        """
        status = {} if http_status is None else {"http_status": http_status}
        self._fault(
            "refuse",
            **status,
            times=times,
            error=error,
            retry_after=retry_after,
            body=_plain(body),
            content_type=content_type,
            after_doing=after_doing,
            operation=operation,
            skip=skip,
        )

    def limit_rate(self, requests_per_minute: int, *, operation: str | None = None) -> None:
        """Allow this number of requests per minute of the emulator's clock, until a reset.

        Responses have the headers `x-ratelimit-limit-requests` and so on; further requests are refused with 429.
        """
        self._fault("limit_rate", requests_per_minute=requests_per_minute, operation=operation)

    def delay(self, seconds: float, times: int | None = 1, *, operation: str | None = None, skip: int = 0) -> None:
        """Delay the responses to the next requests, or to every one if `times` is None."""
        self._fault("delay", seconds=seconds, times=times, operation=operation, skip=skip)

    def break_answer(
        self,
        after: int = 0,
        times: int | None = 1,
        *,
        event: str | None = None,
        operation: str | None = None,
        skip: int = 0,
    ) -> None:
        """Drop the connection during the next responses, after this number of events of a stream, or of one name."""
        self._fault("break_answer", after=after, times=times, event=event, operation=operation, skip=skip)

    def pause_answer(
        self,
        after: int = 0,
        seconds: float | None = None,
        times: int | None = 1,
        *,
        event: str | None = None,
        operation: str | None = None,
        skip: int = 0,
    ) -> None:
        """Pause the next responses after this number of events, for a number of seconds or forever."""
        self._fault(
            "pause_answer", after=after, seconds=seconds, times=times, event=event, operation=operation, skip=skip
        )

    def send_error_event(
        self,
        after: int = 0,
        message: str = "The server had an error while processing your request.",
        code: str | None = None,
        times: int | None = 1,
        *,
        event: str | None = None,
        operation: str | None = None,
        skip: int = 0,
    ) -> None:
        """End the next streams with an error event, after this number of events."""
        self._fault(
            "send_error_event",
            after=after,
            message=message,
            code=code,
            times=times,
            event=event,
            operation=operation,
            skip=skip,
        )

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The received requests, oldest first."""
        return self._control.requests()

    @property
    def unused(self) -> list[Document]:
        """The turns of the script that no run has used, and the faults that no request has triggered."""
        return self._control.unused()

    def apply(self, scenario: Mapping[str, Any]) -> None:
        """Apply a scenario: an object with the members `script`, `faults` and `advance`."""
        self._control.apply(dict(scenario))

    def apply_file(self, path: str | Path) -> None:
        """Apply a scenario file: YAML, or JSON if its name ends with `.json`. Raises UsageError for an unusable one."""
        self._control.apply(load_scenario(Path(path)))

    def reset(self) -> None:
        """Discard the script, the faults and the received requests; the stored objects remain."""
        self._control.reset()

    def _act(self, word: str, **arguments: Any) -> None:
        given = {name: value for name, value in arguments.items() if value is not None}
        self._control.apply({"script": [{word: given}]})

    def _fault(self, word: str, **arguments: Any) -> None:
        self._control.apply({"faults": [{word: arguments}]})


def _copy(value: Mapping[str, int] | None) -> dict[str, int] | None:
    return None if value is None else dict(value)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def make_control(
    mutants: Sequence[str] = (), variants: Sequence[str] = (), edition: str | None = None, **options: Any
) -> Control:
    """The control of a new emulator. Raises UsageError for an unknown name."""
    for name in options:
        require_known(name, OPTION_NAMES, "option of the emulator")
    if edition is not None:
        options["edition"] = parse_edition(edition)
    emulator_options = EmulatorOptions(**options)
    hooks = default_hooks(emulator_options.edition)
    emulator_options = apply_by_name(hooks, emulator_options, mutants, variants)
    file_references.install(hooks)
    return Control(emulator_options, hooks)


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
    `failing_model`, `keys` and `check_files`. Raises UsageError for an unknown name.
    """
    control = make_control(mutants, variants, edition, **options)
    # uvicorn logs a dropped connection as an error, but here it is intended.
    with serve_in_thread(build_controlled(control), lifespan="off", log_level="critical") as origin:
        keys = control.server.options.keys
        yield ScriptableEmulator(origin + BASE, keys[0] if keys else "sk-emulator", origin + "/_emulator", control)
