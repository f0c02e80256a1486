"""The words that the library is described in, here and at the API."""

from django.db.models import TextChoices


class Kind(TextChoices):
    """What an upload is for."""

    TEMPLATE_DISK = "template-disk", "Template disk"
    SHIELDING_DATA = "shielding-data", "Shielding data file"
    DISK = "disk", "Disk"
    ISO = "iso", "ISO image"


class UploadStatus(TextChoices):
    RECEIVING = "receiving", "Receiving"
    VERIFYING = "verifying", "Verifying"
    COMPLETE = "complete", "Complete"
    REFUSED = "refused", "Refused"
    EXPIRED = "expired", "Expired"


class ItemStatus(TextChoices):
    INSPECTING = "inspecting", "Inspecting"
    USABLE = "usable", "Usable"
    REFUSED = "refused", "Refused"
    WAITING_FOR_HOST = "waiting-for-host", "Waiting for a host"


class Policy(TextChoices):
    SHIELDED = "shielded", "Shielded"
    ENCRYPTION_SUPPORTED = "encryption-supported", "Encryption supported"


class Purpose(TextChoices):
    NEW_VM = "new-vm", "New virtual machine"
    EXISTING_VM = "existing-vm", "Existing virtual machine"


#: Items that a host still has to look at.
WAITING = frozenset({ItemStatus.INSPECTING, ItemStatus.WAITING_FOR_HOST})

#: Windows' words for policy, purpose and version rules, and ours.
POLICIES = {"Shielded": Policy.SHIELDED, "EncryptionSupported": Policy.ENCRYPTION_SUPPORTED}
PURPOSES = {"NewVM": Purpose.NEW_VM, "ExistingVM": Purpose.EXISTING_VM}
VERSION_RULES = {
    "Equals": "equals",
    "GreaterThan": "greater-than",
    "GreaterThanOrEquals": "greater-than-or-equals",
}
EXTENSIONS = {
    Kind.TEMPLATE_DISK: "vhdx",
    Kind.SHIELDING_DATA: "pdk",
    Kind.DISK: "vhdx",
    Kind.ISO: "iso",
}
