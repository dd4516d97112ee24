"""The templates, style and script of the HTML pages, and the hashes by which their policy allows them."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """The environment of the templates: values are escaped, unknown names are errors."""
    # Imported only when a page is written, after the last request.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("runs_conformance.reporting", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def page_file(name: str) -> Any:
    """The content of a file beside the templates, not escaped."""
    from markupsafe import Markup

    # Trusted: files of this package, no text from a target.
    return Markup(files("runs_conformance.reporting").joinpath("page", name).read_text(encoding="utf-8").strip())  # nosec B704


def content_hash(content: str) -> str:
    """The source expression by which a content security policy allows a style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
