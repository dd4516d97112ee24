"""ARCHITECTURE.md lists what each package builds on, as the imports are."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from tests.repository.pages import ROOT

PACKAGE = ROOT / "conformance" / "runs_conformance"
UNLISTED = {"__init__", "__main__", "__version__", "errors", "files"}
"""Modules that the table leaves out: entry points, and what any package may use."""


def _imported(module: Path) -> Iterator[str]:
    """The packages and modules below the root package that a module imports."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE.name}."):
            yield (node.module or "").split(".")[1]


def _imports() -> Mapping[str, set[str]]:
    imports: dict[str, set[str]] = {}
    for module in PACKAGE.rglob("*.py"):
        name = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name not in UNLISTED:
            imports.setdefault(name, set()).update(set(_imported(module)) - UNLISTED - {name})
    return imports


def _reachable(start: str, imports: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    to_visit = [start]
    while to_visit:
        new = set(imports[to_visit.pop()]) - found
        found |= new
        to_visit.extend(new)
    return found


def _table() -> Mapping[str, set[str]]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("Outside the package:")[0]
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` .* \| ([^|]*) \|$", text, flags=re.M)
    return {name: set(re.findall(r"`(\w+)`", listed)) for name, listed in rows}


def test_the_table_lists_what_each_package_builds_on() -> None:
    imports = _imports()
    expected = {
        name: {one for one in used if not any(one in _reachable(other, imports) for other in used - {one})}
        for name, used in imports.items()
    }
    assert _table() == expected
