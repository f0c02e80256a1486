"""The words that the fabric is described in, here and at the API."""

from django.db.models import TextChoices


class Transport(TextChoices):
    NTLM = "ntlm", "NTLM"
    BASIC = "basic", "Basic"
    CERTIFICATE = "certificate", "Certificate"
    CREDSSP = "credssp", "CredSSP"
    KERBEROS = "kerberos", "Kerberos"


class HostState(TextChoices):
    UP = "up", "Up"
    DOWN = "down", "Down"
    PAUSED = "paused", "Paused"
    JOINING = "joining", "Joining"
    UNKNOWN = "unknown", "Unknown"


class DrainState(TextChoices):
    NOT_INITIATED = "not-initiated", "Not draining"
    IN_PROGRESS = "in-progress", "Draining"
    COMPLETED = "completed", "Drained"
    FAILED = "failed", "Drain failed"


class FaultSeverity(TextChoices):
    INFORMATION = "information", "Information"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"


#: Names of CLUSTER_NODE_STATE without their prefix, as the cluster's cmdlets print them.
WINDOWS_HOST_STATES = {
    "Up": HostState.UP,
    "Down": HostState.DOWN,
    "Paused": HostState.PAUSED,
    "Joining": HostState.JOINING,
}

#: Names of a node's DrainStatus.
WINDOWS_DRAIN_STATES = {
    "NotInitiated": DrainState.NOT_INITIATED,
    "InProgress": DrainState.IN_PROGRESS,
    "Completed": DrainState.COMPLETED,
    "Failed": DrainState.FAILED,
}

WINDOWS_SEVERITIES = {
    "Information": FaultSeverity.INFORMATION,
    "Informational": FaultSeverity.INFORMATION,
    "Warning": FaultSeverity.WARNING,
    "Critical": FaultSeverity.CRITICAL,
    "Error": FaultSeverity.CRITICAL,
}
