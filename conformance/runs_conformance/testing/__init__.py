"""The emulator on strings, for those who test a client: in this process, told what to answer and when to fail."""

from runs_conformance.testing.fault_injector import Seen
from runs_conformance.testing.scriptable_emulator import Puppet, start_emulator

__all__ = ["Puppet", "Seen", "start_emulator"]
