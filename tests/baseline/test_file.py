from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from runs_conformance.baseline import Baseline, BaselineEntry, read, write
from runs_conformance.errors import UsageError

LAID_OUT = """\
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


def kept(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def laid_out(tmp_path: Path) -> Path:
    return kept(tmp_path / "baseline.toml", LAID_OUT.replace("'''\n[[known]]", "'''[[known]]"))


def test_what_a_file_holds(laid_out: Path) -> None:
    baseline = read(laid_out)
    assert baseline == Baseline(
        name="baseline.toml", entries=(BaselineEntry(id="a.first", reason="one"), SECOND), profile="standard"
    )


def test_what_stays_keeps_its_comments(laid_out: Path) -> None:
    write(replace(read(laid_out), entries=(SECOND, BaselineEntry(id="a.third", reason="new"))), laid_out)
    assert laid_out.read_text(encoding="utf-8") == (
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
def test_a_layout_that_cannot_be_cut_is_written_afresh(tmp_path: Path, text: str) -> None:
    path = kept(tmp_path / "b.toml", text)
    wanted = replace(read(path), entries=read(path).entries[1:])
    write(wanted, path)
    assert read(path) == wanted


@pytest.mark.parametrize("reason", ['"quoted" \\ back', "two\nlines", "\x7f\x00\x1b", "é ☃ 𝄞", "# no comment"])
def test_any_reason_comes_back(tmp_path: Path, reason: str) -> None:
    baseline = Baseline(
        name="b.toml", entries=(BaselineEntry(id="tools[].function.name", reason=reason),), profile="full"
    )
    write(baseline, tmp_path / "b.toml")
    assert read(tmp_path / "b.toml") == baseline


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[known]\n", "is not TOML"),
        ("[[known]]\nreason = 'x'\n", "entry 1: it needs an id"),
        ("[[known]]\nid = 'a'\n", r"entry 1 \(a\): it needs a reason"),
        ("[[known]]\nid = 'a'\nreason = ' '\n", "it needs a reason"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nexpires = 'soon'\n", "expires is a date, such as 2027-03-31, not 'soon'"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nexpires = 3\n", "expires is a date"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nuntil = 3\n", "an entry has no 'until'"),
        ("[[known]]\nid = 'a'\nreason = 'x'\nissue = 3\n", "an issue is a link"),
        ("[[known]]\nid = 'a'\nreason = 'x'\n" * 2, "a is listed twice"),
        ("known = 'a'\n", r"entries are written as \[\[known\]\]"),
        ("profile = 'slow'\n", "profile 'slow' is not one of"),
        (f"x = {'9' * 5000}\n", "a number too long"),
        (f"x = {'[' * 5000}\n", "nested too deeply"),
        ("accepted = []\n", "a baseline has no 'accepted'"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as raised:
        read(kept(tmp_path / "b.toml", text))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--baseline-update writes one"):
        read(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write(Baseline(), tmp_path / "none" / "b.toml")
