"""Cassettes whose serializer stored JSON bodies as data, in `parsed_body`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from runs_conformance.model.exchange import Exchange
from runs_conformance.recordings.load import load_traffic
from runs_conformance.recordings.yaml_text import documents

URL = "https://api.openai.com/v1/threads/thread_1/runs"
SENT = {"assistant_id": "asst_1", "temperature": 0.5, "stream": False, "metadata": {"round": "7", "sure": "true"}}
RUN = {
    "id": "run_1",
    "object": "thread.run",
    "created_at": 1761861547,
    "temperature": 0.5,
    "top_p": 1.0,
    "parallel_tool_calls": True,
    "completed_at": None,
    "instructions": "Zwölf\nBoxkämpfer",
    "metadata": {"round": "7", "sure": "true", "none": "null", "exact": "0.5"},
}


def _cassette(response: Any = RUN, **headers: Any) -> dict[str, Any]:
    sent_headers = {"content-type": ["application/json"], "content-length": ["9"]}
    request = {"method": "POST", "uri": URL, "headers": sent_headers, "parsed_body": SENT}
    shown = {"content-type": ["application/json"], **headers}
    answer = {"headers": shown, "parsed_body": response, "status": {"code": 200, "message": "OK"}}
    return {"version": 1, "interactions": [{"request": request, "response": answer}]}


def _read(path: Path, text: str) -> Exchange:
    path.write_text(text)
    traffic = load_traffic(path)
    assert traffic.skipped == ()
    (exchange,) = traffic.histories[0].exchanges
    return exchange


@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps])
def test_parsed_bodies_are_those_that_were_sent(dump: Any, tmp_path: Path) -> None:
    exchange = _read(tmp_path / "cassette", dump(_cassette()))
    assert exchange.request.body == SENT
    assert exchange.body == RUN
    assert exchange.response is not None
    assert exchange.response.defects == ()


def test_headers_about_the_bytes_of_a_parsed_body_do_not_count(tmp_path: Path) -> None:
    # The serializer keeps the headers of a compressed body, whose size is not that of its text.
    cassette = _cassette(**{"Content-Length": ["99999"], "content-encoding": ["gzip"], "x-request-id": ["req_1"]})
    exchange = _read(tmp_path / "cassette.yaml", yaml.safe_dump(cassette))
    assert exchange.loss == ""
    assert exchange.response is not None
    assert exchange.response.headers == {"content-type": "application/json", "x-request-id": "req_1"}


def test_request_without_a_body_has_none(tmp_path: Path) -> None:
    cassette = _cassette()
    request = cassette["interactions"][0]["request"]
    request.update(method="GET", uri=f"{URL}/run_1", parsed_body=None)
    exchange = _read(tmp_path / "cassette.yaml", yaml.safe_dump(cassette))
    assert exchange.operation == "get_run"
    assert not isinstance(exchange.request.body, dict)


def test_a_body_in_text_counts_even_beside_a_parsed_one(tmp_path: Path) -> None:
    cassette = _cassette(response={"id": "run_2"}, **{"content-length": [str(len(json.dumps(RUN)))]})
    cassette["interactions"][0]["response"]["body"] = {"string": json.dumps(RUN)}
    exchange = _read(tmp_path / "cassette.yaml", yaml.safe_dump(cassette))
    assert exchange.body == RUN
    assert exchange.response is not None
    assert "content-length" in exchange.response.headers


def test_numbers_are_read_below_parsed_bodies_only() -> None:
    text = b"""
parsed_body: {plain: 1, quoted: '1', yes: yes, float: 1.5e-05, padded: 007, date: 2024-01-01, list: [true, 'true', -3]}
body: {plain: 1}
"""
    (found,) = documents(text)
    assert found["parsed_body"] == {
        "plain": 1,
        "quoted": "1",
        "yes": "yes",
        "float": 1.5e-05,
        "padded": "007",
        "date": "2024-01-01",
        "list": [True, "true", -3],
    }
    assert found["body"] == {"plain": "1"}
