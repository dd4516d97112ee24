"""The kill matrix: every mutant of the emulator is failed by a verdict on what it breaks, and by few others.

`python -m tests.quality.kill_matrix` plays them all and writes `reports/reference/kill-matrix.json` and `.md`;
with `--update NAME...` it plays the named ones only and puts their rows into these files.
Mutants written by hand are judged by the standard profile; those made from the request schemas by the boundary
programs of their operation, which is what the standard profile would play for them, since a verdict is the fold of
the verdicts of single programs. Those of them that take too much share one emulator (`tests.quality.composition`), and
are judged alone where that leaves anything unclear. Mutants in corners that only exploring comes to are not among
them: see `tests.quality.exploration`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.requirement import current_slug
from runs_conformance.emulator.catalogue import generated_mutants, handwritten_mutants, standard_mutants
from runs_conformance.emulator.declaration import Mutant
from runs_conformance.rules import catalogue as rules
from tests.quality.composition import composed
from tests.quality.composition import judged as judged_together
from tests.quality.judging import Result, Trial, judged, programs_of

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "reference"
MOST_OTHERS = 5
_BUT_BOUNDARY = ("lifecycle", "security", "robustness", "races")
_OF_REQUESTS = {"acceptance", "error", "errors", "refusals", "robustness", "validation", "errors-have-envelope"}
BLIND_AT_FIRST = FOLDER / "blind-first-try.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One mutant: whether a verdict on its item failed it, by what else it was failed, and whether it had to be."""

    mutant: str
    item: str
    level: str
    killed: bool
    by: tuple[str, ...]
    others: int
    blind: bool = False
    made: bool = False


def row(mutant: Mutant, result: Result, made: bool) -> Row:
    """The row of a mutant, from what the suite said of it."""
    failed = (*result.must, *result.should)
    on_item = tuple(id_ for id_ in (*failed, *result.may) if concerns(id_, mutant.item))
    return Row(
        mutant=mutant.name,
        item=mutant.item,
        level=mutant.level.value,
        killed=bool(on_item),
        by=(*on_item, *(id_ for id_ in failed if id_ not in on_item)),
        others=len(set(failed) - set(on_item)),
        blind=mutant.written_from_spec,
        made=made,
    )


def concerns(id_: str, item: str) -> bool:
    """Whether a rule or constraint is about an item: the constraint itself, a rule that covers it, or its topic."""
    rule = rules().get(id_)
    return id_ == item or id_.startswith(f"{item}.") or (rule is not None and item in rule.requirements)


def trial_of(mutant: Mutant, made: bool) -> Trial:
    """How a mutant is judged: by the programs that can show its item, and all that may accuse it of something else.

    The boundary programs are left out where what is broken has nothing to do with what a request may hold.
    """
    subject = mutant.item.partition(".")[0]
    if made:
        return Trial(mutant.name, (mutant.name,), programs=programs_of(subject))
    if subject in OPERATIONS or subject in _OF_REQUESTS:
        return Trial(mutant.name, (mutant.name,))
    return Trial(mutant.name, (mutant.name,), phases=_BUT_BOUNDARY)


def matrix(chosen: Sequence[tuple[Mutant, bool]]) -> list[Row]:
    """The rows of these mutants; the flag says whether one was made from a schema.

    What lives is judged again with one program after the other, since a fault by which they disturb one another may let
    none of them come to its end; and what lives on, by the whole standard profile.
    """
    rows = {row.mutant: row for row in _played_together([mutant for mutant, made in chosen if made])}
    alone = [(mutant, made) for mutant, made in chosen if mutant.name not in rows]
    for how in (trial_of, _in_turn, _all_in_turn):
        rows.update((row.mutant, row) for row in _played(alone, how))
        alone = [(mutant, made) for mutant, made in alone if not rows[mutant.name].killed]
    for one in rows.values():
        if not one.killed or one.others > MOST_OTHERS:
            print(f"{one.mutant} ({one.item}): {', '.join(one.by) or 'not failed'}", flush=True)
    return [rows[mutant.name] for mutant, _ in chosen]


def _in_turn(mutant: Mutant, made: bool) -> Trial:
    return replace(trial_of(mutant, made), workers=1)


def _all_in_turn(mutant: Mutant, made: bool) -> Trial:
    return Trial(mutant.name, (mutant.name,), workers=1)


def _played_together(made: Sequence[Mutant]) -> Iterator[Row]:
    """The rows of those mutants made from schemas that are killed in company of others."""
    compositions = composed([mutant for mutant in made if mutant.name.startswith("relaxed:")])
    if len(compositions) == sum(map(len, compositions)):
        return
    mutants = [mutant for company in compositions for mutant in company]
    for mutant, result in zip(mutants, judged_together(compositions), strict=True):
        if result is not None and (found := row(mutant, result, made=True)).killed:
            yield found


def _played(chosen: Sequence[tuple[Mutant, bool]], how: Callable[[Mutant, bool], Trial]) -> Iterator[Row]:
    begun = time.monotonic()
    results = judged([how(mutant, made) for mutant, made in chosen])
    for count, ((mutant, made), result) in enumerate(zip(chosen, results, strict=True), start=1):
        yield row(mutant, result, made)
        if count % 50 == 0:
            print(f"{count} of {len(chosen)}, {time.monotonic() - begun:.0f} s", flush=True)


def page(rows: Iterable[Row]) -> str:
    """The matrix for people: figures first, then what hides something, then every written mutant."""
    every = list(rows)
    by_hand, made = [r for r in every if not r.made], [r for r in every if r.made]
    blind = [r for r in by_hand if r.blind]
    bitten = {id_ for r in every for id_ in r.by}
    idle = sorted(rules().keys() - bitten)
    lines = [
        "# Kill matrix",
        "",
        "Written by `python -m tests.quality.kill_matrix`. A mutant is killed when a verdict on the item it names",
        "fails it.",
        "",
        "| mutants | all | killed | failed by more than five others |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {len(some)} | {sum(r.killed for r in some)} | {sum(r.others > MOST_OTHERS for r in some)} |"
            for name, some in (("written by hand", by_hand), ("of these, written blind", blind), ("from schemas", made))
        ),
        "",
        *_first_try(),
        f"{len(rules()) - len(idle)} of {len(rules())} rules are failed by at least one mutant.",
        "",
    ]
    if idle:
        lines += ["Rules that no mutant fails: " + ", ".join(f"`{id_}`" for id_ in idle), ""]
    alive = [r for r in every if not r.killed]
    if alive:
        lines += ["## Alive", "", *(f"- `{r.mutant}` ({r.item}): failed by {_listed(r.by)}" for r in alive), ""]
    broad = [r for r in every if r.others > MOST_OTHERS]
    if broad:
        lines += [
            "## Failed by more than five others",
            "",
            "Each is one fault that breaks as many demands by itself.",
            "",
            "| mutant | item | others | what it does | why so many |",
            "| --- | --- | --- | --- | --- |",
        ]
        known = {mutant.name: mutant for mutant in standard_mutants()}
        lines += [
            f"| {r.mutant} | {r.item} | {r.others} | {known[r.mutant].text} | {known[r.mutant].broad_reason} |"
            for r in broad
        ]
        lines += [""]
    lines += ["## Written by hand", "", "| mutant | item | level | failed by |", "| --- | --- | --- | --- |"]
    lines += [f"| {r.mutant} | {r.item} | {r.level} | {_listed(r.by)} |" for r in by_hand]
    return "\n".join(lines) + "\n"


def _first_try() -> list[str]:
    if not BLIND_AT_FIRST.is_file():
        return []
    first = json.loads(BLIND_AT_FIRST.read_text(encoding="utf-8"))
    return [
        f"Of a sample of {first['mutants']} mutants written blind, from the contract alone and before any rule was "
        f"seen, {first['killed']} were killed at the first try ({first['killed'] / first['mutants']:.0%}): "
        "[blind-first-try.json](blind-first-try.json).",
        "",
    ]


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(f"`{id_}`" for id_ in ids) or "nothing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the mutants; exit 1 where one lives or a rule bites none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only mutants whose name holds one of these; nothing is written then")
    parser.add_argument("--written", action="store_true", help="only mutants written by hand; nothing is written")
    parser.add_argument("--blind", action="store_true", help="only mutants written blind; nothing is written")
    parser.add_argument("--update", nargs="+", metavar="NAME", help="only these; their rows are put into the files")
    given = parser.parse_args(arguments)
    if given.update:
        return _update(given.update)
    chosen = [(mutant, False) for mutant in handwritten_mutants() if not mutant.exploration_only]
    if not given.written and not given.blind:
        chosen += [(mutant, True) for mutant in generated_mutants()]
    if given.blind:
        chosen = [(mutant, made) for mutant, made in chosen if mutant.written_from_spec]
    if given.names:
        chosen = [(mutant, made) for mutant, made in chosen if any(part in mutant.name for part in given.names)]
    rows = matrix(chosen)
    if not (given.names or given.written or given.blind):
        _write(rows)
    return _summed_up(rows)


def _update(names: Sequence[str]) -> int:
    every = [(mutant, False) for mutant in handwritten_mutants() if not mutant.exploration_only]
    every += [(mutant, True) for mutant in generated_mutants()]
    unknown = set(names) - {mutant.name for mutant, _ in every}
    if unknown:
        raise SystemExit(f"no mutant is called {', '.join(sorted(unknown))}")
    rows = matrix([(mutant, made) for mutant, made in every if mutant.name in names])
    kept = {one.mutant: one for one in _committed()} | {one.mutant: one for one in rows}
    _write([kept[mutant.name] for mutant, _ in every if mutant.name in kept])
    return _summed_up(rows)


def _committed() -> list[Row]:
    rows = json.loads((FOLDER / "kill-matrix.json").read_text(encoding="utf-8"))
    return [Row(**{**each, "item": current_slug(each["item"]), "by": tuple(each["by"])}) for each in rows]


def _write(rows: Sequence[Row]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(r) for r in rows], indent=1)
    (FOLDER / "kill-matrix.json").write_text(text + "\n", encoding="utf-8")
    (FOLDER / "kill-matrix.md").write_text(page(rows), encoding="utf-8")


def _summed_up(rows: Sequence[Row]) -> int:
    killed = sum(r.killed for r in rows)
    print(f"{killed} of {len(rows)} mutants killed; {sum(r.others > MOST_OTHERS for r in rows)} failed by many others")
    return 0 if killed == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
