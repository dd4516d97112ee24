"""The comparison of two reports as one self-contained HTML page without scripts."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.model.json import JSON
from runs_conformance.reporting import failure_text
from runs_conformance.reporting.templates import content_hash, environment, page_file


def text(diff: Mapping[str, JSON]) -> str:
    """The page of a comparison, given as JSON."""
    style = page_file("page.css")
    policy = f"default-src 'none'; style-src {content_hash(style)}; base-uri 'none'; form-action 'none'"
    page = environment().get_template("diff.html.jinja")
    return failure_text.printable(page.render(diff=diff, style=style, policy=policy))
