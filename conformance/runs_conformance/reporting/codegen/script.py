"""A failure as a self-contained Python script or pytest test. Neither contains a key."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance import __version__
from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import BETA_HEADER, OPERATIONS
from runs_conformance.model.case import Move, Refuse, Role, Step
from runs_conformance.model.json import ABSENT, JSON, is_array, is_object
from runs_conformance.model.verdict import Finding
from runs_conformance.reporting.codegen.client_call import CallWriter
from runs_conformance.reporting.codegen.helper_functions import HELPERS
from runs_conformance.reporting.codegen.literal import INDENT, literal, quote_text
from runs_conformance.reporting.codegen.shell import quote
from runs_conformance.reporting.codegen.statements import StatementWriter, steps_of
from runs_conformance.reporting.failure_text import compare_results, expected_status, format_value, printable

EMULATOR_URL = "http://127.0.0.1:8080/v1"
"""The default address of `runs-conformance serve`, for failures of the bundled emulator."""


@dataclass(frozen=True, slots=True)
class StatusCheck:
    """A condition on the HTTP status: its source, the source of its negation, and a description."""

    condition: str
    negation: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedFailure:
    """A failure to write as a script: the moves, the index of the step that shows it, and the finding.

    `items` are the places of the items in lists of another form than documented, by step name. `awaits_status` says
    whether the failure is shown by a response with the status that its step waits for.
    """

    id: str
    level: str
    statement: str
    moves: Sequence[Move]
    failing_step: int
    message: str = ""
    pointer: str = ""
    expected: JSON = None
    actual: JSON = None
    base_url: str | None = None
    dialect: str = "openai"
    edition: str = ""
    items: Mapping[str, str] = field(default_factory=dict)
    awaits_status: bool = False

    @property
    def steps(self) -> list[Step]:
        """Every step, in order."""
        return steps_of(self.moves)

    @property
    def step(self) -> Step:
        """The step whose response shows the failure."""
        return self.steps[self.failing_step]

    @property
    def is_about_status(self) -> bool:
        """Whether the finding names no place and has an HTTP status as its `actual`."""
        return not self.pointer and type(self.actual) is int and 100 <= self.actual < 600

    @property
    def status_check(self) -> StatusCheck | None:
        """The condition on the HTTP status; None if the status alone does not decide."""
        step = self.step
        if self.id not in step.exercises:
            return None
        if step.role is Role.NEGATIVE:
            given = step.expectation.statuses if isinstance(step.expectation, Refuse) else Refuse().statuses
            statuses = tuple(int(status) for status in given)
            description = f"expected HTTP {' or '.join(map(str, statuses))}"
            return StatusCheck(f"status in {statuses!r}", f"status not in {statuses!r}", description)
        return StatusCheck("200 <= status < 300", "not 200 <= status < 300", "expected HTTP 2xx")


def render_script(failure: ScriptedFailure) -> str:
    """A Python script that reproduces the failure, and exits with 1 if it does."""
    code = [*_statement_lines(failure), "", 'print(f"HTTP {status}: {text[:2000]}")', *_check_lines(failure)]
    return (
        "\n".join([*_docstring(failure, ["python this_file.py"]), "", *_preamble(failure, code), "", "", *code]) + "\n"
    )


def render_test(failure: ScriptedFailure, steps: JSON) -> str:
    """A pytest test that fails while the failure is reproducible.

    If an HTTP status decides, the test does not need this suite. Otherwise the suite sends `steps` and judges the
    responses.
    """
    name = "test_" + re.sub(r"[^A-Za-z0-9_]+", "_", failure.id).strip("_")
    check = failure.status_check
    if check is None:
        return _render_suite_test(failure, name, steps)
    lines = [
        *_statement_lines(failure),
        f'assert {check.condition}, f"HTTP {{status}}: {check.description}; {{text[:2000]}}"',
    ]
    code = [f"def {name}():", *(INDENT + line for line in lines)]
    return (
        "\n".join([*_docstring(failure, ["pytest this_file.py"]), "", *_preamble(failure, code), "", "", *code]) + "\n"
    )


def _render_suite_test(failure: ScriptedFailure, name: str, steps: JSON) -> str:
    call = [
        f"{INDENT}result = replay_steps(",
        f"{INDENT * 2}{quote_text(failure.id)},",
        f"{INDENT * 2}STEPS,",
        f"{INDENT * 2}{_base_url(failure)},",
        f"{INDENT * 2}edition={quote_text(failure.edition)},",
        *([] if failure.dialect == "openai" else [f"{INDENT * 2}dialect={quote_text(failure.dialect)},"]),
        f"{INDENT})",
    ]
    return "\n".join(
        [
            *_docstring(failure, ["pytest this_file.py  # needs runs-conformance and pytest"]),
            "",
            "import os",
            "",
            "import pytest",
            "from runs_conformance.app.replay import replay_steps",
            "",
            f"STEPS = {literal(_without_exercises(steps), {})}",
            "",
            "",
            f"def {name}():",
            *call,
            f'{INDENT}if result.outcome == "inconclusive":',
            f"{INDENT * 2}pytest.skip(result.reason)",
            f'{INDENT}assert result.outcome == "pass", result.reason',
            "",
        ]
    )


def _without_exercises(steps: JSON) -> JSON:
    """Drop `exercises` from steps: it only names constraints, and this failure is of a rule."""
    if is_object(steps):
        return {name: value for name, value in steps.items() if name != "exercises"}
    return [_without_exercises(step) for step in steps] if is_array(steps) else steps


def _docstring(failure: ScriptedFailure, commands: Sequence[str]) -> Iterator[str]:
    yield f'r"""{_docstring_text(failure.id)} ({_docstring_text(failure.level)})'
    yield ""
    yield from _wrap(failure.statement)
    for label, text in _observations(failure):
        yield from _wrap(f"{label}: {text}")
    yield ""
    second = any(step.key == "second" for step in failure.steps)
    keys = "OPENAI_API_KEY=sk-..." + (" CONFORMANCE_SECOND_API_KEY=sk-..." if second else "")
    url = _docstring_text(quote(failure.base_url or EMULATOR_URL))
    yield f"{INDENT}export OPENAI_BASE_URL={url} {keys}"
    yield from (f"{INDENT}{command}" for command in commands)
    yield ""
    id_ = _docstring_text(failure.id)
    yield f"Written by runs-conformance {__version__}; see also `runs-conformance explain '{id_}'`."
    yield '"""'


def _observations(failure: ScriptedFailure) -> Iterator[tuple[str, str]]:
    if failure.message and failure.message != failure.statement:
        yield "Finding", failure.message
    if failure.id.partition(".")[0] in OPERATIONS:
        # The finding of a constraint on requests expects a status, but has the value that was sent.
        if failure.expected is not None:
            yield "Expected", expected_status(failure.expected)
        if failure.actual is not None:
            place = f" at {failure.pointer}" if failure.pointer else ""
            yield "Value sent", f"{format_value(failure.actual)}{place}"
        return
    finding = Finding(
        failure.message,
        pointer=failure.pointer,
        expected=ABSENT if failure.expected is None else failure.expected,
        actual=ABSENT if failure.actual is None else failure.actual,
    )
    for result in compare_results(finding, failure.actual if failure.is_about_status else ABSENT):
        yield result.label.capitalize(), result.line


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(_docstring_text(text), 100, break_long_words=False, break_on_hyphens=False)


def _docstring_text(text: str) -> str:
    """Escape a text from the target so that it cannot end the docstring."""
    return printable(" ".join(text.split())).replace('"""', "'''")


def _base_url(failure: ScriptedFailure) -> str:
    return f'os.environ.get("OPENAI_BASE_URL", {quote_text(failure.base_url or EMULATOR_URL)})'


def _check_lines(failure: ScriptedFailure) -> Iterator[str]:
    """The lines of a script that print the result."""
    check = failure.status_check
    if check is not None:
        yield f"if {check.negation}:"
        yield f"{INDENT}sys.exit({quote_text(f'FAIL {failure.id}: {check.description}')})"
        yield 'print("passes")'
        return
    symptom = _symptom_condition(failure)
    if symptom is not None:
        yield f"if {symptom}:"
        yield f"{INDENT}sys.exit({quote_text(f'FAIL {failure.id}: {failure.message}')})"
        yield 'print("not reproduced: the response does not show the finding")'
        return
    yield f"print({quote_text(f'look for: {failure.message or failure.statement}')})"


def _symptom_condition(failure: ScriptedFailure) -> str | None:
    """The condition that the response contains the same wrong value; None if that cannot be expressed."""
    if failure.actual is None or (isinstance(failure.actual, str) and len(failure.actual) > 200):
        return None
    if failure.pointer == "":
        return f"status == {failure.actual}" if failure.is_about_status else None
    return (
        None
        if is_object(failure.actual) or is_array(failure.actual)
        else _value_condition(failure.pointer, failure.actual)
    )


def _value_condition(pointer: str, actual: JSON) -> str:
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    return f"value_at(text, {literal(tokens, {})}) == {literal(actual, {})}"


def _statement_lines(failure: ScriptedFailure) -> list[str]:
    writer = CallWriter(failure.dialect, items=failure.items)
    return StatementWriter(failure.moves, failure.step, writer, failure.awaits_status).lines()


def _preamble(failure: ScriptedFailure, code: Sequence[str]) -> list[str]:
    """The part between docstring and code: the imports, clients and helper functions that the code uses."""
    text = "\n".join(code)
    beta = f"{quote_text(BETA_HEADER[0])}: {quote_text(BETA_HEADER[1])}"
    key_header = dialect_family(failure.dialect).key_header
    key = 'f"Bearer {key}"' if key_header == "Authorization" else "key"
    carrier = f"{{{quote_text(key_header)}: {key}}}"
    functions = [
        function.strip("\n").replace("BETA", beta).replace("CARRIER", carrier)
        for name, function in HELPERS.items()
        if re.search(rf"\b{name}\(", text)
    ]
    setup = [f"BASE_URL = {_base_url(failure)}", 'KEY = os.environ["OPENAI_API_KEY"]']
    if re.search(r"\bclient\.", text):
        setup.append("client = openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0)")
        setup.append('warnings.simplefilter("ignore", DeprecationWarning)  # The client deprecates the API itself.')
    source = "\n".join([text, *setup, *functions])
    imports = [
        f"import {name}" for name in ("json", "os", "sys", "time", "warnings") if re.search(rf"\b{name}\.", source)
    ]
    if "ThreadPoolExecutor" in source:
        imports.append("from concurrent.futures import ThreadPoolExecutor")
    packages = [f"import {name}" for name in ("httpx", "openai") if re.search(rf"\b{name}\.", source)]
    return [*imports, "", *packages, "", *setup, *(line for function in functions for line in ("", "", function))]
