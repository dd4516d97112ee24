"""Scripts and tests that show a failure: run as printed, they fail on the mutant and pass where all is well."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openai
import pytest

from runs_conformance.app import run
from runs_conformance.app.options import Choice
from runs_conformance.cli import run_command
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Key, Move, Ref, Role, Step, Together
from runs_conformance.reporting.codegen.client_call import _METHODS, Writer, members
from runs_conformance.reporting.codegen.literal import Held, quoted, source
from runs_conformance.reporting.codegen.script import Failure, pytest_file, script
from runs_conformance.reporting.folder import folder
from runs_conformance.reporting.progress import Silent
from tests.quality.bench import STEP_MS, target_at
from tests.quality.host import KEYS, hosted

PLAIN = "plain"
ROOT = Path(__file__).parent.parent.parent
SHOWN: Mapping[str, tuple[str, str]] = {
    "accepts_any_role": ("boundary.create_message", "create_message.role.enum"),
    "needs_no_beta_header": ("security.beta_header", "auth.beta_header_is_required"),
    "ends_twice": ("lifecycle.stream_to_completion", "streaming.nothing_but_done_follows_the_end_of_the_run"),
}
"""Mutants with the program that shows them and the id that is printed."""


@pytest.fixture(scope="module")
def served() -> Iterator[Mapping[str, str]]:
    """The mutants and the plain emulator."""
    with hosted({PLAIN: ((), ()), **{name: ((name,), ()) for name in SHOWN}}, STEP_MS) as urls:
        yield urls


@pytest.fixture(scope="module")
def reports(served: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folder of a report on each mutant."""
    found = {}
    for name, (program, _) in SHOWN.items():
        here = folder(tmp_path_factory.mktemp(name))
        target, choice = target_at(served[name]), Choice(select=(program,))
        here.write(run.judge(target, choice, run.plan_for(target, choice), here, Silent()))
        found[name] = here.path
    return found


def printed(report: Path, id_: str, form: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run_command(["replay", str(report), id_, "--as", form]) == 0
    return capsys.readouterr().out


def ran(command: list[str], url: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    keys = {"OPENAI_API_KEY": KEYS[0], "CONFORMANCE_SECOND_API_KEY": KEYS[1], "OPENAI_BASE_URL": url}
    environment = {**os.environ, **keys, "PYTHONPATH": str(ROOT / "conformance")}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, cwd=cwd, check=False, timeout=60
    )


@pytest.mark.slow
@pytest.mark.parametrize("mutant", list(SHOWN))
def test_what_is_printed_fails_on_the_mutant_and_passes_on_the_plain_emulator(
    mutant: str,
    served: Mapping[str, str],
    reports: Mapping[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    id_ = SHOWN[mutant][1]
    texts = {form: printed(reports[mutant], id_, form, capsys) for form in ("python", "pytest")}
    assert not any(key in text for text in texts.values() for key in KEYS)
    (tmp_path / "shows.py").write_text(texts["python"])
    (tmp_path / "test_shows.py").write_text(texts["pytest"])
    there, plain = (ran(["shows.py"], served[name], tmp_path) for name in (mutant, PLAIN))
    assert "Traceback" not in there.stderr + plain.stderr, there.stderr + plain.stderr
    assert plain.returncode == 0, plain.stderr
    assert there.returncode == 1 or "look for:" in there.stdout
    test = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shows.py"]
    there, plain = (ran(test, served[name], tmp_path) for name in (mutant, PLAIN))
    assert (there.returncode, plain.returncode) == (1, 0), there.stdout + plain.stdout


def test_only_one_failure_is_printed_at_a_time(reports: Mapping[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["replay", str(reports["accepts_any_role"]), "--as", "curl"]) == 2
    assert "--as prints one failure; name one of the" in capsys.readouterr().err


THREAD = Step(operation="create_thread", name="thread", role=Role.FIXTURE, body={})
HELD = {"thread": Held("thread", True), "run": Held("run", False)}


def runs(**more: Any) -> Step:
    usual: dict[str, Any] = {"path": {"thread_id": Ref("thread")}, "body": {"assistant_id": "a"}}
    return Step(operation="create_run", **{**usual, **more})


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (runs(key=Key.NONE), "always sends a key"),
        (runs(headers={"OpenAI-Beta": None}), "always sends that header"),
        (runs(body={}), "does not send create_run without assistant_id"),
        (runs(body=[1]), "only JSON objects"),
        (runs(raw=b"{"), "only what is JSON"),
        (runs(body={"assistant_id": "\ud800"}), "cannot encode"),
        (Step(operation="get_thread", path={"thread_id": "a/b"}), "an id of that form"),
        (Step(operation="list_runs", path={"thread_id": "t"}, query=(("limit", 1), ("limit", 2))), "once"),
        (Step(operation="cancel_run", path={"thread_id": "t", "run_id": "r"}, body={}), "no body there"),
    ],
)
def test_what_the_client_cannot_send_goes_by_httpx_with_the_reason(step: Step, why: str) -> None:
    sending = Writer(held=dict(HELD)).sending(step)
    assert why in sending.because
    assert sending.source.startswith("send(")
    compile(sending.source, "source", "eval")


def test_another_dialect_goes_by_httpx_with_its_own_key_header() -> None:
    failure = Failure(id="a.b", level="must", statement="It holds.", moves=[THREAD], shows=0, dialect="azure")
    text = script(failure)
    assert '"api-key": key' in text
    assert "openai." not in text


def test_every_operation_has_a_method_of_the_client_that_takes_what_the_contract_has() -> None:
    client = openai.OpenAI(api_key="none", base_url="http://127.0.0.1:1/v1")
    assert _METHODS.keys() == OPERATIONS.keys()
    for operation, method in _METHODS.items():
        found: Any = client.beta
        for name in method.split("."):
            found = getattr(found, name)
        taken = inspect.signature(found).parameters
        assert set(OPERATIONS[operation].parameters) <= taken.keys(), operation
        assert members(operation) <= taken.keys(), operation


def test_what_a_server_took_by_mistake_can_be_referred_to() -> None:
    thread = Step(operation="create_thread", name="thread", body={})
    wrong = Step(
        operation="create_run",
        name="run",
        path={"thread_id": Ref("thread")},
        body={"assistant_id": "asst_1", "max_prompt_tokens": 1},
        role=Role.NEGATIVE,
    )
    cancel = Step(operation="cancel_run", path={"thread_id": Ref("thread"), "run_id": Ref("run")})
    text = script(Failure(id="run.id.type", level="must", statement="", moves=[thread, wrong, cancel], shows=2))
    compile(text, "shown", "exec")
    assert "run = " in text


def test_references_are_read_as_their_variable_holds_them() -> None:
    assert source(Ref("thread", "/data/0/id"), HELD) == "thread.data[0].id"
    assert source(Ref("run", "/required_action/x y"), HELD) == "run['required_action']['x y']"


@pytest.mark.parametrize("text", ["it's", 'say "so"', "a\\b", "\x00\n\t\x1b", "é😀\ud800", "ab" * 5_000 + "'"])
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    assert eval(source(text, {})) == text
    assert quoted(text).isascii()
    assert len(source(text, {})) < 200


def test_steps_at_the_same_moment_and_hostile_words_make_valid_python() -> None:
    moves: list[Move] = [
        THREAD,
        Together((runs(name="run"), runs(stream=True))),
        runs(path={"thread_id": Ref("run", "/thread_id")}),
    ]
    said = 'it said """ and \\ and \x1b[2J'
    failure = Failure(
        id="a.b", level="must", statement=said, message=said, moves=moves, shows=1, pointer="/x/0", actual='"""'
    )
    for text in (script(failure), pytest_file(failure, [])):
        compile(text, "text", "exec")
        assert "\x1b" not in text
