"""The printed lines are run by a real shell against a real server, wherever there is one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.reporting.codegen.curl import script
from tests import fakes
from tests.reporting.reports import BEFORE, example

URL = "https://example.org/v1"


def lines(step: Step, before: tuple[Step, ...] = ()) -> list[str]:
    text = script(example(step, before), URL)
    assert text is not None
    return text.splitlines()


def test_a_single_request() -> None:
    assert lines(Step(operation="create_thread", body={"metadata": {"a": "b"}})) == [
        'curl -sS "https://example.org/v1/threads" -H "Authorization: Bearer $OPENAI_API_KEY" '
        '-H "OpenAI-Beta: assistants=v2" -H "Content-Type: application/json" '
        """--data-binary '{"metadata": {"a": "b"}}'"""
    ]


def test_setup_commands_come_first() -> None:
    text = script(example(), URL)
    assert text is not None
    first, second, last = text.splitlines()
    assert first.startswith("ASSISTANT=$(curl ")
    assert first.endswith("| jq -r .id)")
    assert second.startswith("THREAD=$(curl ")
    assert '"https://example.org/v1/threads/$THREAD/runs"' in last
    assert """{"assistant_id": "'"$ASSISTANT"'",""" in last
    assert """don'"'"'t""" in last


def test_polling_step_is_a_loop() -> None:
    wait = Step(operation="get_run", path={"thread_id": "t", "run_id": "r"}, until=("completed", "failed"))
    first = lines(Step(operation="get_thread", path={"thread_id": "t"}), (wait,))[0]
    assert first.startswith("until curl ")
    assert first.endswith("do sleep 1; done")


def test_methods_queries_and_special_ids() -> None:
    odd = Step(operation="delete_thread", path={"thread_id": 'a/b "$(id)'})
    assert '-X DELETE "https://example.org/v1/threads/a%2Fb%20%22%24%28id%29"' in lines(odd)[0]
    listed = Step(operation="list_assistants", query=(("limit", "1"), ("after", Ref("thread"))))
    assert 'assistants?limit=1&after=$THREAD"' in lines(listed, BEFORE)[-1]


def test_keys_and_headers() -> None:
    path = {"thread_id": "t"}
    assert "Authorization" not in lines(Step(operation="get_thread", path=path, key=Key.NONE))[0]
    assert "$CONFORMANCE_SECOND_API_KEY" in lines(Step(operation="get_thread", path=path, key=Key.SECOND))[0]
    assert "OpenAI-Beta" not in lines(Step(operation="get_thread", path=path, headers={"openai-beta": None}))[0]
    assert "-H 'X: $HOME `id`'" in lines(Step(operation="get_thread", path=path, headers={"X": "$HOME `id`"}))[0]
    azure = script(example(Step(operation="get_thread", path=path), ()), URL, "azure")
    assert azure is not None
    assert '-H "api-key: $OPENAI_API_KEY"' in azure


def test_raw_bytes_are_preserved() -> None:
    assert lines(Step(operation="create_thread", raw=b"{\xff'"))[0].endswith("--data-binary $'{\\xff\\''")


def test_overlong_command_is_omitted() -> None:
    assert script(example(Step(operation="create_thread", body={"a": "b" * 20_000})), URL) is None


@pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl") and shutil.which("jq")), reason="needs bash, curl and jq"
)
def test_commands_run_in_a_shell() -> None:
    with fakes.fixed_response_server(200, "application/json", b'{"id": "some_id", "object": "thread"}') as url:
        text = script(example(), url)
        assert text is not None
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "k"},
            timeout=20,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert '"id": "some_id"' in done.stdout
