"""The printed lines are run by a real shell against a real server, wherever there is one."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.model.case import Concurrent, Key, Ref, Role, Step, step_to_json
from runs_conformance.model.json import JSON
from runs_conformance.reporting.codegen.curl import script
from tests import fakes
from tests.reporting.reports import BEFORE, NEGATIVE, example

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
    assert "^(completed|failed|cancelled|expired|incomplete)$" in first


RUN = Step(operation="create_run", name="run", path={"thread_id": Ref("thread")}, body={"assistant_id": "a"})
RUN_PATH = {"thread_id": Ref("thread"), "run_id": Ref("run")}
WAIT = Step(operation="get_run", name="waiting", path=RUN_PATH, until=("requires_action",))
CALL = Ref("waiting", "/required_action/submit_tool_outputs/tool_calls/0/id")
SUBMIT = Step(operation="submit_tool_outputs", path=RUN_PATH, body={"tool_outputs": [{"tool_call_id": CALL}]})
READ = Step(operation="list_messages", path={"thread_id": Ref("thread")}, role=Role.READ)


def of_steps(case: Step, *moves: Step | Concurrent, **changes: Any) -> list[str]:
    steps = Reproduction((*BEFORE, *moves)).to_json()
    text = script(example(case, BEFORE, steps=steps, **changes), URL)
    assert text is not None
    return text.splitlines()


def test_requests_that_nothing_refers_to_are_sent_if_the_failure_may_follow_from_them() -> None:
    refused = replace(RUN, name="", role=Role.NEGATIVE, body={"additional_messages": []})
    deletion = Step(operation="delete_thread", path={"thread_id": Ref("thread")}, key=Key.SECOND, role=Role.NEGATIVE)
    sent = of_steps(READ, refused, deletion, READ, RUN)
    assert len(sent) == 5
    assert "additional_messages" in sent[2]
    assert sent[2].endswith("> /dev/null")
    assert sent[3].startswith("curl -sS -X DELETE ")
    assert "$CONFORMANCE_SECOND_API_KEY" in sent[3]
    assert sent[4].startswith("curl ")
    assert "/messages" in sent[4]


def test_request_that_tests_a_constraint_needs_only_what_it_refers_to() -> None:
    control = replace(RUN, name="", role=Role.CONTROL)
    case = replace(NEGATIVE, exercises=("create_run.max_prompt_tokens.minimum",))
    assert of_steps(case, control, case) == lines(case, BEFORE)


def test_case_is_found_among_the_steps_though_its_texts_are_cut() -> None:
    long = replace(RUN, body={"assistant_id": "a", "instructions": "ab" * 2_000})
    shown = replace(long, body={"assistant_id": "a", "instructions": "ab… (4000 characters)"})
    assert len(of_steps(shown, long, READ)) == 3


def test_values_of_a_run_that_waits_are_read() -> None:
    waiting, submitting = of_steps(SUBMIT, RUN, WAIT, SUBMIT)[-2:]
    assert waiting.startswith("until ANSWER=$(curl ")
    assert waiting.endswith("WAITING=$(jq -r '.required_action.submit_tool_outputs.tool_calls[0].id' <<< \"$ANSWER\")")
    assert '"$WAITING"' in submitting


@pytest.mark.parametrize(("status", "is_repeated"), [("requires_action", True), ("failed", True), ("queued", False)])
def test_last_step_is_repeated_until_the_status_that_was_seen(status: str, is_repeated: bool) -> None:
    last = of_steps(WAIT, RUN, WAIT, answer={"http_status": 200, "body": {"status": status}})[-1]
    assert last.startswith("until ANSWER=") is is_repeated
    assert last.endswith('; echo "$ANSWER"') is is_repeated


def test_requests_that_were_sent_at_once_are_sent_at_once() -> None:
    other = replace(RUN, name="other")
    read = Step(operation="get_run", path={"thread_id": Ref("thread"), "run_id": Ref("other")})
    *_, folder, both, second, _ = of_steps(read, Concurrent((RUN, other)), read)
    assert folder == "ANSWERS=$(mktemp -d)"
    assert both.startswith("(curl ")
    assert ' > "$ANSWERS/1" & curl ' in both
    assert both.endswith(' > "$ANSWERS/2" & wait)')
    assert second == 'OTHER=$(jq -r .id "$ANSWERS/2")'
    assert of_steps(other, Concurrent((RUN, other)))[-1] == 'tail -n +1 "$ANSWERS"/*'


def test_pauses_are_kept() -> None:
    assert "sleep 1.5" in of_steps(READ, replace(RUN, pause=1.5), READ)


@pytest.mark.parametrize(
    ("pause", "command"),
    [(10**400, "sleep 60.0"), (math.inf, "sleep 60.0"), (math.nan, None), (-1, None), (True, "sleep 1.0"), ("9", None)],
)
def test_pauses_of_an_edited_report_are_bounded(pause: JSON, command: str | None) -> None:
    step = {**step_to_json(Step(operation="list_assistants")), "pause": pause}
    text = script(example(READ, (), steps=[step]), URL)
    assert text is not None
    assert [line for line in text.splitlines() if line.startswith("sleep ")] == ([command] if command else [])


CREATE: dict[str, JSON] = {"operation": "create_thread"}
MANY_DIGITS = {"operation": "get_thread", "path": {"thread_id": {"$from": "thread", "at": "/data/" + "9" * 5_000}}}


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [[]],
        ["x"],
        [["x"]],
        [None],
        [7, CREATE],
        [[CREATE, "x"]],
        [{}],
        [{"operation": "no_such"}],
        [{"operation": ["create_thread"]}],
        [{"operation": "create_thread", "body": {"$joined": [{}]}}],
        [{"operation": "create_thread", "name": "thread"}, MANY_DIGITS],
    ],
)
def test_steps_of_an_edited_report_that_cannot_be_read_give_no_command(steps: JSON) -> None:
    assert script(example(READ, (), steps=steps), URL) is None


@pytest.mark.parametrize("query", ["x", [[]], [["limit"]], [["limit", "1", "2"]], ["limit"]])
def test_query_of_an_edited_report_that_cannot_be_read_is_left_out(query: JSON) -> None:
    text = script(example(READ, (), steps=[{"operation": "list_assistants", "query": query}]), URL)
    assert text is not None
    assert '"https://example.org/v1/assistants"' in text
    request: JSON = {"method": "GET", "path": "/assistants", "query": query}
    text = script({"request": request}, URL)
    assert text is not None
    assert '"https://example.org/v1/assistants"' in text


def test_items_are_read_where_the_target_lists_them() -> None:
    listed = Step(operation="list_messages", name="listed", path={"thread_id": Ref("thread")})
    read = Step(operation="get_message", path={"thread_id": Ref("thread"), "message_id": Ref("listed", "/data/0/id")})
    assert of_steps(read, listed, read)[-2].endswith("| jq -r '.data[0].id')")
    assert of_steps(read, listed, read, items_at={"listed": ""})[-2].endswith("| jq -r '.[0].id')")
    assert of_steps(read, listed, read, items_at={"listed": "/items"})[-2].endswith("| jq -r '.items[0].id')")


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


NEEDS_SHELL = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl") and shutil.which("jq")), reason="needs bash, curl and jq"
)
STREAM = b"""event: thread.run.created
data: {"id": "first", "object": "thread.run"}

event: thread.message.created
data: {"id": "other", "object": "thread.message"}

event: thread.run.queued
data: {"id": "some_id", "object": "thread.run"}

data: [DONE]

"""


def run_in_shell(
    content_type: str,
    content: bytes,
    made: dict[str, JSON],
    options: str = "-euo pipefail",
    timeout: float = 20,
) -> str:
    with fakes.fixed_response_server(200, content_type, content) as url:
        text = script(made, url)
        assert text is not None
        done = subprocess.run(
            ["bash", *options.split(), "-c", text],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "k"},
            timeout=timeout,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


@NEEDS_SHELL
def test_commands_run_in_a_shell() -> None:
    assert '"id": "some_id"' in run_in_shell("application/json", b'{"id": "some_id", "object": "thread"}', example())


@NEEDS_SHELL
def test_concurrent_and_repeated_commands_run_in_a_shell() -> None:
    steps = Reproduction((*BEFORE, RUN, WAIT, Concurrent((SUBMIT, SUBMIT)))).to_json()
    calls = b'{"submit_tool_outputs": {"tool_calls": [{"id": "call"}]}}'
    content = b'{"id": "some_id", "status": "requires_action", "required_action": ' + calls + b"}"
    shown = run_in_shell("application/json", content, example(SUBMIT, steps=steps))
    assert shown.count('"id": "some_id"') == 2


CANCEL = Step(operation="cancel_run", path=RUN_PATH, after_event="thread.message.delta", pause=0.1)


def test_a_request_that_followed_an_event_waits_for_it() -> None:
    streamed = replace(SUBMIT, stream=True)
    made = example(streamed, steps=Reproduction((*BEFORE, RUN, WAIT, Concurrent((streamed, CANCEL)))).to_json())
    text = script(made, URL)
    assert text is not None
    assert "sleep 0.1\n" not in text
    both = text.splitlines()[-2]
    assert both.startswith("(curl -sSN ")
    waiting = (
        "(for _ in {1..50}; do grep -qs '^event: *thread.message.delta' \"$ANSWERS\"/* && break; sleep 0.1; done; curl "
    )
    assert waiting in both


@NEEDS_SHELL
def test_a_stream_is_left_at_an_event() -> None:
    streamed = replace(RUN, path={"thread_id": "t"}, stream=True, name="", leave_at_event="thread.message.delta")
    made = example(streamed, (), steps=Reproduction((streamed,)).to_json())
    content = b"event: thread.message.created\ndata: {}\n\nevent: thread.message.delta\ndata: {}\n\n"
    shown = run_in_shell("text/event-stream", content, made)
    assert shown.splitlines()[-1] == "event: thread.message.delta"


@NEEDS_SHELL
def test_commands_that_wait_for_an_event_run_in_a_shell() -> None:
    streamed = replace(RUN, path={"thread_id": "t"}, stream=True, name="")
    cancel = replace(CANCEL, path={"thread_id": "t", "run_id": "r"})
    made = example(streamed, (), steps=Reproduction((Concurrent((streamed, cancel)),)).to_json())
    content = b'event: thread.message.delta\ndata: {"id": "some_id"}\n\n'
    started = time.monotonic()
    assert run_in_shell("text/event-stream", content, made).count("thread.message.delta") == 2
    assert time.monotonic() - started < 4


@NEEDS_SHELL
def test_polling_ends_if_the_run_cannot_be_read() -> None:
    steps = Reproduction((*BEFORE, RUN, WAIT, READ)).to_json()
    assert "no such run" in run_in_shell("application/json", b'{"error": "no such run"}', example(READ, steps=steps))


UNREADABLE = [
    ("text/html", b"<html>Bad gateway</html>"),
    ("text/plain", b""),
    ("application/json", b'{"id": "some_id", "status": 200}'),
    ("application/json", b'{"status": null}'),
    ("application/json", b'{"status": ["queued"]}'),
    ("application/json", b'["queued"]'),
    ("application/json", b'"queued"'),
]


@NEEDS_SHELL
@pytest.mark.parametrize(("content_type", "content"), UNREADABLE)
def test_polling_ends_if_the_response_shows_no_status(content_type: str, content: bytes) -> None:
    wait = replace(WAIT, path={"thread_id": "t", "run_id": "r"}, name="")
    read = replace(READ, path={"thread_id": "t"})
    made = example(read, (), steps=Reproduction((wait, read)).to_json())
    assert run_in_shell(content_type, content, made) == content.decode()
    answer: JSON = {"http_status": 200, "body": {"status": "requires_action"}}
    made = example(wait, (), steps=Reproduction((wait,)).to_json(), answer=answer)
    assert run_in_shell(content_type, content, made, "") == content.decode() + "\n"


@NEEDS_SHELL
def test_polling_goes_on_while_the_run_has_another_status() -> None:
    wait = replace(WAIT, path={"thread_id": "t", "run_id": "r"}, name="")
    made = example(READ, (), steps=Reproduction((wait, replace(READ, path={"thread_id": "t"}))).to_json())
    with pytest.raises(subprocess.TimeoutExpired):
        run_in_shell("application/json", b'{"status": "queued"}', made, timeout=1.5)


@NEEDS_SHELL
def test_ids_are_read_from_streams_in_a_shell() -> None:
    streamed = replace(RUN, stream=True)
    read = Step(operation="get_run", path=RUN_PATH)
    text = script(example(read, (), steps=Reproduction((*BEFORE, streamed, read)).to_json()), URL)
    assert text is not None
    stored = text.splitlines()[2].partition("| ")[2].removesuffix(")")
    done = subprocess.run(["bash", "-c", stored], input=STREAM, capture_output=True, timeout=20, check=False)
    assert done.stdout.decode() == "some_id\n"


def test_request_after_an_unread_body_is_sent_over_the_same_connection() -> None:
    refused, following = (Step(operation="create_thread", body={}, key=key) for key in (Key.NONE, Key.PRIMARY))
    shown: dict[str, Any] = {**example(following, (refused,)), "after_unread_body": True}
    text = script(shown, URL)
    assert text is not None
    (line,) = text.splitlines()
    first, second = line.split(" --next ")
    assert first == lines(refused)[0]
    assert f"curl {second}" == lines(following)[0]
    at_once = step_to_json(refused), step_to_json(following)
    assert script({**shown, "steps": [list(at_once), step_to_json(following)]}, URL) is None


def test_thread_that_was_created_with_a_run_is_not_named_like_the_run() -> None:
    created = Step(operation="create_thread_and_run", name="run", body={"assistant_id": "a"})
    cancel = Step(operation="cancel_run", path={"thread_id": Ref("run", "/thread_id"), "run_id": Ref("run")})
    lines = of_steps(cancel, created, cancel)
    assert any(line.startswith("RUN=") or " RUN=" in line for line in lines)
    assert any("RUN_THREAD=$(jq -r .thread_id" in line for line in lines)
    assert not any("RUN_2" in line for line in lines)
