"""Prose avoids constructions that have to be decoded: docstrings, messages, documents and templates are checked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "conformance" / "runs_conformance"

PHRASES = {
    r"\b[Ss]o many\b(?! (?:that|as)\b)": "name the number",
    r"\b[Ww]hat (?:came|comes) of\b": "name the result",
    r"\b[Nn]obody\b": "name the subject, or use the passive",
    r"(?<!there )\b(?:is|are) none\b": "say what it is not, or `there is none`",
    r"\bby the letter\b": "say strictly or literally",
    r"\bin vain\b": "say unsuccessfully or without effect",
    r"\bcomes to\b": "name the result or the amount",
    r"\bbears?\b": "say has, carries or tolerates",
    r"\b(?:is|are|was|were|be|been|as|not) told\b": "say informed, passed, distinguished or configured",
    r"\btells? (?:\w+ ){1,6}from\b": "say distinguishes",
    r"\btak(?:e|es|en|ing) (?:\w+ ){0,4}for (?:absent|an?|the|one)\b": "say mistake for, or interpret as",
    r"(?<!`)\bplay(?:s|ed|ing)?\b": "say run, execute, send or replay",
    r"\blooks? at no\b": "say ignores",
    r"(?<!there )(?<!There )\b(?:is|are) no (?:an? |[A-Z]{2,}|\w+(?: of\b|, but\b|[.;]$))": "say is not",
    r"\bfor good\b": "say forever or permanently",
    r"\ball the same\b": "say still",
    r"\bnow and then\b": "say occasionally",
    r"\b(?:history|history\.jsonl|header|footer|shards?) of (?:a|the) run\b": "say test run",
    r"\bthe run was cut short\b": "say test run",
}
"""Constructions to avoid anywhere, each with a hint."""

OPENINGS = {
    r"What (?!is\b[^.]*\?|to\b)": "define by a noun: `The programs of a plan`, not `What is played`",
    r"Where [^.?]*, ": "say `If ...`, or put the condition last",
    r"That\b(?! (?:is|means)\b)": "start with the subject",
    r"Only (?:after|if|where|when|then)\b": "start with the subject, and put the condition last",
}
"""Constructions to avoid at the start of a docstring, comment or paragraph, each with a hint."""

_PHRASES = [(re.compile(pattern), hint) for pattern, hint in PHRASES.items()]
_OPENINGS = [(re.compile(pattern), hint) for pattern, hint in OPENINGS.items()]


def areas() -> dict[str, list[Path]]:
    """The files to check, by the part of the repository that they belong to."""
    found: dict[str, list[Path]] = {"documents": [*sorted(ROOT.glob("*.md")), ROOT / "schemas" / "CONVENTIONS.md"]}
    found["documents"] += sorted((ROOT / "docs").rglob("*.md"))
    for name in ("benchmarks", "examples"):
        found[name] = sorted(path for path in (ROOT / name).rglob("*") if path.suffix in (".py", ".md"))
    for parent in (PACKAGE, ROOT / "tests"):
        for path in sorted(parent.rglob("*")):
            if path.suffix in (".py", ".jinja") and path != Path(__file__):
                part = path.relative_to(parent).parts[0]
                found.setdefault(f"{parent.name}/{part}", []).append(path)
    return found


def offenders(path: Path) -> Iterator[str]:
    """Each construction to avoid in a file: place, phrase and hint."""
    text = path.read_text(encoding="utf-8")
    for line, prose, is_start in _python_prose(text) if path.suffix == ".py" else _document_prose(text):
        patterns = [*_PHRASES, *_OPENINGS] if is_start else _PHRASES
        for pattern, hint in patterns:
            match = pattern.match(prose) if (pattern, hint) in _OPENINGS else pattern.search(prose)
            if match:
                yield f"{path.relative_to(ROOT)}:{line}: {match.group(0)[:60]!r}: {hint}"


def _python_prose(source: str) -> Iterator[tuple[int, str, bool]]:
    """Docstrings and comments, which may not open badly, and all other string literals."""
    tree = ast.parse(source)
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, " ".join(node.value.split()), id(node) in statements
    for number, line in enumerate(source.splitlines(), 1):
        comment = re.match(r"\s*# (.*)", line)
        if comment:
            yield number, comment.group(1), True


def _document_prose(text: str) -> Iterator[tuple[int, str, bool]]:
    """Paragraphs of a document, without its blocks of code."""
    number = 1
    for index, block in enumerate(re.split(r"^```.*$", text, flags=re.M)):
        for paragraph in re.split(r"(\n\s*\n)", block):
            if index % 2 == 0 and paragraph.strip() and not paragraph.startswith("#"):
                yield number, " ".join(paragraph.split()), True
            number += paragraph.count("\n")


@pytest.mark.parametrize("area", areas())
def test_prose_is_plain(area: str) -> None:
    assert [offender for path in areas()[area] for offender in offenders(path)] == []


def test_docstrings_say_what_a_function_returns_without_the_verb() -> None:
    """`The exchanges of a program`, `Whether it ended`: one convention for all functions."""
    paths = [path for files in areas().values() for path in files if path.suffix == ".py"]
    assert [place for path in paths for place in _docstrings_with_return(path)] == []


def _docstrings_with_return(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node) or ""
            if docstring.startswith(("Return ", "Returns ")):
                yield f"{path.relative_to(ROOT)}: {docstring.splitlines()[0]}"


def test_modules_of_tests_say_what_must_hold() -> None:
    modules = [
        path for path in (ROOT / "tests").rglob("*.py") if ROOT / "tests" / "quality" / "servers" not in path.parents
    ]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules}
    assert [
        str(path.relative_to(ROOT)) for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)
    ] == []


def test_contributing_states_the_limit_of_commit_subjects() -> None:
    assert "at most 72 characters" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
