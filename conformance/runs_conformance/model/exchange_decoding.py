"""Reads exchanges from the lines of a `history.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.long_text import expand
from runs_conformance.model.require import (
    require_array,
    require_boolean,
    require_integer,
    require_number,
    require_object,
    require_optional_text,
    require_text,
    require_text_members,
    require_texts,
)
from runs_conformance.model.step_decoding import step_from_json


def exchange_from_json(data: Mapping[str, JSON]) -> Exchange:
    """The inverse of `exchange_to_json`. Raises KeyError, TypeError or ValueError for invalid data."""
    response, step, repeats_key = data["response"], data.get("step"), data.get("repeats_key")
    sent = data.get("sent")
    return Exchange(
        id=require_text(data["id"], "id"),
        index=require_integer(data["index"], "index"),
        program=require_text(data["program"], "program"),
        operation=require_optional_text(data["operation"], "operation"),
        request=_request_from_json(require_object(data["request"], "request")),
        response=None if response is None else _response_from_json(require_object(response, "response")),
        completion=Completion(require_text(data["completion"], "completion")),
        started=require_number(data["started"], "started"),
        ended=require_number(data["ended"], "ended"),
        wall=require_number(data.get("wall", 0.0), "wall"),
        step=None if step is None else step_from_json(_with_plain_raw(require_object(step, "step"))),
        path=require_text_members(data.get("path", {}), "path"),
        attempt=require_integer(data.get("attempt", 1), "attempt"),
        problem=require_optional_text(data.get("problem"), "problem"),
        edition=require_text(data.get("edition", ""), "edition"),
        dialect=require_text(data.get("dialect", "openai"), "dialect"),
        loss=require_text(data.get("loss", ""), "loss"),
        base_path=require_text(data.get("base_path", ""), "base_path"),
        repeats_key=None if repeats_key is None else require_boolean(repeats_key, "repeats_key"),
        sent=None if sent is None else require_number(sent, "sent"),
    )


def _with_plain_raw(step: Mapping[str, JSON]) -> Mapping[str, JSON]:
    return {**step, "raw": expand(step["raw"])} if "raw" in step else step


def _request_from_json(data: Mapping[str, JSON]) -> Request:
    return Request(
        method=require_text(data["method"], "method"),
        path=require_text(data["path"], "path"),
        query=tuple(_pair(each) for each in require_array(data.get("query", ()), "query")),
        headers=require_text_members(data.get("headers", {}), "headers"),
        body=data.get("body", ABSENT),
        text=require_optional_text(expand(data["text"]) if "text" in data else None, "text"),
    )


def _pair(value: JSON) -> tuple[str, str]:
    name, text = require_texts(value, "query")
    return name, text


def _response_from_json(data: Mapping[str, JSON]) -> Response:
    events = data.get("events")
    return Response(
        status=require_integer(data["status"], "status"),
        headers=require_text_members(data.get("headers", {}), "headers"),
        body=data.get("body", ABSENT),
        text=require_optional_text(data.get("text"), "text"),
        events=None if events is None else tuple(map(_event_from_json, require_array(events, "events"))),
        defects=require_texts(data.get("defects", ()), "defects"),
        size=require_integer(data.get("size", 0), "size"),
    )


def _event_from_json(value: JSON) -> Event:
    data = require_object(value, "event")
    return Event(require_text(data["event"], "event"), data["data"], require_number(data.get("at", 0.0), "at"))
