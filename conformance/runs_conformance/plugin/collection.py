"""The pytest collectors of a conformance file: file, group, and one item per rule and constraint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.options import requirements, selection_filter
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.errors import ConformanceError
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.model.source import Level
from runs_conformance.plugin.session_run import SessionRun, load_settings
from runs_conformance.plugin.xdist_cache import JudgingResult

CONCLUSION = "conclusion"
"""The name of the item that fails if the other items allow no conclusion."""


class RequirementFailed(Exception):  # noqa: N818 -- the target fails, not the plugin
    """The target violates a requirement; the message names it and shows the evidence."""


class ConformanceFile(pytest.File):
    """A conformance file: names a target and configures how it is judged."""

    session_run: SessionRun
    item_count: int = 0
    items: Sequence[JudgedItem] = ()
    result: JudgingResult | None = None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Yield the conclusion first, then the groups sorted by name."""
        for name in (*Level, *CAPABILITIES):
            self.config.addinivalue_line("markers", f"{name}: requirements of this level or capability.")
        try:
            options = load_settings(self.path).options
            known = requirements(options.edition)
        except ConformanceError as error:
            raise self.CollectError(str(error)) from None
        self.session_run = SessionRun(self.config, self.path)
        is_selected = selection_filter(options, known)
        groups: dict[str, list[AnyRule | Constraint]] = {}
        all_requirements: list[AnyRule | Constraint] = [*known.constraints.values(), *known.rules.values()]
        for requirement in all_requirements:
            if is_selected(requirement.id):
                self.item_count += 1
                groups.setdefault(requirement.id.partition(".")[0], []).append(requirement)
        yield ConclusionItem.from_parent(self, name=CONCLUSION)
        for name in sorted(groups):
            yield RequirementGroup.from_parent(self, name=name, requirements=groups[name])


class RequirementGroup(pytest.Collector):
    """The rules of a topic, or the constraints of a request or an object."""

    def __init__(self, *, requirements: list[AnyRule | Constraint], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._requirements = requirements

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item per requirement."""
        for requirement in self._requirements:
            # Given as text, because pytest takes a bracket in a node id from its cache for the beginning of parameters.
            id_ = f"{self.nodeid}::{requirement.id}"
            yield RequirementItem.from_parent(self, name=requirement.id, requirement=requirement, nodeid=id_)


class JudgedItem(pytest.Item):
    """An item whose outcome follows from judging the target."""

    @property
    def conformance_file(self) -> ConformanceFile:
        """The conformance file that contains this item."""
        file = self.getparent(ConformanceFile)
        assert file is not None
        return file

    def result(self) -> JudgingResult:
        """The result of judging the target; the first call judges it.

        A problem that prevents any conclusion fails only the first item.
        """
        file = self.conformance_file
        if file.result is None:
            file.items = [
                item for item in self.session.items if isinstance(item, JudgedItem) and item.conformance_file is file
            ]
            names = [item.name for item in file.items if isinstance(item, RequirementItem)]
            file.result = file.session_run.result(names if len(names) < file.item_count else ())
        if file.result.problem and self is file.items[0]:
            raise RequirementFailed(file.result.problem)
        return file.result

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message of a violated requirement; other exceptions get a traceback."""
        return (
            str(excinfo.value) if isinstance(excinfo.value, RequirementFailed) else super().repr_failure(excinfo, style)
        )

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The location: the file, without a line."""
        return self.path, None, self.name


class ConclusionItem(JudgedItem):
    """Passes if the other items allow a conclusion."""

    def runtest(self) -> None:
        """Judge the target, unless another item already did."""
        self.result()


class RequirementItem(JudgedItem):
    """One rule or constraint."""

    def __init__(self, *, requirement: AnyRule | Constraint, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_marker(str(requirement.level))
        self.add_marker(requirement.capability)
        self.user_properties += [("level", str(requirement.level)), ("capability", requirement.capability)]

    def runtest(self) -> None:
        """Report the verdict; known failures and warnings are expected failures."""
        result = self.result()
        if not result.judged:
            pytest.skip(result.problem or "the target was not judged")
        verdict = result.verdicts[self.name]
        match verdict.outcome:
            case "pass":
                return
            case "fail":
                raise RequirementFailed(verdict.text)
            case "accepted":
                pytest.xfail(verdict.text)
                raise RequirementFailed(verdict.text)
            case _:
                pytest.skip(verdict.text)
