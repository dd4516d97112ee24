"""Kinds of requests that a target does not survive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from runs_conformance.model.json import JSON
from runs_conformance.model.plural import plural

TRIAL_PREFIX = "survival."
"""The prefix of the ids of programs that each find out whether a target survives one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A kind of request that repeatedly lost its connection while other requests got responses, or ended the target.

    `exchange` is the id of the first such exchange. If the request was `answered`, the target ended after its response;
    `exchange` is then the one that was sent while nothing else was in flight, and `lost` counts these ends. `withheld`
    counts the later requests of the kind, which were not sent, or were sent without the member that makes them
    dangerous. `is_odd`: no ordinary client sends such a request.
    """

    kind: str
    lost: int
    exchange: str
    withheld: int = 0
    is_odd: bool = False
    answered: bool = False

    @property
    def problem(self) -> str:
        """The hazard as the conclusion of a test run."""
        if self.answered:
            return f"the target does not survive {self.kind}: it {self._ended}"
        lost = f"no response {plural(self.lost, 'time')} (first {self.exchange})"
        return f"the target does not survive {self.kind}: {lost}, while others got responses"

    @property
    def text(self) -> str:
        """The hazard in one line."""
        if self.answered:
            return f"{self.kind}: the target {self._ended}; {self._withheld}"
        sent = f"{self.kind} got no response {plural(self.lost, 'time')} (first {self.exchange}), others did"
        return f"{sent}; {self._withheld}"

    @property
    def _withheld(self) -> str:
        return f"not sent again ({plural(self.withheld, 'request')} withheld)"

    @property
    def _ended(self) -> str:
        times = plural(self.lost, "time")
        return f"terminated {times} after its response, once with nothing else in flight ({self.exchange})"

    def to_json(self) -> dict[str, JSON]:
        """The hazard as JSON."""
        return {
            "kind": self.kind,
            "lost": self.lost,
            "exchange": self.exchange,
            "withheld": self.withheld,
            "odd": self.is_odd,
            "answered": self.answered,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Hazard:
        """Parse a hazard; members of a wrong type get neutral values."""
        lost, withheld = (_count(data.get(name)) for name in ("lost", "withheld"))
        return cls(
            kind=str(data.get("kind", "")),
            lost=lost,
            exchange=str(data.get("exchange", "")),
            withheld=withheld,
            is_odd=data.get("odd") is True,
            answered=data.get("answered") is True,
        )

    def with_one_more(self) -> Hazard:
        """The hazard after another request of its kind was withheld."""
        return replace(self, withheld=self.withheld + 1)


def _count(value: JSON) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
