"""The options of an emulator."""

from __future__ import annotations

from dataclasses import dataclass

from runs_conformance.contract.edition import DEFAULT_EDITION


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """Timing, API keys and edition of an emulator.

    `step_ms` is the pause between two actions of a run in milliseconds; with 0 they all happen at once. `expires_s` is
    the lifetime of a run in seconds. `keys` are the accepted API keys, each a tenant of its own; if empty, every key is
    accepted except those that look deliberately wrong. Runs of `failing_model` end failed. `check_files` refuses the
    ids of files and vector stores that do not exist.
    """

    step_ms: float = 10
    expires_s: float = 600
    keys: tuple[str, ...] = ()
    failing_model: str = "failing-model"
    edition: str = DEFAULT_EDITION
    check_files: bool = False
