"""The words that virtual machines are described in, here and at the API."""

from django.db.models import TextChoices


class VMState(TextChoices):
    RUNNING = "running", "Running"
    OFF = "off", "Off"
    SAVED = "saved", "Saved"
    PAUSED = "paused", "Paused"
    STARTING = "starting", "Starting"
    STOPPING = "stopping", "Stopping"
    SAVING = "saving", "Saving"
    PAUSING = "pausing", "Pausing"
    RESUMING = "resuming", "Resuming"
    CRITICAL = "critical", "Critical"
    UNKNOWN = "unknown", "Unknown"


class Protection(TextChoices):
    NONE = "none", "None"
    VTPM = "vtpm", "vTPM"
    ENCRYPTION_SUPPORTED = "encryption-supported", "Encryption supported"
    SHIELDED = "shielded", "Shielded"
    UNKNOWN = "unknown", "Unknown"


#: Levels whose keys only a Host Guardian Service releases, and only to a host that passed.
GUARDED = frozenset({Protection.ENCRYPTION_SUPPORTED, Protection.SHIELDED})

#: Hyper-V's own names (enum VMState of the Hyper-V module) that have a word of ours; every
#: `…Critical` state is critical, every other name is unknown.
WINDOWS_STATES = {
    "Running": VMState.RUNNING,
    "Off": VMState.OFF,
    "Saved": VMState.SAVED,
    "FastSaved": VMState.SAVED,
    "Paused": VMState.PAUSED,
    "Starting": VMState.STARTING,
    "Reset": VMState.STARTING,
    "Stopping": VMState.STOPPING,
    "Saving": VMState.SAVING,
    "FastSaving": VMState.SAVING,
    "Pausing": VMState.PAUSING,
    "Resuming": VMState.RESUMING,
}

WINDOWS_PROTECTIONS = {
    "None": Protection.NONE,
    "VTpm": Protection.VTPM,
    "EncryptionSupported": Protection.ENCRYPTION_SUPPORTED,
    "Shielded": Protection.SHIELDED,
}


def state_from_windows(name: str) -> VMState:
    if name.endswith("Critical"):
        return VMState.CRITICAL
    return WINDOWS_STATES.get(name, VMState.UNKNOWN)


def protection_from_windows(name: str) -> Protection:
    """Anything that isn't one of the four known words is unknown, and unknown is refused."""
    return WINDOWS_PROTECTIONS.get(name, Protection.UNKNOWN)
