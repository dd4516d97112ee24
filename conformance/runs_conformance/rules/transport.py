"""Transport: that an answer is what it says it is, below the level of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import exchanges
from runs_conformance.evidence.server_failure import Conduct, conducts, hangs
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, prose, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_JSON = schema("openai-openapi f85dbe2 openapi.yaml: every success is application/json, an object")
_LETTER = prose("RFC 8259 2, 6, 7, 8.1: the grammar of JSON, in UTF-8, without a byte order mark")
_UNIQUE = prose("RFC 8259 4, 6, 9: names should be unique, numbers within what programs can hold")
_WHOLE = prose("RFC 9112 8: an answer that ends early is incomplete")

_BROKEN = ("invalid_utf8", "byte_order_mark", "control_character", "not_a_number", "content_encoding")
_UNWISE = ("duplicate_key", "number_too_long", "number_out_of_range", "too_deep")


def _plain(history: History) -> Iterable[Exchange]:
    """Every answer of success that has to be JSON: not where a stream was asked for, or came."""
    return (exchange for exchange in history if _is_plain(exchange))


def _is_plain(exchange: Exchange) -> bool:
    body, response = exchange.request.body, exchange.response
    asked = is_object(body) and body.get("stream") is True
    success = exchange.operation is not None and exchange.accepted
    return success and response is not None and response.events is None and not asked


def _readable(history: History) -> Iterable[tuple[Exchange, bool]]:
    """Every such answer, and whether it can be read: one that shows again what was stored may be too deep for us.

    Odd requests store such things, and what a list shows may have been stored by anybody.
    """
    odd = False
    for exchange in history:
        odd = odd or exchange.request.text is not None
        defects = exchange.response.defects if exchange.response else ()
        lists = exchange.operation is not None and OPERATIONS[exchange.operation].lists is not None
        if _is_plain(exchange):
            yield exchange, not ("too_deep" in defects and (odd or lists))


@rule(over=_readable, level=Level.MUST, source=_JSON, capability="core")
def success_is_a_json_object(answer: tuple[Exchange, bool]) -> Iterator[Result]:
    """The answer to an accepted request is a JSON object."""
    exchange, readable = answer
    if not readable:
        yield Undecided("the answer shows what was stored, and is nested deeper than is read")
        return
    if is_object(exchange.body):
        yield HELD
    else:
        shown = exchange.response.text if exchange.response and isinstance(exchange.body, Absent) else exchange.body
        yield exchange.finding("the answer is not a JSON object", actual=shown if shown is not None else "nothing")


@rule(over=_plain, level=Level.MUST, source=_JSON, capability="core")
def content_type_is_json(exchange: Exchange) -> Iterator[Result]:
    """The Content-Type of the answer to an accepted request is application/json.

    The official Python library gives its caller a text instead of an object for any other.
    """
    headers = exchange.response.headers if exchange.response else {}
    if headers and is_object(exchange.body):
        says = headers.get("content-type", "")
        if says.partition(";")[0].strip().lower().endswith("json"):
            yield HELD
        else:
            yield exchange.finding("JSON under another content type, or under none", "", "application/json", says)


def _defects(exchange: Exchange, kinds: tuple[str, ...]) -> list[str]:
    defects = exchange.response.defects if exchange.response else ()
    return [defect for defect in defects if defect.removeprefix("sse: ").startswith(kinds)]


def _says_something(exchange: Exchange) -> bool:
    return bool(exchange.operation) and (is_object(exchange.body) or bool(exchange.events))


@rule(over=exchanges, level=Level.MUST, source=_LETTER, capability="core")
def json_is_by_the_letter(exchange: Exchange) -> Iterator[Result]:
    """What is sent as JSON is JSON by the letter: in UTF-8, without NaN, raw control characters or a byte order mark.

    Some parsers let it pass; those of other languages refuse the whole answer.
    """
    broken = _defects(exchange, _BROKEN) if exchange.operation else []
    if broken:
        yield exchange.finding(f"not JSON by the letter: {', '.join(broken[:3])}", actual=broken[0])
    elif _says_something(exchange):
        yield HELD


@rule(over=exchanges, level=Level.SHOULD, source=_UNIQUE, capability="core")
def json_means_the_same_to_everybody(exchange: Exchange) -> Iterator[Result]:
    """No object in an answer has two members of one name, and no number is beyond what programs hold.

    Which of two members counts, and what becomes of such a number, depends on the parser.
    """
    asked_plainly = exchange.operation is not None and exchange.request.text is None
    unwise = _defects(exchange, _UNWISE) if asked_plainly else []
    if unwise:
        yield exchange.finding(f"parsers differ over {', '.join(unwise[:3])}", actual=unwise[0])
    elif _says_something(exchange):
        yield HELD


@rule(over=conducts, level=Level.SHOULD, source=_WHOLE, capability="core")
def answers_come_whole(conduct: Conduct) -> Iterator[Result]:
    """No operation's answers break off time and again while others come whole."""
    cut = [e for e in conduct.exchanges if e.completion is Completion.UNKNOWN and not hangs(e)]
    for exchange in cut:
        if len(cut) > 1:
            yield exchange.finding(f"the answer broke off: {exchange.problem or 'no reason is known'}")
        else:
            yield Undecided(f"an answer of {conduct.operation} broke off once")
    if not cut:
        yield HELD
