"""What is sent: steps with symbolic references, and what is expected of the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from runs_conformance.model.json import ABSENT, JSON, Absent


@dataclass(frozen=True, slots=True)
class Accept:
    """A correct server answers with success."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A correct server refuses; `statuses` are those that count as a refusal of this kind."""

    statuses: tuple[int, ...] = (400, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Either:
    """A correct server may accept or refuse; `reason` says what leaves it open."""

    reason: str


Expectation: TypeAlias = Accept | Reject | Either
REFUSES_BODY = Reject()
REFUSES_REFERENCE = Reject((400, 404))


@dataclass(frozen=True, slots=True)
class Mutation:
    """The one place where a payload departs from a plainly valid one, and the keyword that it tries there: an invalid
    payload breaks it, a valid one keeps it at its very edge.

    `place` is `body`, `query`, `path` or `header`; `pointer` is a JSON Pointer into it. `was` and `became` are
    `ABSENT` where the member was added or removed.
    """

    pointer: str
    keyword: str
    original: JSON | Absent
    mutated: JSON | Absent
    place: str = "body"


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that only the target can give: the value at `pointer` in the answer to the step named `step`."""

    step: str
    pointer: str = "/id"


class Key(StrEnum):
    """Which credentials a step is sent with. `basic` is the own key under the scheme Basic."""

    PRIMARY = "own"
    BASIC = "basic"
    SECOND = "second"
    WRONG = "wrong"
    NONE = "none"


class Role(StrEnum):
    """What a step is for, which says how its answer is read.

    `fixture`: sets something up; its refusal makes the rest undecided. `control`: the minimal accepted request beside
    a negative. `valid`: carries legal values of the constraints it names. `negative`: breaks exactly one of them.
    `act`: a move of a program, judged by rules. `look`: a read that shows state. `cleanup`: removes what was created.
    """

    FIXTURE = "fixture"
    CONTROL = "control"
    VALID = "valid"
    NEGATIVE = "negative"
    ACT = "act"
    READ = "look"
    CLEANUP = "cleanup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a program, as plain data; references are bound when it is sent.

    `path`, `query` and `body` may hold `Ref`s anywhere. `raw`, when given, is sent as the body byte for byte.
    `headers` are added to the usual ones, and a `None` removes one. `exercises` names the constraints whose legal
    (`accept`) or illegal (`reject`) side this step shows. `until` makes the engine repeat the step until the answer's
    `status` is one of these or the patience ends; each attempt is an exchange of its own. `pause` is how many seconds
    the engine waits before it sends the step, for what only time can show (times are whole seconds). `stream` says that
    an event stream is expected when it is accepted. `tag` carries what a rule must know of the program's intent and
    cannot see in the traffic; the tags are listed in `runs_conformance.model.tag`.
    """

    operation: str
    name: str = ""
    path: Mapping[str, JSON | Ref] = field(default_factory=dict)
    query: tuple[tuple[str, JSON | Ref], ...] = ()
    body: object = ABSENT
    raw: bytes | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    key: Key = Key.PRIMARY
    role: Role = Role.ACT
    expectation: Expectation | None = None
    mutation: Mutation | None = None
    exercises: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    pause: float = 0.0
    stream: bool = False
    tag: str = ""

    @property
    def id(self) -> str:
        """A short hash of the step's content: the same step has the same id in every run."""
        known = _ids.get(id(self))
        if known is not None and known[0] is self:
            return known[1]
        content = json.dumps(step_to_json(self), sort_keys=True, default=repr)
        found = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        if len(_ids) >= _MOST_IDS:
            _ids.clear()
        _ids[id(self)] = self, found
        return found


_ids: dict[int, tuple[Step, str]] = {}
_MOST_IDS = 2048


def step_to_json(step: Step) -> dict[str, JSON]:
    """The step as JSON, references as `{"$from": step, "at": pointer}`; members that say nothing are left out."""
    out: dict[str, JSON] = {"operation": step.operation}
    if step.name:
        out["name"] = step.name
    if step.path:
        out["path"] = {name: encode_references(value) for name, value in step.path.items()}
    if step.query:
        out["query"] = [[name, encode_references(value)] for name, value in step.query]
    if step.body is not ABSENT:
        out["body"] = encode_references(step.body)
    if step.raw is not None:
        out["raw"] = step.raw.decode("latin-1")
    if step.headers:
        out["headers"] = dict(step.headers)
    if step.key is not Key.PRIMARY:
        out["key"] = step.key.value
    out["role"] = step.role.value
    if step.expectation is not None:
        out["expectation"] = expectation_to_json(step.expectation)
    if step.mutation is not None:
        out["mutation"] = mutation_to_json(step.mutation)
    if step.exercises:
        out["exercises"] = list(step.exercises)
    if step.until:
        out["until"] = list(step.until)
    if step.pause:
        out["pause"] = step.pause
    if step.stream:
        out["stream"] = True
    if step.tag:
        out["tag"] = step.tag
    return out


def step_from_json(data: Mapping[str, JSON]) -> Step:
    """The step that `step_to_json` wrote."""
    raw = data.get("raw")
    mutation = data.get("mutation")
    expectation = data.get("expectation")
    return Step(
        operation=_text(data["operation"]),
        name=_text(data.get("name", "")),
        path={name: decode_references(value) for name, value in _members(data.get("path", {})).items()},  # type: ignore[misc]
        query=tuple((_text(pair[0]), decode_references(pair[1])) for pair in data.get("query", ())),  # type: ignore[union-attr, index, misc]
        body=decode_references(data["body"]) if "body" in data else ABSENT,
        raw=raw.encode("latin-1") if isinstance(raw, str) else None,
        headers=_members(data.get("headers", {})),  # type: ignore[arg-type]
        key=Key(_text(data.get("key", "own"))),
        role=Role(_text(data.get("role", "act"))),
        expectation=None if expectation is None else _expectation(_members(expectation)),
        mutation=None if mutation is None else _mutation(_members(mutation)),
        exercises=tuple(data.get("exercises", ())),  # type: ignore[arg-type]
        until=tuple(data.get("until", ())),  # type: ignore[arg-type]
        pause=float(data.get("pause", 0)),  # type: ignore[arg-type]
        stream=bool(data.get("stream", False)),
        tag=_text(data.get("tag", "")),
    )


def encode_references(value: object) -> JSON:
    """A value with its references written as JSON objects."""
    if isinstance(value, Ref):
        return {"$from": value.step, "at": value.pointer}
    if isinstance(value, Mapping):
        return {str(key): encode_references(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode_references(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a step cannot hold a {type(value).__name__}")


def decode_references(value: JSON) -> object:
    """A value with its references as `Ref`s again: the inverse of `symbolic`."""
    if isinstance(value, Mapping):
        if value.keys() == {"$from", "at"}:
            return Ref(_text(value["$from"]), _text(value["at"]))
        return {key: decode_references(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [decode_references(item) for item in value]
    return value


def expectation_to_json(expectation: Expectation) -> dict[str, JSON]:
    """The expectation as JSON."""
    match expectation:
        case Accept():
            return {"is": "accept"}
        case Reject(statuses):
            return {"is": "reject", "statuses": list(statuses)}
        case Either(reason):
            return {"is": "either", "reason": reason}


def mutation_to_json(mutation: Mutation) -> dict[str, JSON]:
    """The mutation as JSON; `was` and `became` are left out where the member is not there."""
    out: dict[str, JSON] = {"place": mutation.place, "pointer": mutation.pointer, "keyword": mutation.keyword}
    if not isinstance(mutation.original, Absent):
        out["was"] = encode_references(mutation.original)
    if not isinstance(mutation.mutated, Absent):
        out["became"] = encode_references(mutation.mutated)
    return out


def _expectation(data: Mapping[str, JSON]) -> Expectation:
    match data["is"]:
        case "accept":
            return Accept()
        case "reject":
            return Reject(tuple(data["statuses"]))  # type: ignore[arg-type]
        case _:
            return Either(_text(data.get("reason", "")))


def _mutation(data: Mapping[str, JSON]) -> Mutation:
    return Mutation(
        _text(data["pointer"]),
        _text(data["keyword"]),
        data.get("was", ABSENT),
        data.get("became", ABSENT),
        _text(data.get("place", "body")),
    )


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else str(value)


def _members(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Concurrent:
    """Steps that are sent at the same moment, each on a connection of its own; the answers come back in the same
    order.
    """

    steps: tuple[Step, ...]


Move: TypeAlias = Step | Concurrent
