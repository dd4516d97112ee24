"""Serves a controlled emulator for clients in any language."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from starlette.types import ASGIApp

from runs_conformance.emulator.app import BASE
from runs_conformance.emulator.server import serve
from runs_conformance.errors import InvalidFile, UnwritableFile, UsageError
from runs_conformance.testing.access_log import log_requests
from runs_conformance.testing.control import Control
from runs_conformance.testing.control_routes import PREFIX, TOKEN_VARIABLE, build_controlled
from runs_conformance.testing.object_limit import ObjectLimit
from runs_conformance.testing.object_store import ObjectStore
from runs_conformance.testing.scenario import load_scenario
from runs_conformance.testing.scriptable_emulator import make_control


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How to serve an emulator. Paths are texts; `log` is `-` for standard error."""

    host: str = "127.0.0.1"
    port: int = 8080
    has_routes: bool = True
    scenario: str | None = None
    max_objects: int | None = None
    store: str | None = None
    log: str | None = None
    cors_origins: Sequence[str] = ()
    cert: str | None = None
    key: str | None = None
    watch_stdin: bool = False


def serve_controlled(options: ServeOptions, ready: Callable[[str, str | None], None], **emulator_options: Any) -> None:
    """Serve until interrupted. `ready` is called with the URLs of the API and of the control routes, if any.

    `emulator_options` are those of `make_control`, None for the default. API keys and the token of the control routes
    come from the environment. Raises UsageError for an unusable option, file or port.
    """
    keys = tuple(key for key in os.environ.get("RUNS_EMULATOR_KEYS", "").split(",") if key)
    given = {name: value for name, value in emulator_options.items() if value is not None}
    certificate = _check_certificate(options.cert, options.key)
    with ExitStack() as resources:
        control = make_control(keys=keys, **given)
        _keep_objects(control, options, resources)
        if options.scenario is not None:
            _apply_scenario(control, options.scenario)
        app: ASGIApp = build_controlled(
            control,
            has_routes=options.has_routes,
            token=os.environ.get(TOKEN_VARIABLE) or None,
            cors_origins=options.cors_origins,
        )
        if options.log is not None:
            app = log_requests(app, _open_log(options.log, resources))

        def announce(origin: str) -> None:
            ready(origin + BASE, origin + PREFIX if options.has_routes else None)

        resources.enter_context(_end_on_sigterm())
        try:
            serve(
                app,
                options.host,
                options.port,
                announce,
                watch_stdin=options.watch_stdin,
                certificate=certificate,
                is_fast=True,
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen on {options.host} port {options.port}: {error.strerror or error}"
            ) from None


def _keep_objects(control: Control, options: ServeOptions, resources: ExitStack) -> None:
    """Install the limit of objects and their store. Both must see a request after the faults have."""
    inner = []
    store = None
    if options.store is not None:
        store = ObjectStore(Path(options.store), control)
        resources.callback(store.close)
        store.install()
        inner.append(store.wrap)
    if options.max_objects is not None:
        limit = ObjectLimit(control.server, options.max_objects, *([store.forget_deleted] if store else []))
        limit.install()
        limit.enforce()
        inner.insert(0, limit.wrap)
    control.server.hooks.middleware[:0] = inner


def _apply_scenario(control: Control, path: str) -> None:
    document = load_scenario(Path(path))
    try:
        control.apply(document)
    except UsageError as error:
        raise InvalidFile(f"{path}: {error.cause}", error.hint) from None


def _check_certificate(cert: str | None, key: str | None) -> tuple[str, str] | None:
    """The files of a certificate and its key. Raises UsageError if they cannot be used together."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageError("--cert and --key belong together")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=_refuse_password)
    except ssl.SSLError as error:
        raise InvalidFile(f"{cert} and {key} are not a certificate and its key: {error.reason or error}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidFile(f"cannot use {cert} with {key}: {reason}") from None
    return cert, key


def _refuse_password() -> str:
    raise ValueError("the key is encrypted")


def _open_log(path: str, resources: ExitStack) -> TextIO:
    if path == "-":
        return sys.stderr
    try:
        return resources.enter_context(open(path, "a", encoding="utf-8"))
    except OSError as error:
        raise UnwritableFile(f"cannot write {path}: {error.strerror or error}") from None


@contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """End the process regularly on SIGTERM, so that files are closed; uvicorn completes open requests first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
