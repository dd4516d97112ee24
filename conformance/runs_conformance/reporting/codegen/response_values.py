"""The properties of a target's responses on which code that reproduces a failure depends, from the counterexample."""

from __future__ import annotations

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.model.json import JSON, at, is_array, is_object, json_pointer
from runs_conformance.model.list_body import ITEMS


def places_of_items(example: JSON) -> dict[str, str]:
    """The places of the items in lists that do not have them in `data`, by the name of the step."""
    places = at(example, "/items_at")
    return {name: place for name, place in places.items() if isinstance(place, str)} if is_object(places) else {}


def pointer_in_response(pointer: str, items_at: str | None) -> str:
    """The place in a response to which a reference points; `items_at` is where it has its items, if not in `data`."""
    is_item = pointer.startswith(json_pointer(ITEMS) + "/")
    return items_at + pointer.removeprefix(json_pointer(ITEMS)) if is_item and items_at is not None else pointer


def shows_awaited_status(example: JSON) -> bool:
    """Whether the case was repeated until a run had a status, and the response that is shown has it."""
    status, until = at(example, "/answer/body/status"), at(example, "/case/until")
    return is_array(until) and isinstance(status, str) and (status in until or status in TERMINAL)
