"""A conformance file as pytest sees it: file, group, and an item for each rule and constraint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app.options import demands, selected
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.errors import ConformanceError
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.model.source import Level
from runs_conformance.plugin.session_run import Performance, settings
from runs_conformance.plugin.xdist_cache import Result

CONCLUSION = "conclusion"
"""The name of the item that fails where nothing can be concluded from the rest."""


class Broken(Exception):  # noqa: N818 -- it is the target that errs
    """Something that must hold does not; the text says what, and what shows it."""


class ConformanceFile(pytest.File):
    """A file that names a target, how it is judged, and by what."""

    performance: Performance
    collected: int = 0
    items: Sequence[Judged] = ()
    result: Result | None = None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The conclusion first, then the groups in the order of their names."""
        for name in (*Level, *CAPABILITIES):
            self.config.addinivalue_line("markers", f"{name}: demands of this level or capability.")
        try:
            choice = settings(self.path).choice
            every = demands(choice.edition)
        except ConformanceError as error:
            raise self.CollectError(str(error)) from None
        self.performance = Performance(self.config, self.path)
        judges = selected(choice, every)
        groups: dict[str, list[AnyRule | Constraint]] = {}
        stated: list[AnyRule | Constraint] = [*every.constraints.values(), *every.rules.values()]
        for demand in stated:
            if judges(demand.id):
                self.collected += 1
                groups.setdefault(demand.id.partition(".")[0], []).append(demand)
        yield Conclusion.from_parent(self, name=CONCLUSION)
        for name in sorted(groups):
            yield Group.from_parent(self, name=name, demands=groups[name])


class Group(pytest.Collector):
    """The rules of a topic, or the constraints of an operation's request or of an object."""

    def __init__(self, *, demands: list[AnyRule | Constraint], **more: Any) -> None:
        super().__init__(**more)
        self._demands = demands

    def collect(self) -> Iterator[pytest.Item]:
        """An item for each demand."""
        for demand in self._demands:
            yield DemandItem.from_parent(self, name=demand.id, demand=demand)


class Judged(pytest.Item):
    """An item that the judging of a target decides."""

    @property
    def file(self) -> ConformanceFile:
        """The file that the item is of."""
        found = self.getparent(ConformanceFile)
        assert found is not None
        return found

    def result(self) -> Result:
        """What judging the target came to; whoever asks first plays it. Where there is no conclusion, that is a
        failure of the first item alone.
        """
        file = self.file
        if file.result is None:
            file.items = [item for item in self.session.items if isinstance(item, Judged) and item.file is file]
            names = [item.name for item in file.items if isinstance(item, DemandItem)]
            file.result = file.performance.result(names if len(names) < file.collected else ())
        if file.result.trouble and self is file.items[0]:
            raise Broken(file.result.trouble)
        return file.result

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The text of what is broken; our own errors in full."""
        return str(excinfo.value) if isinstance(excinfo.value, Broken) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands: in no line of the file."""
        return self.path, None, self.name


class Conclusion(Judged):
    """Passes where something can be concluded from the other items."""

    def runtest(self) -> None:
        """Judge the target, if nobody has."""
        self.result()


class DemandItem(Judged):
    """One rule or constraint."""

    def __init__(self, *, demand: AnyRule | Constraint, **more: Any) -> None:
        super().__init__(**more)
        self.add_marker(str(demand.level))
        self.add_marker(demand.capability)
        self.user_properties += [("level", str(demand.level)), ("capability", demand.capability)]

    def runtest(self) -> None:
        """Come out as the verdict did; what is known or only recommended is expected to fail."""
        result = self.result()
        if not result.judged:
            pytest.skip(result.trouble or "the target was not judged")
        verdict = result.verdicts[self.name]
        match verdict.outcome:
            case "pass":
                return
            case "fail":
                raise Broken(verdict.text)
            case "accepted":
                pytest.xfail(verdict.text)
                raise Broken(verdict.text)
            case _:
                pytest.skip(verdict.text)
