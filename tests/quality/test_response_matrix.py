"""Every constraint on responses is failed by a broken response, on each channel; the committed matrix lists all."""

from __future__ import annotations

import pytest

from runs_conformance.app.options import CONSTRAINT_JUDGES
from runs_conformance.contract.constraint import object_documents
from runs_conformance.contract.event import event_types
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.judge import judge
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object, json_pointer, replace_at
from runs_conformance.model.verdict import Finding, Tally
from runs_conformance.rules import catalogue as rules
from tests.quality import response_matrix
from tests.quality.refresh import command
from tests.quality.response_matrix import kind_of, response_constraints, rule_on_whole_object
from tests.quality.response_mutations import breaks, channels_of, generated_objects
from tests.quality.tables import FOLDER

UPDATE_HINT = "run `python -m tests.quality.response_matrix` and commit what it writes"


def exchange_with(kind: str, channel: str, value: JSON) -> Exchange:
    """An exchange whose response holds an object of a kind."""
    if channel == "stream":
        name = next(event.name for event in event_types().values() if event.payload_kind == kind)
        response = Response(200, {"content-type": "text/event-stream"}, events=(Event(name, value),))
        operation = "create_run"
    else:
        response = Response(404 if kind == "error" else 200, {"content-type": "application/json"}, body=value)
        kinds = {each.response_kind: each.name for each in reversed(OPERATIONS.values())}
        operation = kinds.get(kind, "get_run")
    return Exchange(
        id="x1",
        index=1,
        program="responses",
        operation=operation,
        request=Request(OPERATIONS[operation].method, "/"),
        response=response,
        completion=Completion.ANSWERED,
        started=1.0,
        ended=2.0,
    )


def tallies(kind: str, channel: str, value: JSON, *, strict: bool = False) -> dict[str, Tally]:
    return judge(History.of([exchange_with(kind, channel, value)], strict=strict), {}, CONSTRAINT_JUDGES)


@pytest.mark.parametrize(
    ("kind", "channel"),
    [(kind, channel) for kind in object_documents() for channel in channels_of(kind)],
)
def test_each_constraint_is_failed_by_a_broken_response(kind: str, channel: str) -> None:
    wanted = {id_ for id_ in response_constraints() if kind_of(id_) == kind} - {f"{kind}.type"}
    place = "/events/0/data" if channel == "stream" else ""
    failed: set[str] = set()
    for value, checked in generated_objects(kind):
        assert all(not tally.findings for tally in tallies(kind, channel, value).values()), "the valid response fails"
        for each in breaks(kind, value, (checked - failed).__contains__):
            if each.path and each.constraint not in failed:
                broken = replace_at(value, each.path, each.replacement)
                judged = tallies(kind, channel, broken, strict=True)
                assert not [error for tally in judged.values() for error in tally.errors]
                findings = judged[each.constraint].findings if each.constraint in judged else []
                assert not findings or place + json_pointer(*each.path) in {finding.pointer for finding in findings}
                failed |= {each.constraint} if findings else set()
    assert wanted - failed == set()


def test_object_of_another_type_is_failed_by_a_rule() -> None:
    for kind in object_documents():
        for channel in channels_of(kind):
            rule = rules()[rule_on_whole_object(kind, channel)]
            history = History.of([exchange_with(kind, channel, [1])])
            assert [
                result for unit in rule.units(history) for result in rule.judge(unit) if isinstance(result, Finding)
            ]


def test_null_counts_as_a_type() -> None:
    (run, _), *_ = generated_objects("run")
    assert is_object(run)
    broken = tallies("run", "json", {**run, "created_at": None})
    assert [id_ for id_, tally in broken.items() if tally.findings] == ["run.created_at.type"]


def test_matrix_lists_every_constraint() -> None:
    assert {row.constraint: row.level for row in response_matrix.read()} == response_constraints(), command()


def test_matrix_is_proven_on_every_channel() -> None:
    for row in response_matrix.read():
        assert row.is_proven, f"{row.constraint}: {UPDATE_HINT}"
        channels = channels_of(kind_of(row.constraint))
        assert bool(row.json) is ("json" in channels), UPDATE_HINT
        assert bool(row.stream) is ("stream" in channels), UPDATE_HINT


def test_page_states_the_rows() -> None:
    path = FOLDER / "responses.md"
    assert path.read_text(encoding="utf-8") == response_matrix.page(response_matrix.read()), UPDATE_HINT
