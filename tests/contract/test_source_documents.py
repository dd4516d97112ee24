"""Every field of a source document has constraints in the edition of that document."""

from __future__ import annotations

import pytest

from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.source_documents import SOURCE_DOCUMENTS, SourceDocument, constraints_on


@pytest.mark.parametrize("source", SOURCE_DOCUMENTS, ids=lambda source: source.name)
def test_every_field_has_constraints(source: SourceDocument) -> None:
    assert [place for place in source.places() if not constraints_on(place, source.edition)] == []


def test_source_documents_belong_to_listed_editions() -> None:
    assert {source.edition for source in SOURCE_DOCUMENTS} <= set(EDITIONS)


def test_a_field_has_no_constraints_before_its_edition() -> None:
    assert constraints_on("create_run.reasoning_effort", "2025-02-10")
    assert not constraints_on("create_run.reasoning_effort", "2024-08-28")
    assert not constraints_on("create_run.temp", "2025-02-10")
