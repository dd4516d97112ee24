"""Transcripts of curl as terminals show them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runs_conformance.errors import UsageError
from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings.load import load_traffic

_MESSAGE = {"id": "msg_1", "object": "thread.message", "created_at": 1761861547, "thread_id": "thread_1"}
_SENT = (
    "> GET /v1/threads/thread_1/messages/msg_1 HTTP/2\n> Host: api.openai.com\n> OpenAI-Beta: assistants=v2\n>\n"
    "< HTTP/2 200\n< content-type: application/json\n<\n"
)


def _exchanges(folder: Path, text: str) -> list[Exchange]:
    path = folder / "log.txt"
    path.write_text(text, newline="")
    return list(load_traffic(path).histories[0])


@pytest.mark.parametrize(
    "end",
    [
        "* Connection #0 to host api.openai.com left intact\n",
        "* Connection #0 left intact\n",
        "* Closing connection 0\n* TLSv1.2 (OUT), TLS alert, close notify (256):\n",
        "* shutting down connection #0\n",
        "\n* Connection #0 to host api.openai.com left intact\n$ curl -v https://api.openai.com \\\n -d '{}'\n",
    ],
)
def test_body_ends_at_the_remark_on_the_connection(end: str, tmp_path: Path) -> None:
    texts = (json.dumps(_MESSAGE), json.dumps(_MESSAGE, indent=2))
    for exchange in _exchanges(tmp_path, "".join(f"{_SENT}{text}{end}" for text in texts)):
        assert exchange.body == _MESSAGE


def test_numbers_of_a_body_are_not_the_progress_meter(tmp_path: Path) -> None:
    message = {**_MESSAGE, "metadata": {"at": "  1 2 3 10:30"}, "numbers": [1, 22, 333]}
    meter = "  0     0    0     0    0     0      0      0 --:--:--  0:00:01 --:--:--     0\n"
    done = "100   524  100   500  100    24   1032     49  0:00:01  0:00:01 --:--:--  1082\n"
    text = f"  % Total    % Received\n{meter}{_SENT}{meter}{json.dumps(message, indent=1)}\n{done}"
    assert [exchange.body for exchange in _exchanges(tmp_path, text)] == [message]


def test_times_before_the_lines_are_no_part_of_them(tmp_path: Path) -> None:
    lines = [f"12:00:01.123456 {line}" for line in _SENT.splitlines()]
    end = "12:00:01.223456 * Connection #0 to host api.openai.com left intact"
    text = "\n".join([*lines, json.dumps(_MESSAGE)]) + f"{end}\n"
    assert [exchange.body for exchange in _exchanges(tmp_path, text)] == [_MESSAGE]


def test_remark_in_a_stream_is_not_part_of_it(tmp_path: Path) -> None:
    events = "event: thread.created\ndata: {}\n\nevent: done\ndata: [DONE]\n\n"
    sent = _SENT.replace("application/json", "text/event-stream")
    (exchange,) = _exchanges(tmp_path, f"{sent}{events}* Connection #0 to host api.openai.com left intact\n")
    assert [event.name for event in (exchange.response and exchange.response.events) or ()] == [
        "thread.created",
        "done",
    ]


def test_output_without_the_request_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(f"HTTP/2 200\ncontent-type: application/json\n\n{json.dumps(_MESSAGE)}")
    with pytest.raises(UsageError, match="record with `curl -v`"):
        load_traffic(path)
