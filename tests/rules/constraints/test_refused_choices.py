"""A target that knows an alternative in another form is reported for refusing the valid one."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Mutation, Role, Step
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import NO_VALID_VALUE, Tally
from runs_conformance.rules.constraints.requests import tallies
from tests.rules.histories import HistoryBuilder, error, message

PART = "create_message.content[]"
URL_TYPE, DETAIL = f"{PART}.image_url.type", f"{PART}.image_url.detail.enum"
TEXT: dict[str, Any] = {"role": "user", "content": "sample"}
IMAGE: Any = {"url": "https://example.com/image.png", "detail": "auto"}
EXERCISES = (DETAIL, f"{PART}.type.enum", URL_TYPE, f"{PART}.image_url.url.type")
MAY_FAIL = Either("the server may fetch the image, and may fail to")


def _body(image: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": image}]}


def _image(expectation: Any = MAY_FAIL, packed: bool = False) -> Step:
    return Step(
        operation="create_message",
        body=_body(IMAGE),
        role=Role.VALID,
        expectation=expectation,
        exercises=EXERCISES,
        packed=packed,
        mutation=Mutation("/content/0/image_url/detail", "enum", ABSENT, "auto"),
    )


def _builder(*, accepts: Any = None, refuses: Any = None) -> HistoryBuilder:
    """A history with an accepted control, and an accepted or refused invalid image."""
    builder = HistoryBuilder()
    control = Step(operation="create_message", body=TEXT, role=Role.CONTROL, expectation=Accept())
    builder.send("create_message", message(id_="msg_1"), step=control, body=TEXT, thread_id="thread_a")
    for image, status in ((accepts, 200), (refuses, 400)):
        if image is not None:
            step = Step(
                operation="create_message",
                body=_body(image),
                role=Role.NEGATIVE,
                expectation=REFUSES_BODY,
                exercises=(URL_TYPE,),
                mutation=Mutation("/content/0/image_url", "type", IMAGE, image),
            )
            response = message(id_="msg_2") if status == 200 else error("No image.")
            builder.send("create_message", response, status, step=step, body=_body(image), thread_id="thread_a")
    return builder


def _refuse(builder: HistoryBuilder, body: Any, status: int = 400, step: Step | None = None) -> dict[str, Tally]:
    step = step or _image()
    builder.send("create_message", body, status, step=step, body=_body(IMAGE), thread_id="thread_a")
    control = Step(operation="create_message", body=TEXT, role=Role.CONTROL, expectation=Accept())
    builder.send("create_message", message(id_="msg_3"), step=control, body=TEXT, thread_id="thread_a")
    return tallies(builder.history())


def _invalid(text: str, param: str = "content[0].image_url") -> Any:
    return {"error": {"message": text, "type": "invalid_request_error", "param": param, "code": None}}


def _detail(*entries: tuple[str, list[Any]]) -> Any:
    return {"detail": [{"type": kind, "loc": ["body", *place], "msg": "Invalid."} for kind, place in entries]}


WRONG_FORM = [
    _detail(("string_type", ["content", "str"]), ("string_type", ["content", 0, "ImageURL", "image_url"])),
    _detail(("missing", ["content", 0, "image_url", "file_id"])),
    _detail(("extra_forbidden", ["content", 0, "image_url", "detail"])),
    _invalid("Invalid type for 'content[0].image_url': expected a string, but got an object instead."),
    _invalid("content[0].image_url must be a string"),
]
CONTENT = [
    _invalid("Failed to download the image."),
    _invalid("Images are not supported.", "content[0].type"),
    # A server that reads only text names neither the member nor what is in it.
    _detail(("string_type", ["content", "str"]), ("literal_error", ["content", 0, "type"]),
            ("missing", ["content", 0, "text"])),
    _detail(("value_error", ["content", 0, "image_url", "url"])),
    error("Invalid image."),
]  # fmt: skip


@pytest.mark.parametrize("refusal", WRONG_FORM)
def test_refusal_of_a_valid_form_for_its_type_fails(refusal: Any) -> None:
    found = _refuse(_builder(), refusal, 422)
    (finding,) = [each for tally in found.values() for each in tally.findings]
    assert finding.message.startswith("refused content[0].image_url.detail: ")


@pytest.mark.parametrize("refusal", CONTENT)
def test_refusal_for_the_content_is_permitted(refusal: Any) -> None:
    found = _refuse(_builder(refuses="sample"), refusal)
    assert [each for tally in found.values() for each in tally.findings] == []


def test_refusal_of_a_valid_form_where_an_invalid_one_is_accepted_fails() -> None:
    found = _refuse(_builder(accepts="sample"), error("Invalid image."))
    accepted, refused = found[URL_TYPE].findings
    assert (accepted.expected, refused.expected) == ("HTTP 400", "HTTP 200")


@pytest.mark.parametrize("said", ["Failed to download the image.", "Could not load it.", "gpt-4o-mini has no vision."])
def test_server_that_accepts_an_invalid_form_may_fail_to_fetch_the_image(said: str) -> None:
    found = _refuse(_builder(accepts="sample"), error(said))
    assert [each.expected for tally in found.values() for each in tally.findings] == ["HTTP 400"]


def test_server_error_is_no_refusal() -> None:
    found = _refuse(_builder(accepts="sample"), WRONG_FORM[0], 500)
    assert [each.expected for tally in found.values() for each in tally.findings] == ["HTTP 400"]


def test_values_that_a_file_must_exist_for_are_not_considered() -> None:
    body = {"role": "user", "content": [{"type": "image_file", "image_file": {"file_id": "file-1"}}]}
    step = Step(
        operation="create_message",
        body=body,
        role=Role.VALID,
        expectation=Either("depends on the target's files and vector stores"),
        exercises=(f"{PART}.image_file.type",),
        mutation=Mutation("/content/0/image_file", "type", ABSENT, {"file_id": "file-1"}),
    )
    builder = _builder()
    refusal = _detail(("string_type", ["content", 0, "image_file", "file_id"]))
    builder.send("create_message", refusal, 422, step=step, body=body, thread_id="thread_a")
    assert [id_ for id_, tally in tallies(builder.history()).items() if tally.findings] == []


def test_valid_values_that_were_refused_are_the_reason_where_no_invalid_one_was_sent() -> None:
    found = _refuse(_builder(), error("Invalid image."), step=_image(packed=True))
    assert {id_: list(tally.inconclusive) for id_, tally in found.items()} == {
        id_: [NO_VALID_VALUE] for id_ in EXERCISES
    }
