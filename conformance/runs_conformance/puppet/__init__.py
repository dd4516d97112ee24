"""The emulator on strings, for those who test a client: in this process, told what to answer and when to fail."""

from runs_conformance.puppet.fault import Seen
from runs_conformance.puppet.puppet import Puppet, puppet

__all__ = ["Puppet", "Seen", "puppet"]
