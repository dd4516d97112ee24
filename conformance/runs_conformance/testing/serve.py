"""Serves a controlled emulator for clients in any language."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runs_conformance.emulator.app import BASE
from runs_conformance.emulator.server import serve
from runs_conformance.errors import InvalidFile, UsageError
from runs_conformance.testing.control_routes import PREFIX, build_controlled
from runs_conformance.testing.scenario import load_scenario
from runs_conformance.testing.scriptable_emulator import make_control

TOKEN_VARIABLE = "RUNS_EMULATOR_CONTROL_TOKEN"


def serve_controlled(
    host: str,
    port: int,
    ready: Callable[[str, str | None], None],
    *,
    has_routes: bool = True,
    scenario: str | None = None,
    **options: Any,
) -> None:
    """Serve until interrupted. `ready` is called with the URLs of the API and of the control routes, if any.

    `scenario` is a file; `options` are those of `make_control`, None for the default. API keys and the token of the
    control routes come from the environment. Raises UsageError for an unusable option, scenario or port.
    """
    keys = tuple(key for key in os.environ.get("RUNS_EMULATOR_KEYS", "").split(",") if key)
    given = {name: value for name, value in options.items() if value is not None}
    control = make_control(keys=keys, **given)
    if scenario is not None:
        document = load_scenario(Path(scenario))
        try:
            control.apply(document)
        except UsageError as error:
            raise InvalidFile(f"{scenario}: {error.cause}", error.hint) from None
    app = build_controlled(control, has_routes=has_routes, token=os.environ.get(TOKEN_VARIABLE) or None)

    def tell(origin: str) -> None:
        ready(origin + BASE, origin + PREFIX if has_routes else None)

    try:
        serve(app, host, port, tell)
    except OSError as error:
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
