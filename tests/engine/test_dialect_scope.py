"""Requirements on parts that a family of dialects lacks are not applicable to it."""

from __future__ import annotations

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.dialect import FAMILIES
from runs_conformance.engine.dialect_scope import outside_family
from runs_conformance.engine.verdicts import Requirements, VerdictContext, build_verdicts
from runs_conformance.model.verdict import Finding, Outcome, Tally
from runs_conformance.rules import catalogue

HEADER = "auth.beta_header_is_required"


def test_everything_applies_to_the_published_api() -> None:
    assert outside_family(FAMILIES["openai"]) == {}


def test_what_a_family_does_not_have_is_not_applicable() -> None:
    requirements = Requirements(rules=catalogue(), constraints=constraints())
    reasons = outside_family(FAMILIES["azure"])
    assert reasons.keys() <= {*constraints(), *catalogue()}
    context = VerdictContext(not_offered=reasons)
    outcomes = {each.id: each.outcome for each in build_verdicts({}, requirements, context)}
    assert {id_ for id_, outcome in outcomes.items() if outcome is Outcome.NOT_APPLICABLE} == reasons.keys()
    assert reasons[HEADER] == "servers of the azure dialects do not use the header OpenAI-Beta"


def test_what_such_a_server_shows_anyway_is_judged() -> None:
    requirements = Requirements(rules=catalogue(), constraints=constraints())
    context = VerdictContext(not_offered=outside_family(FAMILIES["azure"]))
    id_ = "error.error.type.type"
    for tally, outcome in ((Tally(1, [Finding("is 5")]), Outcome.FAIL), (Tally(1), Outcome.PASS)):
        verdicts = build_verdicts({id_: tally}, requirements, context)
        assert next(each.outcome for each in verdicts if each.id == id_) is outcome
