"""Mutants and variants are declared correctly, can be applied, and change observable behaviour."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from runs_conformance.contract.clause import CLAUSES
from runs_conformance.contract.constraint import constraints
from runs_conformance.emulator.app import build, build_many
from runs_conformance.emulator.catalogue import generated_mutants, handwritten_mutants, standard_mutants, variants
from runs_conformance.emulator.declaration import Mutant, Variant
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.errors import UsageError
from runs_conformance.rules import catalogue as rules
from tests.emulator.conftest import EmulatorClient, serve_app

ENTRIES: list[Mutant | Variant] = [*standard_mutants(), *variants()]
TOPICS = {*(id_.partition(".")[0] for id_ in rules())}


def test_names_are_unique_and_texts_are_sentences() -> None:
    names = [entry.name for entry in ENTRIES]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert [entry.name for entry in ENTRIES if not re.fullmatch(r"[\w\[].+\.", entry.text)] == []


def test_counts() -> None:
    assert len(handwritten_mutants()) >= 150
    assert sum(entry.written_from_spec for entry in handwritten_mutants()) >= 60
    assert len(generated_mutants()) >= 500
    assert len(variants()) >= 40


def test_every_mutant_names_the_item_it_breaks() -> None:
    """An item is a clause of the contract, a topic of rules, or a place of the contract with every constraint on it."""
    places = {id_[:end] for id_ in constraints() for end in range(len(id_) + 1) if id_[end : end + 1] in (".", "")}
    assert {entry.item for entry in standard_mutants()} - {*places, *CLAUSES, *TOPICS} == set()


def test_no_mutant_refuses_what_a_correct_server_may_refuse() -> None:
    names = {
        mutant.name.removeprefix("tightened:") for mutant in generated_mutants() if mutant.name.startswith("tightened:")
    }
    assert {"create_run.temperature.type", "create_message.content[].image_file.detail.enum"} <= names
    implementation_defined = {
        "create_run.parallel_tool_calls.type",
        "create_run.reasoning_effort.enum",
        "create_message.content[].image_url.detail.enum",
        "submit_tool_outputs.tool_outputs[].output.type",
    }
    assert implementation_defined & names == set()


def test_every_mutant_and_variant_can_be_applied() -> None:
    edition = EmulatorOptions().edition
    for entry in ENTRIES:
        entry.apply(default_hooks(edition))


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="nothing_like_it"):
        build(EmulatorOptions(), ["nothing_like_it"])


def test_one_process_serves_several_emulators() -> None:
    origin = serve_app(
        build_many(EmulatorOptions(), {"a": (["relaxed:create_run.tools.maxItems"], []), "b": ([], ["has_bare_ids"])})
    )
    mutant, variant = EmulatorClient(f"{origin}/a"), EmulatorClient(f"{origin}/b")
    assert mutant.thread("Hello").startswith("thread_")
    assert re.fullmatch(r"[0-9a-f-]{36}", variant.thread("Hello"))


def test_relaxed_and_tightened_keywords_change_answers() -> None:
    bound = "create_run.max_prompt_tokens.minimum"
    origin = serve_app(
        build_many(EmulatorOptions(), {name: ([f"{name}:{bound}"], []) for name in ("relaxed", "tightened")})
    )
    statuses = {}
    for name in ("relaxed", "tightened"):
        server = EmulatorClient(f"{origin}/{name}")
        assistant = server.assistant()
        for value in (254, 255, 256, 257):
            body = {"assistant_id": assistant, "max_prompt_tokens": value}
            answer = server.send("POST", f"/threads/{server.thread('Hello')}/runs", json.dumps(body).encode())
            statuses[name, value] = answer.status
    assert statuses == {
        ("relaxed", 254): 400,
        ("relaxed", 255): 200,
        ("relaxed", 256): 200,
        ("relaxed", 257): 200,
        ("tightened", 254): 400,
        ("tightened", 255): 400,
        ("tightened", 256): 400,
        ("tightened", 257): 200,
    }


def test_command_prints_its_url_and_stops_with_its_input() -> None:
    command = [
        sys.executable,
        "-m",
        "runs_conformance.emulator",
        "--watch-stdin",
        "--mutant",
        "relaxed:create_run.tools.maxItems",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert EmulatorClient(url.removesuffix("/v1")).thread("Hello")
        process.stdin.close()
        assert process.wait(timeout=10) == 0
