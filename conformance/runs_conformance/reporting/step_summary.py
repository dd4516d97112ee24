"""Appends the summary to the job summary file of GitHub Actions."""

from __future__ import annotations

from pathlib import Path

from runs_conformance.wire import known_secrets

VARIABLE = "GITHUB_STEP_SUMMARY"
MAX_BYTES = 1024 * 1024 - 4096
"""GitHub discards a summary that exceeds 1 MiB."""

_TRUNCATION_NOTE = "\n\nThe rest is in summary.md.\n"


def append_summary(path: Path, text: str) -> str | None:
    """Append the text, truncated at a line if the file would become too large. Returns the error, if any."""
    try:
        size = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(truncate(known_secrets.redact(text), MAX_BYTES - size).encode(errors="backslashreplace"))
    except OSError as error:
        return f"{path}: cannot append the summary: {error.strerror or error}"
    return None


def truncate(text: str, max_bytes: int) -> str:
    """Truncate a text to whole lines of at most `max_bytes`, with a note if lines were dropped."""
    if len(text.encode(errors="backslashreplace")) <= max_bytes:
        return text
    lines, remaining = [], max_bytes - len(_TRUNCATION_NOTE.encode()) - len("```\n")
    for line in text.splitlines(keepends=True):
        remaining -= len(line.encode(errors="backslashreplace"))
        if remaining < 0:
            break
        lines.append(line)
    # An unclosed code block would swallow the note.
    closing = "```\n" if sum(line.startswith("```") for line in lines) % 2 else ""
    return "".join(lines) + closing + _TRUNCATION_NOTE if lines else ""
