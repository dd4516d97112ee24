"""The committed tables below `reports/reference`: one JSON file with a row per line, and one Markdown page each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "reference"


def format_list(values: Iterable[Any]) -> str:
    """A JSON array with one value per line."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    return f"[\n{lines}\n]" if lines else "[]"


def write_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the rows of `<name>.json`."""
    write_text(f"{name}.json", format_list(rows) + "\n")


def read_rows(name: str) -> list[dict[str, Any]]:
    """The rows of `<name>.json`; none if there is no such file."""
    path = FOLDER / f"{name}.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return rows


def write_text(name: str, text: str) -> None:
    """Write a file of the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(text, encoding="utf-8")


def code_list(ids: Iterable[str], empty: str = "nothing") -> str:
    """Ids as a comma-separated list of Markdown code spans."""
    return ", ".join(f"`{id_}`" for id_ in ids) or empty
