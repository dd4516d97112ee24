"""How the execution of a program ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from runs_conformance.model.json import JSON


class Ending(StrEnum):
    """The ways in which a program ends.

    `COMPLETED`: every step was sent, although runs may not have been waited for. `STOPPED`: a response did not provide
    what the rest of the program needs. `ABORTED`: a budget or an interruption ended the test run. `NOT_STARTED`: the
    test run ended before its first step.
    """

    COMPLETED = "completed"
    STOPPED = "stopped"
    ABORTED = "cut"
    NOT_STARTED = "not_started"


FORECAST = "the forecast of "
"""How the cause begins if the forecast of the plan leaves a program too few requests or runs."""


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """The end of one program. `cause` says what ended it early, in one line without the program's name.

    The cause of a completed program says why it did not wait for its runs. `operation` and `exchange` name the request
    whose response ended it, or the last one before it was aborted. `disconnected` says that this request got no
    complete response.
    """

    program: str
    ending: Ending
    cause: str = ""
    operation: str = ""
    exchange: str = ""
    disconnected: bool = False

    @property
    def is_early(self) -> bool:
        """Whether the program ended before its last step."""
        return self.ending is not Ending.COMPLETED

    @property
    def is_cut(self) -> bool:
        """Whether the test run kept the program from sending its steps, or from waiting for its runs."""
        return self.ending in (Ending.ABORTED, Ending.NOT_STARTED) or (not self.is_early and self.cause != "")

    @property
    def ran_out(self) -> bool:
        """Whether the forecast of the plan left the program too few requests or runs."""
        return self.ending is Ending.STOPPED and self.cause.startswith(FORECAST)

    def to_json(self) -> dict[str, JSON]:
        """The end as JSON; empty fields are omitted."""
        out: dict[str, JSON] = {"program": self.program, "ending": self.ending.value}
        for name in ("cause", "operation", "exchange"):
            if value := getattr(self, name):
                out[name] = value
        if self.disconnected:
            out["disconnected"] = True
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> ProgramEnd:
        """Read what `to_json` wrote. Raises ValueError if it is invalid."""
        texts = [data.get(name, "") for name in ("program", "ending", "cause", "operation", "exchange")]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a member of a program's end is not a string")
        program, ending, cause, operation, exchange = map(str, texts)
        return cls(program, Ending(ending), cause, operation, exchange, data.get("disconnected") is True)


@dataclass(frozen=True, slots=True)
class EarlyEndGroup:
    """Programs that ended early for the same cause."""

    cause: str
    programs: tuple[str, ...]


def group_early_ends(ends: Iterable[ProgramEnd]) -> tuple[EarlyEndGroup, ...]:
    """The programs that ended early, by cause; the cause of most programs comes first."""
    early = [end for end in ends if end.is_early]
    counts = Counter(end.cause for end in early)
    return tuple(
        EarlyEndGroup(cause, tuple(end.program for end in early if end.cause == cause))
        for cause, _ in counts.most_common()
    )
