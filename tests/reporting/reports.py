"""Reports to show: one of everything, with what a hostile target could put into it."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.case import Mutation, Ref, Refuse, Role, Step, mutation_to_json, step_to_json
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.reporting.report import Report, ResourceUsage, Suite, TargetInfo

HOSTILE = "</pre><script>alert(1)</script> `tick` **bold** | pipe \x1b[31m \u202e"

NEGATIVE = Step(
    operation="create_run",
    path={"thread_id": Ref("thread")},
    body={"assistant_id": Ref("assistant"), "max_prompt_tokens": 255, "instructions": "don't"},
    role=Role.NEGATIVE,
    expectation=Refuse(),
    mutation=Mutation("/max_prompt_tokens", "minimum", 256, 255),
)
BEFORE = (
    Step(operation="create_assistant", name="assistant", body={"model": "gpt-4o"}),
    Step(operation="create_thread", name="thread", body={}),
)


def example(case: Step = NEGATIVE, before: tuple[Step, ...] = BEFORE, **changes: Any) -> dict[str, JSON]:
    made: dict[str, JSON] = {
        "program": "boundary.create_run",
        "exchange": "x000007",
        "operation": case.operation,
        "request": {"method": "POST", "path": "/threads/thread_1/runs", "body": {"max_prompt_tokens": 255}},
        "answer": {"http_status": 200, "body": {"id": "run_1", "object": "thread.run", "note": HOSTILE}},
        "case": step_to_json(case),
        "before": [step_to_json(step) for step in before],
        "neighbour": {"exchange": "x000005", "http_status": 200, "value": 256},
    }
    if case.mutation is not None:
        made["mutation"] = mutation_to_json(case.mutation)
    return {**made, **changes}


def verdict(id_: str, outcome: Outcome, **changes: Any) -> Verdict:
    members: dict[str, Any] = {
        "id": id_,
        "kind": "constraint",
        "level": "must",
        "capability": "validation",
        "operation": "create_run",
        "outcome": outcome,
        "judged": 0 if outcome in (Outcome.NOT_JUDGED, Outcome.INCONCLUSIVE) else 2,
        "statement": f"{id_} holds",
        "source": "schema: openai-openapi f85dbe2 openapi.yaml CreateRunRequest",
    }
    if outcome is Outcome.FAIL:
        members["findings"] = (
            Finding(f"accepted {HOSTILE}", "x000007", "create_run", "/max_prompt_tokens", "a refusal", 255),
        )
        members["counterexample"] = example()
    return Verdict(**{**members, **changes})


def report(*verdicts: Verdict, exit_code: int = 1, base_url: str | None = "https://example.org/v1") -> Report:
    every = verdicts or (
        verdict("create_run.max_prompt_tokens.minimum", Outcome.FAIL),
        verdict("create_run.metadata.maxProperties", Outcome.FAIL),
        verdict("run.id.type", Outcome.PASS, operation=None, capability="core"),
        verdict("errors.param", Outcome.FAIL, kind="rule", level="should", operation=None, capability="errors"),
        verdict("listing.order", Outcome.INCONCLUSIVE, kind="rule", reason="rate limited", capability="listing"),
        verdict("tenancy.apart", Outcome.NOT_JUDGED, kind="rule", reason="needs it", needs="a second API key"),
        verdict("steps.named", Outcome.NOT_APPLICABLE, kind="rule", reason="no such route", capability="steps"),
        verdict("steps.broken", Outcome.ERROR, kind="rule", reason="raised KeyError", capability="steps"),
    )
    return Report(
        suite=Suite(edition="2026-08-14", strict=False, profile="standard", seed=0, schema_digest="0123456789abcdef"),
        target=TargetInfo(name="example.org", base_url=base_url, dialect="openai", capabilities=("core",)),
        complete=True,
        outcome=Outcome.FAIL,
        exit_code=exit_code,
        reason="2 MUST requirements failed",
        usage=ResourceUsage(requests=1234, runs_started=5, cases=1200, seconds=9.87, tokens=None),
        verdicts=tuple(every),
    )
