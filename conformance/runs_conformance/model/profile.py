"""The phases of a test run, and the profiles that combine them."""

from __future__ import annotations

PHASES = ("preflight", "boundary", "lifecycle", "robustness", "security", "races", "explore", "schemathesis")
"""The phases of a test run, in order."""

PROFILES: dict[str, tuple[str, ...]] = {
    "quick": ("preflight", "boundary", "lifecycle", "robustness", "security"),
    "standard": PHASES[:-1],
    "full": PHASES,
}
"""The phases of each profile, from the narrowest to the widest. If phases are requested explicitly, only these
run, including those that are not in the profile."""
