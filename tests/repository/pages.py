"""Pages for people, and what stands in their blocks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md")), ROOT / "examples" / "gate" / "README.md")


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)


def commands(page: Path) -> list[str]:
    """Every command line of ours in a page."""
    lines = [part.strip() for block in blocks(page, "sh") for line in block.splitlines() for part in line.split("&&")]
    return [line for line in lines if re.match(r"(\.venv/bin/)?runs-conformance ", line)]


def words(command: str) -> list[str]:
    """The words of a command line, without where its output goes."""
    return shlex.split(command.split(" > ")[0])


def links(page: Path) -> list[Path]:
    """The files that a page links to."""
    found = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [page.parent / link for link in found if not link.startswith("http")]
