"""The sources of requirements with links to the documents that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OWNERS = {
    "openai-openapi": "openai",
    "openai-cookbook": "openai",
    "openai-ruby": "openai",
    "openai-python": "openai",
    "openai-dotnet": "openai",
    "semantic-kernel": "microsoft",
    "n8n": "n8n-io",
}
"""The owner of each repository that sources name without one."""

_FILE = r"(?:(?P<owner>[\w.-]+)/)?(?P<repository>[\w.-]+) (?P<commit>[0-9a-f]{7,40}) (?P<path>[\w./-]+\.\w+)"
_ISSUE = r"(?P<tracker>[\w.-]+)#(?P<number>\d+)"
_RFC = r"RFC (?P<rfc>\d{4,5})(?: (?:section )?(?P<section>\d+(?:\.\d+)*))?"
_REFERENCE = re.compile(rf"(?<![\w.-])(?:{_FILE}|{_ISSUE}|{_RFC})")


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A piece of a source, and the URL of the document that it names; empty if it names none."""

    text: str
    url: str = ""


def source_spans(source: str) -> list[SourceSpan]:
    """The pieces of a source in order; joined they are the source."""
    return list(_spans(source))


def _spans(source: str) -> Iterator[SourceSpan]:
    end = 0
    for match in _REFERENCE.finditer(source):
        url = _url(match)
        if url:
            if source[end : match.start()]:
                yield SourceSpan(source[end : match.start()])
            yield SourceSpan(match.group(), url)
            end = match.end()
    if source[end:]:
        yield SourceSpan(source[end:])


def _url(match: re.Match[str]) -> str:
    named = match.groupdict()
    if named["rfc"]:
        section = f"#section-{named['section']}" if named["section"] else ""
        return f"https://www.rfc-editor.org/rfc/rfc{named['rfc']}{section}"
    repository = named["repository"] or named["tracker"]
    owner = named["owner"] or _OWNERS.get(repository)
    if owner is None:
        return ""
    place = f"blob/{named['commit']}/{named['path']}" if named["commit"] else f"issues/{named['number']}"
    return f"https://github.com/{owner}/{repository}/{place}"
