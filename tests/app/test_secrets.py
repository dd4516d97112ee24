"""No key is written anywhere, whatever a target does with it."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from urllib.parse import quote

from tests.app.serving import running, served
from tests.client.hostile import head
from tests.quality.behaviours import Asked, elsewhere, standing_in

KEY = "sk-own/+&<key>=0123456789abcdef"
SECOND = "sk-second_key-9876543210"


def forms(key: str) -> list[str]:
    """A key in every form in which the target below repeats it."""
    data = key.encode()
    plain = [key, json.dumps(key)[1:-1], quote(key), quote(key, safe=""), html.escape(key), data.hex()]
    return [*plain, base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()]


def traces(key: str) -> list[str]:
    """What shows that a key was written in one of these forms, or as a part of a longer text in base64."""
    inside = base64.b64encode(b"Bearer " + key.encode()).decode()[12:-4]
    return [*(form.rstrip("=")[:-1] for form in forms(key)), inside]


def repeats(asked: Asked) -> None:
    """Answers with the key in every form in every place: headers, ids, messages, pages, events."""
    everything = " ".join((*forms(KEY), base64.b64encode(b"Bearer " + KEY.encode()).decode(), *forms(SECOND)))
    header = {"X-Echo": everything, "Openai-Organization": KEY, "Set-Cookie": f"key={KEY}"}
    kind = asked.number // 5 % 6
    if kind == 0:
        error = {"error": {"message": f"Incorrect API key: {everything}", "type": KEY, "param": KEY, "code": SECOND}}
        asked.connection.answer(json.dumps(error).encode(), "400 Bad Request", **header)
    elif kind == 1:
        asked.connection.answer(json.dumps({"id": KEY, "object": SECOND, KEY: 1}).encode(), **header)
    elif kind == 2:
        page = f"<!DOCTYPE html><title>{KEY}</title><p>{everything}"
        asked.connection.answer(page.encode(), "500 Oops", **{**header, "Content-Type": "text/html"})
    elif kind == 3:
        body = f"event: error\ndata: {json.dumps(everything)}\n\nevent: {KEY}\ndata: {KEY}\n\ndata: [DONE]\n\n"
        top = head(**{**header, "Content-Type": "text/event-stream", "Content-Length": str(len(body.encode()))})
        asked.connection.send(top + body.encode())
    elif kind == 4:
        asked.connection.answer(f'{{"{KEY}": 1, "{KEY}": 2}}'.encode(), **header)
    else:
        asked.connection.answer(b"", f"302 {KEY}", Location=f"http://127.0.0.1:9/?key={quote(KEY)}&k={KEY}")


def test_a_key_that_the_target_repeats_is_in_no_output(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "second").write_text(SECOND)
    folder = tmp_path / "report"
    with (
        elsewhere() as other,
        served() as honest,
        standing_in(honest.url, repeats, lambda number: number > 8 and number % 5 == 0, False, other.url) as (url, _),
    ):
        arguments = ["--api-key", f"@{tmp_path / 'key'}", "--second-api-key", f"@{tmp_path / 'second'}"]
        arguments += ["--report-dir", str(folder), "--no-database", "--timeout", "5", "-v"]
        with running(
            "run", url, *arguments, "--phase", "preflight", "--phase", "lifecycle", "--phase", "security"
        ) as run:
            said, _ = run.communicate(timeout=120)
        assert run.returncode == 1, said
        assert not other.came
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != tmp_path]
    assert {"history.jsonl", "report.json", "report.html", "summary.md"} <= {path.name for path in files}
    texts = {"output": said, **{path.name: path.read_text(encoding="utf-8") for path in files}}
    assert "[REDACTED]" in texts["history.jsonl"]
    found = [
        (name, form, re.findall(f".{{0,60}}{re.escape(form)}.{{0,20}}", text)[:1])
        for name, text in texts.items()
        for form in (*traces(KEY), *traces(SECOND))
        if form in text
    ]
    assert found == []
