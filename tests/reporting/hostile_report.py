"""The report on a hostile server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.model.case import step_to_json
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting.report import Transition
from tests.reporting.reports import BEFORE, NEGATIVE, example, report, verdict

ITEMS = "create_run.tools[].function.name.pattern"


FINAL = "lifecycle.terminal_status_is_final"


PAYLOADS = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "' onmouseover='document.title=\"owned\"' x='",
    "javascript:document.title='owned'",
    "{{ 7 * 7 }}{% raw %}",
    "</pre></details></body><h1>gone</h1>",
)


def timeline(*statuses: str) -> list[Any]:
    return [
        {
            "exchange": f"x{number:06d}",
            "at": number / 10,
            "operation": "get_run",
            "http_status": 200,
            "statuses": [status],
            "times": 1,
            "shows": number == len(statuses) - 1,
        }
        for number, status in enumerate(statuses)
    ]


def hostile(number: int) -> str:
    return PAYLOADS[number % len(PAYLOADS)]


def shown(size: int = 60) -> Any:
    """A report in which a hostile target had its say everywhere that a target can."""
    finding = Finding(hostile(0), "x000007", "get_run", "/status", hostile(1), hostile(2))
    answer = {"http_status": 200, "body": {hostile(3): hostile(4), "status": [hostile(number) for number in range(7)]}}
    life = timeline("queued", "completed", hostile(5))
    steps = [step_to_json(step) for step in (*BEFORE, NEGATIVE)]
    every = [
        verdict("create_run.max_prompt_tokens.minimum", Outcome.FAIL, counterexample=example(steps=steps)),
        verdict(ITEMS, Outcome.FAIL),
        verdict(
            FINAL,
            Outcome.FAIL,
            kind="rule",
            operation=None,
            capability="core",
            explanation="Clients stop polling.",
            findings=(finding, replace(finding, message=hostile(6))),
            counterexample=example(answer=answer, timeline=life, mutation=None),
        ),
        verdict("listing.order", Outcome.FAIL, kind="rule", level="should", operation=None, capability="listing"),
        verdict("steps.named", Outcome.NOT_APPLICABLE, reason=hostile(0), capability="steps"),
        verdict("tenancy.apart", Outcome.NOT_JUDGED, reason="needs it", needs=hostile(1), capability="tenancy"),
        *(verdict(f"run.member_{number}.type", Outcome.PASS, operation=None) for number in range(size)),
    ]
    seen = (
        Transition("queued", "completed", 3, "between_looks"),
        Transition("completed", hostile(0)[:40], 1, "illegal"),
    )
    made = report(*every)
    return replace(made, transitions=seen, reason=hostile(1), target=replace(made.target, name=hostile(0)))
