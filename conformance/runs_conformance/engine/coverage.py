"""Compares the evidence that programs produced in a test run with the evidence that they produce on the emulator."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.decisions import Decisions
from runs_conformance.engine.plan import is_choice
from runs_conformance.model.plural import plural
from runs_conformance.model.program_end import Ending, ProgramEnd

MAX_SPECIFIC_DECIDERS = 8
"""A pass of an id that this many programs or fewer decide needs that none of them ended early; any needs half."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The planned programs: how each ended, which ids it decided, and which it decides on the emulator.

    `occasions` counts, by program and id, the occasions on which the id was judged. `skipped` holds the programs that
    were not planned, with the reason and what they need. `not_offered` holds the programs of capabilities that the
    target does not offer, with the reason: violations that only these programs reveal cannot occur on it.
    `without_operations` holds the programs that called an operation that the target does not offer, with the reason:
    if they ran to their end, what they did not show is not missed. `refused` is, by program, the first valid request
    that the target refused. `lacking` is what the user must give for programs to name files; it is empty if they can.
    """

    decisions: Decisions
    ends: Mapping[str, ProgramEnd]
    decided: Mapping[str, frozenset[str]]
    occasions: Mapping[str, Mapping[str, int]]
    skipped: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    not_offered: Mapping[str, str] = field(default_factory=dict)
    without_operations: Mapping[str, str] = field(default_factory=dict)
    lacking: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, Collection[str]] = field(default_factory=dict)

    def may_explain(self, premise: str, id_: str) -> bool:
        """Whether the failure of a requirement may be why an id is undecided.

        It may be if a program that should decide the id failed the requirement, or should have decided the requirement
        and did not, since a finding may take longer than the program lasts. It always may be if it is not known which
        programs decide the id, or if the requirement is a constraint on requests, which other programs judge.
        """
        deciders = self.decisions.deciders
        programs = deciders.get(id_, frozenset())
        if not self.failed or not programs or premise.partition(".")[0] in OPERATIONS:
            return True
        undecided = (each for each in programs & deciders.get(premise, frozenset()) if each in self.ends)
        return any(premise in self.failed.get(program, ()) for program in programs) or not all(
            self._did_decide(program, premise) for program in undecided
        )

    def shortfall(self, id_: str, is_rule: bool = True, offered: float = 1.0) -> str | None:
        """The evidence that a pass of this id lacks: a program that did not show it, and why; None if nothing.

        A constraint is the same condition wherever it is seen, so a program that ran to its end without showing it
        leaves nothing open, nor does one that showed a value of a type that the constraint does not concern. A rule
        may hold in one situation and not in another. `offered` is the share of the operations that the target offers;
        programs see fewer occasions on a target that offers fewer.
        """
        expected = self._relevant_programs(self.decisions.deciders.get(id_, ()), id_)
        missing = [program for program in expected if not self._did_decide(program, id_)]
        # Which ids a program decides may depend on the speed of the target, so one that ran to its end may be missing.
        early = [program for program in missing if self.ends[program].is_early]
        is_open = len(missing) == len(expected) or not all(map(self._ended_at_missing_operation, early))
        if early and is_open and len(expected) <= MAX_SPECIFIC_DECIDERS:
            return self._explain(early)
        if is_rule and 2 * len(missing) > len(expected):
            return self._explain(missing)
        is_cut = is_rule and self._is_cut(expected)
        for group in self.decisions.revealers.get(id_, ()):
            revealing = self._relevant_programs(group, id_)
            saw_enough = any(self._saw_enough(program, id_, offered if is_rule else 0.0) for program in revealing)
            saw_enough |= not is_rule and any(self._saw_other_type(program, id_) for program in revealing)
            # The situation of a violation may come after the step that stopped a program.
            ends = [self.ends[program] for program in revealing]
            stopped = sum(end.is_early or (is_cut and end.is_cut) for end in ends)
            if revealing and (not saw_enough or stopped == len(ends) or (is_cut and 2 * stopped > len(ends))):
                return self._explain_need(revealing, id_) or self._explain_few(revealing, id_)
        return None

    def need_for(self, shortfall: str) -> str | None:
        """The resources that the user can add to end a shortfall: `lacking` if that is its reason, else None."""
        return self.lacking if self.lacking and shortfall.endswith(self.lacking) else None

    def early_end(self, id_: str) -> str | None:
        """The program that would have decided this id had it not ended early, with the cause; None if there is none.

        One of many programs is not the reason if most others ran to their end without deciding the id either.
        """
        expected = self._planned_programs(self.decisions.deciders.get(id_, ()))
        early = [program for program in expected if self.ends[program].is_early]
        if len(expected) > MAX_SPECIFIC_DECIDERS and 2 * len(early) < len(expected):
            return None
        return self._explain(early) if early else None

    def not_shown(self, id_: str) -> str | None:
        """The programs that ran to their end without deciding this id, which they do on the emulator."""
        if (reason := self.not_offered_reason(id_)) is not None:
            return f"not observed: {reason}"
        completed = self._completed_deciders(id_)
        return self._explain_unobserved(completed) if completed else None

    def shows_why_not(self, id_: str) -> bool:
        """Whether responses explain why the completed programs did not decide this id.

        They do if the target lacks an operation, or refused requests in at least half of these programs.
        """
        completed = self._completed_deciders(id_)
        is_refused = self._refusal_of_most(completed) is not None
        return self.not_offered_reason(id_) is not None or (
            is_refused and not any(self.ends[program].cause for program in completed)
        )

    def not_offered_reason(self, id_: str) -> str | None:
        """Why no planned program decides this id: each of them needs something that the target does not offer."""
        expected = self._planned_programs(self.decisions.deciders.get(id_, ()))
        reasons = {**self.without_operations, **self.not_offered}
        return reasons[expected[0]] if expected and reasons.keys() >= set(expected) else None

    def _completed_deciders(self, id_: str) -> list[str]:
        """The programs that decide this id, ran to their end, and need nothing that the target does not offer."""
        reasons = {**self.without_operations, **self.not_offered}
        expected = self._planned_programs(self.decisions.deciders.get(id_, ()))
        return [program for program in expected if not self.ends[program].is_early and program not in reasons]

    def _refusal_of_most(self, programs: Sequence[str]) -> str | None:
        """The first refused request of one of these programs, if at least half of them had one."""
        refused = [self.refused[program] for program in programs if program in self.refused]
        return refused[0] if refused and 2 * len(refused) >= len(programs) else None

    def skip_reason(self, id_: str) -> tuple[str, str] | None:
        """Why the programs that decide this id were not planned, and what they need."""
        for program in sorted(self.decisions.deciders.get(id_, ())):
            if program in self.skipped:
                return self.skipped[program]
        return None

    def plans_all(self, id_: str) -> bool:
        """Whether every program that decides this id on the emulator was planned."""
        return self.ends.keys() >= self.decisions.deciders.get(id_, frozenset())

    def is_full(self, programs: Iterable[str]) -> bool:
        """Whether each of these programs was planned, or could not be: the user did not choose a smaller test run."""
        reasons = (self.skipped[program][0] for program in programs if program in self.skipped)
        return {*self.ends, *self.skipped} >= set(programs) and not any(map(is_choice, reasons))

    def _planned_programs(self, programs: Iterable[str]) -> list[str]:
        return sorted(program for program in programs if program in self.ends)

    def _relevant_programs(self, programs: Iterable[str], id_: str) -> list[str]:
        """The programs that should show an id on this target."""
        return [
            program
            for program in self._planned_programs(programs)
            if program not in self.not_offered
            and not (self._lacked_operation(program) and not self._count(program, id_))
        ]

    def _lacked_operation(self, program: str) -> bool:
        return program in self.without_operations and not self.ends[program].is_early

    def _ended_at_missing_operation(self, program: str) -> bool:
        """Whether a program ended early at an operation that the target does not offer, as the report says."""
        end = self.ends[program]
        return end.operation in OPERATIONS and self.without_operations.get(program, "").endswith(
            OPERATIONS[end.operation].route
        )

    def _is_cut(self, programs: Sequence[str]) -> bool:
        """Whether the test run was cut for most of these programs, so that the situations that the rest saw are few."""
        early = [program for program in programs if self.ends[program].is_early]
        return 2 * len(early) > len(programs) and any(end.is_cut for end in self.ends.values())

    def _did_decide(self, program: str, id_: str) -> bool:
        return id_ in self.decided.get(program, ())

    def _count(self, program: str, id_: str) -> int:
        return self.occasions.get(program, {}).get(id_, 0)

    def _saw_enough(self, program: str, id_: str, share: float) -> bool:
        """Whether a program saw this share of the occasions that it sees on every correct server, and at least one.

        A program that judges the id only where it is violated need only run to its end. A constraint is judged wherever
        an object is shown, so one that ended early may not have come to the object that violates it.
        """
        fewest, is_early = self._fewest(program, id_), self.ends[program].is_early
        if fewest == 0:
            return not is_early
        if share == 0 and is_early:
            return False
        return self._count(program, id_) >= max(1, math.floor(share * fewest))

    def _saw_other_type(self, program: str, id_: str) -> bool:
        """Whether a completed program saw the value that a response constraint concerns, though of another type.

        An enumeration of strings says nothing of null, which a server may show where the emulator shows a string.
        """
        place = id_.rpartition(".")[0]
        is_response = place.partition(".")[0] not in OPERATIONS
        return is_response and not self.ends[program].is_early and self._count(program, f"{place}.type") > 0

    def _fewest(self, program: str, id_: str) -> int:
        return self.decisions.occasions.get(id_, {}).get(program, 1)

    def _explain_need(self, programs: Sequence[str], id_: str) -> str | None:
        """The need of these programs for files to see enough of an id; None if one of them lacks more than that."""
        on_files = self.decisions.on_files.get(id_, frozenset())
        complete = all(program in on_files and not self.ends[program].is_early for program in programs)
        verb = "needs" if len(programs) == 1 else "need"
        return f"{_list_some(programs)} {verb} {self.lacking}" if self.lacking and complete else None

    def _explain_few(self, programs: Sequence[str], id_: str) -> str:
        """Why none of these programs saw enough of an id."""
        judging = [program for program in programs if self._count(program, id_)]
        if not judging or any(self.ends[program].is_early or self.ends[program].is_cut for program in programs):
            return self._explain(programs)
        best = max(judging, key=lambda program: self._count(program, id_) / max(1, self._fewest(program, id_)))
        seen = plural(self._count(best, id_), "occasion")
        return f"{best} had {seen}; on the bundled emulator it has at least {self._fewest(best, id_)}"

    def _explain(self, programs: Sequence[str]) -> str:
        """The first of these programs that ended early or was cut, and why; their names if most ran to the end."""
        early = [end for program in programs if (end := self.ends[program]).is_early or end.is_cut]
        if 2 * len(early) < len(programs):
            return self._explain_unobserved([program for program in programs if self.ends[program] not in early])
        first = min(early, key=lambda end: _URGENCY[end.ending])
        others = f" (and {len(early) - 1} more)" if len(early) > 1 else ""
        verb = _VERBS.get(first.ending, "ended early")
        place = (
            f" after {first.operation} ({first.exchange})" if first.ending is Ending.ABORTED and first.exchange else ""
        )
        return f"{first.program}{others} {verb}{place}: {first.cause}"

    def _explain_unobserved(self, programs: Sequence[str]) -> str:
        """Why completed programs did not show something: they did not wait for their runs, were refused a request, or
        ran to the end.
        """
        cause = next((end.cause for program in programs if (end := self.ends[program]).cause), None)
        if cause is not None:
            return f"{_UNLIKE_EMULATOR}, {_list_some(programs)} did not judge it: {cause}"
        refused = self._refusal_of_most(programs)
        if refused is not None:
            return f"{_UNLIKE_EMULATOR}, {_list_some(programs)} did not judge it: {refused}"
        return f"{_UNLIKE_EMULATOR}, {_list_some(programs)} ran to the end without judging it"


_UNLIKE_EMULATOR = "unlike on the bundled emulator"

_URGENCY = {Ending.STOPPED: 0, Ending.ABORTED: 1, Ending.NOT_STARTED: 2, Ending.COMPLETED: 3}
_VERBS = {Ending.NOT_STARTED: "did not start", Ending.COMPLETED: "did not wait for its runs"}


def _list_some(names: Sequence[str], limit: int = 2) -> str:
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
