"""The outcome of a test run determines its exit code and its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.engine.outcome import decide_outcome
from runs_conformance.model.verdict import Outcome, Verdict


def verdict(outcome: Outcome, level: str = "must", capability: str = "core") -> Verdict:
    return Verdict(f"a.{outcome}.{level}", "rule", level, capability, None, outcome, 1, "It holds.", "prose: a test")


PASSED, FAILED = verdict(Outcome.PASS), verdict(Outcome.FAIL)
WARNED, ERRONEOUS = verdict(Outcome.FAIL, "should"), verdict(Outcome.ERROR)


@pytest.mark.parametrize(
    ("verdicts", "arguments", "code"),
    [
        ([PASSED], {}, 0),
        ([PASSED, WARNED], {}, 0),
        ([PASSED, WARNED], {"fail_on": "should"}, 1),
        ([PASSED, verdict(Outcome.FAIL, "may")], {"fail_on": "should"}, 0),
        ([PASSED, verdict(Outcome.INCONCLUSIVE)], {}, 0),
        ([PASSED, verdict(Outcome.INCONCLUSIVE)], {"max_inconclusive": 1}, 0),
        ([PASSED, verdict(Outcome.INCONCLUSIVE)], {"max_inconclusive": 0}, 5),
        ([FAILED, verdict(Outcome.INCONCLUSIVE)], {"max_inconclusive": 0}, 1),
        ([PASSED, verdict(Outcome.NOT_JUDGED)], {"max_inconclusive": 0}, 0),
        ([PASSED, verdict(Outcome.NOT_JUDGED)], {}, 0),
        ([PASSED, FAILED], {}, 1),
        ([PASSED], {"early_end_reason": "no time left"}, 5),
        ([PASSED], {"validity_problem": "no model"}, 5),
        ([PASSED], {"required_capabilities": ["core", "cancel"]}, 5),
        ([PASSED, verdict(Outcome.FAIL, "should", "cancel")], {"required_capabilities": ["cancel"]}, 5),
        ([verdict(Outcome.NOT_JUDGED)], {}, 5),
        ([PASSED, ERRONEOUS], {}, 4),
        ([PASSED], {"internal_errors": ["a program raised"]}, 4),
        # Precedence: 130, 4, 1, 5, 0.
        ([PASSED, FAILED, ERRONEOUS], {"interrupted": True, "early_end_reason": "x"}, 130),
        ([PASSED, FAILED, ERRONEOUS], {"early_end_reason": "x"}, 4),
        ([PASSED, FAILED], {"early_end_reason": "x", "validity_problem": "y"}, 1),
    ],
)
def test_exit_codes(verdicts: list[Verdict], arguments: dict[str, Any], code: int) -> None:
    assert decide_outcome(verdicts, **arguments).exit_code == code


def test_reason_says_why_a_capability_is_undecided() -> None:
    undecided = replace(verdict(Outcome.INCONCLUSIVE, capability="auth"), reason="the server does not check keys")
    unseen = replace(verdict(Outcome.NOT_JUDGED, capability="auth"), reason="no request covered it")
    outcome = decide_outcome([PASSED, unseen, unseen, undecided], required_capabilities=["core", "auth"])
    assert outcome.reason == "no MUST verdict could be reached for auth: the server does not check keys"


def test_reason_names_what_failed() -> None:
    assert decide_outcome([PASSED, FAILED]).reason == "1 MUST requirement failed"
    assert decide_outcome([PASSED, WARNED]).reason == "no MUST requirement failed"
    assert decide_outcome([PASSED], fail_on="should").reason == "no MUST or SHOULD requirement failed"
    assert "cancel" in decide_outcome([PASSED], required_capabilities=["cancel"]).reason
