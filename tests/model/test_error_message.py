"""The message of an error is found in bodies of any form."""

from __future__ import annotations

import pytest

from runs_conformance.model.error_message import SUMMARY_LENGTH, error_message, summarize_error
from runs_conformance.model.json import ABSENT, JSON, Absent


def test_message_of_an_error() -> None:
    body: JSON = {"error": {"message": "No\nsuch  run."}}
    assert error_message(body) == "No\nsuch  run."
    assert summarize_error(body) == "No such run."
    assert len(summarize_error({"error": {"message": "x" * 500}})) == SUMMARY_LENGTH


@pytest.mark.parametrize("body", [ABSENT, None, [], "No.", {"error": "No."}, {"error": {"message": None}}])
def test_body_without_a_message(body: JSON | Absent) -> None:
    assert error_message(body) is None
    assert summarize_error(body) == ""
