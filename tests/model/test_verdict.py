"""Tallies are merged in any order, and one finding fails a requirement."""

from hypothesis import given
from hypothesis import strategies as st

from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Outcome, Result, Tally, merge_tallies

_results: st.SearchStrategy[Result] = st.sampled_from(
    [
        PASSED,
        Finding("broken"),
        Finding("excused", known_deviation="V-01"),
        Inconclusive("rate limited"),
        Inconclusive("cut"),
    ]
)
_tallies = st.lists(_results, max_size=6).map(lambda results: _tally(*results))


def _tally(*results: Result) -> Tally:
    tally = Tally()
    for result in results:
        tally.add(result)
    return tally


def _content(tally: Tally) -> tuple[object, ...]:
    return tally.judged, len(tally.findings), tally.inconclusive, tally.excused, tally.outcome


@given(_tallies, _tallies, _tallies)
def test_merge_does_not_depend_on_grouping_or_order(a: Tally, b: Tally, c: Tally) -> None:
    left = merge_tallies([merge_tallies([{"r": a}, {"r": b}]), {"r": c}])["r"]
    right = merge_tallies([{"r": c}, merge_tallies([{"r": b}, {"r": a}])])["r"]
    assert _content(left) == _content(right)


@given(_tallies, _tallies)
def test_merge_does_not_modify_its_operands(a: Tally, b: Tally) -> None:
    before = _content(a), _content(b)
    a.merge(b)
    assert (_content(a), _content(b)) == before


def test_empty_tally_does_not_pass() -> None:
    assert _tally().outcome is Outcome.NOT_JUDGED
    assert _tally(Inconclusive("timed out")).outcome is Outcome.INCONCLUSIVE


def test_one_finding_fails() -> None:
    assert _tally(PASSED, Finding("broken"), PASSED).outcome is Outcome.FAIL


def test_an_excused_finding_was_judged_and_is_no_failure() -> None:
    tally = _tally(Finding("excused", known_deviation="V-01"))
    assert tally.outcome is Outcome.PASS
    assert tally.excused == {"V-01": 1}


def test_our_own_fault_outranks_a_finding() -> None:
    tally = _tally(Finding("broken"))
    tally.errors.append("the rule crashed")
    assert tally.outcome is Outcome.ERROR
