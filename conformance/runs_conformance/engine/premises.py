"""Premises: requirements whose failure leaves another rule without occasions, as when nothing is ever refused.

Most of them are measured: `engine/premises.json` says of each defect of an emulator which requirements fail, and which
rules nothing decides any more. `python -m tests.quality.premises` derives it from the kill matrix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.verdict import Tally

TABLE = Path(__file__).with_name("premises.json")

_CALL_DELTAS = ("run_step_delta.delta.step_details.tool_calls[[]].index.*",)
_CALLS = ("action.is_given_while_required", "choice.a_tool_is_called_when_one_must_be", "tools.step_shows_the_calls")
_CANCELLED = ("cancel.*_can_be_cancelled",)
_CRASHES = ("robustness.odd_requests_do_not_break_the_server", "errors.requests_do_not_break_the_server")
_DONE = ("streaming.a_stream_ends_with_done",)
_INVALID_RUNS = ("create_run.temperature.maximum", "create_run.metadata{}.type")
"""The violations in the invalid runs that programs send to see that a refusal leaves no trace."""
_KEYS = ("auth.a_key_is_asked_for", "auth.a_wrong_key_is_refused")
_USAGE = ("usage.is_given_when_completed", "usage.is_given_when_ended", "run.usage.required")

_BODIES = (
    "malformed_json_is_refused",
    "misshapen_bodies_are_refused",
    "invalid_utf8_is_refused",
    "nothing_follows_the_body",
    "empty_bodies_are_refused_where_members_are_required",
)
UNCLEAR_IF_CRASHED = tuple(f"robustness.{name}" for name in _BODIES)
"""Rules that a server error leaves undecided: it is neither an acceptance nor a refusal."""

_SHOWN_SETTINGS = (
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
)

PREMISES: Mapping[str, tuple[str, ...]] = {
    **{f"settings.{name}_is_as_asked": (f"run.{name}.required",) for name in _SHOWN_SETTINGS},
    "auth.missing_beta_header_is_invalid_beta": ("auth.beta_header_is_required",),
    "auth.refusals_change_nothing": _KEYS,
    "auth.refusals_give_nothing_away": _KEYS,
    "auth.status_is_401": _KEYS,
    "cancel.refused_cancellation_changes_nothing": ("cancel.ended_run_cannot_be_cancelled",),
    "cancel.stops_no_other_run": _CANCELLED,
    "choice.the_tool_that_is_named_is_called": _CALLS[:2],
    "deletion.deleted_thread_takes_nothing": ("deletion.deleted_assistant_runs_nothing",),
    "deletion.refused_deletion_deletes_nothing": ("references.objects_are_found_under_their_own_parent_only",),
    "deltas.awaited_calls_were_streamed": _CALL_DELTAS,
    "deltas.cut_message_keeps_its_text": (
        "ending.message_cut_by_the_limit_is_incomplete",
        "messages.end_with_their_run",
        "events.step_and_message_events_fit_their_status",
    ),
    "deltas.step_deltas_come_while_it_works": _CALLS[1:2],
    "deltas.text_is_streamed": ("message.content[[]].text.type",),
    "deltas.tool_call_deltas_add_up": _CALL_DELTAS,
    "lock.refused_run_holds_no_lock": (*_INVALID_RUNS, "create_run.*"),
    "messages.created_message_shows_the_detail_of_images": ("message.content[[]].image_url.required",),
    "refusals.a_refused_stream_is_answered_plainly": (_INVALID_RUNS[0], "create_run.*", "create_thread_and_run.*"),
    "refusals.status_is_400": ("create_*", "modify_*", "submit_tool_outputs.*"),
    **{f"robustness.{name}": _CRASHES for name in _BODIES},
    "streaming.nothing_follows_done": _DONE,
    "streaming.the_connection_ends_with_the_stream": _DONE,
    "tenancy.refusals_change_nothing": ("tenancy.objects_are_their_tenants_own",),
    "times.ended_run_has_one_end": _CANCELLED,
    "tools.refused_outputs_leave_the_run_waiting": ("tools.*_are_refused", "submit_tool_outputs.*"),
    "tools.right_outputs_are_taken": ("races.outputs_are_taken_once",),
    "tools.step_is_open_while_the_run_waits": (*_CALLS, "tools.missing_outputs_are_refused"),
    "tools.step_keeps_the_calls": _CALLS,
    "tools.step_records_the_outputs": _CALLS,
    "traces.refused_message_is_not_added": (
        "create_message.metadata{}.type",
        "create_message.additionalProperties",
        "create_message.*",
    ),
    "traces.refused_modification_keeps_metadata": ("modify_*.metadata{}.type", "modify_*.metadata*"),
    "traces.refused_modification_keeps_the_assistant": (
        "modify_assistant.temperature.maximum",
        "modify_assistant.*",
        "auth.beta_header_is_required",
    ),
    "traces.refused_run_is_not_created": (*_INVALID_RUNS, "create_run.*"),
    "usage.adds_up": _USAGE,
    "usage.of_an_ended_run_stays": _USAGE,
    "usage.sums_over_the_steps": ("steps.usage_goes_with_the_status", "run_step.usage.required", *_USAGE),
}
"""For each rule, patterns of ids. Where one of these fails, the rule has fewer occasions, or none.

The first matching pattern is named as the reason, so ids that the rule's own programs violate come first. The table
holds only what no single defect of an emulator shows: rules that are left fewer occasions, or that only several
failures together leave none.
"""


_PREMISES_OF_PLACES: Mapping[str, tuple[str, ...]] = {
    f"*.tool_calls[[]].{tool}*": _CALLS[1:2] for tool in ("code_interpreter", "file_search")
}
"""For patterns of constraints on responses, those of the ids whose failure leaves no response with such a place."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect of an emulator: the ids that fail for it, the one that it violates first, and the undecided rules."""

    failed: tuple[str, ...]
    undecided: frozenset[str]


@cache
def load_defects(table: Path = TABLE) -> tuple[Defect, ...]:
    """The measured defects; none if they were never written."""
    if not table.is_file():
        return ()
    rows = json.loads(table.read_text(encoding="utf-8"))
    return tuple(Defect(tuple(row["failed"]), frozenset(row["undecided"])) for row in rows)


def encode_defects(defects: Iterable[Defect]) -> str:
    """The text of the table: one defect a line."""
    rows = sorted({(each.failed, tuple(sorted(each.undecided))) for each in defects})
    lines = (json.dumps({"failed": failed, "undecided": undecided}) for failed, undecided in rows)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def affects_all(premise: str, rule: str) -> bool:
    """The default of `affects`: every failed requirement may affect every rule."""
    return True


def failed_premises(
    tallies: Mapping[str, Tally],
    defects: Iterable[Defect] | None = None,
    affects: Callable[[str, str], bool] = affects_all,
    constraints: Iterable[str] = (),
) -> dict[str, str]:
    """For each rule, and each of the constraints, the failed requirements that leave it fewer occasions or none.

    They are named in a clause. `affects` says whether a requirement, its first argument, failed where a rule, its
    second one, would be decided.
    """
    failed = sorted(name for name, tally in tallies.items() if _has_failed(name, tally))
    defects = list(load_defects() if defects is None else defects)
    patterns = {**PREMISES, **_premises_by_place(constraints)}
    clauses = {
        id_: _clause(names)
        for id_, premises in patterns.items()
        if (names := _by_relevance(id_, premises, [name for name in failed if affects(name, id_)], defects))
    }
    decided = {name for name, tally in tallies.items() if tally.is_decided}
    return clauses | _measured_clauses(set(failed), decided, defects, affects)


def sufficient_premises(
    tallies: Mapping[str, Tally],
    defects: Iterable[Defect] | None = None,
    affects: Callable[[str, str], bool] = affects_all,
) -> dict[str, str]:
    """For each undecided rule, the failed requirements of a measured defect that the target has completely.

    The defect alone leaves the rule undecided, whatever else ended programs early.
    """
    failed = {name for name, tally in tallies.items() if _has_failed(name, tally)}
    decided = {name for name, tally in tallies.items() if tally.is_decided}
    complete = [each for each in (load_defects() if defects is None else defects) if failed.issuperset(each.failed)]
    clauses: dict[str, str] = {}
    for defect in sorted(complete, key=lambda each: len(each.failed)):
        for id_ in defect.undecided.difference(decided):
            if names := [name for name in defect.failed if affects(name, id_)]:
                clauses[id_] = _clause(names)
    return clauses


def _premises_by_place(constraints: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The premises of those constraints that have some."""
    return {
        id_: premises
        for id_ in constraints
        for pattern, premises in _PREMISES_OF_PLACES.items()
        if fnmatchcase(id_, pattern)
    }


def _by_relevance(id_: str, patterns: Sequence[str], failed: Iterable[str], defects: Sequence[Defect]) -> list[str]:
    """The failed premises of a rule, by the pattern that they match, then by the number of defects that they share."""
    ranked: list[tuple[int, int, str]] = []
    for name in failed:
        matches = [rank for rank, pattern in enumerate(patterns) if fnmatchcase(name, pattern)]
        if matches:
            shared = sum(name in defect.failed and id_ in defect.undecided for defect in defects)
            ranked.append((matches[0], -shared, name))
    return [name for _, _, name in sorted(ranked)]


def _measured_clauses(
    failed: Collection[str],
    decided: Collection[str],
    defects: Iterable[Defect],
    affects: Callable[[str, str], bool],
) -> dict[str, str]:
    """For each rule that nothing decided, the failed ids of the defect that the target resembles most."""
    resemblances: dict[str, tuple[float, int]] = {}
    clauses: dict[str, str] = {}
    for defect in defects:
        names = [name for name in defect.failed if name in failed]
        if not names or not _resembles(defect, len(names), decided):
            continue
        resemblance = (len(names) / len(defect.failed), len(names))
        for id_ in defect.undecided.difference(decided):
            affecting = [name for name in names if affects(name, id_)]
            if affecting and resemblance > resemblances.get(id_, (0.0, 0)):
                resemblances[id_], clauses[id_] = resemblance, _clause(affecting)
    return clauses


def _resembles(defect: Defect, failed: int, decided: Collection[str]) -> bool:
    """Whether the target seems to have a defect.

    Of the requirements that the defect fails, more failed than passed, and at least half of the rules that it leaves
    undecided are undecided.
    """
    held = sum(name in decided for name in defect.failed) - failed
    return failed > held and 2 * len(defect.undecided.intersection(decided)) <= len(defect.undecided)


def _has_failed(id_: str, tally: Tally) -> bool:
    """Whether a requirement failed.

    For a constraint on requests, only an accepted invalid value counts: a server that refuses valid values still
    refuses invalid ones.
    """
    if id_.partition(".")[0] not in OPERATIONS:
        return bool(tally.findings)
    return any(finding.expected not in (200, "HTTP 200") for finding in tally.findings)


def _clause(names: Sequence[str]) -> str:
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{others} failed"
