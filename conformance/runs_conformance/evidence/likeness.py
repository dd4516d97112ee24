"""Whether what a target shows is what it was given, apart from what it may fill in."""

from __future__ import annotations

from runs_conformance.model.json import ABSENT, JSON, Absent, is_array, is_object, json_equal


def contains(shown: JSON | Absent, given: JSON) -> bool:
    """Whether everything given is shown. Members that were not given, or given as null, may be filled in at any depth:
    function tools come back with `strict` and `parameters`, a truncation strategy with `last_messages`. An object
    without members says nothing, and may be filled in by what it stands for: `response_format` of `{}` by `auto`.
    """
    if given is None:
        return True
    if is_object(given) and not given:
        return not isinstance(shown, Absent)
    if is_object(given):
        return is_object(shown) and all(contains(shown.get(name, ABSENT), member) for name, member in given.items())
    if is_array(given):
        return (
            is_array(shown)
            and len(shown) == len(given)
            and all(contains(one, other) for one, other in zip(shown, given, strict=True))
        )
    return not isinstance(shown, Absent) and json_equal(shown, given)


def is_blank(value: JSON | Absent) -> bool:
    """Whether a text says nothing: it is absent, null or empty. Which of the three is a matter of taste."""
    return value is None or isinstance(value, Absent) or value == ""
