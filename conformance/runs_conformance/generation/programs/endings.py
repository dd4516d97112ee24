"""Programs in which a run ends otherwise than completed: at a token limit, in a failure, at its expiry."""

from __future__ import annotations

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import aftermath, ended, ready, submit, waiting
from runs_conformance.generation.programs.responses import shown
from runs_conformance.generation.programs.steps import OVER, assistant, message, on_run, page, poll, prompt, run, thread
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting


@program("lifecycle", "core", runs=2, requests=43)
def incomplete(setting: Setting) -> Play:
    """A run with a long answer and the smallest limit of completion tokens ends incomplete, and leaves its thread free.

    The next one there has more to read than its smallest limit of prompt tokens; it ends, incomplete or truncated.
    """
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "long")))):
        return
    if not (yield from ready(run(max_completion_tokens=256))):
        return
    yield poll(until=OVER)
    yield from aftermath()
    yield message("Read this and say hello: " + "lorem ipsum dolor sit amet " * 200)
    yield on_run("cancel_run")
    yield on_run("get_run")
    if not (yield from ready(run("next", max_prompt_tokens=256))):
        return
    yield poll("next", until=OVER)
    yield page("list_run_steps", "next")
    yield page("list_messages")


@program(
    "lifecycle",
    "core",
    runs=2,
    requests=30,
    needs="failing_model",
    needs_text="--failing-model, a model name whose runs end failed",
)
def failed(setting: Setting) -> Play:
    """A run of a model that fails ends failed and says why, polled and streamed; its thread is free again."""
    if not (yield from ready(assistant(setting), thread(setting))):
        return
    if not (yield from ready(run(model=setting.failing_model))):
        return
    yield poll(until=OVER)
    yield from aftermath()
    yield on_run("cancel_run")
    yield on_run("get_run")
    yield message("And again.")
    if (yield from ready(run("streamed", stream=True, model=setting.failing_model))):
        yield on_run("get_run", "streamed")
        yield from aftermath("streamed")


@program("lifecycle", "core", runs=1, requests=60)
def expired(setting: Setting) -> Play:
    """A run whose tool outputs never come expires; left alone only where the target says that this is soon."""
    if not (yield from ready(assistant(setting), thread(setting, text=prompt(setting, "call_one")))):
        return
    if not (yield from waiting()):
        return
    seen: Exchange = yield on_run("get_run", name="waiting")
    left = _lifetime(seen)
    if left is None or left > setting.expiry_patience:
        yield from ended()
        return
    yield poll(until=OVER)
    yield from aftermath()
    yield submit()
    yield on_run("get_run")
    yield message("After the end.")
    yield page("list_messages", order="asc")


def _lifetime(exchange: Exchange) -> float | None:
    """Seconds from a run's creation to its expiry by the target's own stamps; None where it gives none."""
    stamps = [shown(exchange).get(name) for name in ("created_at", "expires_at")]
    created, expires = (
        float(stamp) if isinstance(stamp, (int, float)) and not isinstance(stamp, bool) else None for stamp in stamps
    )
    return None if created is None or expires is None else expires - created
