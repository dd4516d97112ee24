"""A scriptable emulator for testing clients: it runs in this process, and tests decide its responses and failures."""

from runs_conformance.testing.fault_injector import ReceivedRequest
from runs_conformance.testing.scriptable_emulator import ScriptableEmulator, start_emulator

__all__ = ["ReceivedRequest", "ScriptableEmulator", "start_emulator"]
