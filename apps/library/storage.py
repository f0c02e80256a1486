"""Room for files: the tenant's quota and the disk's space, asked before the first byte."""

import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum

from apps.accounts.models import Tenant
from apps.common.errors import NoSpace, QuotaExceeded
from apps.library.choices import UploadStatus
from apps.library.models import StoredFile, Upload

#: What is left for the database and for everything else that lives on the same disk.
KEPT_FREE = 512 << 20
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def folder() -> Path:
    found = Path(settings.FABRIC_DATA_DIR) / "library"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def used_by(tenant: Tenant) -> int:
    """Bytes that the tenant's files take or will take."""
    return StoredFile.objects.filter(tenant=tenant).aggregate(n=Sum("size_bytes"))["n"] or 0


def require_room(tenant: Tenant, size: int) -> None:
    """Raises QuotaExceeded or NoSpace. Call it in the transaction that reserves the size."""
    locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
    left = locked.quota_bytes - used_by(locked)
    if size > left:
        raise QuotaExceeded(
            f"The file has {words(size)}; {words(max(0, left))} of {locked.name}’s quota of "
            f"{words(locked.quota_bytes)} are left.",
            hint="Delete files that aren’t needed, or ask an HCI admin for a larger quota.",
        )
    free = free_bytes()
    if size > free:
        raise NoSpace(
            f"The file has {words(size)}; the portal has room for {words(max(0, free))}.",
            hint="Ask who runs the portal for more space in its data folder.",
        )


def free_bytes() -> int:
    """What a new file may take: the disk's free space less what uploads under way still need."""
    coming = Upload.objects.filter(status=UploadStatus.RECEIVING).aggregate(
        n=Sum(F("size") - F("offset"))
    )["n"]
    return shutil.disk_usage(folder()).free - KEPT_FREE - (coming or 0)


def make(file: StoredFile) -> None:
    """An empty file that only the portal can read."""
    file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def remove(file: StoredFile) -> None:
    """Deletes the row now, and its bytes once that is committed."""
    path = file.path  # a deleted row has no id, and so no path
    file.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True), robust=True)


def words(size: int) -> str:
    """A size for people: “3.5 GiB”."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {UNITS[unit]}" if unit == 0 else f"{amount:.1f} {UNITS[unit]}"
