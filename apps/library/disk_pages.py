"""What the page of a template disk draws: its parts to look at, its key, how far it is proved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.common.templatetags.fabric import bytes_
from apps.library.choices import ItemStatus
from apps.library.models import TemplateDisk

PARTITIONS = {
    "efi-system": ("EFI system", "sys"),
    "microsoft-reserved": ("Microsoft reserved", ""),
    "basic-data": ("Data", "main"),
    "windows-recovery": ("Recovery", ""),
    "linux-file-system": ("Linux file system", "main"),
    "linux-lvm": ("Linux LVM", "main"),
}
METHODS = {"xts-aes-128": "XTS-AES 128", "xts-aes-256": "XTS-AES 256", "aes-128-cbc": "AES-CBC 128",
           "aes-256-cbc": "AES-CBC 256"}  # fmt: skip
PROTECTORS = {
    "clear-key": "Clear key, which the host replaces while it provisions",
    "tpm": "TPM",
    "startup-key": "Startup key",
    "tpm-and-pin": "TPM and PIN",
    "recovery-password": "Recovery password",
    "password": "Password",
}
ENCRYPTIONS = {"bitlocker": "BitLocker", "luks": "LUKS"}
#: A part of a disk that is smaller than this share of it is drawn wider, so that it can be seen.
LEAST_SHARE = 0.04
#: What lies between partitions to align them, or behind them for the table's copy, isn't space.
LEAST_FREE = 8 << 20


def told(disk: TemplateDisk) -> dict[str, Any]:
    """All that the page's templates read of the file's facts."""
    found = partitions(disk)
    drawn = parts(disk, found)
    return {
        "partitions": found,
        "parts": drawn,
        "bar_words": "; ".join(part["words"] for part in drawn),
        "free_bytes": sum(part["bytes"] for part in drawn if part["kind"] == "free"),
        "method": method(disk),
        "protectors": protectors(disk),
        "encrypted_since": _created(disk),
        "signature": signature(disk),
    }


def partitions(disk: TemplateDisk) -> list[dict[str, Any]]:
    """The partitions in words, each with how its part of the bar is drawn."""
    found = []
    for number, one in enumerate(disk.partitions, 1):
        words, kind = PARTITIONS.get(one["type"], (one["type"], ""))
        encryption = one.get("encryption") or ""
        found.append(
            {
                "number": number,
                "type": words,
                "name": one.get("name") or "",
                "offset_bytes": one.get("offset_bytes"),
                "size_bytes": one["size_bytes"],
                "kind": "hatch" if encryption else kind,
                "encryption": ENCRYPTIONS.get(encryption, encryption),
                "system": one["type"] == "efi-system",
            }
        )
    return found


def parts(disk: TemplateDisk, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parts of the bar in the order in which they lie, free space between them and behind.

    Small ones are drawn wider than they are. Disks that were inspected before offsets were kept
    have no free space that is known of.
    """
    drawn: list[dict[str, Any]] = []
    end = 0
    for one in sorted(found, key=lambda one: (one["offset_bytes"] or 0, one["number"])):
        if one["offset_bytes"] is not None:
            drawn += _free(one["offset_bytes"] - end)
            end = max(end, one["offset_bytes"] + one["size_bytes"])
        words = f"{one['number']}: {one['type']}, {bytes_(one['size_bytes'])}"
        if one["encryption"]:
            words += f", encrypted by {one['encryption']}"
        drawn.append(
            {"bytes": one["size_bytes"], "kind": one["kind"], "text": one["number"], "words": words}
        )
    if end:
        drawn += _free(((disk.container or {}).get("virtual_size_bytes") or 0) - end)
    whole = sum(part["bytes"] for part in drawn) or 1
    return [part | {"size": max(part["bytes"] / whole, LEAST_SHARE)} for part in drawn]


def _free(size: int) -> list[dict[str, Any]]:
    if size < LEAST_FREE:
        return []
    return [{"bytes": size, "kind": "free", "text": "", "words": f"free, {bytes_(size)}"}]


def method(disk: TemplateDisk) -> str:
    word = (disk.bitlocker or {}).get("method", "")
    return METHODS.get(word, word)


def protectors(disk: TemplateDisk) -> list[str]:
    return [PROTECTORS.get(one, one) for one in (disk.bitlocker or {}).get("protectors", [])]


def _created(disk: TemplateDisk) -> datetime | None:
    text = (disk.bitlocker or {}).get("created_at")
    return datetime.fromisoformat(text) if text else None


def signature(disk: TemplateDisk) -> list[dict[str, Any]]:
    """How far the signature is known to be good: what lies in the disk, and what Windows says.

    Each line has `ok` (yes, no, or nothing while it isn't known), a symbol, words and details.
    """
    return [_evidence(disk), _verdict(disk)]


def _evidence(disk: TemplateDisk) -> dict[str, Any]:
    if disk.evidence:
        return _line("yes", "A catalogue lies in the EFI partition", ", ".join(disk.evidence), True)
    if not disk.partitions:
        return _line("", "The EFI partition wasn’t looked into", "The disk was refused before.")
    return _line("no", "No catalogue was found in the EFI partition")


def _verdict(disk: TemplateDisk) -> dict[str, Any]:
    host = disk.inspected_by_name or "a host"
    if disk.catalog:
        return _line("yes", f"Windows on {host} finds the catalogue intact")
    refusal = next((one for one in disk.problems if one.get("host_message")), None)
    if refusal:
        return _line("no", f"Windows on {host} finds no intact catalogue", refusal["host_message"])
    if disk.status == ItemStatus.REFUSED:
        return _line("", "No host was asked", "The portal refused the disk by itself.")
    return _line("", "No host has checked it yet", disk.waiting_for)


def _line(ok: str, words: str, details: str = "", is_path: bool = False) -> dict[str, Any]:
    symbol = {"yes": "ok", "no": "bad"}.get(ok, "clock")
    return {"ok": ok, "symbol": symbol, "words": words, "details": details, "is_path": is_path}
