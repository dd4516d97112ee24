from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.engine.outcome import decide_outcome
from runs_conformance.model.verdict import Outcome, Verdict


def verdict(outcome: Outcome, level: str = "must", capability: str = "core") -> Verdict:
    return Verdict(f"a.{outcome}.{level}", "rule", level, capability, None, outcome, 1, "It holds.", "prose: a test")


PASSED, FAILED = verdict(Outcome.PASS), verdict(Outcome.FAIL)
WARNED, FAULTY = verdict(Outcome.FAIL, "should"), verdict(Outcome.ERROR)


@pytest.mark.parametrize(
    ("verdicts", "how", "code"),
    [
        ([PASSED], {}, 0),
        ([PASSED, WARNED], {}, 0),
        ([PASSED, WARNED], {"fail_on": "should"}, 1),
        ([PASSED, verdict(Outcome.FAIL, "may")], {"fail_on": "should"}, 0),
        ([PASSED, verdict(Outcome.INCONCLUSIVE)], {}, 0),
        ([PASSED, verdict(Outcome.INCONCLUSIVE)], {"most_inconclusive": 1}, 0),
        ([PASSED, verdict(Outcome.INCONCLUSIVE)], {"most_inconclusive": 0}, 5),
        ([FAILED, verdict(Outcome.INCONCLUSIVE)], {"most_inconclusive": 0}, 1),
        ([PASSED, verdict(Outcome.NOT_JUDGED)], {"most_inconclusive": 0}, 0),
        ([PASSED, verdict(Outcome.NOT_JUDGED)], {}, 0),
        ([PASSED, FAILED], {}, 1),
        ([PASSED], {"cut": "no time left"}, 5),
        ([PASSED], {"prerequisite": "no model"}, 5),
        ([PASSED], {"must_decide": ["core", "cancel"]}, 5),
        ([PASSED, verdict(Outcome.FAIL, "should", "cancel")], {"must_decide": ["cancel"]}, 5),
        ([verdict(Outcome.NOT_JUDGED)], {}, 5),
        ([PASSED, FAULTY], {}, 4),
        ([PASSED], {"faults": ["a program raised"]}, 4),
        # Of several, the earlier wins: 130, 4, 1, 5, 0.
        ([PASSED, FAILED, FAULTY], {"interrupted": True, "cut": "x"}, 130),
        ([PASSED, FAILED, FAULTY], {"cut": "x"}, 4),
        ([PASSED, FAILED], {"cut": "x", "prerequisite": "y"}, 1),
    ],
)
def test_exit_codes(verdicts: list[Verdict], how: dict[str, Any], code: int) -> None:
    assert decide_outcome(verdicts, **how).exit_code == code


def test_it_says_why() -> None:
    assert decide_outcome([PASSED, FAILED]).reason == "1 must demand was broken"
    assert "cancel" in decide_outcome([PASSED], required_capabilities=["cancel"]).reason
