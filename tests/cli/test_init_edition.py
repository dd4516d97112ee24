"""`init` writes the edition that a server implements."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

from runs_conformance.app.discover_edition import ADDITIONS, find_edition
from runs_conformance.cli import run_command
from runs_conformance.contract.edition import DEFAULT_EDITION, EDITIONS
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import is_valid
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import JSON
from runs_conformance.testing import start_emulator


def answer(step: Step, status: int) -> Exchange:
    return Exchange(
        id="x1",
        index=1,
        program="p",
        operation=step.operation,
        request=Request("POST", "/assistants", body={}),
        response=Response(status, body={"id": "asst_1"}),
        completion=Completion.ANSWERED,
        started=0.0,
        ended=0.1,
        step=step,
        path={},
    )


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_server_is_dated_by_the_additions_that_it_refuses(edition: str) -> None:
    sent: list[Any] = []

    def send(step: Step) -> Exchange:
        sent.append(step.body)
        accepts = is_valid(f"requests/{OPERATIONS[step.operation].body}", step.operation, edition)
        return answer(step, 200 if accepts(cast("JSON", step.body)) else 400)

    assert find_edition(send, "gpt-4o") == (edition if edition < ADDITIONS[0].edition else DEFAULT_EDITION)
    assert len(sent) == 1 or edition < ADDITIONS[0].edition


def test_a_server_that_accepts_everything_fits_the_newest() -> None:
    assert find_edition(lambda step: answer(step, 200), "gpt-4o") == DEFAULT_EDITION


def test_refusals_of_the_forms_that_every_edition_has_say_nothing() -> None:
    assert find_edition(lambda step: answer(step, 400), "gpt-4o") == DEFAULT_EDITION


def test_edition_is_written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with start_emulator(edition="2024-08-06", step_ms=0) as emulator:
        monkeypatch.setenv("OPENAI_API_KEY", emulator.api_key)
        assert run_command(["init", emulator.base_url]) == 0
    assert tomllib.loads(Path("conformance.toml").read_text())["edition"] == "2024-08-06"
    assert "it fits edition 2024-08-06" in capsys.readouterr().out
