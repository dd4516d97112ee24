"""The request forms that the search tries, each richer than the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.request_forms import RequestForms


def apply_forms(context: ProgramContext, forms: RequestForms) -> ProgramContext:
    """The context of programs that use these request forms."""
    use = {**context.use, "assistant": forms.assistant} if forms.assistant else context.use
    return replace(
        context,
        request_forms=forms,
        use=use,
        model=forms.model or context.model,
        accepts_any_file_id=context.accepts_any_file_id or forms.accepts_any_file_id,
    )


def assistant_forms(context: ProgramContext) -> tuple[Mapping[str, JSON], ...]:
    """The optional members of a new assistant, each form richer than the one before."""
    return (
        {"name": "Fixture"},
        {"name": "Fixture", "tools": []},
        {"name": "Fixture", "description": "A test fixture.", "tools": [], "metadata": {"fixture": "yes"}},
    )


def run_forms(context: ProgramContext) -> tuple[Mapping[str, JSON], ...]:
    """The optional members of a new run, each form richer than the one before."""
    model: Mapping[str, JSON] = {"model": context.model}
    instructions: Mapping[str, JSON] = {"instructions": "Answer briefly."}
    both = {**model, **instructions}
    return (
        model,
        instructions,
        both,
        {**both, "tools": []},
        {**both, "tools": [], "metadata": {"fixture": "yes"}, "stream": False},
    )


def names_of(members: Mapping[str, JSON]) -> str:
    """The names of members in a sentence."""
    names = list(members)
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
