"""Reasons for which a target refuses a valid request that names or uses a model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runs_conformance.contract.known_members import known_body_members
from runs_conformance.evidence.observation import observations_in
from runs_conformance.evidence.refusal_reason import named_members
from runs_conformance.model.error_message import refusal_text
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, is_object

_MAY_MEAN_MODEL = re.compile(r"model|engine|deployment", re.IGNORECASE)
_LACKS = re.compile(r"\b(required|missing)\b", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\b(unknown|unrecogni[sz]ed|unexpected|unsupported|extra|additional|not allowed|not permitted)\b", re.IGNORECASE
)
_RUNS_AS_ID = re.compile(r"['\"`]runs['\"`]|\b(id|thread|thread_id)[ :=]{1,3}runs\b", re.IGNORECASE)
_SHADOWED = "create_thread_and_run"
_OTHER_ROUTE = "the route of POST /threads/{thread_id} seems to take the request"


def other_reason_than_model(refused: Exchange) -> str | None:
    """The reason that a refusal gives, if that cannot be the model: another member, or a thread with the id `runs`.

    A member that was not sent counts only if the refusal says that it is missing.
    """
    text = refusal_text(refused)
    if _MAY_MEAN_MODEL.search(text):
        return None
    if refused.operation == _SHADOWED and _RUNS_AS_ID.search(text):
        return f"the refusal names runs as the id of a thread: {_OTHER_ROUTE}"
    body = refused.request.body
    sent = set(body) if is_object(body) else set()
    lacking = known_body_members(refused.operation or "", refused.edition) if _LACKS.search(text) else frozenset()
    named = sorted(named_members(refused) & (sent | lacking))
    if not named or "model" in named:
        return None
    names = ", ".join(named)
    is_shadowed = refused.operation == _SHADOWED and "assistant_id" in named and _UNKNOWN.search(text)
    return f"the refusal names {names}" + (f": {_OTHER_ROUTE}" if is_shadowed else "")


def model_was_accepted(refused: Exchange, history: History) -> bool:
    """Whether another request with the model of a refused one was accepted."""
    models = _models_of(refused, history)
    return bool(models) and any(each.accepted and models == _models_of(each, history) for each in history)


def _models_of(exchange: Exchange, history: History) -> set[str]:
    """The model that a request names, else all that its assistant was shown with."""
    body = exchange.request.body
    if not is_object(body):
        return set()
    named = body.get("model")
    return {named} if isinstance(named, str) else set(_models_of_assistant(body.get("assistant_id"), history))


def _models_of_assistant(id_: JSON | Absent, history: History) -> Iterator[str]:
    shown = (each for exchange in history for each in observations_in(exchange) if each.kind == "assistant")
    for each in shown:
        model = each.get("model")
        if each.id == id_ and isinstance(model, str):
            yield model
