"""`--watch`: judge a server again when it comes back, files when they change, or either when Enter is pressed."""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from runs_conformance.cli.stderr import say
from runs_conformance.errors import UsageError

INTERVAL = 0.25
"""Seconds between two checks of the server."""
SETTLE = 0.5
"""Seconds that a restarted server gets to start completely."""
_CONNECT_SECONDS = 1.0
_QUIT = "q"


def watch(judge: Callable[[bool], int], url: str, lines: queue.Queue[str] | None = None) -> int:
    """Judge a server, and then again whenever it changes, until the user ends it. Returns the last exit code.

    `judge` is called with whether only what failed last is to be judged; the first time, and after nothing failed, it
    is called for everything. `lines` are the lines that the user enters, by default those of standard input.
    """
    lines = _entered_lines(sys.stdin) if lines is None else lines
    code = judge(False)
    while True:
        say(f"watching {url}: restart the server or press Enter to judge again, q to quit")
        try:
            if not wait_for_change(url, lines):
                return code
        except KeyboardInterrupt:
            return code
        try:
            code = judge(True)
        except UsageError as error:
            say(f"{error}; judging everything")
            code = judge(False)


def wait_for_change(url: str, lines: queue.Queue[str], interval: float = INTERVAL, settle: float = SETTLE) -> bool:
    """Wait until the server at a URL comes back or the user enters a line; returns whether to judge again."""
    was_up = True
    while True:
        try:
            return lines.get(timeout=interval).strip() != _QUIT
        except queue.Empty:
            up = is_reachable(url)
        if was_up and not up:
            say("the server is down; waiting for it")
        if up and not was_up:
            time.sleep(settle)
            return True
        was_up = up


def watch_files(judge: Callable[[], int], paths: Sequence[Path], lines: queue.Queue[str] | None = None) -> int:
    """Judge files, and then again whenever one changes, until the user ends it. Returns the last exit code."""
    lines = _entered_lines(sys.stdin) if lines is None else lines
    while True:
        before = _versions(paths)
        try:
            code = judge()
        except UsageError as error:
            say(str(error))  # The file may be incomplete while another program writes it.
            code = 2
        say("watching: change a file or press Enter to judge again, q to quit")
        try:
            if not _wait_until_changed(paths, before, lines):
                return code
        except KeyboardInterrupt:
            return code


def _wait_until_changed(
    paths: Sequence[Path], before: Sequence[object], lines: queue.Queue[str], interval: float = INTERVAL
) -> bool:
    """Wait until files differ from `before` and no longer change, or a line is entered; returns whether to go on."""
    seen = before
    while True:
        try:
            return lines.get(timeout=interval).strip() != _QUIT
        except queue.Empty:
            now = _versions(paths)
        if now != before and now == seen:
            return True
        seen = now


def _versions(paths: Sequence[Path]) -> list[object]:
    versions: list[object] = []
    for path in paths:
        try:
            status = path.stat()
            versions.append((status.st_size, status.st_mtime_ns))
        except OSError:
            versions.append(None)
    return versions


def is_reachable(url: str) -> bool:
    """Whether the server of a URL accepts connections."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def _entered_lines(stream: TextIO) -> queue.Queue[str]:
    """The lines that a stream provides from now on, read by a thread that does not keep the process alive."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line)

    threading.Thread(target=read, name="watch", daemon=True).start()
    return lines


def check_watchable(base_url: str | None, values: Mapping[str, object]) -> str:
    """The URL to watch. Raises UsageError if there is none, or for options that judge nothing or only once."""
    if not base_url or "://" not in base_url:
        raise UsageError("--watch needs the URL of a server; the bundled emulator does not change")
    for flag in ("dry_run", "shard"):
        if values.get(flag):
            raise UsageError(f"--watch and --{flag.replace('_', '-')} exclude each other")
    return base_url
