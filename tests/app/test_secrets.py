"""API keys appear in no output, whatever the target does with them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.app.serving import serve_emulator, start_command
from tests.client.hostile import head
from tests.find_leaked_keys import find_leaks
from tests.quality.hostile_server import HostileRequest, hostile_server, other_host
from tests.wire.test_redactor import ENCODINGS

KEY = "sk-own/+&<key>=0123456789abcdef"
SECOND = "98765432109876543210"
"""A key of digits, which a target can send as a number."""


def repeats(request: HostileRequest) -> None:
    """Answer with both keys in one encoding and in one place, both chosen by the number of the request."""
    rng = random.Random(request.number)
    encode = ENCODINGS[rng.choice(list(ENCODINGS))]
    key, second = encode(KEY), encode(SECOND)
    head_, _, content = request.response().partition(b"\r\n\r\n")
    is_stream = b"text/event-stream" in head_
    place = rng.choice(("members", "pieces", "pieces") if is_stream else ("header", "error", "members", "page", "odd"))
    if place == "header":
        name = re.sub(r"[^A-Za-z0-9]", "", KEY)
        header = {"X-Echo": f"{key} {second}".replace("\n", ""), f"X-{name}": "1", "Set-Cookie": f"key={KEY}"}
        request.connection.respond(content, rng.choice(("200 OK", f"302 {KEY}")), Location=f"/?k={KEY}", **header)
    elif place == "error":
        error = {"message": f"Incorrect API key: {key}", "type": key, "param": second, "code": SECOND, key: second}
        request.connection.respond(json.dumps({"error": error}).encode(), rng.choice(("400 No", "500 Oops", "401 No")))
    elif place == "page":
        page = f"<!DOCTYPE html><title>{key}</title><p>{second}{'x' * rng.choice((0, 3_970))}{key}"
        request.connection.respond(page.encode(), "500 Oops", Content_Type="text/html")
    elif place == "odd":
        texts = (f'{{{json.dumps(key)}: 1, {json.dumps(key)}: 2, "n": {SECOND}}}', f"[{SECOND}, {SECOND}.5]", f'"{KEY}')
        request.connection.respond(rng.choice(texts).encode())
    elif is_stream:
        pieces = _pieces(key if place == "members" else KEY, len(key) if place == "members" else 7)
        changed = re.sub(rb"(?m)^data: (\{.*)$", lambda match: b"data: " + _with_texts(match[1], pieces), content)
        request.connection.send(head(Content_Type="text/event-stream", Content_Length=str(len(changed))) + changed)
    else:
        request.connection.respond(_with_texts(content, _pieces(key, len(key)), rng.randrange(4)))


def _pieces(text: str, size: int) -> Iterator[str]:
    while True:
        yield from (text[at : at + size] for at in range(0, len(text), size))


def _with_texts(content: bytes, pieces: Iterator[str], skipped: int = 0) -> bytes:
    """Replace texts that are the model's or the user's, after some of them."""
    names = ("value", "arguments", "input", "output", "message", "instructions", "name", "description")

    def change(value: Any) -> Any:
        nonlocal skipped
        if isinstance(value, dict):
            for name, member in value.items():
                if name in names and isinstance(member, str):
                    skipped -= 1
                    value[name] = next(pieces) if skipped < 0 else member
                else:
                    change(member)
            if skipped < 0 and isinstance(value.get("metadata"), dict):
                value["metadata"] = {KEY[:20]: SECOND, "number": int(SECOND)}
        elif isinstance(value, list):
            for member in value:
                change(member)
        return value

    try:
        return json.dumps(change(json.loads(content))).encode()
    except ValueError:
        return content


def test_a_key_repeated_by_the_target_appears_in_no_output(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "second").write_text(SECOND)
    folder = tmp_path / "report"
    with (
        other_host() as other,
        serve_emulator() as honest,
        hostile_server(honest.url, repeats, lambda number: number > 8 and number % 5 == 0, False, other.url) as (
            url,
            _,
        ),
    ):
        arguments = ["--api-key", f"@{tmp_path / 'key'}", "--second-api-key", f"@{tmp_path / 'second'}"]
        arguments += ["--report-dir", str(folder), "--no-database", "--timeout", "5", "-v"]
        arguments += ["--report", "json,html,markdown,junit,ctrf,history,har"]
        with start_command(
            "run", url, *arguments, "--phase", "preflight", "--phase", "lifecycle", "--phase", "security"
        ) as run:
            output, _ = run.communicate(timeout=120)
        assert run.returncode == 1, output
        assert not other.received
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"history.jsonl", "report.json", "report.html", "summary.md", "junit.xml", "history.har"} <= {
        path.name for path in files
    }
    texts = {"output": output, **{path.name: path.read_text(encoding="utf-8") for path in files}}
    assert "[REDACTED]" in texts["history.jsonl"]
    report = json.loads(texts["report.json"])
    assert outcome_of(report, "auth.keys_are_not_repeated") == "fail"
    assert {
        name: find_leaks(text, key) for key in (KEY, SECOND) for name, text in texts.items() if find_leaks(text, key)
    } == {}


def outcome_of(report: Any, id_: str) -> str:
    return next(str(verdict["outcome"]) for verdict in report["verdicts"] if verdict["id"] == id_)
