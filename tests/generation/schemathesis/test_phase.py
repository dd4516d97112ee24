"""What Schemathesis makes, sent as steps of programs and judged by the suite's own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import pytest

from runs_conformance.app.options import Choice
from runs_conformance.app.run import setting_for
from runs_conformance.cli import run_command
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.payload_factory import Bench
from runs_conformance.generation.boundary.sample import ANY_OBJECT, ASSISTANT, Sampler
from runs_conformance.generation.schemathesis import missing, programs
from runs_conformance.generation.schemathesis.cases import bodies
from runs_conformance.generation.schemathesis.placeholders import legal, negative
from runs_conformance.model.json import JSON
from tests.quality.bench import STEP_MS, Trial, run, target_at
from tests.quality.host import hosted

EDITION = "2026-08-14"
MUTANT = "accepts_any_role"

needs_schemathesis = pytest.mark.skipif(missing() is not None, reason="Schemathesis is not installed")


def made(operation: str) -> Bench:
    return bench(operation, EDITION, Sampler("gpt-4o", any_file=True))


@pytest.fixture(scope="module")
def served() -> Iterator[Mapping[str, str]]:
    with hosted({"plain": ((), ()), MUTANT: ((MUTANT,), ())}, STEP_MS) as urls:
        yield urls


@needs_schemathesis
@pytest.mark.slow
def test_the_phase_accuses_a_mutant_of_what_is_wrong_and_the_emulator_of_nothing(served: Mapping[str, str]) -> None:
    operations = ("create_message", "create_assistant", "modify_thread")
    chosen = tuple(f"schemathesis.{operation}" for operation in operations)
    reports = {name: run(url, Trial(name, phases=("schemathesis",), programs=chosen)) for name, url in served.items()}
    assert reports["plain"].exit_code == 0, reports["plain"].because
    assert reports["plain"].failures("must") == []
    accused = {verdict.id for verdict in reports[MUTANT].failures("must")}
    # Hypothesis draws from constants of the modules that happen to be loaded, so which of the two it comes to varies.
    assert accused & {"create_message.role.enum", "messages.answer_shows_what_was_sent"}
    assert accused <= {"create_message.role.enum", "messages.answer_shows_what_was_sent", "message.role.enum"}


@needs_schemathesis
def test_the_same_seed_makes_the_same_bodies_and_the_contract_says_what_they_are() -> None:
    drawn = bodies("modify_thread", EDITION, 1, 15, legal=False)
    bodies.cache_clear()
    assert bodies("modify_thread", EDITION, 1, 15, legal=False) == drawn
    negatives = [found for found in (negative(made("modify_thread"), body) for body in drawn) if found is not None]
    assert negatives
    for found in negatives:
        faults = examine_schema(made("modify_thread").schema, found.body).faults
        assert {fault.constraint for fault in faults} == {found.constraint}


def test_what_only_the_target_can_give_is_filled_in() -> None:
    body: JSON = {
        "assistant_id": "anything",
        "model": "a model of its own",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"what": "ever"}}}],
    }
    found = legal(made("create_run"), body)
    assert found is not None
    assert found.body["assistant_id"] == ASSISTANT
    assert found.body["model"] == "gpt-4o"
    assert found.body["tools"] == [{"type": "function", "function": {"name": "f", "parameters": dict(ANY_OBJECT)}}]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (
            "create_run",
            {"assistant_id": "a", "tool_choice": {"type": "function", "function": {"name": "none"}}, "tools": []},
        ),
        ("create_run", {"assistant_id": "a", "tools": [{"type": "code_interpreter"}, {"type": "code_interpreter"}]}),
        ("create_message", {"role": "user", "content": "\x00"}),
        ("create_message", {"role": "user", "content": ""}),
        ("create_message", {"role": "somebody", "content": "Hi."}),
        ("submit_tool_outputs", {"tool_outputs": []}),
    ],
)
def test_what_a_correct_server_may_refuse_is_not_sent_as_legal(operation: str, body: dict[str, Any]) -> None:
    assert legal(made(operation), body) is None


def test_what_breaks_two_things_or_nothing_is_no_negative() -> None:
    subject = made("create_message")
    assert negative(subject, {"role": 1, "content": 2}) is None
    assert negative(subject, {"role": "user", "content": "Hi."}) is None
    found = negative(subject, {"role": "somebody", "content": "Hi."})
    assert found is not None
    assert (found.constraint, found.mutation.pointer) == ("create_message.role.enum", "/role")


def test_every_operation_with_a_body_has_a_program() -> None:
    setting = setting_for(target_at("http://127.0.0.1:1/v1"), Choice())
    assert {program.id for program in programs(setting)} >= {"schemathesis.create_run", "schemathesis.modify_message"}
    assert {program.phase for program in programs(setting)} == {"schemathesis"}


def test_a_missing_extra_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("runs_conformance.generation.schemathesis.cases.metadata.version", absent)
    assert run_command(["run", "http://127.0.0.1:9/v1", "--phase", "schemathesis"]) == 2
    said = capsys.readouterr().err
    assert "pip install 'runs-conformance[schemathesis]'" in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(("version", "fits"), [("4.32.0", True), ("4.40.1", True), ("4.31.9", False), ("5.0.0", False)])
def test_another_series_is_not_used(version: str, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs_conformance.generation.schemathesis.cases.metadata.version", lambda name: version)
    assert (missing() is None) is fits
