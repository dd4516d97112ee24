"""What can be chosen when an emulator is started."""

from __future__ import annotations

from dataclasses import dataclass

from runs_conformance.contract.edition import DEFAULT_EDITION


@dataclass(frozen=True, slots=True)
class Options:
    """How an emulator behaves in time, whom it lets in, and which edition it serves.

    `step_ms` is the pause between two beats of a run; with 0 everything is due at once. `expires_s` is a run's
    lifetime. `keys` are the accepted API keys, each a tenant of its own; with none given, every key is accepted but
    those that say of themselves that they are wrong. Runs of `failing_model` end failed.
    """

    step_ms: float = 10
    expires_s: float = 600
    keys: tuple[str, ...] = ()
    failing_model: str = "failing-model"
    edition: str = DEFAULT_EDITION
