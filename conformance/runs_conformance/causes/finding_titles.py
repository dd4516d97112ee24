"""Titles of causes that are the message of a finding."""

from __future__ import annotations

import re

from runs_conformance.causes.failure import Failure
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.lifecycle import STATUSES
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Finding

_MAX_TITLE = 120
_NOUNS = {
    "asst": "an assistant",
    "thread": "a thread",
    "msg": "a message",
    "run": "a run",
    "step": "a step",
    "call": "a call",
}
_PREFIXES = {"assistant": "asst", "message": "msg", "run_step": "step"}
"""By kind, the prefix of ids where it is not the kind."""
_ID_BODY = r"(?=[\w-]*\d)[\w-]{7,}\w"
"""An id after its prefix: with a digit, and at least eight characters, among which may be dashes."""
_ID = re.compile(rf"(?:(')|\b)({'|'.join(_NOUNS)})_{_ID_BODY}(?(1)')")
_DETERMINERS = ("a", "an", "the", "its", "this", "that", "another", "each", "no", "one")
_ARTICLES = ("a", "an", "the", "its", "another", "each", "no")
"""The determiners that may come before an adjective: `an active run`."""
_IDENTIFIER = re.compile(r"(?=.*[_.])[a-z_]\w*(?:\.\w+)*")
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAMED_ID = re.compile(
    rf"\b((?i:assistant|thread|message|run|step|call)) (')?"
    rf"(?:(?:{'|'.join(_NOUNS)})_{_ID_BODY}|{_UUID}\b)(?(2)')"
)
"""Ids in findings, which differ between test runs."""
_APPOSITION = re.compile(rf"(?:,| with id) '?(?:{'|'.join(_NOUNS)})_{_ID_BODY}'?(?=[,;)]|$)")
"""An id that names an object which is described before it."""
_RESPONSE = re.compile(r" \(HTTP \d{3}\b.*\)\Z", re.DOTALL)
"""A response that a finding quotes at its end, in the server's words. A title that is cut within it is hard to read."""
_DURATION = re.compile(r" for \d+ s\b")
"""A time that differs between test runs."""


_STALE_ACTION = "action.is_null_otherwise"
_STATUS_WITH_ACTION = re.compile(r"the run is '(\w+)' but has a required action")


def title_of_finding(failure: Failure) -> str:
    """The message of a finding as a statement about the server, without the ids of the test run's objects."""
    if failure.id == _STALE_ACTION and len(statuses := _statuses_with_action(failure)) > 1:
        return f"Runs that are {list_names(as_code(statuses))} have a required action"
    message = _with_plain_ids(failure.finding) or failure.verdict.statement.rstrip(".")
    message = _DURATION.sub(" for too long", _APPOSITION.sub("", message))
    message = _ID.sub(lambda found: _NOUNS[found[2]], _NAMED_ID.sub(_noun_without_id, message))
    if len(message) > _MAX_TITLE:
        message = _RESPONSE.sub("", message)
    first, space, rest = message.partition(" ")
    first = f"`{first}`" if _IDENTIFIER.fullmatch(first) else first[:1].upper() + first[1:]
    return excerpt(first + space + rest, _MAX_TITLE)


def _with_plain_ids(finding: Finding) -> str:
    """The message of a finding with the ids that it names in the form of the real service, whatever form they have."""
    message = finding.message
    for id_, kind in finding.named_ids:
        prefix = _PREFIXES.get(kind, kind)
        if prefix in _NOUNS:
            message = re.sub(rf"(?<![\w-]){re.escape(id_)}(?![\w-])", f"{prefix}_00000000", message)
    return message


def _statuses_with_action(failure: Failure) -> list[str]:
    """The statuses in which runs show an action that is not required."""
    seen = {found[1] for each in failure.verdict.findings if (found := _STATUS_WITH_ACTION.match(each.message))}
    return [status for status in STATUSES if status in seen]


def _noun_without_id(found: re.Match[str]) -> str:
    """The noun before an id, with an article unless it has a determiner."""
    before = found.string[: found.start()].split()
    has_determiner = before[-1:] and (before[-1].lower() in _DETERMINERS or before[-1].endswith("'s"))
    has_article = len(before) > 1 and before[-2].lower() in _ARTICLES
    if has_determiner or has_article:
        return found[1]
    return f"{'The' if found[1][0].isupper() else 'the'} {found[1].lower()}"
