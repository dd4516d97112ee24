"""A conformance suite for servers that implement the Runs operations of the Assistants API.

The names in `__all__` are the public Python API, together with those of `runs_conformance.strategies`; all other
modules are private. See docs/python-api.md. A name is imported when it is first used.
"""

from __future__ import annotations

# Not by `typing`: an interruption while that is imported would show a stack trace.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from runs_conformance.api import judge_server, judge_traffic, render_report
    from runs_conformance.app.judge_partition import judge_job
    from runs_conformance.app.judge_recording import cut_recording, merge_verdicts
    from runs_conformance.app.options import RunOptions
    from runs_conformance.app.recording_parts import CutRecording
    from runs_conformance.causes import Cause
    from runs_conformance.errors import ConformanceError, InternalError, TargetError, UsageError
    from runs_conformance.evidence.observation import Observation
    from runs_conformance.evidence.run_timeline import RunTimeline
    from runs_conformance.evidence.run_timeline import runs as run_timelines
    from runs_conformance.evidence.stream import Stream, streams
    from runs_conformance.model.exchange import Event, Exchange, Request, Response
    from runs_conformance.model.history import History
    from runs_conformance.model.rule import Rule, rule
    from runs_conformance.model.source import Basis, Level, Source
    from runs_conformance.model.verdict import Finding, Inconclusive, Outcome, Passed, Verdict
    from runs_conformance.reporting.report import Report
    from runs_conformance.testing import ReceivedRequest, ScriptableEmulator, start_emulator

__version__ = "0.1.0"

__all__ = [
    "Basis",
    "Cause",
    "ConformanceError",
    "CutRecording",
    "Event",
    "Exchange",
    "Finding",
    "History",
    "Inconclusive",
    "InternalError",
    "Level",
    "Observation",
    "Outcome",
    "Passed",
    "ReceivedRequest",
    "Report",
    "Request",
    "Response",
    "Rule",
    "RunOptions",
    "RunTimeline",
    "ScriptableEmulator",
    "Source",
    "Stream",
    "TargetError",
    "UsageError",
    "Verdict",
    "__version__",
    "cut_recording",
    "judge_job",
    "judge_server",
    "judge_traffic",
    "merge_verdicts",
    "render_report",
    "rule",
    "run_timelines",
    "start_emulator",
    "streams",
]

_NAMES_BY_MODULE = {
    "api": ("judge_server", "judge_traffic", "render_report"),
    "app.judge_partition": ("judge_job",),
    "app.judge_recording": ("cut_recording", "merge_verdicts"),
    "app.options": ("RunOptions",),
    "app.recording_parts": ("CutRecording",),
    "causes": ("Cause",),
    "errors": ("ConformanceError", "InternalError", "TargetError", "UsageError"),
    "evidence.observation": ("Observation",),
    "evidence.stream": ("Stream", "streams"),
    "evidence.run_timeline": ("RunTimeline", "run_timelines"),
    "model.exchange": ("Event", "Exchange", "Request", "Response"),
    "model.history": ("History",),
    "model.rule": ("Rule", "rule"),
    "model.source": ("Basis", "Level", "Source"),
    "model.verdict": ("Finding", "Inconclusive", "Outcome", "Passed", "Verdict"),
    "reporting.report": ("Report",),
    "testing": ("ReceivedRequest", "ScriptableEmulator", "start_emulator"),
}
_PRIVATE_NAMES = {"run_timelines": "runs"}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that importing the package stays fast."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_MODULES[name]}")
    value: object = getattr(module, _PRIVATE_NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
