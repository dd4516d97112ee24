"""The state machine reports nothing on the emulator, finds defects, and reports them one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from runs_conformance import RunOptions, TargetError, UsageError
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.strategies import RequirementViolated, state_machine
from runs_conformance.strategies.state_machine import DEFAULT_SETTINGS

KEYS = ("sk-machine", "sk-machine-other")
FEW = settings(DEFAULT_SETTINGS, max_examples=4, stateful_step_count=8, derandomize=True, database=None)
UNSHRUNK = settings(FEW, max_examples=20, phases=[Phase.generate])


def machine(*mutants: str, options: RunOptions | None = None) -> Any:
    app = build(EmulatorOptions(step_ms=1, keys=KEYS), mutants)
    return state_machine(app, options, api_key=KEYS[0], second_api_key=KEYS[1])


def test_nothing_is_reported_on_the_emulator() -> None:
    run_state_machine_as_test(machine(), settings=FEW)


def test_defect_is_found() -> None:
    options = RunOptions(select=("times.*",))
    with pytest.raises(RequirementViolated) as caught:
        run_state_machine_as_test(machine("writes_dates", options=options), settings=UNSHRUNK)
    assert caught.value.id.startswith("times.")
    assert type(caught.value).__name__ == f"RequirementViolated[{caught.value.id}]"
    assert caught.value.findings[caught.value.id]
    assert str(caught.value).startswith(f"{caught.value.id}: ")


def test_server_without_the_api_is_a_target_error() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with pytest.raises(TargetError, match="create_assistant got HTTP 404"):
        run_state_machine_as_test(state_machine(app), settings=FEW)


def test_selection_that_matches_nothing_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="matches no rule"):
        machine(options=RunOptions(select=("lifecicle.*",)))


def test_test_case_has_the_default_settings() -> None:
    case = machine().TestCase
    assert case.settings.deadline is None
    assert HealthCheck.too_slow in case.settings.suppress_health_check
