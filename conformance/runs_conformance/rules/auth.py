"""Keys: without the right one, nothing is given away and nothing happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.request_expectation import usual
from runs_conformance.evidence.unauthorized_attempt import Intrusion, intrusions
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_SECURITY = schema("openai-openapi f85dbe2 openapi.yaml security: ApiKeyAuth, bearer, for every operation")
_CODES = prose(
    "openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 401, invalid authentication",
    note="recorded 5 of 5, code invalid_api_key",
)
_BETA = observed("openai-ruby#136, n8n#20107 and others: 400 with code invalid_beta")
_V1 = observed(
    "supershaneski/openai-assistants-api-multi-user-sample#4, 2025-03: the v1 Assistants API has been deprecated"
)
_DENIED = (401, 403)
_V1_ENDED = "2024-12-18"


@dataclass(frozen=True, slots=True)
class _Strangers:
    """The requests of a history that were sent with one wrong key, or with none. `looked_at` says whether one of them
    was turned away for that: an operation that turns the right key away too does not say so.
    """

    sent: tuple[Exchange, ...]
    looked_at: bool


def _with_key(*keys: Key) -> Callable[[History], Iterable[_Strangers]]:
    def over(history: History) -> Iterable[_Strangers]:
        sent = tuple(exchange for exchange in history if exchange.operation and key_of(exchange) in keys)
        closed = {each.operation for each in history if usual(each) and each.status in _DENIED}
        looked_at = any(each.status in _DENIED and each.operation not in closed for each in sent)
        return (_Strangers(sent, looked_at),) if sent else ()

    return over


def _without_the_right_key(history: History) -> Iterable[Exchange]:
    return (exchange for exchange in history if exchange.operation and key_of(exchange) in (Key.NONE, Key.WRONG))


def _turned_away(exchange: Exchange, how: str) -> Iterator[Result]:
    status = exchange.status
    if exchange.accepted:
        yield exchange.finding(f"success {how}", actual=status)
    elif status is not None and 400 <= status < 500 and status != 429:
        yield HELD
    else:
        yield Undecided(f"a request {how} was neither served nor turned away")


def _none_slips_through(strangers: _Strangers, how: str) -> Iterator[Result]:
    if not strangers.looked_at:
        yield Undecided(f"no request {how} was turned away: the target does not look at keys")
        return
    for exchange in strangers.sent:
        yield from _turned_away(exchange, how)


@rule(over=_with_key(Key.NONE), level=Level.SHOULD, source=_CODES, capability="auth", items=("L-87",))
def a_key_is_asked_for(strangers: _Strangers) -> Iterator[Result]:
    """A server asks for a key.

    One that is only ever reached from its own machine may do without; its users' clients will not notice that they send
    none.
    """
    yield HELD if strangers.looked_at else strangers.sent[0].finding("no request without a key was turned away")


@rule(over=_with_key(Key.WRONG), level=Level.SHOULD, source=_CODES, capability="auth", items=("L-87",))
def a_wrong_key_is_told_apart(strangers: _Strangers) -> Iterator[Result]:
    """A server that asks for a key knows which ones it gave out."""
    yield HELD if strangers.looked_at else strangers.sent[0].finding("no request with a wrong key was turned away")


@rule(over=_with_key(Key.NONE), level=Level.MUST, source=_SECURITY, capability="auth", items=("L-87",))
def nothing_is_served_without_a_key(strangers: _Strangers) -> Iterator[Result]:
    """Where a key is asked for at all, a request without one is turned away, whatever the operation.

    One operation that forgets to ask is a way in for everybody.
    """
    yield from _none_slips_through(strangers, "without a key")


@rule(over=_with_key(Key.WRONG), level=Level.MUST, source=_SECURITY, capability="auth", items=("L-87",))
def nothing_is_served_with_a_wrong_key(strangers: _Strangers) -> Iterator[Result]:
    """Where wrong keys are turned away at all, a request with one is, whatever the operation."""
    yield from _none_slips_through(strangers, "with a wrong key")


def _in_basic(history: History) -> Iterator[tuple[Exchange, bool]]:
    """Each request with the right key under the scheme Basic, with whether the target looks at keys at all."""
    looks = any(strangers.looked_at for strangers in _with_key(Key.NONE, Key.WRONG)(history))
    return ((exchange, looks) for exchange in history if key_of(exchange) is Key.BASIC)


@rule(over=_in_basic, level=Level.SHOULD, source=_SECURITY, capability="auth", items=("L-87",))
def a_key_counts_as_a_bearer_token_only(sent: tuple[Exchange, bool]) -> Iterator[Result]:
    """A key is taken as a bearer token, and under no other scheme.

    `Authorization: Basic` announces a name and a password. Where the first word is skipped, whatever it says, proxies
    and logs that tell credentials by it do not hide the key.
    """
    exchange, looks = sent
    if looks:
        yield from _turned_away(exchange, "with the key under another scheme")
    else:
        yield Undecided("the target does not look at keys")


@rule(over=_without_the_right_key, level=Level.SHOULD, source=_CODES, capability="auth", items=("L-87",))
def status_is_401(exchange: Exchange) -> Iterator[Result]:
    """A request without a key or with a wrong one is answered with HTTP status 401.

    Also where it names what does not exist: the key is looked at first, so that nobody learns which ids there are.
    """
    status = exchange.status
    if status is not None and 400 <= status < 500 and status != 429:
        found = exchange.finding("another HTTP status for a missing or wrong key", "", 401, status)
        yield HELD if status == 401 else found


def _refused_to_strangers(history: History) -> Iterator[tuple[Exchange, frozenset[str]]]:
    ids = frozenset(creation.id for creation in creations(history))
    for exchange in _without_the_right_key(history):
        if exchange.status is not None and 400 <= exchange.status < 500:
            yield exchange, ids - set(exchange.path.values()) - _sent(exchange)


def _sent(exchange: Exchange) -> set[str]:
    assistant = at(exchange.request.body, "/assistant_id")
    return {assistant} if isinstance(assistant, str) else set()


@rule(over=_refused_to_strangers, level=Level.MUST, source=_SECURITY, capability="auth", items=("L-87",))
def refusals_give_nothing_away(pair: tuple[Exchange, frozenset[str]]) -> Iterator[Result]:
    """The answer to a request without the right key holds nothing of what it asked for.

    A body with the object in it under HTTP status 401 is still a body with the object in it.
    """
    exchange, ids = pair
    answered = str(exchange.body) + (exchange.response.text or "" if exchange.response else "")
    told = next((id_ for id_ in ids if re.search(rf"(?<![\w-]){re.escape(id_)}(?![\w-])", answered)), None)
    shown = at(exchange.body, "/object")
    if told is not None or (isinstance(shown, str) and shown != "error"):
        yield exchange.finding("the refusal shows what it refuses", actual=told or shown)
    else:
        yield HELD


def _by_strangers(history: History) -> Iterator[Intrusion]:
    return (each for each in intrusions(history) if key_of(each.exchange) in (Key.NONE, Key.WRONG))


@rule(over=_by_strangers, level=Level.MUST, source=_SECURITY, capability="auth", items=("L-87",))
def refusals_change_nothing(intrusion: Intrusion) -> Iterator[Result]:
    """What was asked for without the right key has not happened: nothing is deleted, modified, added or cancelled."""
    if intrusion.trace is not None:
        operation = intrusion.exchange.operation
        yield intrusion.trace.finding(f"{operation} was turned away for its key, but took effect", actual=operation)
    elif intrusion.looked:
        yield HELD


def _beta(history: History) -> Iterable[Exchange]:
    """Every request without the beta header, or with that of the first beta. Azure's servers never wanted one."""
    for exchange in history:
        if exchange.step and BETA_HEADER[0] in exchange.step.headers and exchange.dialect != "azure":
            yield exchange


@rule(over=_beta, level=Level.SHOULD, source=_BETA, capability="auth", items=("L-86",))
def beta_header_is_required(exchange: Exchange) -> Iterator[Result]:
    """A request without the header `OpenAI-Beta: assistants=v2` is refused.

    A server of its own has no need for it, but its users' clients should find out before they meet the service's like.
    """
    if exchange.step and exchange.step.headers[BETA_HEADER[0]] is None:
        yield from _turned_away(exchange, "without the beta header")


@rule(over=_beta, level=Level.SHOULD, source=_BETA, capability="errors", items=("L-86",))
def missing_beta_header_is_invalid_beta(exchange: Exchange) -> Iterator[Result]:
    """A request without the beta header is refused with HTTP status 400 and the code `invalid_beta`."""
    if exchange.refused and exchange.step and exchange.step.headers[BETA_HEADER[0]] is None:
        status, code = exchange.status, at(exchange.body, "/error/code")
        found = exchange.finding(f"HTTP status {status}, or another code", "/error/code", "invalid_beta", code)
        yield HELD if status == 400 and code == "invalid_beta" else found


@rule(over=_beta, level=Level.SHOULD, source=_V1, capability="auth")
def first_beta_is_over(exchange: Exchange) -> Iterator[Result]:
    """A request with `OpenAI-Beta: assistants=v1` is refused, since 2024-12-18.

    Answered as v2, it gives a client of the first beta objects that it cannot read.
    """
    if exchange.step and exchange.step.headers[BETA_HEADER[0]] == "assistants=v1" and exchange.edition >= _V1_ENDED:
        yield from _turned_away(exchange, "in the first beta")
