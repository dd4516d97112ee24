"""Nothing that a report or a recording holds becomes code of a shell, of Python or of a terminal."""

from __future__ import annotations

import ast
import builtins
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.reporting.codegen import curl, script
from runs_conformance.reporting.request_access import RequestAccess

PAYLOADS = (
    "$(touch hit)",
    "`touch hit`",
    "'; touch hit; '",
    '"; touch hit; "',
    "\\'; touch hit; #",
    "x\ntouch hit\n",
    "*$(touch hit)?",
    "!!",
    '"""\n__import__("os").system("touch hit")\n"""',
    "'+__import__('os').system('touch hit')+'",
    '"+__import__("os").system("touch hit")+"',
    "{__import__('os').system('touch hit')}",
    "\\",
    "\x1b[2J\x1b]0;x\x07",
    "\u202e\u2066",
    "\ud800",
    "@/etc/passwd",
    "PATH",
    "ＯＳ",
    "open",
)
STEPS: list[Any] = [
    {"operation": "create_thread", "name": "thread", "body": {"metadata": {"a": "b"}}, "pause": 0},
    {
        "operation": "create_run",
        "name": "run",
        "path": {"thread_id": {"$from": "thread", "at": "/id"}},
        "headers": {"X-A": "b"},
        "body": {"assistant_id": "asst_1", "instructions": {"$from": "thread", "at": "/metadata/a"}},
    },
    {
        "operation": "get_run",
        "name": "ended",
        "path": {"thread_id": {"$from": "thread", "at": "/id"}, "run_id": {"$from": "run", "at": "/id"}},
        "until": ["completed"],
    },
    {
        "operation": "list_messages",
        "name": "messages",
        "path": {"thread_id": {"$from": "thread", "at": "/id"}},
        "query": [["limit", "1"], ["after", {"$from": "ended", "at": "/id"}]],
    },
    {"operation": "create_thread", "name": "odd", "raw": "{"},
]


def _variants(value: Any, payload: str) -> Iterator[Any]:
    """The value with the payload in the place of each text and each member name, alone."""
    if isinstance(value, str):
        yield payload
    elif isinstance(value, dict):
        for name, member in value.items():
            rest = {key: each for key, each in value.items() if key != name}
            yield {**rest, payload: member}
            for changed in _variants(member, payload):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for changed in _variants(item, payload):
                yield [*value[:index], changed, *value[index + 1 :]]


def _shell_programs() -> Iterator[str]:
    for payload in PAYLOADS:
        access = RequestAccess(payload, ((payload, payload), ("a", "b")), ((payload, payload), ("X-B", payload)))
        for steps in (*_variants(STEPS, payload), STEPS):
            *before, case = steps
            yield curl.script({"before": before, "case": case}, "http://x/v1", "openai") or ""
        yield curl.script({"before": STEPS[:1], "case": STEPS[-1]}, f"http://x/{payload}", "openai", access) or ""
        for request in _variants(
            {"method": "GET", "path": "/threads/x", "query": [["a", "b"]], "body": {"a": "b"}}, payload
        ):
            yield curl.script({"request": request}, f"http://x/{payload}", "openai", access) or ""


def test_no_shell_command_runs_what_a_field_says(tmp_path: Path) -> None:
    programs = [program for program in dict.fromkeys(_shell_programs()) if program]
    assert len(programs) > 300
    work = tmp_path / "work"
    work.mkdir()
    for program in programs:
        assert program.replace("\n", "").isprintable(), program
    commands = "\n".join(program.replace("sleep 1", "break") for program in programs)
    commands_file = tmp_path / "commands"
    # Functions in the place of the programs: what they are passed does not matter, only what else runs.
    commands_file.write_text("curl() { echo id_1; }\njq() { echo id_1; }\n" + commands)
    environment = {"PATH": os.environ["PATH"], "OPENAI_API_KEY": "k", "HOME": str(tmp_path)}
    result = subprocess.run(
        ["bash", str(commands_file)], cwd=work, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.stderr == ""
    assert list(work.iterdir()) == []


def _failures() -> Iterator[script.ScriptedFailure]:
    plain: dict[str, Any] = {
        "id": "a.b",
        "level": "must",
        "statement": "it holds",
        "message": "it does not",
        "pointer": "/a",
        "expected": "x",
        "actual": "y",
        "base_url": "http://x/v1",
        "edition": "2024-01-01",
    }
    for payload in PAYLOADS:
        for fields in _variants(plain, payload):
            if fields.keys() == plain.keys():
                yield script.ScriptedFailure(**fields, moves=Reproduction.from_json(STEPS).moves, failing_step=1)
        for steps in _variants(STEPS, payload):
            try:
                reproduction = Reproduction.from_json(steps)
            except ValueError:
                continue
            yield script.ScriptedFailure(**plain, moves=reproduction.moves, failing_step=1)


def test_no_python_calls_what_a_field_says() -> None:
    allowed = {"__import__", "system"}
    written = 0
    for failure in _failures():
        for render in (script.render_script, lambda failure: script.render_test(failure, STEPS)):
            try:
                source = render(failure)
            except (KeyError, ValueError):
                continue
            written += 1
            assert source.replace("\n", "").isprintable(), source
            tree = ast.parse(source)
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not allowed & (names | attributes), source
            assigned = {
                node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            assert not assigned & set(dir(builtins)), source
    assert written > 500
