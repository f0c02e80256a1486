"""Why a disk is refused: a stable code, what was found, what to do about it."""

from __future__ import annotations

_TEMPLATE = (
    "Prepare it with the template disk wizard or Protect-TemplateDisk, then upload the result."
)
_AGAIN = "Shut down or detach whatever uses the disk, copy it again and upload the copy."
_CONVERT = "Convert it with Convert-VHD (or qemu-img) to a VHDX, protect it, then upload the VHDX."
_GPT = (
    "Install the operating system on a GPT disk (a generation 2 virtual machine), then protect it."
)

#: Code → (what is wrong, what to do), the words used unless a reader knows better ones.
REFUSALS: dict[str, tuple[str, str]] = {
    "empty-file": ("The file is empty.", "Choose the template disk’s VHDX file and upload it."),
    "not-vhdx": (
        "The file isn’t a VHDX virtual disk.",
        "Choose a virtual disk that ends in .vhdx.",
    ),
    "vhd-format": ("The disk is in the older VHD format.", _CONVERT),
    "iso-image": (
        "The file is an ISO image, not a virtual disk.",
        "Upload it with the kind “iso”, or choose a VHDX.",
    ),
    "zip-archive": (
        "The file is a ZIP archive, not a virtual disk.",
        "Unpack the archive and upload the VHDX that is in it.",
    ),
    "unsupported-version": (
        "The VHDX needs a feature or version that isn’t known.",
        "Convert it with Convert-VHD on a current Windows Server and upload the result.",
    ),
    "truncated": (
        "The file ends before the disk does.",
        "The copy wasn’t complete: copy the file again and upload the new copy.",
    ),
    "corrupt-header": ("Both headers of the VHDX are damaged.", _AGAIN),
    "corrupt-regions": ("The region table of the VHDX is damaged.", _AGAIN),
    "corrupt-metadata": ("The metadata of the VHDX is damaged.", _AGAIN),
    "corrupt-bat": ("The block allocation table of the VHDX is damaged.", _AGAIN),
    "dirty-log": (
        "The VHDX was copied while it was in use: its log still holds changes.",
        "Attach it once with Mount-VHD and detach it again, so that Windows writes them.",
    ),
    "beyond-bounds": (
        "Reading the disk’s own tables takes more work than any sound disk’s.",
        _AGAIN,
    ),
    "differencing": (
        "The disk is a differencing disk (a checkpoint) and needs its parent.",
        "Merge the checkpoint with Merge-VHD and upload the whole disk.",
    ),
    "no-partition-table": ("The disk has no partition table.", _TEMPLATE),
    "mbr-disk": ("The disk is partitioned by MBR; a template disk has a GPT.", _GPT),
    "dynamic-disk": (
        "The disk is a Windows dynamic disk (LDM).",
        "Install the operating system on a basic disk and protect that one.",
    ),
    "single-partition": (
        "The disk lacks either the EFI system partition or the operating system’s.",
        _GPT,
    ),
    "no-bitlocker": ("No volume of the disk is encrypted by BitLocker.", _TEMPLATE),
    "clear-key": (
        "BitLocker is suspended: the volume’s key lies beside it in the clear.",
        "Resume BitLocker’s protection or protect the template again, then upload it.",
    ),
    "unsigned": (
        "The disk holds no volume signature catalog, so nobody could tell whether it was changed.",
        _TEMPLATE,
    ),
}


class DiskRefused(Exception):
    """The disk can't be a template. `code` is one of REFUSALS, the rest is for people."""

    def __init__(self, code: str, message: str = "", fix: str = "") -> None:
        known_message, known_fix = REFUSALS[code]
        self.code = code
        self.message = message or known_message
        self.fix = fix or known_fix
        super().__init__(f"{code}: {self.message}")

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "fix": self.fix}
