"""The summary where GitHub Actions shows it: at the end of the file that it names for a step."""

from __future__ import annotations

from pathlib import Path

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST = 1024 * 1024 - 4096
"""GitHub shows nothing at all of a summary over 1 MiB."""

_CUT = "\n\nThe rest is in summary.md.\n"


def append(path: Path, text: str) -> str | None:
    """Add a text to the file, cut at a line where the file would become too large; gives what went wrong."""
    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(fitted(text, MOST - taken).encode(errors="backslashreplace"))
    except OSError as error:
        return f"{path}: the summary cannot be added: {error.strerror or error}"
    return None


def fitted(text: str, most: int) -> str:
    """The lines of a text that take no more bytes than this, with a note where some are left out."""
    if len(text.encode(errors="backslashreplace")) <= most:
        return text
    kept, left = [], most - len(_CUT.encode()) - len("```\n")
    for line in text.splitlines(keepends=True):
        left -= len(line.encode(errors="backslashreplace"))
        if left < 0:
            break
        kept.append(line)
    # A block of code that is cut would swallow the note.
    closing = "```\n" if sum(line.startswith("```") for line in kept) % 2 else ""
    return "".join(kept) + closing + _CUT if kept else ""
