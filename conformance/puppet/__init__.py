"""The emulator on strings, for those who test a client: in this process, told what to answer and when to fail."""

from conformance.puppet.fault import Seen
from conformance.puppet.puppet import Puppet, puppet

__all__ = ["Puppet", "Seen", "puppet"]
