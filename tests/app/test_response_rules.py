"""The rules on a response by itself judge nothing that an unknown request could explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from runs_conformance.app.response_rules import RESPONSE_RULES, select_response_rules
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.exchange import Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.verdict import Finding
from runs_conformance.recordings.load import parse_traffic
from runs_conformance.rules import catalogue
from tests.recordings.traffic import FLOWS, clean_entries
from tests.rules.examples import FAILING, judge
from tests.rules.violations import import_examples

_BODY: JSON = {
    "assistant_id": "asst_other",
    "content": "Something else",
    "instructions": "Other instructions",
    "max_prompt_tokens": 777,
    "metadata": {"other": "pair"},
    "model": "other-model",
    "response_format": {"type": "json_object"},
    "role": "assistant",
    "stream": True,
    "temperature": 0.123,
    "thread": {"messages": [{"role": "user", "content": "Something else"}]},
    "tool_choice": "none",
    "tool_outputs": [{"tool_call_id": "call_other", "output": "7"}],
    "tools": [],
}
_QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"limit": "1"},
    {"limit": "100", "order": "asc"},
    {"after": "msg_other"},
    {"before": "msg_other"},
)


def _verdicts(id_: str, exchange: Exchange) -> list[str]:
    history = History.of([exchange], partial=True)
    found = judge(catalogue()[id_], history)
    return sorted(each.message if isinstance(each, Finding) else type(each).__name__ for each in found)


def _alternatives(exchange: Exchange) -> Iterator[Exchange]:
    """The same response to other requests of its operation, with other statuses that fit its content."""
    operation = OPERATIONS[exchange.operation or ""]
    other = {name: f"{name}_other" for name in operation.parameters}
    bodies = (ABSENT, _BODY) if operation.body else (ABSENT,)
    for path in (other, dict(exchange.path)):
        url = operation.url({**other, **path})
        for body in bodies:
            for query in _QUERIES if operation.query else ({},):
                request = Request(operation.method, url, tuple(query.items()), {}, body)
                changed = replace(exchange, request=request, path=path)
                yield changed
                yield from (replace(changed, response=each) for each in _responses(exchange.response))


def _responses(response: Response | None) -> Iterator[Response]:
    assert response is not None
    if response.events is not None:
        return
    statuses = (400, 404, 409, 429, 500) if response.status >= 400 else (200, 201)
    for status in statuses:
        yield replace(response, status=status)
    yield replace(response, headers={})


def _single_exchanges() -> Iterator[Exchange]:
    import_examples()
    yield from (exchange for id_ in sorted(RESPONSE_RULES) for build in FAILING[id_] for exchange in build())
    for flow in FLOWS:
        text = f'{{"log": {{"entries": {clean_entries(flow.__name__)}}}}}'
        yield from (exchange for history in parse_traffic("clean", text.encode()).histories for exchange in history)


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    found = [replace(each, step=None) for each in _single_exchanges() if each.operation and each.response]
    distinct = {(each.operation, repr(each.response), repr(each.request)): each for each in found}
    return list(distinct.values())


@pytest.mark.parametrize("id_", sorted(RESPONSE_RULES))
def test_verdict_on_a_response_does_not_depend_on_its_request(id_: str, exchanges: list[Exchange]) -> None:
    shown = set()
    for exchange in exchanges:
        expected = _verdicts(id_, exchange)
        shown.update(expected)
        if not expected:
            # A rule that has nothing to say must not find an occasion in the request; one other request shows that.
            other = next(iter(_alternatives(exchange)))
            assert _verdicts(id_, other) == [], exchange
            continue
        for other in _alternatives(exchange):
            assert _verdicts(id_, other) == expected, (exchange, other.request)
    assert shown - {"Passed", "Inconclusive", "Suspicion"}, "it finds nothing in any single response"


def test_rules_on_a_response_need_nothing_else() -> None:
    selected = select_response_rules(catalogue())
    assert selected.keys() == RESPONSE_RULES
    for rule in selected.values():
        assert not rule.needs_complete_history, rule.id
        assert not rule.judges_whole_history, rule.id
