"""Fixed samples for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def fixed_sample(names: Iterable[str], count: int) -> list[str]:
    """A sample of names that is spread like a random one, but always the same."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count]
