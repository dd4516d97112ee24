"""A failure as Python that a user can run anywhere: a script, or a test for pytest. Neither holds a key."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance import __version__
from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.model.case import Move, Reject, Role, Step
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.reporting.codegen.client_call import Writer
from runs_conformance.reporting.codegen.literal import INDENT, quoted, source
from runs_conformance.reporting.codegen.statements import Written, steps_of
from runs_conformance.reporting.failure_text import printable, shown

LOCAL = "http://127.0.0.1:8080/v1"
"""Where `runs-conformance serve` serves, for what was found on the bundled emulator."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to hold of an HTTP status: the source of it and of the opposite, and words."""

    holds: str
    fails: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a script shows: the moves, which of their steps shows it, and what was found then."""

    id: str
    level: str
    statement: str
    moves: Sequence[Move]
    shows: int
    message: str = ""
    pointer: str = ""
    expected: JSON = None
    actual: JSON = None
    base_url: str | None = None
    dialect: str = "openai"
    edition: str = ""

    @property
    def steps(self) -> list[Step]:
        """Every step, in order."""
        return steps_of(self.moves)

    @property
    def step(self) -> Step:
        """The step whose answer shows it."""
        return self.steps[self.shows]

    @property
    def wants(self) -> Wanted | None:
        """What has to hold of the HTTP status; None where that alone does not decide it."""
        step = self.step
        if self.id not in step.exercises:
            return None
        if step.role is Role.NEGATIVE:
            statuses = step.expectation.statuses if isinstance(step.expectation, Reject) else Reject().statuses
            words = f"a refusal ({', '.join(map(str, statuses))}) was expected"
            return Wanted(f"status in {statuses!r}", f"status not in {statuses!r}", words)
        return Wanted("200 <= status < 300", "not 200 <= status < 300", "success was expected")


def script(failure: Failure) -> str:
    """A Python script that shows the failure, and exits with 1 where it sees it again."""
    code = [*_lines(failure), "", 'print(f"HTTP {status}: {said[:2000]}")', *_judged(failure)]
    return "\n".join([*_docstring(failure, ["python this_file.py"]), "", *_frame(failure, code), "", "", *code]) + "\n"


def pytest_file(failure: Failure, steps: JSON) -> str:
    """A test for pytest that fails as long as the failure shows. Where one HTTP status decides, it needs nothing of
    this suite; else the suite judges what was answered, `steps` being what it plays.
    """
    name = "test_" + re.sub(r"\W+", "_", failure.id).strip("_")
    wants = failure.wants
    if wants is None:
        return _judged_by_suite(failure, name, steps)
    lines = [*_lines(failure), f'assert {wants.holds}, f"HTTP {{status}}: {wants.words}; {{said[:2000]}}"']
    code = [f"def {name}():", *(INDENT + line for line in lines)]
    return "\n".join([*_docstring(failure, ["pytest this_file.py"]), "", *_frame(failure, code), "", "", *code]) + "\n"


def _judged_by_suite(failure: Failure, name: str, steps: JSON) -> str:
    call = [
        f"{INDENT}result = again(",
        f"{INDENT * 2}{quoted(failure.id)},",
        f"{INDENT * 2}STEPS,",
        f"{INDENT * 2}{_base_url(failure)},",
        f"{INDENT * 2}edition={quoted(failure.edition)},",
        *([] if failure.dialect == "openai" else [f"{INDENT * 2}dialect={quoted(failure.dialect)},"]),
        f"{INDENT})",
    ]
    return "\n".join(
        [
            *_docstring(failure, ["pip install runs-conformance pytest", "pytest this_file.py"]),
            "",
            "import os",
            "",
            "import pytest",
            "from runs_conformance.app.replay import again",
            "",
            f"STEPS = {source(_needed(steps), {})}",
            "",
            "",
            f"def {name}():",
            *call,
            f'{INDENT}if result.outcome == "inconclusive":',
            f"{INDENT * 2}pytest.skip(result.because)",
            f'{INDENT}assert result.outcome == "pass", result.because',
            "",
        ]
    )


def _needed(steps: JSON) -> JSON:
    """The steps without what only tells which constraints they are about, which this failure is none of."""
    if is_object(steps):
        return {name: value for name, value in steps.items() if name != "exercises"}
    return [_needed(step) for step in steps] if is_array(steps) else steps


def _docstring(failure: Failure, commands: Sequence[str]) -> Iterator[str]:
    yield f'r"""{_said(failure.id)} ({failure.level})'
    yield ""
    yield from _filled(failure.statement)
    for label, text in _what_was_seen(failure):
        yield from _filled(f"{label}: {text}")
    yield ""
    second = any(step.key == "second" for step in failure.steps)
    keys = "OPENAI_API_KEY=sk-..." + (" CONFORMANCE_SECOND_API_KEY=sk-..." if second else "")
    yield f"{INDENT}export OPENAI_BASE_URL={failure.base_url or LOCAL} {keys}"
    yield from (f"{INDENT}{command}" for command in commands)
    yield ""
    yield f"Written by runs-conformance {__version__}; `runs-conformance explain '{_said(failure.id)}'` says more."
    yield '"""'


def _what_was_seen(failure: Failure) -> Iterator[tuple[str, str]]:
    if failure.message and failure.message != failure.statement:
        yield "Found", failure.message
    where = f" at {failure.pointer}" if failure.pointer else ""
    if failure.expected is not None:
        yield f"Expected{where}", shown(failure.expected)
    if failure.actual is not None:
        yield f"Was{where}", shown(failure.actual)


def _filled(text: str) -> list[str]:
    return textwrap.wrap(_said(text), 100, break_long_words=False, break_on_hyphens=False)


def _said(text: str) -> str:
    """A text as it can stand in a docstring: whatever a target said cannot end it."""
    return printable(" ".join(text.split())).replace('"""', "'''")


def _base_url(failure: Failure) -> str:
    return f'os.environ.get("OPENAI_BASE_URL", {quoted(failure.base_url or LOCAL)})'


def _judged(failure: Failure) -> Iterator[str]:
    """The lines of a script that say what came of it."""
    wants = failure.wants
    if wants is not None:
        yield f"if {wants.fails}:"
        yield f"{INDENT}sys.exit({quoted(f'FAIL {failure.id}: {wants.words}')})"
        yield 'print("passes")'
        return
    symptom = _symptom(failure)
    if symptom is not None:
        yield f"if {symptom}:"
        yield f"{INDENT}sys.exit({quoted(f'FAIL {failure.id}: {failure.message}')})"
        yield 'print("what was found then does not show in this answer")'
        return
    yield f"print({quoted(f'look for: {failure.message or failure.statement}')})"


def _symptom(failure: Failure) -> str | None:
    """What shows again where the answer holds the very value that was wrong; None where that cannot be told."""
    if failure.actual is None or (isinstance(failure.actual, str) and len(failure.actual) > 200):
        return None
    if failure.pointer == "":
        is_status = isinstance(failure.actual, int) and 100 <= failure.actual < 600
        return f"status == {failure.actual}" if is_status and not isinstance(failure.actual, bool) else None
    return None if is_object(failure.actual) or is_array(failure.actual) else _at(failure.pointer, failure.actual)


def _at(pointer: str, actual: JSON) -> str:
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    return f"at(said, {source(tokens, {})}) == {source(actual, {})}"


def _lines(failure: Failure) -> list[str]:
    return Written(failure.moves, failure.step, Writer(failure.dialect)).lines()


def _frame(failure: Failure, code: Sequence[str]) -> list[str]:
    """What stands between the docstring of a file and its code: imports, clients and functions that the code uses."""
    text = "\n".join(code)
    beta, azure = f"{quoted(BETA_HEADER[0])}: {quoted(BETA_HEADER[1])}", failure.dialect != "openai"
    carrier = '{"api-key": key}' if azure else '{"Authorization": f"Bearer {key}"}'
    functions = [
        function.strip("\n").replace("BETA", beta).replace("CARRIER", carrier)
        for name, function in _FUNCTIONS.items()
        if re.search(rf"\b{name}\(", text)
    ]
    made = [f"BASE_URL = {_base_url(failure)}", 'KEY = os.environ["OPENAI_API_KEY"]']
    if re.search(r"\bclient\.", text):
        made.append("client = openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0)")
        made.append('warnings.simplefilter("ignore", DeprecationWarning)  # The client deprecates the API itself.')
    whole = "\n".join([text, *made, *functions])
    imports = [
        f"import {name}" for name in ("json", "os", "sys", "time", "warnings") if re.search(rf"\b{name}\.", whole)
    ]
    if "ThreadPoolExecutor" in whole:
        imports.append("from concurrent.futures import ThreadPoolExecutor")
    packages = [f"import {name}" for name in ("httpx", "openai") if re.search(rf"\b{name}\.", whole)]
    return [*imports, "", *packages, "", *made, *(line for function in functions for line in ("", "", function))]


_FUNCTIONS = {
    "send": '''
def send(method, path, body=None, content=None, query=(), headers=None, key=KEY):
    """Send one request with the usual headers; a header that is None is left out."""
    usual = {BETA, **(CARRIER if key else {})}
    if body is not None or content is not None:
        usual["Content-Type"] = "application/json"
        content = json.dumps(body).encode() if content is None else content
    changed = {name.lower() for name in headers or {}}
    kept = {name: value for name, value in usual.items() if name.lower() not in changed}
    kept.update({name: value for name, value in (headers or {}).items() if value is not None})
    query = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in query]
    return httpx.request(method, BASE_URL + path, params=query, headers=kept, content=content, timeout=60)
''',
    "answer": '''
def answer(call):
    """The HTTP status and the text of an answer, be it success or refusal."""
    try:
        response = call()
    except Exception as refusal:
        if not hasattr(refusal, "response"):
            raise
        response = refusal.response
    return response if isinstance(response, tuple) else (response.status_code, response.text)
''',
    "told": '''
def told(events):
    """A stream, read to its end."""
    return 200, "\\n".join("data: " + event.data.to_json(indent=None) for event in events)
''',
    "streamed": '''
def streamed(text):
    """The run, as the last event of a stream that carries one shows it."""
    values = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:") and "{" in line]
    return [value for value in values if value.get("object") == "thread.run"][-1]
''',
    "until": '''
def until(look, statuses):
    """Look at a run until it has one of these statuses, or is over."""
    over = ("completed", "failed", "cancelled", "incomplete", "expired")
    for _ in range(240):
        run = look()
        status = run["status"] if isinstance(run, dict) else run.status
        if status in statuses or status in over:
            break
        time.sleep(0.25)
    return run
''',
    "at": '''
def at(text, way):
    """The value in a JSON text that these keys and numbers lead to; None where there is none."""
    value = json.loads(text)
    for key in way:
        if isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value
''',
}
"""The functions that a file may need, by name."""
