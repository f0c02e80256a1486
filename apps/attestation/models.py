"""Guardian services, what hosts' attestation is now, and what it was."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.permissions import RestrictedQuerySet
from apps.attestation import facts
from apps.attestation.choices import CertificateKind, Mode, SpanKind
from apps.common.freshness import freshness
from apps.common.models import UUIDModel


class GuardianService(UUIDModel):
    """A Host Guardian Service. `address` is what hosts call it; `url` how the portal reaches it."""

    # certificates with their days left, on the page that lists services
    dated: list[tuple["GuardianCertificate", int]]

    noun = "guardian-service"
    tenant_path: str | None = None

    name = models.CharField(max_length=64)
    address = models.CharField(max_length=253)
    url = models.CharField(max_length=300)
    attestation_url = models.CharField(max_length=300)
    key_protection_url = models.CharField(max_length=300)
    mode = models.CharField(max_length=24, choices=Mode, blank=True)
    nodes = models.PositiveSmallIntegerField(null=True)
    metadata = models.TextField(blank=True)
    metadata_verified = models.BooleanField(null=True)
    metadata_problem = models.TextField(blank=True)
    observed_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(Lower("name"), name="guardian_service_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def freshness(self) -> str:
        return freshness(self.observed_at, self.failing_since)


class GuardianCertificate(models.Model):
    """A certificate that a guardian service's metadata names."""

    service = models.ForeignKey(GuardianService, models.CASCADE, related_name="certificates")
    kind = models.CharField(max_length=16, choices=CertificateKind)
    subject = models.CharField(max_length=512)
    thumbprint = models.CharField("SHA-1, as Windows shows it", max_length=40, db_index=True)
    sha256 = models.CharField(max_length=64)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    verified = models.BooleanField()

    class Meta:
        ordering = ["kind", "not_after", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "kind", "sha256"], name="guardian_certificate_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} certificate of {self.service_id}"


class Verdict(UUIDModel):
    """What a host's attestation is, as the host last told."""

    noun = "verdict"
    tenant_path: str | None = None

    host = models.OneToOneField("fabric.Host", models.CASCADE, related_name="verdict")
    guardian_service = models.ForeignKey(
        GuardianService, models.SET_NULL, null=True, related_name="verdicts"
    )
    status = models.CharField(max_length=64)
    sub_status = models.JSONField(default=list)
    is_guarded = models.BooleanField(default=False)
    attestation_url = models.CharField(max_length=300, blank=True)
    key_protection_url = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField()
    last_seen = models.DateTimeField()

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["host__name", "id"]

    def __str__(self) -> str:
        return f"{self.status} of {self.host_id}"

    @property
    def summary(self) -> str:
        return facts.summary(self.status, self.sub_status)

    @property
    def fix(self) -> str:
        return facts.fix(self.status, self.sub_status)

    @property
    def freshness(self) -> str:
        return freshness(self.last_seen, self.host.failing_since)


class VerdictSpan(UUIDModel):
    """A stretch of time in which a host's verdict stayed the same, or nobody looked.

    Outlives its host and cluster: they are kept by id and name, not by key. The spans of a host
    never overlap, and its last one is `current`.
    """

    # its verdict in words and how long it lasted, on the page that lists spans
    title: str
    seconds: float

    noun = "verdict"
    tenant_path: str | None = None

    host_key = models.UUIDField("the host's id")
    host_name = models.CharField(max_length=64)
    cluster_key = models.UUIDField("the cluster's id")
    cluster_name = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=SpanKind)
    status = models.CharField(max_length=64, blank=True)
    sub_status = models.JSONField(default=list)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    observations = models.PositiveIntegerField(default=1)
    reason = models.TextField(blank=True)
    current = models.BooleanField(default=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-first_seen", "-last_seen", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["host_key"], condition=Q(current=True), name="one_current_span_a_host"
            ),
            models.CheckConstraint(
                condition=Q(last_seen__gte=models.F("first_seen")), name="span_ends_after_it_begins"
            ),
        ]
        indexes = [
            models.Index(fields=["host_key", "first_seen"], name="span_by_host"),
            models.Index(fields=["-first_seen", "-last_seen", "id"], name="span_by_time"),
            models.Index(fields=["cluster_key", "first_seen"], name="span_by_cluster"),
        ]

    def __str__(self) -> str:
        return f"{self.status or self.kind} of {self.host_name}"
