"""A baseline is read and revised without losing its comments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from runs_conformance.baseline import Baseline, BaselineEntry, read, write
from runs_conformance.errors import UsageError

ENTRIES = """\
# Ours.
profile = "standard"

# The team knows.
[[known]]
id = "a.first"
reason = "one"

# Waits for Ann.
[[known]]
id = "a.second"
reason = '''
[[known]] stands here too'''
expires = 2027-03-31
issue = "https://example.org/2"
"""
SECOND = BaselineEntry(
    id="a.second", reason="[[known]] stands here too", expires=date(2027, 3, 31), issue="https://example.org/2"
)


def write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def baseline_file(tmp_path: Path) -> Path:
    return write_text(tmp_path / "baseline.toml", ENTRIES.replace("'''\n[[known]]", "'''[[known]]"))


def test_file_is_read(baseline_file: Path) -> None:
    baseline = read(baseline_file)
    assert baseline == Baseline(
        name="baseline.toml", entries=(BaselineEntry(id="a.first", reason="one"), SECOND), profile="standard"
    )


def test_remaining_entries_keep_their_comments(baseline_file: Path) -> None:
    write(replace(read(baseline_file), entries=(SECOND, BaselineEntry(id="a.third", reason="new"))), baseline_file)
    assert baseline_file.read_text(encoding="utf-8") == (
        '# Ours.\nprofile = "standard"\n\n# Waits for Ann.\n[[known]]\nid = "a.second"\n'
        "reason = '''[[known]] stands here too'''\nexpires = 2027-03-31\nissue = \"https://example.org/2\"\n"
        '\n[[known]]\nid = "a.third"\nreason = "new"\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        'known = [{ id = "a.first", reason = "one" }, { id = "a.second", reason = "two" }]\n',
        'profile = "quick"\n[[known]]\nid = "a.first"\nreason = """\n[[known]]\n"""\n[[known]]\nid="b"\nreason="x"',
    ],
    ids=["inline", "an opening in a text"],
)
def test_unusual_layout_is_rewritten(tmp_path: Path, text: str) -> None:
    path = write_text(tmp_path / "b.toml", text)
    wanted = replace(read(path), entries=read(path).entries[1:])
    write(wanted, path)
    assert read(path) == wanted


@pytest.mark.parametrize("reason", ['"quoted" \\ back', "two\nlines", "\x7f\x00\x1b", "é ☃ 𝄞", "# no comment"])
def test_any_reason_round_trips(tmp_path: Path, reason: str) -> None:
    baseline = Baseline(
        name="b.toml", entries=(BaselineEntry(id="tools[].function.name", reason=reason),), profile="full"
    )
    write(baseline, tmp_path / "b.toml")
    assert read(tmp_path / "b.toml") == baseline


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[known]\n", "is not TOML"),
        ("[[known]]\nreason = 'x'\n", "entry 1: `id` is missing"),
        ("[[known]]\nid = 'a'\n", r"entry 1 \(a\): `reason` is missing"),
        ("[[known]]\nid = 'a'\nreason = ' '\n", "`reason` is missing"),
        (
            "[[known]]\nid = 'a'\nreason = 'x'\nexpires = 'soon'\n",
            "`expires` must be a date such as 2027-03-31, not 'soon'",
        ),
        ("[[known]]\nid = 'a'\nreason = 'x'\nexpires = 3\n", "`expires` must be a date"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nuntil = 3\n", "unknown member 'until'"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nissue = 3\n", "`issue` must be a string"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nflaky = 1\n", "`flaky` must be true or false"),
        ("[[known]]\nid = 'a'\nreason = 'x'\n" * 2, "a is listed twice"),
        ("known = 'a'\n", r"must be an array of \[\[known\]\]"),
        ("profile = 'slow'\n", "profile 'slow' is not one of"),
        (f"x = {'9' * 5000}\n", "a number is too long"),
        (f"x = {'[' * 5000}\n", "nested too deeply"),
        ("accepted = []\n", "unknown member 'accepted'"),
    ],
)
def test_invalid_file_is_reported_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        read(write_text(tmp_path / "b.toml", text))
    assert "\n" not in str(raised.value)


def test_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--baseline-update writes one"):
        read(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


def test_unwritable_path_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write(Baseline(), tmp_path / "none" / "b.toml")


def test_flaky_entry_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "baseline.toml"
    flaky = BaselineEntry(id="a.flaky", reason="a race", flaky=True)
    write(Baseline(name="baseline.toml", entries=(flaky,)), path)
    assert "flaky = true" in path.read_text()
    assert read(path).entries == (flaky,)
