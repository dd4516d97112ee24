"""A report says which rules cannot be tested on the target, and what they need."""

from __future__ import annotations

from runs_conformance.app.build_report import rules_without_subject, untestable_constraints
from runs_conformance.model.program import ProgramContext

EDITION = "2026-08-14"
NEEDS = "existing files and vector stores (--use file=ID, --use vector_store=ID)"


def test_answers_show_no_file_id_that_cannot_be_sent() -> None:
    reasons = untestable_constraints(ProgramContext(edition=EDITION))
    for id_ in (
        "message.content[].image_file.file_id.type",
        "assistant.tool_resources.code_interpreter.file_ids[].type",
        "thread.tool_resources.file_search.vector_store_ids[].type",
    ):
        assert reasons[id_] == reasons[f"create_{id_}"]
        assert reasons[id_].needs == NEEDS


def test_answers_show_the_file_ids_that_are_given() -> None:
    context = ProgramContext(edition=EDITION, use={"file": "file_a", "vector_store": "vs_a"})
    assert "message.content[].image_file.file_id.type" not in untestable_constraints(context)


def test_a_rule_on_files_says_that_it_needs_their_ids() -> None:
    id_ = "messages.created_message_shows_its_attachments"
    assert rules_without_subject(ProgramContext(edition=EDITION), has_responses=True)[id_].reason == f"needs {NEEDS}"
    context = ProgramContext(edition=EDITION, use={"file": "file_a", "vector_store": "vs_a"})
    assert id_ not in rules_without_subject(context, has_responses=True)


def test_a_rule_on_keys_says_that_short_ones_are_not_looked_for() -> None:
    reasons = rules_without_subject(ProgramContext(edition=EDITION), has_responses=True)
    assert reasons["auth.keys_are_not_repeated"].reason == "needs an API key of at least 8 characters"
    unheard = rules_without_subject(ProgramContext(edition=EDITION), has_responses=False)
    assert "auth.keys_are_not_repeated" not in unheard
