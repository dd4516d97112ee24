"""The kill matrix: every mutant of the emulator fails a verdict on the item it breaks, and few others.

`python -m tests.quality.kill_matrix` judges all mutants and writes `reports/reference/kill-matrix.json` and `.md`. With
`--update NAME...` it judges the named mutants only and updates their rows.

Handwritten mutants are judged by the standard profile. Mutants generated from the request schemas are judged by the
boundary programs of their operation; the standard profile would give the same verdicts, because a verdict merges those
of single programs. Generated mutants that accept too much share an emulator (see `shared_emulators`), and are judged
alone if that leaves anything unclear. Mutants that only fuzzing reaches are not included (see `fuzzing`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.emulator.catalogue import generated_mutants, handwritten_mutants, standard_mutants
from runs_conformance.emulator.declaration import Mutant
from runs_conformance.engine.decisions import Decisions, load_decisions
from runs_conformance.rules import catalogue as rules
from tests.quality.judging import Trial, TrialResult, boundary_program_ids, judge_all
from tests.quality.shared_emulators import group_mutants, judge_groups
from tests.quality.tables import FOLDER, code_list, format_list, write_text

MAX_OTHERS = 5
_WITHOUT_BOUNDARY = ("lifecycle", "security", "robustness", "races")
_REQUEST_ITEMS = {
    "acceptance",
    "error",
    "errors",
    "refusals",
    "robustness",
    "validation",
    "errors-have-envelope",
}


@dataclass(frozen=True, slots=True)
class KillRow:
    """One mutant: whether a verdict on its item fails, which verdicts fail (those on the item first), and how many of
    them are on something else. `programs` maps the failed ids on the item to the programs that fail them. `undecided`
    are the rules that no program decided, though some that ran decide them on the emulator.
    """

    mutant: str
    item: str
    level: str
    killed: bool
    failed: tuple[str, ...]
    others: int = 0
    written_from_spec: bool = False
    generated: bool = False
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()

    @property
    def only_own_constraint(self) -> bool:
        """Whether the mutant is generated, and fails exactly the constraint it breaks."""
        return self.generated and self.killed and self.failed == (self.item,)


def row(mutant: Mutant, result: TrialResult, generated: bool) -> KillRow:
    """The row of a mutant for the result of its trial."""
    failed = (*result.must, *result.should)
    on_item = tuple(id_ for id_ in (*failed, *result.may) if concerns(id_, mutant.item))
    return KillRow(
        mutant=mutant.name,
        item=mutant.item,
        level=mutant.level.value,
        killed=bool(on_item),
        failed=(*on_item, *(id_ for id_ in failed if id_ not in on_item)),
        others=len(set(failed) - set(on_item)),
        written_from_spec=mutant.written_from_spec,
        generated=generated,
        programs={} if generated else {id_: result.failed_by[id_] for id_ in on_item if id_ in result.failed_by},
        undecided=() if generated else undecided_rules(result, load_decisions()),
    )


def undecided_rules(result: TrialResult, decisions: Decisions) -> tuple[str, ...]:
    """The rules that no program of a trial decided, though some of its programs decide them on the emulator."""
    return tuple(
        id_
        for id_ in sorted(rules().keys() - result.decided_by.keys())
        if not decisions.deciders.get(id_, frozenset()).isdisjoint(result.occasions)
    )


def concerns(id_: str, item: str) -> bool:
    """Whether a rule or constraint is about an item: the constraint itself, a rule that covers it, or its topic."""
    rule = rules().get(id_)
    return id_ == item or id_.startswith(f"{item}.") or (rule is not None and item in rule.clauses)


def trial_for(mutant: Mutant, generated: bool) -> Trial:
    """The trial of a mutant, with the programs that can fail its item or anything else it may break.

    Boundary programs are omitted if the item is not about the content of requests.
    """
    topic = mutant.item.partition(".")[0]
    if generated:
        return Trial(mutant.name, (mutant.name,), programs=boundary_program_ids(topic))
    if topic in OPERATIONS or topic in _REQUEST_ITEMS:
        return Trial(mutant.name, (mutant.name,))
    return Trial(mutant.name, (mutant.name,), phases=_WITHOUT_BOUNDARY)


def judge_mutants(mutants: Sequence[tuple[Mutant, bool]]) -> list[KillRow]:
    """Judge mutants and return their rows; the flag of a mutant says whether it is generated.

    A mutant that survives is judged again with a single worker, because its defect may let concurrent programs prevent
    each other from finishing; then by the whole standard profile.
    """
    rows = {row.mutant: row for row in _judge_in_groups([mutant for mutant, generated in mutants if generated])}
    remaining = [(mutant, generated) for mutant, generated in mutants if mutant.name not in rows]
    for make_trial in (trial_for, _single_worker_trial, _whole_profile_trial):
        rows.update((row.mutant, row) for row in _judge_alone(remaining, make_trial))
        remaining = [(mutant, generated) for mutant, generated in remaining if not rows[mutant.name].killed]
    for each in rows.values():
        if not each.killed or each.others > MAX_OTHERS:
            print(f"{each.mutant} ({each.item}): {', '.join(each.failed) or 'not failed'}", flush=True)
    return [rows[mutant.name] for mutant, _ in mutants]


def _single_worker_trial(mutant: Mutant, generated: bool) -> Trial:
    return replace(trial_for(mutant, generated), workers=1)


def _whole_profile_trial(mutant: Mutant, generated: bool) -> Trial:
    return Trial(mutant.name, (mutant.name,), workers=1)


def _judge_in_groups(generated: Sequence[Mutant]) -> Iterator[KillRow]:
    """The rows of the generated mutants that are killed in a shared emulator."""
    groups = group_mutants([mutant for mutant in generated if mutant.name.startswith("relaxed:")])
    if len(groups) == sum(map(len, groups)):
        return
    mutants = [mutant for group in groups for mutant in group]
    for mutant, result in zip(mutants, judge_groups(groups), strict=True):
        if result is not None and (killed_row := row(mutant, result, generated=True)).killed:
            yield killed_row


def _judge_alone(
    mutants: Sequence[tuple[Mutant, bool]], make_trial: Callable[[Mutant, bool], Trial]
) -> Iterator[KillRow]:
    started = time.monotonic()
    results = judge_all([make_trial(mutant, generated) for mutant, generated in mutants])
    for count, ((mutant, generated), result) in enumerate(zip(mutants, results, strict=True), start=1):
        yield row(mutant, result, generated)
        if count % 50 == 0:
            print(f"{count} of {len(mutants)}, {time.monotonic() - started:.0f} s", flush=True)


def render_page(rows: Iterable[KillRow]) -> str:
    """The Markdown page: totals, then surviving and broad mutants, then every handwritten mutant."""
    rows = list(rows)
    handwritten, generated = [r for r in rows if not r.generated], [r for r in rows if r.generated]
    from_spec = [r for r in handwritten if r.written_from_spec]
    failed = {id_ for r in rows for id_ in r.failed}
    unproven = sorted(rules().keys() - failed)
    lines = [
        "# Kill matrix",
        "",
        "Written by `python -m tests.quality.kill_matrix`. A mutant is killed if a verdict on the item it breaks",
        "fails.",
        "",
        "| mutants | total | killed | fail more than five other verdicts |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {len(some)} | {sum(r.killed for r in some)} | {sum(r.others > MAX_OTHERS for r in some)} |"
            for name, some in (
                ("handwritten", handwritten),
                ("of these, written from the contract alone", from_spec),
                ("generated from schemas", generated),
            )
        ),
        "",
        f"{len(rules()) - len(unproven)} of {len(rules())} rules are failed by at least one mutant.",
        "",
    ]
    if unproven:
        lines += ["Rules that no mutant fails: " + code_list(unproven), ""]
    if surviving := [r for r in rows if not r.killed]:
        lines += [
            "## Surviving",
            "",
            *(f"- `{r.mutant}` ({r.item}): fails {code_list(r.failed)}" for r in surviving),
            "",
        ]
    if broad := [r for r in rows if r.others > MAX_OTHERS]:
        lines += [
            "## Mutants that fail more than five other verdicts",
            "",
            "Each has one defect that breaks several requirements.",
            "",
            "| mutant | item | others | defect | reason |",
            "| --- | --- | --- | --- | --- |",
        ]
        known = {mutant.name: mutant for mutant in standard_mutants()}
        lines += [
            f"| {r.mutant} | {r.item} | {r.others} | {known[r.mutant].text} | {known[r.mutant].broad_reason} |"
            for r in broad
        ]
        lines += [""]
    lines += ["## Handwritten mutants", "", "| mutant | item | level | fails |", "| --- | --- | --- | --- |"]
    lines += [f"| {r.mutant} | {r.item} | {r.level} | {code_list(r.failed)} |" for r in handwritten]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the mutants; returns 1 if one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="judge only mutants whose name contains one of these; write nothing")
    parser.add_argument("--handwritten", action="store_true", help="judge only handwritten mutants; write nothing")
    parser.add_argument(
        "--written-from-spec", action="store_true", help="judge only mutants written from the contract; write nothing"
    )
    parser.add_argument("--update", nargs="+", metavar="NAME", help="judge only these, and update their rows")
    options = parser.parse_args(arguments)
    if options.update:
        if unknown := set(options.update) - {mutant.name for mutant, _ in _all_mutants()}:
            raise SystemExit(f"no mutant is named {', '.join(sorted(unknown))}")
        return 1 if update(options.update) else 0
    mutants = _all_mutants()
    if options.handwritten or options.written_from_spec:
        mutants = [(mutant, generated) for mutant, generated in mutants if not generated]
    if options.written_from_spec:
        mutants = [(mutant, generated) for mutant, generated in mutants if mutant.written_from_spec]
    if options.names:
        mutants = [pair for pair in mutants if any(part in pair[0].name for part in options.names)]
    rows = judge_mutants(mutants)
    if not (options.names or options.handwritten or options.written_from_spec):
        write(rows)
    return _summarize(rows)


def _all_mutants() -> list[tuple[Mutant, bool]]:
    return [
        *((mutant, False) for mutant in handwritten_mutants()),
        *((mutant, True) for mutant in generated_mutants()),
    ]


def update(names: Collection[str]) -> list[str]:
    """Judge the named mutants, update their rows and drop those of mutants that are gone. Returns the survivors."""
    mutants = _all_mutants()
    updated = judge_mutants([(mutant, generated) for mutant, generated in mutants if mutant.name in names])
    rows = {each.mutant: each for each in read()} | {each.mutant: each for each in updated}
    write([rows[mutant.name] for mutant, _ in mutants if mutant.name in rows])
    _summarize(updated)
    return [each.mutant for each in updated if not each.killed]


def read() -> list[KillRow]:
    """The committed rows."""
    table = json.loads((FOLDER / "kill-matrix.json").read_text(encoding="utf-8"))
    lists = ("failed", "undecided")
    rows = [KillRow(**each | {name: tuple(each.get(name, ())) for name in lists}) for each in table["rows"]]
    by_name = {mutant.name: mutant for mutant in generated_mutants()}
    known = [by_name[name] for name in table["fail_only_their_constraint"] if name in by_name]
    rows += [
        KillRow(mutant.name, mutant.item, mutant.level.value, killed=True, failed=(mutant.item,), generated=True)
        for mutant in known
    ]
    return rows


def write(rows: Sequence[KillRow]) -> None:
    """Write the rows and the page.

    A generated mutant that fails only the constraint it breaks is written as its name.
    """
    full = format_list(_as_json(each) for each in rows if not each.only_own_constraint)
    names = format_list(each.mutant for each in rows if each.only_own_constraint)
    write_text("kill-matrix.json", f'{{"rows": {full},\n"fail_only_their_constraint": {names}}}\n')
    write_text("kill-matrix.md", render_page(rows))


def _as_json(each: KillRow) -> Mapping[str, Any]:
    optional = {
        "others": each.others,
        "written_from_spec": each.written_from_spec,
        "generated": each.generated,
        "programs": each.programs,
        "undecided": each.undecided,
    }
    return {
        "mutant": each.mutant,
        "item": each.item,
        "level": each.level,
        "killed": each.killed,
        "failed": each.failed,
        **{name: value for name, value in optional.items() if value},
    }


def _summarize(rows: Sequence[KillRow]) -> int:
    killed = sum(r.killed for r in rows)
    broad = sum(r.others > MAX_OTHERS for r in rows)
    print(f"{killed} of {len(rows)} mutants killed; {broad} fail more than {MAX_OTHERS} other verdicts")
    return 0 if killed == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
