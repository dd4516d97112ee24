"""What a history says of the run that wrote it, in its first and its last line."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from runs_conformance import __version__
from runs_conformance.app.options import Choice
from runs_conformance.client.base_url import Address
from runs_conformance.contract.edition import is_edition
from runs_conformance.contract.schema import digest
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.run_plan import Course
from runs_conformance.errors import UsageError
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import Setting
from runs_conformance.reporting.access import Access, variable
from runs_conformance.targets import Target

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a capability is served by no program that was to be played, and what would have to be given."""

    capability: str
    reason: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Who was judged, by what choice, and what was to be played: everything a report needs beside the exchanges."""

    target: str
    base_url: str | None
    dialect: str
    choice: Choice
    setting: Setting
    programs: Mapping[str, str]
    """The capability that each program serves, in the order of the plan."""
    left_out: tuple[LeftOut, ...] = ()
    access: Access | None = None
    started: float | None = None
    suite: str = f"runs-conformance {__version__}"
    schema_digest: str = field(default_factory=digest)

    @classmethod
    def of(cls, target: Target, choice: Choice, setting: Setting, chosen: Plan) -> Heading:
        """The heading of a run that is about to begin."""
        left: dict[str, LeftOut] = {}
        for out in chosen.left_out:
            capability = out.program.capability
            left.setdefault(capability, LeftOut(capability, out.reason, out.needs))
        return cls(
            target=target.name,
            base_url=target.address.url,
            dialect=target.address.dialect.family,
            choice=choice,
            setting=setting,
            programs={program.id: program.capability for program in chosen.programs},
            left_out=tuple(left.values()),
            access=_access(target.address),
            started=round(time.time(), 3),
        )

    def to_json(self) -> dict[str, JSON]:
        """The first line, without its type."""
        return {
            "suite": self.suite,
            "target": self.target,
            "base_url": self.base_url,
            "dialect": self.dialect,
            "edition": self.choice.edition,
            "profile": self.choice.profile,
            "seed": self.choice.seed,
            "model": self.choice.model,
            "schema_digest": self.schema_digest,
            "started": self.started,
            "choice": _written(self.choice),
            "setting": _written(self.setting),
            "programs": [[id_, capability] for id_, capability in self.programs.items()],
            "access": self.access.to_json() if self.access is not None else None,
            "left_out": [[out.capability, out.reason, out.needs] for out in self.left_out],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON], name: str) -> Heading:
        """The heading that a first line holds; `name` is the file's. Raises UsageError where it holds none."""
        choice, setting, programs = data.get("choice"), data.get("setting"), data.get("programs")
        if not is_object(choice) or not is_object(setting) or not is_array(programs):
            raise UsageError(
                f"{name}: its first line does not say what was chosen for the run; "
                f"`runs-conformance judge {name}` judges what it shows"
            )
        try:
            chosen = _read(Choice, choice)
            if not is_edition(chosen.edition):
                raise ValueError(f"there is no edition {chosen.edition!r}")
            url, started = data.get("base_url"), data.get("started")
            left_out = data.get("left_out")
            return cls(
                target=str(data["target"]),
                base_url=url if isinstance(url, str) else None,
                dialect=str(data["dialect"]),
                choice=chosen,
                setting=_read(Setting, setting),
                programs={pair[0]: pair[1] for pair in (_texts(each, 2) for each in programs)},
                left_out=tuple(LeftOut(*_texts(each, 3)) for each in (left_out if is_array(left_out) else ())),
                started=float(started) if isinstance(started, (int, float)) else None,
                access=Access.from_json(data.get("access")),
                suite=str(data.get("suite", "")),
                schema_digest=str(data.get("schema_digest", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{name}:1: not the first line of a history ({error})") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended, which its exchanges alone do not tell.

    `untested` says why the target could not be tested at all. `examples` are the counterexamples of what exploring
    found, which were made smaller by exchanges that are no evidence. A run that was ended has none.
    """

    counts: Counts
    cut: str | None = None
    interrupted: bool = False
    faults: tuple[str, ...] = ()
    untested: str | None = None
    examples: Mapping[str, JSON] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()

    @classmethod
    def of(cls, way: Course) -> Ending:
        """How this course ended."""
        examples = {id_: way.examples[id_] for id_ in way.found if id_ in way.examples}
        return cls(
            counts=way.counts,
            cut=way.cut,
            interrupted=way.interrupted,
            faults=way.faults,
            examples=examples,
            limits=way.limits,
        )

    def to_json(self) -> dict[str, JSON]:
        """The last line, without its type."""
        return {
            "counts": _written(self.counts),
            "cut": self.cut,
            "interrupted": self.interrupted,
            "faults": list(self.faults),
            "untested": self.untested,
            "examples": dict(self.examples),
            "limits": [_written(limit) for limit in self.limits],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON], name: str) -> Ending:
        """The ending that a last line holds; `name` is the file's. Raises UsageError where it holds none."""
        counts, faults, examples = data.get("counts"), data.get("faults"), data.get("examples")
        cut, untested = data.get("cut"), data.get("untested")
        limits = data.get("limits")
        try:
            return cls(
                counts=_read(Counts, counts if is_object(counts) else {}),
                cut=cut if isinstance(cut, str) else None,
                interrupted=data.get("interrupted") is True,
                faults=tuple(str(fault) for fault in faults) if is_array(faults) else (),
                untested=untested if isinstance(untested, str) else None,
                examples=examples if is_object(examples) else {},
                limits=tuple(_read(Limit, each) for each in (limits if is_array(limits) else ()) if is_object(each)),
            )
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name}: its last line does not say how the run ended ({error})") from None


def _access(address: Address) -> Access:
    """How a target is spoken to, fit to be shown."""

    def shown(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((name, variable(name) if address.is_secret(name, value) else value) for name, value in pairs)

    return Access(address.dialect.key_header, shown(address.query), shown(address.headers))


def _written(made: Any) -> dict[str, JSON]:
    """The members of a dataclass that JSON can hold as they are."""
    found: dict[str, JSON] = {}
    for each in fields(made):
        value = getattr(made, each.name)
        if value is None or isinstance(value, (bool, int, float, str)):
            found[each.name] = value
        elif isinstance(value, tuple) and all(isinstance(item, str) for item in value):
            found[each.name] = list(value)
        elif isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()):
            found[each.name] = dict(value)
    return found


def _read(kind: type[_Made], data: Mapping[str, JSON]) -> _Made:
    """The dataclass whose members `_written` wrote; members that it does not know are left out. Raises TypeError where
    one is of another kind.
    """
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: _member(known[name], value) for name, value in data.items() if name in known})


def _member(each: Field[Any], value: JSON) -> Any:
    usual = each.default if each.default is not MISSING else None
    if isinstance(usual, tuple):
        if not is_array(value) or not all(isinstance(item, str) for item in value):
            raise TypeError(f"{each.name} is no list of texts")
        return tuple(value)
    if isinstance(usual, (bool, str)) and not isinstance(value, type(usual)):
        raise TypeError(f"{each.name} is no {'text' if isinstance(usual, str) else 'boolean'}")
    if isinstance(usual, (int, float)) and not isinstance(value, (int, float)):
        raise TypeError(f"{each.name} is no number")
    return value


def _texts(value: JSON, count: int) -> Sequence[str]:
    if not is_array(value) or len(value) != count or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{value!r} is no list of {count} texts")
    return [str(item) for item in value]
