"""Some of the generated hostile servers, against a few programs; `tox -e hostile` runs all of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from runs_conformance.cli import run_command
from tests.find_leaked_keys import find_leaks
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.hostile_mutations import mutation
from tests.quality.hostile_server import hostile_server, other_host

SEEDS = [seed for seed in range(1_000, 1_200) if mutation(seed).first < 60 and mutation(seed).every > 1][:30]
"""Other seeds than those of `tox -e hostile`, which change some of the first responses."""


@pytest.fixture(scope="module")
def emulators() -> Iterator[Mapping[str, str]]:
    with serve_emulators({"plain": ((), ())}, 2) as urls:
        yield urls


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_hostile_server_is_judged(
    seed: int,
    emulators: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEYS[0])
    generated = mutation(seed)
    behaviour = generated.behaviour()
    arguments = ["--phase", "lifecycle", "--max-requests", "40", "--timeout", "2", "--no-database", "--no-confirm"]
    with (
        other_host() as other,
        hostile_server(emulators["plain"], behaviour.respond, generated.applies, behaviour.closes, other.url) as (
            url,
            _,
        ),
    ):
        code = run_command(["run", url, *arguments, "--report-dir", str(tmp_path)])
        assert not other.received
    captured = capsys.readouterr()
    assert code in (0, 1, 3, 5), (generated.text, captured.err)
    texts = [captured.out, captured.err, *(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())]
    assert not any("Traceback" in text or "\x1b" in text or find_leaks(text, KEYS[0]) for text in texts)
