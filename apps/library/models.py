"""What tenants brought: uploads on their way, template disks, shielding data, which fit which."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Tenant
from apps.accounts.permissions import RestrictedQuerySet
from apps.common.models import UUIDModel
from apps.fabric.models import Host, Volume
from apps.library.choices import (
    EXTENSIONS,
    WAITING,
    ItemStatus,
    Kind,
    Policy,
    Purpose,
    UploadStatus,
)
from apps.operations.models import Operation


class StoredFile(UUIDModel):
    """Bytes of a tenant in the library's store. Their size counts from the upload's beginning on.

    `incoming` is what the store has to remember until they are whole; null from then on.
    `is_intact` is what the last reading of them found, at `read_at`; null before the first.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="stored_files")
    kind = models.CharField(max_length=16, choices=Kind)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    incoming = models.JSONField(null=True)
    is_intact = models.BooleanField(null=True)
    read_at = models.DateTimeField(null=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """What the store calls it."""
        return f"{self.tenant_id}/{self.pk}"

    @property
    def staged_name(self) -> str:
        """How hosts call it: by its content, so that equal files are kept once."""
        return f"{self.sha256}.{EXTENSIONS[Kind(self.kind)]}"


class Upload(UUIDModel):
    """A file on its way in, and how far it is. `problem` is null or {code, message, fix}.

    `hash_state` is SHA-256's state after the whole blocks before `offset` (apps.library.sha256);
    empty where they have to be read again.
    """

    noun = "upload"
    tenant_path = "tenant"
    owner_path = "actor"

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="uploads")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="uploads"
    )
    file = models.OneToOneField(StoredFile, models.SET_NULL, null=True, related_name="upload")
    kind = models.CharField(max_length=16, choices=Kind)
    filename = models.CharField(max_length=255)
    size = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    status = models.CharField(max_length=16, choices=UploadStatus, default=UploadStatus.RECEIVING)
    hash_state = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    problem = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(offset__gte=0) & Q(offset__lte=models.F("size")),
                name="upload_offset_within_size",
            )
        ]
        indexes = [models.Index(fields=["status", "expires_at"], name="upload_by_expiry")]

    def __str__(self) -> str:
        return self.filename

    @property
    def name(self) -> str:
        return self.filename

    @property
    def item(self) -> "LibraryItem | None":
        """The row of the library that it became."""
        if self.file is None:
            return None
        return getattr(self.file, "template_disk", None) or getattr(
            self.file, "shielding_data", None
        )


class LibraryItem(UUIDModel):
    """What template disks and shielding data have in common.

    `problems` is a list of {code, message, fix}. `retry_at` and `failures` say when a host is asked
    again after it couldn't answer.
    """

    noun = ""
    tenant_path = "tenant"

    filename = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    status = models.CharField(max_length=20, choices=ItemStatus, default=ItemStatus.INSPECTING)
    problems = models.JSONField(default=list)
    waiting_for = models.TextField(blank=True)
    inspected_by = models.ForeignKey(Host, models.SET_NULL, null=True, related_name="+")
    inspected_by_name = models.CharField(max_length=64, blank=True)
    inspected_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-created_at", "-id"]

    @property
    def is_waiting(self) -> bool:
        return self.status in WAITING


class TemplateDisk(LibraryItem):
    """A VHDX that VMs are made from. `catalog` is null or {name, version, signer_thumbprint}."""

    noun = "template-disk"

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="template_disks")
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="template_disk")
    container = models.JSONField(null=True)
    partitions = models.JSONField(default=list)
    bitlocker = models.JSONField(null=True)
    evidence = models.JSONField(default=list)
    catalog = models.JSONField(null=True)
    catalog_sha256 = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name that its maker signed, else the file's."""
        return (self.catalog or {}).get("name") or self.filename


class ShieldingData(LibraryItem):
    """A tenant's sealed answer to how its VMs are to be made; read by Windows on a host only.

    `owner` is {name, thumbprints}, `guardians` a list of the same, `qualifiers` a list of {name,
    version_rule, version, signer_thumbprint}.
    """

    noun = "shielding-data"

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="shielding_data")
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="shielding_data")
    policy = models.CharField(max_length=24, choices=Policy, null=True)
    purpose = models.CharField(max_length=16, choices=Purpose, null=True)
    owner = models.JSONField(null=True)
    guardians = models.JSONField(default=list)
    qualifiers = models.JSONField(default=list)
    substitution_keys = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.filename

    @property
    def name(self) -> str:
        return self.filename


class Pair(UUIDModel):
    """Whether shielding data applies to a template disk: null until a host has said."""

    noun = "pair"
    tenant_path = "tenant"

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="pairs")
    template_disk = models.ForeignKey(TemplateDisk, models.CASCADE, related_name="pairs")
    shielding_data = models.ForeignKey(ShieldingData, models.CASCADE, related_name="pairs")
    applicable = models.BooleanField(null=True)
    reason_code = models.CharField(max_length=64, blank=True)
    reason_message = models.TextField(blank=True)
    checked_by_name = models.CharField(max_length=64, blank=True)
    checked_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    # Pages give it to their rows: what still needs both halves.
    uses: list[dict[str, str]]

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint("template_disk", "shielding_data", name="pair_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.template_disk} with {self.shielding_data}"

    @property
    def hindrance(self) -> str:
        """Why nothing can be made of a pair that fits: one of its files is refused by now."""
        half = self._refused
        return f"{half.filename}: {half.problems[0]['message']}" if half else ""

    @property
    def remedy(self) -> str:
        """How to mend that."""
        half = self._refused
        return str(half.problems[0].get("fix", "")) if half else ""

    @property
    def _refused(self) -> "TemplateDisk | ShieldingData | None":
        halves = (self.template_disk, self.shielding_data)
        refused = (one for one in halves if one.status == ItemStatus.REFUSED and one.problems)
        return next(refused, None)

    @property
    def reason(self) -> dict[str, str]:
        if self.applicable is None:
            return {
                "code": "unknown",
                "message": self.reason_message or "No host has checked it yet.",
            }
        return {"code": self.reason_code, "message": self.reason_message}


class StagedFile(models.Model):
    """A copy on a cluster's volume, found again by its content. `path` is the host's."""

    volume = models.ForeignKey(Volume, models.CASCADE, related_name="staged_files")
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=1024)
    size_bytes = models.BigIntegerField()
    staged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("volume", "path", name="staged_once_on_a_volume")]
        indexes = [models.Index(fields=["sha256"], name="staged_by_content")]

    def __str__(self) -> str:
        return self.path


class ContentGrant(UUIDModel):
    """An address from which one host may fetch one file while one operation runs.

    The address's token is known to the host alone; here is its digest.
    """

    digest = models.CharField(max_length=64, unique=True)
    file = models.ForeignKey(StoredFile, models.CASCADE, related_name="grants")
    host = models.ForeignKey(Host, models.CASCADE, related_name="+")
    operation = models.ForeignKey(Operation, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"grant for {self.host_id}"


def item_model(kind: str) -> Any:
    """The model of a library row by its noun."""
    return {"template-disk": TemplateDisk, "shielding-data": ShieldingData}[kind]
