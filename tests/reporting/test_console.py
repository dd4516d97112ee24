"""The console shows the conclusion first, then causes, warnings and the next command."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.model.hazard import Hazard
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting import html, markdown
from runs_conformance.reporting.cause_table import MIN_CAUSES
from runs_conformance.reporting.console import OutputFiles, render_summary
from runs_conformance.reporting.numbered_causes import number_causes
from runs_conformance.reporting.report import ProgramSummary
from runs_conformance.reporting.terminal_style import WIDTH, Style
from tests.reporting.reports import example, report, verdict


def test_failure_shows_all_details() -> None:
    text = render_summary(report(), Style(verbosity=1), OutputFiles("reports/x/report.html"))
    for needed in (
        "FAIL  create_run.max_prompt_tokens.minimum  must",
        "create_run.max_prompt_tokens.minimum holds",
        "schema: openai-openapi f85dbe2 openapi.yaml CreateRunRequest",
        "POST /threads/thread_1/runs with /max_prompt_tokens = 255 (was 256)",
        "a refusal",
        "HTTP 200",
        "the same request with /max_prompt_tokens = 256: HTTP 200",
        "$OPENAI_API_KEY",
        "create_run.metadata.maxProperties",
    ):
        assert needed in text


def test_conclusion_comes_first_and_the_next_command_last() -> None:
    lines = render_summary(report(), Style(), OutputFiles("reports/x/report.html")).splitlines()
    assert lines[0] == "FAIL: 2 MUST requirements failed, explained by 2 causes (exit 1)"
    assert lines[1] == "3 constraints and 1 rule judged; 1,234 requests, 5 runs, 9.9 s"
    assert lines[-2] == "report: reports/x/report.html"
    assert lines[-1] == "next: runs-conformance explain create_run.max_prompt_tokens.minimum"
    kept = render_summary(
        report(), Style(), OutputFiles("reports/x/report.html", "reports/my run/report.json")
    ).splitlines()
    assert kept[-1] == "next: runs-conformance replay 'reports/my run/report.json' create_run.max_prompt_tokens.minimum"


def test_causes_are_ranked_and_warnings_follow() -> None:
    lines = render_summary(report(), Style()).splitlines()
    table = lines[lines.index("   effect      requirements  cause") + 1 :]
    assert table[0].startswith(" 1 validation             1  ")
    assert table[1].strip().startswith("fix: Check `")
    rows = [line for line in table if line[:2].strip().isdigit()]
    assert rows[2].startswith(" 3 wording                1  warning: ")
    rest = table[table.index(rows[2]) + 1 :]
    assert next(line for line in rest if line.strip() and not line.startswith(" ")).startswith("ERROR")


def test_a_warning_that_fails_the_session_is_ranked_as_a_failure() -> None:
    strict = report()
    strict = replace(strict, suite=replace(strict.suite, fail_on="should"))
    text = render_summary(strict, Style())
    assert "warning: " not in text
    assert "explained by 3 causes" in text.splitlines()[0]


def test_a_test_run_that_stopped_early_says_so_first() -> None:
    end = ProgramEnd("boundary.create_run", Ending.ABORTED, "the limit of 100 requests was reached")
    cut = replace(report(), complete=False, programs=ProgramSummary(planned=2, completed=1, early_ends=(end,)))
    lines = render_summary(cut, Style()).splitlines()
    assert lines[0].startswith("FAIL (stopped early): 2 MUST requirements failed")
    assert "the limit of 100 requests was reached" in lines[1]
    assert "(stopped early)" in markdown.text(cut).splitlines()[0]


def test_requirements_left_unjudged_by_the_forecast_are_counted_first() -> None:
    end = ProgramEnd("boundary.create_run", Ending.STOPPED, "the forecast of 434 runs is used up (--max-runs)")
    reason = f"boundary.create_run ended early: {end.cause}"
    undecided = replace(verdict("lock.a", Outcome.INCONCLUSIVE, kind="rule", operation=None), reason=reason)
    limited = replace(report(*report().verdicts, undecided), programs=ProgramSummary(planned=2, early_ends=(end,)))
    note = "1 requirement could not be judged, because the forecast of 434 runs is used up (--max-runs)."
    lines = render_summary(limited, Style()).splitlines()
    assert lines[0].startswith("FAIL: at least ")
    assert lines[1] == note
    assert r"at least" in markdown.text(limited).splitlines()[2]
    assert note in html.text(limited)


def test_summary_fits_a_screen() -> None:
    many = [
        verdict(f"{topic}.rule_{number}", Outcome.FAIL, kind="rule", operation=None)
        for topic in ("auth", "cancel", "lock", "lifecycle", "tools", "streaming", "messages", "deletion", "listing",
                      "steps", "times", "ids", "transport", "robustness", "refusals")
        for number in range(20)
    ]  # fmt: skip
    ends = tuple(ProgramEnd(f"p{n}", Ending.STOPPED, f"cause {n} {'x ' * 100}") for n in range(20))
    many += [verdict(f"{name}.rule", Outcome.PASS, kind="rule", capability=name) for name in CAPABILITIES]
    full = replace(report(*many), programs=ProgramSummary(planned=20, early_ends=ends))
    hazards = tuple(Hazard(kind=f"kind {n}", lost=2, exchange="") for n in range(2))
    for each in (full, replace(full, hazards=hazards)):
        lines = render_summary(each, Style(), OutputFiles("report.html")).splitlines()
        listed = [line for line in lines if re.match(r" ?\d+ [a-z ]{12} +\d+  ", line)]
        assert len(listed) == len(number_causes(each)) > MIN_CAUSES
        assert lines.index(listed[-1]) < 40
        assert [line for line in lines if len(line) > 100] == []
        assert "20 programs ended early, 1 of them: cause 0 x x x" in "\n".join(lines)


def test_warnings_are_left_out_of_a_full_screen() -> None:
    warnings = [
        verdict(f"{topic}.rule", Outcome.FAIL, kind="rule", level="should", operation=None)
        for topic in ("auth", "cancel", "lock", "lifecycle", "tools", "streaming", "messages", "deletion", "listing",
                      "steps", "times", "ids", "transport", "robustness", "refusals")
    ]  # fmt: skip
    passing = [verdict(f"{name}.other", Outcome.PASS, kind="rule", capability=name) for name in CAPABILITIES]
    failing = verdict("identity.rule", Outcome.FAIL, kind="rule", operation=None)
    end = ProgramEnd("p", Ending.STOPPED, "it needs a run")
    full = replace(report(failing, *warnings, *passing), programs=ProgramSummary(planned=2, early_ends=(end,)))
    lines = render_summary(full, Style(), OutputFiles("report.html")).splitlines()
    assert len(lines) == 40
    assert any("more warnings, with" in line for line in lines)


def test_programs_that_ended_early_for_one_cause_are_not_divided() -> None:
    ends = tuple(ProgramEnd(name, Ending.STOPPED, "it needs a run") for name in ("p", "q"))
    for count, expected in (
        (1, "1 program ended early: it needs a run"),
        (2, "2 programs ended early: it needs a run"),
    ):
        ended = replace(report(), programs=ProgramSummary(planned=2, early_ends=ends[:count]))
        assert expected in render_summary(ended, Style()).splitlines()


@pytest.mark.parametrize(("count", "lines", "verbosity"), [(1, 2, 0), (60, 1, 0), (60, 2, 1)])
def test_titles_are_wrapped_if_the_screen_has_space(count: int, lines: int, verbosity: int) -> None:
    title = "Messages and runs are accepted while a run is active; a thread stays locked after a run that failed"
    full = report(verdict("lock.rule", Outcome.FAIL, kind="rule", operation=None))
    full = replace(full, causes=tuple(replace(full.causes[0], title=title) for _ in range(count)))
    rendered = render_summary(full, Style(verbosity=verbosity))
    table = rendered.split("cause\n", 1)[1].splitlines()
    assert table[0].endswith("a thread stays" if lines == 2 else "a thread stays l…")
    assert (table[1].strip() == "locked after a run that failed") is (lines == 2)


def test_quiet_prints_only_the_last_lines() -> None:
    assert len(render_summary(report(), Style(verbosity=-1), OutputFiles("x")).splitlines()) == 4


def test_warnings_are_brief_by_default() -> None:
    assert "warning: " in render_summary(report(), Style())
    assert "WARN" not in render_summary(report(), Style())
    assert "WARN  errors.param  should" in render_summary(report(), Style(verbosity=1))


def test_reasons_for_not_judging_are_shown() -> None:
    assert "1 inconclusive, 1 of them: rate limited" in render_summary(report(), Style())
    text = render_summary(report(), Style(verbosity=1))
    assert "1 inconclusive: rate limited" in text
    assert "1 not judged: needs it; needs a second API key" in text
    assert "ERROR steps.broken: raised KeyError" in text


def test_control_characters_from_the_target_are_escaped() -> None:
    assert "\x1b" not in render_summary(report(), Style(verbosity=1))
    assert "\u202e" not in render_summary(report(), Style(verbosity=1))


def test_lines_are_no_wider_than_a_terminal() -> None:
    text = render_summary(report(), Style(verbosity=1))
    assert all(len(line) <= WIDTH for line in text.splitlines() if "curl" not in line)


def test_colour_is_opt_in() -> None:
    assert re.search(r"\x1b\[31;1mFAIL", render_summary(report(), Style(colour=True)))


def test_ids_are_not_broken_across_lines() -> None:
    many = [verdict(f"create_run.member_{n}.type", Outcome.FAIL) for n in range(300)]
    text = render_summary(report(*many), Style(verbosity=1))
    for each in many:
        assert each.id in text


def test_a_request_that_the_server_does_not_survive_can_be_sent_again() -> None:
    hazard = Hazard(kind="create_run with body /tools (minItems)", lost=2, exchange="x000007")
    made = replace(report(), hazards=(hazard,), lost_requests={"x000007": example()})
    text = render_summary(made, Style())
    assert "to send x000007 again:\n   ASSISTANT=" in text
    assert "curl" in text.partition("to send x000007")[2].partition("\n\n")[0]
    assert "curl" in markdown.text(made).partition("To send x000007 again:")[2]
    assert "To send x000007 again:" in html.text(made)


def test_failures_are_counted_without_the_warnings_of_the_same_cause() -> None:
    ids = ("tools.missing_outputs_are_refused", "tools.unknown_outputs_are_refused")
    must, should = (
        verdict(id_, Outcome.FAIL, kind="rule", level=level, operation=None)
        for id_, level in zip(ids, ("must", "should"), strict=True)
    )
    for verdicts, count, text in (
        ((must, should), 1, "1 requirement and 1 warning"),
        ((should,), 1, "1 requirement"),
        ((replace(should, level="must"), must), 2, "2 requirements"),
    ):
        (numbered,) = number_causes(report(*verdicts))
        assert (numbered.table_count, numbered.count) == (count, text)
        assert any(
            line.startswith(f" 1 validation             {count}  ")
            for line in render_summary(report(*verdicts), Style()).splitlines()
        )
        assert f"| {count} | Tool outputs" in markdown.text(report(*verdicts)) or len(verdicts) == 1


def test_the_cause_of_most_early_ends_is_shown_in_whole() -> None:
    cause = "GET /threads/{thread_id}/runs/{run_id} got HTTP 404; the next step needs a run that waits for outputs"
    ends = (ProgramEnd("a", Ending.STOPPED, cause), ProgramEnd("b", Ending.STOPPED, "another"))
    made = replace(report(), programs=ProgramSummary(planned=2, early_ends=ends))
    lines = render_summary(made, Style()).splitlines()
    assert f"{cause} (-v shows 1 more cause)" in " ".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= 100
