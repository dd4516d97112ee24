"""The secrets that this process knows, which the last step before any output redacts.

A key can come back from a target in pieces that only the suite joins, or in a text that only the suite decodes.
Redacting what was recorded is therefore not enough.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runs_conformance.model.json import JSON
    from runs_conformance.wire.redactor import Redactor

VARIABLES = ("OPENAI_API_KEY", "CONFORMANCE_SECOND_API_KEY")
"""The environment variables that hold keys by default."""

_secrets: dict[str, None] = {}
_redactor: Redactor | None = None


def remember(secrets: Iterable[str | None]) -> None:
    """Redact these secrets, too, from now on. None is forgotten before the command ends, however many there are."""
    new = [secret for secret in secrets if secret and secret not in _secrets]
    _secrets.update(dict.fromkeys(new))
    if _redactor is not None:
        _redactor.add(new)


def forget() -> None:
    """Redact nothing any more; for a new command in the same process."""
    global _redactor
    _secrets.clear()
    _redactor = None


def redact(text: str) -> str:
    """The text with every trace of a known secret replaced."""
    return _build_redactor().redact(text) if _secrets else text


def redact_json(value: JSON) -> JSON:
    """The value with every trace of a known secret replaced in its strings, names and numbers."""
    return _build_redactor().redact_json(value) if _secrets else value


def redact_json_text(text: str) -> str:
    """A JSON text with every trace of a known secret replaced; it remains JSON."""
    if not _secrets or not _build_redactor().occurs_in(text):
        return text
    return redact(json.dumps(redact_json(json.loads(text)), indent=1, ensure_ascii=False) + "\n")


def current_redactor() -> Redactor:
    """A redactor of the secrets that are known now."""
    return _build_redactor()


def _build_redactor() -> Redactor:
    global _redactor
    if _redactor is None:
        from runs_conformance.wire.redactor import Redactor

        _redactor = Redactor(list(_secrets))
    return _redactor
