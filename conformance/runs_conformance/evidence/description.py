"""Requests and responses in words, for reasons that people read."""

from __future__ import annotations

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.error_message import error_message, summarize
from runs_conformance.model.exchange import Exchange

NOT_SENT = "not sent: "
"""How the problem of an exchange begins whose request was withheld. The reason follows."""


def describe_request(exchange: Exchange) -> str:
    """The method and the path, with placeholders instead of ids if the operation is known."""
    operation = OPERATIONS.get(exchange.operation or "")
    path = operation.path if operation else exchange.request.path
    return f"{exchange.request.method} {path}"


def describe_outcome(exchange: Exchange) -> str:
    """A request with its response, as one clause."""
    if exchange.response is None:
        problem = (exchange.problem or "connection lost").removeprefix("no response: ").removesuffix(".")
        if problem.startswith(NOT_SENT):
            return f"{describe_request(exchange)} was not sent ({problem.removeprefix(NOT_SENT)})"
        return f"{describe_request(exchange)} got no response ({problem})"
    return f"{describe_request(exchange)} got {describe_response(exchange)}"


def describe_response(exchange: Exchange) -> str:
    """The HTTP status with the start of the error message or of the text, and why there is no complete response."""
    if exchange.response is None:
        return f"no response ({exchange.problem or 'connection lost'})"
    if exchange.accepted:
        status = exchange.member("status")
        return f"HTTP {exchange.status}" + (f" and status {summarize(status)}" if isinstance(status, str) else "")
    message = error_message(exchange.body)
    text = message if message is not None else exchange.response.text or ""
    problem = f" ({exchange.problem.removesuffix('.')})" if exchange.problem else ""
    return f"HTTP {exchange.status} {summarize(text).rstrip('.')}".rstrip() + problem
