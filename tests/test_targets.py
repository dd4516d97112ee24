"""The bundled emulator is started and ended with its block, and targets are named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from runs_conformance import targets
from runs_conformance.errors import UsageError


def reaches(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/threads", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def test_emulator_ends_with_its_block() -> None:
    with targets.emulator_target() as target:
        url = target.address.url
        assert reaches(url)
        assert target.api_key != target.second_api_key
    assert not reaches(url)


def test_emulator_keys_are_in_no_process_list_and_no_repr() -> None:
    with targets.emulator_target() as target:
        listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=False).stdout
        assert target.api_key is not None
        assert target.api_key not in listed
        assert target.api_key not in repr(target)


def test_emulator_ends_with_its_parent_process() -> None:
    code = (
        "import sys, time\n"
        "from runs_conformance import targets\n"
        "with targets.emulator_target() as target:\n"
        "    print(target.address.url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert reaches(url)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while reaches(url) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not reaches(url)


def test_callback_is_called_during_startup() -> None:
    done: list[int] = []
    with targets.emulator_target(during_startup=lambda: done.append(os.getpid())):
        assert done == [os.getpid()]


def test_remote_target_is_named_by_its_host() -> None:
    target = targets.remote_target("https://api.example.org/v1", api_key="sk-1234567890")
    assert target.name == "api.example.org"
    assert "sk-1234567890" not in repr(target)


def test_invalid_url_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        targets.remote_target("api.example.org/v1")
