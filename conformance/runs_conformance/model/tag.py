"""What a step's tag may say: the intent of a program where the traffic itself does not show it."""

from __future__ import annotations

AT_REST = "at_rest"
"""A list that is read while nothing adds to it, removes from it or reorders it: its pages can be compared."""

REFUSED_SUBMIT = "refused_submit"
"""Tool outputs that are not those of the pending calls."""

UNKNOWN_ID = "unknown_id"
"""A reference of the right form to an object that does not exist."""

MALFORMED_ID = "malformed_id"
"""A reference that cannot be an id of the kind it stands for."""

FOREIGN_ID = "foreign_id"
"""A reference to an object that exists, but under another parent: a run of another thread, a step of another run."""

DELETED_ID = "deleted_id"
"""A reference to an object that was deleted before."""

SAYING = "saying:"
"""The beginning of the tag of a look at a thread that the user gave; what follows is said on it by a user message."""

PROBE = "probe:"
"""The beginning of the tag of a robustness probe; what follows names it: `probe:invalid_utf8`."""


def probe(what: str) -> str:
    """The tag of a robustness probe."""
    return PROBE + what


def probed(tag: str) -> str | None:
    """What a probe's tag names; None where it is not one."""
    return tag.removeprefix(PROBE) if tag.startswith(PROBE) else None
