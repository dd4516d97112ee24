"""Steps of a program with their symbolic references, and the expected kind of response."""

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
    """A correct server responds with success."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """A correct server refuses with one of these HTTP statuses."""

    statuses: tuple[int, ...] = (400, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Either:
    """A correct server may accept or refuse, for this reason."""

    reason: str


Expectation: TypeAlias = Accept | Refuse | Either
REFUSES_BODY = Refuse()
REFUSES_REFERENCE = Refuse((400, 404))

MAX_PAUSE = 60.0
"""Seconds that the pause of a step in a file may take at most; no program needs as long."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """The one place where a payload differs from an ordinary valid one, and the schema keyword tested there.

    An invalid payload violates the keyword; a valid one takes its boundary value. `place` is `body`, `query`, `path` or
    `header`; `pointer` is a JSON Pointer into it. `original` is `ABSENT` for an added member, `mutated` for a removed
    one.
    """

    pointer: str
    keyword: str
    original: JSON | Absent
    mutated: JSON | Absent
    place: str = "body"


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a value that the target supplied: that at `pointer` in the response to the step named `step`."""

    step: str
    pointer: str = "/id"


class Key(StrEnum):
    """The credentials that a step is sent with. `BASIC` is the primary key under the scheme Basic."""

    PRIMARY = "own"
    BASIC = "basic"
    SECOND = "second"
    WRONG = "wrong"
    NONE = "none"


class DanglingReference(StrEnum):
    """Why a reference of a step names no object at that place.

    `unknown_id`: a well-formed id that no object has. `malformed_id`: a text that cannot be an id of this kind.
    `foreign_id`: an object under another parent, such as a run of another thread. `deleted_id`: a deleted object.
    """

    UNKNOWN = "unknown_id"
    MALFORMED = "malformed_id"
    FOREIGN = "foreign_id"
    DELETED = "deleted_id"


class Role(StrEnum):
    """The purpose of a step, which decides how its response is interpreted.

    `FIXTURE`: sets up an object; if it is refused, the steps that need it are inconclusive. `CONTROL`: the minimal
    valid request that accompanies a negative one. `VALID`: carries valid values of the constraints that it names.
    `NEGATIVE`: violates exactly one of them. `ACT`: a step of a scenario, judged by rules. `READ`: reads state.
    `CLEANUP`: deletes an object of the program.
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
    """One request of a program as plain data; references are resolved when it is sent.

    `path`, `query` and `body` may contain `Ref`s at any depth. `raw`, if set, is sent as the body byte for byte.
    `headers` are added to the default ones; `None` removes one. `exercises` names the constraints that the step tests,
    with a valid or an invalid value. `until` makes the engine repeat the step until the response's `status` is one of
    these or the run timeout expires; each attempt is a separate exchange. `pause` is the number of seconds to wait
    before sending, for effects that show only in timestamps of whole seconds. A concurrent step with `after_event` is
    sent instead when the stream of another shows an event whose name starts so, some seconds later at the latest.
    The body of an `escaped` step is sent in ASCII, with escapes for all other characters, as many clients do.
    `stream` marks a step whose success is an event stream. The client closes the connection when the stream of a step
    with `leave_at_event` shows an event whose name starts so.

    The last fields carry intent that the traffic does not show. `dangling` says why a reference names no object.
    `anomaly` names what is malformed or extreme below the level of the schema, such as `invalid_utf8`; a `probe` is
    sent only to test robustness against its anomaly. A `packed` step carries several boundary values at once, so its
    refusal alone is inconclusive. `limit_search` marks a step of the search for the limit that the target enforces.
    `append_message` is the text of a user message to be added to the step's thread after the step.
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
    after_event: str = ""
    stream: bool = False
    leave_at_event: str = ""
    dangling: DanglingReference | None = None
    anomaly: str = ""
    probe: bool = False
    packed: bool = False
    limit_search: bool = False
    escaped: bool = False
    append_message: str | None = None

    @property
    def id(self) -> str:
        """A short hash of the step's content, the same in every test run."""
        cached = _ids.get(id(self))
        if cached is not None and cached[0] is self:
            return cached[1]
        content = json.dumps(step_to_json(self), sort_keys=True, default=repr)
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        if len(_ids) >= _MAX_CACHED_IDS:
            _ids.clear()
        _ids[id(self)] = self, digest
        return digest


FLAGS = ("probe", "packed", "limit_search", "escaped")
"""The fields of a step that are true or false, apart from `stream`."""

_ids: dict[int, tuple[Step, str]] = {}
_MAX_CACHED_IDS = 2048


def step_to_json(step: Step) -> dict[str, JSON]:
    """The step as JSON. References become `{"$from": step, "at": pointer}`; fields with default values are omitted."""
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
    if step.after_event:
        out["after_event"] = step.after_event
    if step.stream:
        out["stream"] = True
    if step.leave_at_event:
        out["leave_at_event"] = step.leave_at_event
    if step.dangling is not None:
        out["dangling"] = step.dangling.value
    if step.anomaly:
        out["anomaly"] = step.anomaly
    for flag in FLAGS:
        if getattr(step, flag):
            out[flag] = True
    if step.append_message is not None:
        out["append_message"] = step.append_message
    return out


def encode_references(value: object) -> JSON:
    """Replace the references in a value by JSON objects. Raises TypeError for a value that JSON cannot represent."""
    if isinstance(value, Ref):
        return {"$from": value.step, "at": value.pointer}
    if isinstance(value, Mapping):
        return {str(key): encode_references(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode_references(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a step cannot contain a value of type {type(value).__name__}")


def expectation_to_json(expectation: Expectation) -> dict[str, JSON]:
    """The expectation as JSON."""
    match expectation:
        case Accept():
            return {"is": "accept"}
        case Refuse(statuses):
            return {"is": "reject", "statuses": list(statuses)}
        case Either(reason):
            return {"is": "either", "reason": reason}


def mutation_to_json(mutation: Mutation) -> dict[str, JSON]:
    """The mutation as JSON; an `ABSENT` value is omitted."""
    out: dict[str, JSON] = {"place": mutation.place, "pointer": mutation.pointer, "keyword": mutation.keyword}
    if not isinstance(mutation.original, Absent):
        out["was"] = encode_references(mutation.original)
    if not isinstance(mutation.mutated, Absent):
        out["became"] = encode_references(mutation.mutated)
    return out


@dataclass(frozen=True, slots=True)
class Concurrent:
    """Steps that are sent at the same moment on separate connections. Their exchanges are returned in this order."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Unmet:
    """Reports that the last response does not provide `needed`, without which the program cannot continue.

    Nothing is sent. The program counts as ended early unless it sends more than one step afterwards: one may tell why.
    """

    needed: str


Move: TypeAlias = Step | Concurrent

Instruction: TypeAlias = Move | Unmet
"""The values that a program yields."""
