"""A name has one meaning, and says what a function does or returns.

No two classes share a name, in the package, its tests and its benchmarks, nor do modules of different packages.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "conformance" / "runs_conformance"

SERVERS = ROOT / "tests" / "quality" / "servers"
"""Servers of others, and programs that serve them: each is a program of its own."""

EXCEPTIONS = {
    "cases": "the requests that a generator sends for an operation",
    "catalogue": "the collection of what a package offers, found by id",
    "errors": "a topic of the API, and the exceptions of the suite",
    "file": "reading and writing the package's own file",
    "har": "HAR 1.2, read from a file and written to one",
    "lifecycle": "the statuses of a run: the contract, and a topic",
    "limit": "a limit that a target enforces: the result, and the search for it",
    "metadata": "the member of that name: the evidence, and a topic",
    "schema": "a JSON Schema: of the contract, and of conformance.toml",
    "strategy": "Hypothesis strategies for tests",
    "text": "random strings, and helper functions for strings",
    "transport": "the HTTP layer: the client's, and a topic",
}
"""Modules of one name in several packages, with the reason."""

TOPICS = ("rules", "emulator/mutants", "emulator/variants", "generation/programs")
"""Packages whose modules are topics of the API. A topic has one name in all of them."""

COMMANDS = "cli"
"""The package whose modules are named after subcommands, and so like the module that a command calls."""


PARTICIPLES = {
    "observed": "a source like `schema` and `prose`: recorded traffic",
    "unauthorized": "an error like `not_found`",
    "unused": "a public view of what a test has not used",
}
"""Functions named by a participle alone, with the reason."""

PARTICIPLES_IN_TESTS = frozenset(
    Path(__file__).with_name("participles_in_tests.txt").read_text(encoding="utf-8").split()
)
"""Helper functions of tests that are named by a participle still. The list may only become shorter."""

_IRREGULAR = re.compile(
    "begun|broken|brought|built|caught|chosen|done|drawn|felt|forgotten|found|given|gone|heard|held|hidden|kept|known|left|"
    "lost|made|met|said|seen|sent|shown|sought|spoken|taken|thought|told|won|written"
)
"""Participles that do not end in `ed`. Those that are verbs as well (`put`, `read`, `run`, `set`) are missing."""

_VERBS = frozenset({"embed", "feed", "need", "seed", "shed", "speed"})
"""Words that end in `ed` without being participles."""


def test_no_two_classes_share_a_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    paths = [path for folder in (PACKAGE, ROOT / "tests", ROOT / "benchmarks") for path in sorted(folder.rglob("*.py"))]
    for path in paths:
        if SERVERS not in path.parents:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_two_modules_share_a_name_without_a_reason() -> None:
    assert {name: where for name, where in _shared_module_names().items() if name not in EXCEPTIONS} == {}


def test_every_exception_is_needed() -> None:
    assert EXCEPTIONS.keys() <= _shared_module_names().keys()


def test_functions_are_not_named_by_a_participle() -> None:
    """`selected` leaves open whether it selects, or says whether something is selected."""
    found = _participles(PACKAGE.rglob("*.py"))
    assert {name: place for name, place in found.items() if name not in PARTICIPLES} == {}
    assert PARTICIPLES.keys() <= found.keys()


def test_tests_add_no_function_that_is_named_by_a_participle() -> None:
    found = _participles(path for path in (ROOT / "tests").rglob("*.py") if SERVERS not in path.parents)
    assert {name: place for name, place in found.items() if name not in PARTICIPLES_IN_TESTS} == {}
    assert found.keys() >= PARTICIPLES_IN_TESTS, "remove the names that no function has any more"


def _is_participle(name: str) -> bool:
    return _IRREGULAR.fullmatch(name) is not None or (name.endswith("ed") and name not in _VERBS and "_" not in name)


def _participles(paths: Iterable[Path]) -> dict[str, str]:
    """The functions that are named by a participle, each with a place."""
    return {name: place for name, place in _plain_functions(paths) if _is_participle(name.strip("_"))}


def _plain_functions(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """The functions and methods that no decorator turns into something else, with their places."""
    for path in sorted(paths):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                decorators = {ast.unparse(each).partition("(")[0] for each in node.decorator_list}
                if decorators <= {"staticmethod", "classmethod", "cache", "lru_cache", "contextmanager"}:
                    yield node.name, f"{path.relative_to(ROOT)}:{node.lineno}"


def _shared_module_names() -> dict[str, list[str]]:
    """Names of modules in several packages, with those packages. All topics count as one package."""
    packages: defaultdict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        if not path.stem.startswith("__"):
            package = path.parent.relative_to(PACKAGE).as_posix()
            if package != COMMANDS:
                packages[path.stem].add("topics" if package in TOPICS else package)
    return {name: sorted(found) for name, found in packages.items() if len(found) > 1}
