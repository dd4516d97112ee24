"""The header and footer of a history: its first and last line, which describe the test run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance import __version__
from runs_conformance.app.history_record import record_from_json, record_to_json
from runs_conformance.app.options import RunOptions
from runs_conformance.client.base_url import Address
from runs_conformance.contract.edition import is_edition
from runs_conformance.contract.schema import schemas_digest
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.errors import UsageError
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.limit import Limit
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.program_end import ProgramEnd
from runs_conformance.model.request_forms import RequestForms
from runs_conformance.model.require import (
    require_array,
    require_boolean,
    require_integer,
    require_number,
    require_object,
    require_optional_text,
    require_text,
    require_texts,
)
from runs_conformance.model.text import excerpt
from runs_conformance.reporting.request_access import RequestAccess, shell_variable
from runs_conformance.targets import Target


@dataclass(frozen=True, slots=True)
class SkippedCapability:
    """A capability that no planned program covers: the reason, and what would be needed."""

    capability: str
    reason: str
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHeader:
    """The target, options and plan of a test run: everything a report needs besides the exchanges."""

    target: str
    base_url: str | None
    dialect: str
    options: RunOptions
    context: ProgramContext
    programs: Mapping[str, str]
    """The capability that each program covers, in the order of the plan."""
    skipped_capabilities: tuple[SkippedCapability, ...] = ()
    skipped_programs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The programs that are not planned, each with the reason and what it needs."""
    access: RequestAccess | None = None
    started: float | None = None
    suite: str = f"runs-conformance {__version__}"
    schema_digest: str = field(default_factory=schemas_digest)

    @classmethod
    def from_plan(cls, target: Target, options: RunOptions, context: ProgramContext, plan: Plan) -> RunHeader:
        """Build the header of a test run that is about to begin."""
        skipped: dict[str, SkippedCapability] = {}
        for out in plan.skipped:
            capability = out.program.capability
            skipped.setdefault(capability, SkippedCapability(capability, out.reason, out.needs))
        return cls(
            target=target.name,
            base_url=target.address.url,
            dialect=target.address.dialect.family.name,
            options=options,
            context=context,
            programs={program.id: program.capability for program in plan.programs},
            skipped_capabilities=tuple(skipped.values()),
            skipped_programs={out.program.id: (out.reason, out.needs) for out in plan.skipped},
            access=_access(target.address),
            started=round(time.time(), 3),
        )

    def to_json(self) -> dict[str, JSON]:
        """The first line, without its type."""
        rate = self.options.rate_limit
        return {
            "suite": self.suite,
            "target": self.target,
            "base_url": self.base_url,
            "dialect": self.dialect,
            "edition": self.options.edition,
            "profile": self.options.profile,
            "seed": self.options.seed,
            "model": self.options.model,
            "schema_digest": self.schema_digest,
            "started": self.started,
            "choice": {**record_to_json(self.options), "spacing": 1 / rate if rate else 0.0},
            "setting": record_to_json(self.context),
            "programs": [[id_, capability] for id_, capability in self.programs.items()],
            "access": self.access.to_json() if self.access is not None else None,
            "left_out": [[out.capability, out.reason, out.needs] for out in self.skipped_capabilities],
            "skipped_programs": [[id_, *why] for id_, why in self.skipped_programs.items()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON], name: str) -> RunHeader:
        """Parse a first line; `name` is the file, for messages. Raises UsageError if it is not a header."""
        options, context, programs = data.get("choice"), data.get("setting"), data.get("programs")
        if not is_object(options) or not is_object(context) or not is_array(programs):
            raise UsageError(
                f"{name}: its first line does not contain the options of the test run; "
                f"`runs-conformance judge {name}` judges it as recorded traffic"
            )
        try:
            parsed = _options_from_json(options)
            if not is_edition(parsed.edition):
                raise ValueError(f"there is no edition {parsed.edition!r}")
            started = data.get("started")
            skipped = require_array(data.get("left_out", ()), "left_out")
            skipped_programs = require_array(data.get("skipped_programs", ()), "skipped_programs")
            return cls(
                target=require_text(data["target"], "target"),
                base_url=require_optional_text(data.get("base_url"), "base_url"),
                dialect=require_text(data["dialect"], "dialect"),
                options=parsed,
                context=record_from_json(ProgramContext, context),
                programs={pair[0]: pair[1] for pair in (_text_list(each, 2) for each in programs)},
                skipped_capabilities=tuple(SkippedCapability(*_text_list(each, 3)) for each in skipped),
                skipped_programs={
                    row[0]: (row[1], row[2]) for row in (_text_list(each, 3) for each in skipped_programs)
                },
                started=None if started is None else require_number(started, "started"),
                access=RequestAccess.from_json(data.get("access")),
                suite=require_text(data.get("suite", ""), "suite"),
                schema_digest=require_text(data.get("schema_digest", ""), "schema_digest"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{name}:1: not the first line of a history ({excerpt(str(error), 200)})") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFooter:
    """How a test run ended, as far as its exchanges do not show it. A killed test run has no footer.

    `ends` holds the programs that ended early or did not wait for their runs. `unreachable_reason` says why the target
    could not be tested at all. `counterexamples` are those that were shrunk or given more steps, with requests that are
    not judged.
    `exchanges` is how many the history had at the end, as the recorder adds it, or 0 in older ones. `unconfirmed` holds
    the failures that were not confirmed, each with the reason; None in older ones.
    """

    counts: Counts
    early_end_reason: str | None = None
    interrupted: bool = False
    internal_errors: tuple[str, ...] = ()
    unreachable_reason: str | None = None
    counterexamples: Mapping[str, JSON] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    ends: tuple[ProgramEnd, ...] = ()
    request_forms: RequestForms = field(default_factory=RequestForms)
    hazards: tuple[Hazard, ...] = ()
    exchanges: int = 0
    confirmations: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unconfirmed: Mapping[str, str] | None = None

    @classmethod
    def from_result(cls, result: RunResult) -> RunFooter:
        """Build the footer of a finished test run."""
        replaced = {
            id_: example
            for id_, example in result.counterexamples.items()
            if id_ in result.fuzzed_violations or id_ in result.enlarged
        }
        return cls(
            counts=result.counts,
            early_end_reason=result.early_end_reason,
            interrupted=result.interrupted,
            internal_errors=result.internal_errors,
            counterexamples=replaced,
            limits=result.limits,
            ends=tuple(end for end in result.program_ends if end.is_early or end.is_cut),
            request_forms=result.request_forms,
            hazards=result.hazards,
            confirmations=result.confirmations,
            unconfirmed=result.unconfirmed,
        )

    def to_json(self) -> dict[str, JSON]:
        """The last line, without its type."""
        return {
            "counts": record_to_json(self.counts),
            "cut": self.early_end_reason,
            "interrupted": self.interrupted,
            "faults": list(self.internal_errors),
            "untested": self.unreachable_reason,
            "examples": dict(self.counterexamples),
            "limits": [record_to_json(limit) for limit in self.limits],
            "confirmations": {id_: list(counts) for id_, counts in self.confirmations.items()},
            "unconfirmed": None if self.unconfirmed is None else dict(self.unconfirmed),
            "early_ends": [end.to_json() for end in self.ends],
            "approach": self.request_forms.to_json(),
            "not_sent_again": [hazard.to_json() for hazard in self.hazards],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSON], name: str) -> RunFooter:
        """Parse a last line; `name` is the file, for messages. Raises UsageError if it is not a footer."""

        def objects(member: str) -> list[Mapping[str, JSON]]:
            return [require_object(each, member) for each in require_array(data.get(member, ()), member)]

        try:
            return cls(
                counts=record_from_json(Counts, require_object(data.get("counts", {}), "counts")),
                early_end_reason=require_optional_text(data.get("cut"), "cut"),
                interrupted=require_boolean(data.get("interrupted", False), "interrupted"),
                internal_errors=require_texts(data.get("faults", ()), "faults"),
                unreachable_reason=require_optional_text(data.get("untested"), "untested"),
                counterexamples=require_object(data.get("examples", {}), "examples"),
                limits=tuple(record_from_json(Limit, each) for each in objects("limits")),
                ends=tuple(map(ProgramEnd.from_json, objects("early_ends"))),
                request_forms=RequestForms.from_json(data.get("approach")),
                confirmations=_confirmations(data.get("confirmations")),
                unconfirmed=_parse_unconfirmed(data.get("unconfirmed")),
                exchanges=require_integer(data.get("exchanges", 0), "exchanges"),
                hazards=tuple(map(Hazard.from_json, objects("not_sent_again"))),
            )
        except (KeyError, TypeError, ValueError) as error:
            problem = excerpt(str(error), 200)
            raise UsageError(f"{name}: its last line is not the footer of a test run ({problem})") from None


def _confirmations(data: JSON) -> dict[str, tuple[int, int]]:
    """How often failures occurred again. Raises ValueError if it is not two numbers for each."""
    counts: dict[str, tuple[int, int]] = {}
    for id_, pair in (data if is_object(data) else {}).items():
        if not is_array(pair) or len(pair) != 2 or not all(isinstance(each, int) for each in pair):
            raise ValueError(f"the confirmation of {id_} is not a pair of numbers")
        counts[id_] = (int(str(pair[0])), int(str(pair[1])))
    return counts


def _parse_unconfirmed(data: JSON) -> dict[str, str] | None:
    """Why failures were set aside. Raises ValueError if it is not a text for each."""
    if data is None:
        return None
    return {id_: require_text(why, "unconfirmed") for id_, why in require_object(data, "unconfirmed").items()}


def _access(address: Address) -> RequestAccess:
    """Describe how requests reach the target, without secrets."""

    def redact(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((name, shell_variable(name) if address.is_secret(name, value) else value) for name, value in pairs)

    return RequestAccess(address.dialect.key_header, redact(address.query), redact(address.headers))


def _options_from_json(data: Mapping[str, JSON]) -> RunOptions:
    spacing = data.get("spacing")
    options = record_from_json(RunOptions, {name: value for name, value in data.items() if name != "spacing"})
    return replace(options, rate_limit=1 / spacing) if isinstance(spacing, (int, float)) and spacing > 0 else options


def _text_list(value: JSON, count: int) -> Sequence[str]:
    if not is_array(value) or len(value) != count or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{value!r} is not a list of {count} texts")
    return [str(item) for item in value]
