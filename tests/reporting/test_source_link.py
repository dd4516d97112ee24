"""Sources of requirements are linked if they are published."""

from __future__ import annotations

import pytest

from runs_conformance.contract.constraint import constraints
from runs_conformance.reporting.source_link import source_spans
from runs_conformance.rules import catalogue


@pytest.mark.parametrize(
    ("source", "url"),
    [
        (
            "schema: openai-openapi f85dbe2 openapi.yaml cancelRun",
            "https://github.com/openai/openai-openapi/blob/f85dbe2/openapi.yaml",
        ),
        (
            "prose: openai-cookbook d2bb606 examples/data/oai_docs/error-codes.txt: 500",
            "https://github.com/openai/openai-cookbook/blob/d2bb606/examples/data/oai_docs/error-codes.txt",
        ),
        ("observed: semantic-kernel#8701", "https://github.com/microsoft/semantic-kernel/issues/8701"),
        ("prose: RFC 8259 8.1: JSON is in UTF-8", "https://www.rfc-editor.org/rfc/rfc8259#section-8.1"),
        ("prose: RFC 8259, the grammar", "https://www.rfc-editor.org/rfc/rfc8259"),
    ],
)
def test_document_is_linked(source: str, url: str) -> None:
    spans = source_spans(source)
    assert [span.url for span in spans if span.url] == [url]
    assert "".join(span.text for span in spans) == source


def test_source_without_document_has_no_link() -> None:
    assert [span.url for span in source_spans("observed: recorded traffic, 55 of 55 errors; somebody#1")] == [""]


def test_every_source_of_the_published_document_is_linked() -> None:
    sources = [str(rule.source) for rule in catalogue().values()]
    sources += [str(constraint.source) for constraint in constraints().values()]
    named = [source for source in sources if "openai-openapi " in source]
    assert named
    assert all(any(span.url for span in source_spans(source)) for source in named)
