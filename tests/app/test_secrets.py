"""API keys appear in no output, whatever the target does with them."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from urllib.parse import quote

from tests.app.serving import running, served
from tests.client.hostile import head
from tests.quality.hostile_behaviours import HostileRequest, hostile_server, other_host

KEY = "sk-own/+&<key>=0123456789abcdef"
SECOND = "sk-second_key-9876543210"


def forms(key: str) -> list[str]:
    """Return a key in every encoding in which the target below repeats it."""
    data = key.encode()
    plain = [key, json.dumps(key)[1:-1], quote(key), quote(key, safe=""), html.escape(key), data.hex()]
    return [*plain, base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()]


def traces(key: str) -> list[str]:
    """Return the traces that a key leaves in these encodings, or inside a longer text in base64."""
    inside = base64.b64encode(b"Bearer " + key.encode()).decode()[12:-4]
    return [*(form.rstrip("=")[:-1] for form in forms(key)), inside]


def repeats(request: HostileRequest) -> None:
    """Answer with the key in every encoding and every place: headers, ids, messages, pages, events."""
    everything = " ".join((*forms(KEY), base64.b64encode(b"Bearer " + KEY.encode()).decode(), *forms(SECOND)))
    header = {"X-Echo": everything, "Openai-Organization": KEY, "Set-Cookie": f"key={KEY}"}
    kind = request.number // 5 % 6
    if kind == 0:
        error = {"error": {"message": f"Incorrect API key: {everything}", "type": KEY, "param": KEY, "code": SECOND}}
        request.connection.answer(json.dumps(error).encode(), "400 Bad Request", **header)
    elif kind == 1:
        request.connection.answer(json.dumps({"id": KEY, "object": SECOND, KEY: 1}).encode(), **header)
    elif kind == 2:
        page = f"<!DOCTYPE html><title>{KEY}</title><p>{everything}"
        request.connection.answer(page.encode(), "500 Oops", **{**header, "Content-Type": "text/html"})
    elif kind == 3:
        body = f"event: error\ndata: {json.dumps(everything)}\n\nevent: {KEY}\ndata: {KEY}\n\ndata: [DONE]\n\n"
        top = head(**{**header, "Content-Type": "text/event-stream", "Content-Length": str(len(body.encode()))})
        request.connection.send(top + body.encode())
    elif kind == 4:
        request.connection.answer(f'{{"{KEY}": 1, "{KEY}": 2}}'.encode(), **header)
    else:
        request.connection.answer(b"", f"302 {KEY}", Location=f"http://127.0.0.1:9/?key={quote(KEY)}&k={KEY}")


def test_a_key_repeated_by_the_target_appears_in_no_output(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "second").write_text(SECOND)
    folder = tmp_path / "report"
    with (
        other_host() as other,
        served() as honest,
        hostile_server(honest.url, repeats, lambda number: number > 8 and number % 5 == 0, False, other.url) as (
            url,
            _,
        ),
    ):
        arguments = ["--api-key", f"@{tmp_path / 'key'}", "--second-api-key", f"@{tmp_path / 'second'}"]
        arguments += ["--report-dir", str(folder), "--no-database", "--timeout", "5", "-v"]
        with running(
            "run", url, *arguments, "--phase", "preflight", "--phase", "lifecycle", "--phase", "security"
        ) as run:
            output, _ = run.communicate(timeout=120)
        assert run.returncode == 1, output
        assert not other.received
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != tmp_path]
    assert {"history.jsonl", "report.json", "report.html", "summary.md"} <= {path.name for path in files}
    texts = {"output": output, **{path.name: path.read_text(encoding="utf-8") for path in files}}
    assert "[REDACTED]" in texts["history.jsonl"]
    found = [
        (name, form, re.findall(f".{{0,60}}{re.escape(form)}.{{0,20}}", text)[:1])
        for name, text in texts.items()
        for form in (*traces(KEY), *traces(SECOND))
        if form in text
    ]
    assert found == []
