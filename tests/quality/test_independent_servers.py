"""The judgements on the independent servers name requirements that exist, and the committed page shows them."""

from __future__ import annotations

import pytest

from runs_conformance.app.options import requirements
from tests.quality.independent_servers import COMMANDS, ServerRow, load_judgements, matches, render_page
from tests.quality.tables import FOLDER, read_rows

JUDGEMENTS = load_judgements()


def test_every_server_is_judged() -> None:
    assert JUDGEMENTS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("server", JUDGEMENTS)
def test_judgements_name_requirements_that_exist(server: str) -> None:
    known = requirements().ids()
    judgements = JUDGEMENTS[server]
    patterns = [pattern for fault in judgements["faults"].values() for pattern in fault["requirements"]]
    patterns += [*judgements.get("debatable", {}), *judgements.get("false", {})]
    assert [pattern for pattern in patterns if not any(matches(id_, [pattern]) for id_ in known)] == []


@pytest.mark.parametrize("server", JUDGEMENTS)
def test_every_fault_is_shown_by_requirements_or_says_why_not(server: str) -> None:
    faults = JUDGEMENTS[server]["faults"]
    assert [slug for slug, fault in faults.items() if not fault["requirements"] and not fault.get("missed")] == []


def test_the_page_shows_the_rows_and_the_judgements() -> None:
    rows = [ServerRow(**{**row, "missed": tuple(row["missed"]), "unjudged": tuple(row["unjudged"])})
            for row in read_rows("servers")]  # fmt: skip
    assert rows
    assert (FOLDER / "servers.md").read_text(encoding="utf-8") == render_page(rows, JUDGEMENTS)
    assert [row.server for row in rows if row.unjudged] == []
