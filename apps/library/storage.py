"""Room for files: the tenant's quota and the store's space, asked before the first byte."""

from typing import Any

from django.db import transaction
from django.db.models import F, Sum

from apps.accounts.models import Tenant
from apps.common.errors import NoSpace, QuotaExceeded
from apps.library import stores
from apps.library.choices import UploadStatus
from apps.library.models import StoredFile, Upload

#: What is left on a disk for the database and for everything else that lives there.
KEPT_FREE = 512 << 20
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def used_by(tenant: Tenant) -> int:
    """Bytes that the tenant's files take or will take."""
    return StoredFile.objects.filter(tenant=tenant).aggregate(n=Sum("size_bytes"))["n"] or 0


def require_room(tenant: Tenant, size: int) -> None:
    """Raises QuotaExceeded or NoSpace. Call it in the transaction that reserves the size."""
    locked = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    left = locked.quota_bytes - used_by(locked)
    if size > left:
        raise QuotaExceeded(
            f"The file has {words(size)}; {words(max(0, left))} of {locked.name}’s quota of "
            f"{words(locked.quota_bytes)} are left.",
            hint="Delete files that aren’t needed, or ask an HCI admin for a larger quota.",
        )
    free = free_bytes()
    if free is not None and size > free:
        raise NoSpace(
            f"The file has {words(size)}; the portal has room for {words(max(0, free))}.",
            hint="Ask who runs the portal for more space.",
        )


def free_bytes() -> int | None:
    """What a new file may take: the store's free space less what uploads under way still need.
    None where the store can't say.
    """
    free = stores.current().free_bytes()
    if free is None:
        return None
    coming = Upload.objects.filter(status=UploadStatus.RECEIVING).aggregate(
        n=Sum(F("size") - F("offset"))
    )["n"]
    return free - KEPT_FREE - (coming or 0)


def require_still_room(tenant_id: Any) -> None:
    """While bytes arrive: raises NoSpace where others took the room that was there, QuotaExceeded
    where the quota was lowered.
    """
    free = stores.current().free_bytes()
    if free is not None and free < KEPT_FREE:
        raise NoSpace(
            "The portal’s store is nearly full.",
            hint="Ask who runs the portal for more space; the upload goes on where it stopped.",
        )
    tenant = Tenant.objects.get(pk=tenant_id)
    used = used_by(tenant)
    if used > tenant.quota_bytes:
        raise QuotaExceeded(
            f"{tenant.name}’s quota is {words(tenant.quota_bytes)} now; its files take "
            f"{words(used)} with those under way.",
            hint="Delete files that aren’t needed, or ask an HCI admin for a larger quota.",
        )


def make(file: StoredFile) -> None:
    """Has the store make ready for a file."""
    file.incoming = stores.current().begin(file)
    file.save(update_fields=["incoming"])


def remove(file: StoredFile) -> None:
    """Deletes the row now, and its bytes once that is committed."""
    take_away = stores.current().remove(file)  # a deleted row has no id any more
    file.delete()
    transaction.on_commit(take_away, robust=True)


def words(size: int) -> str:
    """A size for people: “3.5 GiB”."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {UNITS[unit]}" if unit == 0 else f"{amount:.1f} {UNITS[unit]}"
