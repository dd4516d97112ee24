"""The search for an assistant and a thread: tries the request forms that create them."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

from runs_conformance.engine.forms_to_try import apply_forms, assistant_forms, names_of
from runs_conformance.evidence.description import describe_response
from runs_conformance.generation.adaptation import adapt_step
from runs_conformance.generation.programs.fragments import Fragment
from runs_conformance.generation.programs.responses import has_id
from runs_conformance.generation.programs.steps import assistant, at_root, message, page, prompt, thread
from runs_conformance.model.case import Instruction, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at, is_array, is_object
from runs_conformance.model.list_body import ITEMS, listed_ids
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.request_forms import RequestForms

_NO_ROUTE = (404, 405, 501)


@dataclass(slots=True)
class PrerequisiteSearch:
    """A search in progress: the best request forms so far, and whether a response has shown that the model answers."""

    context: ProgramContext
    request_forms: RequestForms = field(default_factory=RequestForms)
    model_responds: bool | None = None

    def result(self) -> ProgramContext:
        """The context with what was found."""
        return apply_forms(self.context, self.request_forms)

    def _note(self, text: str, **changes: Any) -> None:
        self.request_forms = replace(self.request_forms, notes=(*self.request_forms.notes, text), **changes)

    def _send(self, step: Step, forms: RequestForms | None = None) -> Generator[Instruction, Any, Exchange]:
        exchange: Exchange = yield adapt_step(step, apply_forms(self.context, forms or self.request_forms))
        return exchange

    def _find_assistant(self) -> Fragment:
        context = self.result()
        first: Exchange = yield from self._send(assistant(context))
        if has_id(first) or context.use.get("assistant"):
            return True
        if first.status in _NO_ROUTE:
            return (yield from self._find_listed_assistant(first))
        smallest = at_root("create_assistant", {"model": context.model}, name="assistant", role=Role.CONTROL)
        for members in ({}, *assistant_forms(context)):
            trial = replace(self.request_forms, assistant_members=members)
            step = assistant(context) if members else smallest
            created: Exchange = yield from self._send(step, trial)
            if has_id(created):
                self._note(
                    f"assistants are created with {names_of(members) or 'a model alone'}; "
                    f"the form with instructions got {describe_response(first)}",
                    assistant_members=members,
                )
                return True
        self.model_responds = False
        return (yield from self._find_listed_assistant(first))

    def _find_listed_assistant(self, refusal: Exchange) -> Fragment:
        listed: Exchange = yield page("list_assistants", name="listed")
        id_ = next(iter(listed_ids(listed.body)), None) if listed.accepted else None
        if id_ is None:
            self.request_forms = replace(self.request_forms, starts_runs=False, calls_functions=False)
            return False
        self._note(
            f"the listed assistant {id_} is used; the request to create one got {describe_response(refusal)}",
            assistant=id_,
        )
        used: Exchange = yield assistant(self.result())
        return has_id(used)

    def _find_thread(self) -> Fragment:
        first: Exchange | None = None
        dropping: RequestForms | None = None
        for place, content in itertools.product(("inline", "separate"), ("text", "parts")):
            if place == "inline" and dropping is not None:
                continue
            trial = replace(self.request_forms, thread_messages=place, message_content=content)
            created = yield from self._create_thread(trial)
            if not created.accepted:
                first = first or created
                continue
            if (place == "inline" or dropping is not None) and (yield from self._lists_no_message()):
                dropping = dropping or trial
                continue
            if dropping is not None:
                reason = "no list shows those given with them"
            elif first is not None:
                reason = f"the smallest form got {describe_response(first)}"
            else:
                return True
            self._note(
                f"threads get their messages {'with them' if place == 'inline' else 'in a second request'}, as "
                f"{content}; {reason}",
                thread_messages=place,
                message_content=content,
            )
            return True
        if dropping is not None:
            # No list shows any message, so that the simplest form is as good as the others.
            self.request_forms = dropping
            return True
        self.request_forms = replace(self.request_forms, starts_runs=False, calls_functions=False)
        return False

    def _lists_no_message(self) -> Fragment:
        """Whether the list of the new thread's messages is empty; a list that cannot be read shows nothing."""
        listed: Exchange = yield page("list_messages")
        items = at(listed.body, f"/{ITEMS}") if listed.accepted and is_object(listed.body) else None
        return is_array(items) and not items

    def _create_thread(
        self, forms: RequestForms | None = None, purpose: str = "call_one"
    ) -> Generator[Instruction, Any, Exchange]:
        """Create a thread with a message; returns the response to the first request that was not accepted."""
        trial = forms or self.request_forms
        context = apply_forms(self.context, trial)
        text = prompt(context, purpose)
        step = replace(thread(context, text=text), append_message=None)
        created: Exchange = yield from self._send(step, trial)
        if has_id(created) and trial.thread_messages == "separate":
            return (yield from self._send(message(text, role="user"), trial))
        return created
