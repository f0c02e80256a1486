"""The way to the hosts: one call runs one PowerShell script over WinRM and gives its answer."""

from apps.remoting.client import call
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError
from apps.remoting.probing import ProbeStep, answers, probe
from apps.remoting.scripts import Script
from apps.remoting.survey import Listener, survey

__all__ = [
    "Endpoint",
    "Listener",
    "ProbeStep",
    "RemotingError",
    "Script",
    "answers",
    "call",
    "probe",
    "survey",
]
