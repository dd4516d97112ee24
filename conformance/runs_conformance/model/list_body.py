"""The items in the body of a list, whatever shape a server gives it."""

from __future__ import annotations

from collections.abc import Sequence

from runs_conformance.model.json import JSON, Absent, is_array, is_object, json_pointer

ITEMS = "data"
"""The member that holds the items, according to the contract."""


def listed_items(body: JSON | Absent) -> tuple[str, Sequence[JSON]]:
    """The place of the items in the body of a list, and the items.

    A list without its envelope, or whose only array has another name, has a wrong shape; its items are listed.
    """
    if is_array(body):
        return "", body
    if not is_object(body):
        return "", ()
    data = body.get(ITEMS)
    if is_array(data):
        return json_pointer(ITEMS), data
    arrays = [(name, value) for name, value in body.items() if is_array(value)] if ITEMS not in body else []
    return (json_pointer(arrays[0][0]), arrays[0][1]) if len(arrays) == 1 else ("", ())


def in_envelope(body: JSON | Absent) -> JSON | Absent:
    """The body of a list with its items in `data`, where references look for them; the same body if they are there."""
    place, items = listed_items(body)
    if not items or place == json_pointer(ITEMS):
        return body
    return {**body, ITEMS: items} if is_object(body) else {ITEMS: items}


def listed_ids(body: JSON | Absent) -> tuple[str, ...]:
    """The ids of the items of a list; empty unless all of them have one."""
    ids = [item.get("id") if is_object(item) else None for item in listed_items(body)[1]]
    texts = tuple(id_ for id_ in ids if isinstance(id_, str))
    return texts if len(texts) == len(ids) else ()
