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
from runs_conformance.app.options import RunOptions
from runs_conformance.cli import run_command
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Concurrent, Key, Move, Ref, Role, Step
from runs_conformance.reporting.codegen.client_call import _METHODS, CallWriter, client_arguments
from runs_conformance.reporting.codegen.literal import Variable, literal, quote_text
from runs_conformance.reporting.codegen.script import ScriptedFailure, render_script, render_test
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.judging import STEP_MS, target_at

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
    with serve_emulators({PLAIN: ((), ()), **{name: ((name,), ()) for name in SHOWN}}, STEP_MS) as urls:
        yield urls


@pytest.fixture(scope="module")
def reports(served: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folder of a report on each mutant."""
    found = {}
    for name, (program, _) in SHOWN.items():
        here = prepare_folder(tmp_path_factory.mktemp(name))
        target, choice = target_at(served[name]), RunOptions(select=(program,))
        here.write(run.judge(target, choice, run.plan_run(target, choice), here, SilentProgress()))
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
def test_script_fails_on_the_mutant_and_passes_on_the_emulator(
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


def test_as_prints_one_failure_only(reports: Mapping[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["replay", str(reports["accepts_any_role"]), "--as", "curl"]) == 2
    assert "--as prints one failure; name one of the" in capsys.readouterr().err


THREAD = Step(operation="create_thread", name="thread", role=Role.FIXTURE, body={})
HELD = {"thread": Variable("thread", True), "run": Variable("run", False)}


def runs(**more: Any) -> Step:
    usual: dict[str, Any] = {"path": {"thread_id": Ref("thread")}, "body": {"assistant_id": "a"}}
    return Step(operation="create_run", **{**usual, **more})


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (runs(key=Key.NONE), "always sends a key"),
        (runs(headers={"OpenAI-Beta": None}), "always sends that header"),
        (runs(body={}), "requires assistant_id for create_run"),
        (runs(body=[1]), "only JSON objects"),
        (runs(raw=b"{"), "only JSON"),
        (runs(body={"assistant_id": "\ud800"}), "cannot encode"),
        (Step(operation="get_thread", path={"thread_id": "a/b"}), "an id of that form"),
        (Step(operation="list_runs", path={"thread_id": "t"}, query=(("limit", 1), ("limit", 2))), "once"),
        (Step(operation="cancel_run", path={"thread_id": "t", "run_id": "r"}, body={}), "no body there"),
    ],
)
def test_httpx_sends_what_the_client_cannot(step: Step, why: str) -> None:
    sending = CallWriter(variables=dict(HELD)).call(step)
    assert why in sending.reason
    assert sending.source.startswith("send(")
    compile(sending.source, "source", "eval")


def test_other_dialects_use_httpx_with_their_key_header() -> None:
    failure = ScriptedFailure(
        id="a.b", level="must", statement="It holds.", moves=[THREAD], failing_step=0, dialect="azure"
    )
    text = render_script(failure)
    assert '"api-key": key' in text
    assert "openai." not in text


def test_client_methods_accept_all_members_of_the_contract() -> None:
    client = openai.OpenAI(api_key="none", base_url="http://127.0.0.1:1/v1")
    assert _METHODS.keys() == OPERATIONS.keys()
    for operation, method in _METHODS.items():
        found: Any = client.beta
        for name in method.split("."):
            found = getattr(found, name)
        taken = inspect.signature(found).parameters
        assert set(OPERATIONS[operation].parameters) <= taken.keys(), operation
        missing = client_arguments(operation) - taken.keys()
        assert not missing, f"name them under {operation} in _UNSUPPORTED of reporting/codegen/client_call.py"


def test_wrongly_accepted_object_can_be_referred_to() -> None:
    thread = Step(operation="create_thread", name="thread", body={})
    wrong = Step(
        operation="create_run",
        name="run",
        path={"thread_id": Ref("thread")},
        body={"assistant_id": "asst_1", "max_prompt_tokens": 1},
        role=Role.NEGATIVE,
    )
    cancel = Step(operation="cancel_run", path={"thread_id": Ref("thread"), "run_id": Ref("run")})
    text = render_script(
        ScriptedFailure(id="run.id.type", level="must", statement="", moves=[thread, wrong, cancel], failing_step=2)
    )
    compile(text, "shown", "exec")
    assert "run = " in text


def test_references_follow_the_type_of_their_variable() -> None:
    assert literal(Ref("thread", "/data/0/id"), HELD) == "thread.data[0].id"
    assert literal(Ref("run", "/required_action/x y"), HELD) == "run['required_action']['x y']"


@pytest.mark.parametrize("text", ["it's", 'say "so"', "a\\b", "\x00\n\t\x1b", "é😀\ud800", "ab" * 5_000 + "'"])
def test_string_literals_round_trip(text: str) -> None:
    assert eval(literal(text, {})) == text
    assert quote_text(text).isascii()
    assert len(literal(text, {})) < 200


def test_concurrent_steps_and_hostile_text_give_valid_python() -> None:
    moves: list[Move] = [
        THREAD,
        Concurrent((runs(name="run"), runs(stream=True))),
        runs(path={"thread_id": Ref("run", "/thread_id")}),
    ]
    said = 'it said """ and \\ and \x1b[2J'
    failure = ScriptedFailure(
        id="a.b", level="must", statement=said, message=said, moves=moves, failing_step=1, pointer="/x/0", actual='"""'
    )
    for text in (render_script(failure), render_test(failure, [])):
        compile(text, "text", "exec")
        assert "\x1b" not in text


LISTED = Step(operation="list_run_steps", name="listed", path={"thread_id": "thread_1", "run_id": "run_1"})
STEP_READ = Step(
    operation="get_run_step",
    path={"thread_id": "thread_1", "run_id": "run_1", "step_id": Ref("listed", "/data/0/id")},
)


@pytest.mark.parametrize(
    ("items", "source"),
    [
        ({}, "listed.data[0].id"),
        ({"listed": ""}, "listed[0]['id']"),
        ({"listed": "/items"}, "listed['items'][0]['id']"),
    ],
)
def test_items_are_read_where_the_target_lists_them(items: Mapping[str, str], source: str) -> None:
    text = render_script(
        ScriptedFailure(id="a.b", level="must", statement="", moves=[LISTED, STEP_READ], failing_step=1, items=items)
    )
    compile(text, "shown", "exec")
    assert source in text
    assert ("the client reads no list of that form" in text) is bool(items)


@pytest.mark.parametrize("awaits", [True, False])
def test_failing_step_is_repeated_only_if_the_status_that_it_waits_for_was_seen(awaits: bool) -> None:
    wait = Step(operation="get_run", path={"thread_id": "thread_1", "run_id": "run_1"}, until=("completed",))
    text = render_script(
        ScriptedFailure(id="a.b", level="must", statement="", moves=[wait], failing_step=0, awaits_status=awaits)
    )
    compile(text, "shown", "exec")
    assert ("poll_until(lambda: client.beta" in text) is awaits
    assert "status, text = read_response(lambda: client.beta" in text


@pytest.mark.parametrize(
    ("finding", "lines"),
    [
        (
            {"id": "create_run.max_prompt_tokens.minimum", "pointer": "/max_prompt_tokens", "actual": 5},
            ["Expected: HTTP 400", "Value sent: 5 at /max_prompt_tokens"],
        ),
        ({"id": "a.b", "expected": 200, "actual": 404}, ["Expected: HTTP 200", "Actual: HTTP 404"]),
        ({"id": "a.b", "expected": "a time", "pointer": "/x", "actual": 5}, ["Expected: a time", "Actual: 5 at /x"]),
    ],
)
def test_docstring_distinguishes_values_sent_from_results(finding: Mapping[str, Any], lines: list[str]) -> None:
    fields = {"expected": "HTTP 400", "level": "must", "statement": "It holds.", **finding}
    text = render_script(ScriptedFailure(**fields, moves=[THREAD], failing_step=0))
    assert [line for line in text.split('"""')[1].splitlines() if line.startswith(("Exp", "Act", "Val"))] == lines
