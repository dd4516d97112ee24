"""How the terminal report looks: verbosity and colours."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 100
"""Characters of a line."""


@dataclass(frozen=True, slots=True)
class Style:
    """Verbosity and colour of the output. `curl_dialect` is the dialect family for `curl` commands."""

    colour: bool = False
    verbosity: int = 0
    curl_dialect: str = "openai"

    def paint(self, text: str, code: str) -> str:
        """The text in an ANSI colour if colours are on."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def bold(self, text: str) -> str:
        """The text in bold if colours are on."""
        return self.paint(text, "1")
