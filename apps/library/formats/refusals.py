"""Why a file can't be a template disk, in words, and what to do about it."""

from collections.abc import Mapping

_PROTECT = (
    "Prepare a generation 2 template disk and sign it with Protect-TemplateDisk (or the Template "
    "Disk Wizard), then upload the signed VHDX."
)
_COPY = (
    "Copy the disk again while no virtual machine uses it, compare its hash, and upload that copy."
)

#: code → (what is wrong, what to do)
REFUSALS: Mapping[str, tuple[str, str]] = {
    "empty-file": ("The file is empty.", "Check the path that you uploaded from, and upload again."),
    "not-vhdx": ("The file isn’t a VHDX disk.", "Upload the .vhdx file itself, not what is inside it."),
    "vhd-format": (
        "This is a disk in the older VHD format.",
        "Convert it with Convert-VHD to .vhdx, sign it with Protect-TemplateDisk, and upload that.",
    ),
    "iso-image": (
        "This is an ISO image, not a disk.",
        "Upload it as an ISO image, or upload a VHDX template disk.",
    ),
    "zip-archive": ("This is a ZIP archive.", "Unpack it and upload the .vhdx that is inside."),
    "unsupported-version": (
        "The disk’s format has a version or a part that isn’t known here.",
        "Convert it with Convert-VHD on a current Windows Server and upload the result.",
    ),
    "truncated": ("The file ends before its own contents do.", _COPY),
    "corrupt-header": ("Neither of the file’s two headers is intact.", _COPY),
    "corrupt-regions": ("The file’s table of regions is damaged.", _COPY),
    "corrupt-metadata": ("The file’s metadata is damaged or doesn’t make sense.", _COPY),
    "corrupt-bat": ("The file’s block allocation table is damaged.", _COPY),
    "dirty-log": (
        "The disk was copied while it was in use: its log holds changes that aren’t in it yet.",
        "Detach the disk (or mount and dismount it once, which writes the log back), then upload it.",
    ),
    "differencing": (
        "This is a differencing disk: most of its content is in its parent.",
        "Merge it with its parent (Merge-VHD), or upload the whole disk.",
    ),
    "no-partition-table": ("There is no partition table on the disk.", _PROTECT),
    "mbr-disk": (
        "The disk is partitioned for BIOS (MBR); a generation 2 virtual machine needs GPT.",
        "Convert it with MBR2GPT or install the system anew on a GPT disk, then sign it.",
    ),
    "dynamic-disk": (
        "The disk is a dynamic disk in Windows’ disk management.",
        "Make it a basic disk; templates can’t be dynamic. (A dynamically expanding VHDX is fine.)",
    ),
    "single-partition": (
        "The disk has one partition; a template needs an EFI system partition beside the system’s.",
        _PROTECT,
    ),
    "no-bitlocker": ("The system’s volume isn’t encrypted with BitLocker, so it wasn’t protected.", _PROTECT),
    "clear-key": (
        "BitLocker is suspended: the volume’s key lies open on the disk.",
        "Resume BitLocker protection or sign the template again with Protect-TemplateDisk.",
    ),
    "unsigned": (
        "The disk carries no volume signature catalog, so nobody could prove that it is unchanged.",
        "Sign it with Protect-TemplateDisk and upload the signed file.",
    ),
}  # fmt: skip


class DiskRefused(Exception):
    """The file can't be a template disk; `code` is a word of the contract."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message, self.fix = REFUSALS[code]
        super().__init__(f"{code}: {self.message}")
