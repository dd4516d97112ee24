"""Collects the regular expressions of the package, and texts on which one that backtracks is slow."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import runs_conformance

PACKAGE = Path(runs_conformance.__file__).parent
LENGTH = 50_000
MAX_CPU_SECONDS = 4
"""Linear patterns take a tenth of a second for all texts of this length, quadratic ones ten seconds or more."""
_CUT = {
    "runs_conformance.recordings.loss._ENDS_TRUNCATED": 100,
    "runs_conformance.recordings.redaction_marker._MARKER": 200,
    "runs_conformance.recordings.redaction_marker._BLANK_ID": 200,
}
"""Patterns whose texts are cut to a number of characters first."""
_FUNCTIONS = frozenset({"search", "match", "fullmatch", "sub", "findall", "finditer", "split"})
_COMMON = (
    "a",
    "A1",
    "1",
    " ",
    "\n",
    "\n ",
    "\t",
    "_",
    "-",
    "/",
    ".",
    "{",
    '"',
    '\\"',
    "'",
    "(",
    "[",
    "<",
    "*",
    ":",
    "é",
)


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A pattern, where it is written, and whether it is tried at every position of a text."""

    place: str
    pattern: re.Pattern[Any]
    is_searched: bool

    @property
    def length(self) -> int:
        """The length of the longest text that the pattern is applied to."""
        return _CUT.get(self.place, LENGTH)


def module_patterns() -> Iterator[TextPattern]:
    """The patterns that are constants of modules."""
    for module in pkgutil.walk_packages([str(PACKAGE)], "runs_conformance."):
        if module.name.endswith("__main__") or ".plugin" in module.name or "schemathesis" in module.name:
            continue
        imported = importlib.import_module(module.name)
        source = Path(imported.__file__ or "").read_text(encoding="utf-8")
        for name, value in vars(imported).items():
            if isinstance(value, re.Pattern):
                is_searched = re.search(rf"\b{name}\.(?!match\b|fullmatch\b|pattern\b)", source) is not None
                yield TextPattern(f"{module.name}.{name}", value, is_searched)


def inline_patterns() -> Iterator[TextPattern]:
    """The patterns that are written where they are used; a word stands for each part that is computed."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name), args=[first, *_]) if (
                    name in _FUNCTIONS
                ):
                    text = _constant(first)
                    if text is not None:
                        place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                        yield TextPattern(place, re.compile(text), name not in ("match", "fullmatch"))


def _constant(node: ast.expr) -> str | bytes | None:
    match node:
        case ast.Constant(value=str() | bytes() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "word" for part in parts)  # type: ignore[misc]
    return None


def long_texts(pattern: re.Pattern[Any], length: int = LENGTH) -> Iterator[str | bytes]:
    """Texts of a length that nearly match in many places: repeated beginnings of what the pattern matches."""
    units = dict.fromkeys(_COMMON)
    for example in _examples(parser.parse(pattern.pattern, pattern.flags)):
        for end in range(1, min(len(example), 40) + 1):
            units[example[:end]] = None
    for unit in units:
        for text in (unit * (length // len(unit)), unit * (length // len(unit)) + "\0"):
            yield text if isinstance(pattern.pattern, str) else text.encode("utf-8", "replace")
    for prefix in [unit for unit in units if unit not in _COMMON][:20]:
        for filler in ("a", " ", "\n", "1"):
            text = prefix + filler * length + "\0"
            yield text if isinstance(pattern.pattern, str) else text.encode("utf-8", "replace")


def slow_patterns(patterns: Iterable[TextPattern]) -> list[str]:
    """The places of the patterns that exceed the CPU time; each is tried in a process that can be ended."""
    slow = []
    for each in patterns:
        child = os.fork()
        if not child:
            resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
            for text in long_texts(each.pattern, each.length):
                _apply(each, text)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            slow.append(each.place)
    return slow


def _apply(each: TextPattern, text: str | bytes) -> None:
    if each.is_searched:
        for _ in each.pattern.finditer(text):
            pass
    else:
        each.pattern.match(text)


def _examples(tokens: Any) -> list[str]:
    """A few texts that match, one for each alternative."""
    results = [""]
    for code, argument in tokens:
        results = [result + more for result in results for more in _token_examples(code, argument)][:60]
    return results


def _token_examples(code: Any, argument: Any) -> list[str]:
    if code in (codes.LITERAL,):
        return [chr(argument)]
    if code is codes.NOT_LITERAL or code is codes.ANY:
        return ["a"]
    if code is codes.IN:
        return [_member(argument)]
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, _, inner = argument
        once = _examples(inner)
        return ([""] if least == 0 else []) + [each * max(1, min(least, 3)) for each in once[:4]]
    if code is codes.BRANCH:
        return [example for branch in argument[1] for example in _examples(branch)[:3]]
    if code is codes.SUBPATTERN:
        return _examples(argument[3])
    if code is codes.ATOMIC_GROUP:
        return _examples(argument)
    return [""]


def _member(items: Any) -> str:
    negated = bool(items) and items[0][0] is codes.NEGATE
    if negated:
        return "a"
    for code, argument in items:
        if code is codes.LITERAL:
            return chr(argument)
        if code is codes.RANGE:
            return chr(argument[0])
        if code is codes.CATEGORY:
            names = {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a"}
            return names.get(argument, "!")
    return "a"


def main() -> None:
    """Print the places of slow patterns, one per line; with arguments, those of these patterns."""
    given = [TextPattern(text, re.compile(text), True) for text in sys.argv[1:]]
    for place in slow_patterns(given or [*module_patterns(), *inline_patterns()]):
        print(place)


if __name__ == "__main__":
    main()
