"""A cause: one defect of a server, and the failures that it explains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runs_conformance.model.json import JSON


class Severity(StrEnum):
    """The effect of a cause on clients, in the order of urgency: the most harmful comes first."""

    CRASH = "crash"
    ACCESS = "access"
    LIFECYCLE = "lifecycle"
    DATA_LOSS = "data_loss"
    WRONG_SHAPE = "wrong_shape"
    MISSING_MEMBER = "missing_member"
    MISSING_VALIDATION = "missing_validation"
    WORDING = "wording"

    @property
    def rank(self) -> int:
        """The position in the order of urgency, 0 for the first."""
        return list(Severity).index(self)


LEVELS = ("must", "should", "may")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One defect of a server.

    `kind` names it in a form that is stable between test runs, such as `validation.none` or `shape.run`. `title` says
    what the server does and `fix` what to change, each in one sentence. `ids` are the failing requirements, in the
    order of the report; `consequences` are the ids among them that only repeat the defect elsewhere, for example in
    responses that show an accepted invalid value. `level` is the highest level of the ids. `reproduction` is the id
    with the shortest counterexample; ids that a replay confirmed come first.
    """

    kind: str
    title: str
    severity: Severity
    level: str
    fix: str
    ids: tuple[str, ...]
    operations: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    reproduction: str = ""

    def to_json(self) -> dict[str, JSON]:
        """The cause as JSON."""
        return {
            "kind": self.kind,
            "title": self.title,
            "severity": self.severity.value,
            "level": self.level,
            "requirements": len(self.ids),
            "operations": list(self.operations),
            "fix": self.fix,
            "reproduction": self.reproduction,
            "ids": list(self.ids),
            "consequences": list(self.consequences),
        }
