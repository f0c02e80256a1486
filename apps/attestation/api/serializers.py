"""Attestation as the API shows it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.attestation.choices import Mode
from apps.attestation.models import GuardianCertificate, GuardianService, Verdict, VerdictSpan
from apps.common.api.fields import MomentField, RelatedField, UrlField

_RELATED = {
    "type": "object",
    "properties": {"id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}},
}


class CertificateSerializer(serializers.ModelSerializer[GuardianCertificate]):
    not_before = MomentField(read_only=True)
    not_after = MomentField(read_only=True)

    class Meta:
        model = GuardianCertificate
        fields = ("kind", "subject", "thumbprint", "sha256", "not_before", "not_after", "verified")
        read_only_fields = fields


class GuardianServiceSerializer(serializers.ModelSerializer[GuardianService]):
    """`policies` is null while nobody with rights on the service has told them."""

    url = UrlField("guardian-service-detail")
    service_url = serializers.CharField(source="url", read_only=True)
    certificates = CertificateSerializer(many=True, read_only=True)
    guarded_hosts = serializers.SerializerMethodField()
    policies = serializers.SerializerMethodField()
    observed_at = MomentField(read_only=True, allow_null=True)
    freshness = serializers.CharField(read_only=True)

    class Meta:
        model = GuardianService
        fields = (
            "id", "url", "name", "address", "service_url", "mode", "nodes", "certificates",
            "guarded_hosts", "policies", "attestation_url", "key_protection_url",
            "metadata_verified", "observed_at", "freshness", "problem",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": _RELATED})
    def get_guarded_hosts(self, service: GuardianService) -> list[dict[str, str]]:
        return [
            {"id": str(verdict.host_id), "name": verdict.host.name}
            for verdict in service.verdicts.all()
        ]

    @extend_schema_field({"type": "array", "nullable": True, "items": {"type": "object"}})
    def get_policies(self, service: GuardianService) -> None:
        return None


class GuardianServiceBodySerializer(serializers.Serializer[Any]):
    """`url` is how the portal reaches the service, where that isn't http://<address>."""

    name = serializers.CharField(max_length=64)
    address = serializers.CharField(max_length=253)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    url = serializers.CharField(max_length=300, required=False)
    attestation_url = serializers.CharField(max_length=300, required=False)
    key_protection_url = serializers.CharField(max_length=300, required=False)


class MetadataSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    document = serializers.CharField()
    verified = serializers.BooleanField(allow_null=True)
    problem = serializers.CharField()
    certificates = CertificateSerializer(many=True)
    fetched_at = MomentField(allow_null=True)


class VerdictSerializer(serializers.ModelSerializer[Verdict]):
    url = UrlField("verdict-detail")
    host = RelatedField()
    cluster = RelatedField(source="host.cluster")
    guardian_service = RelatedField()
    sub_status = serializers.ListField(child=serializers.CharField(), read_only=True)
    summary = serializers.CharField(read_only=True)
    fix = serializers.CharField(read_only=True)
    since = MomentField(read_only=True)
    last_seen = MomentField(read_only=True)
    freshness = serializers.CharField(read_only=True)

    class Meta:
        model = Verdict
        fields = (
            "id", "url", "host", "cluster", "guardian_service", "status", "sub_status", "summary",
            "fix", "is_guarded", "since", "last_seen", "freshness",
        )  # fmt: skip
        read_only_fields = fields


class SpanSerializer(serializers.ModelSerializer[VerdictSpan]):
    url = UrlField("verdict-span-detail")
    host = serializers.SerializerMethodField()
    cluster = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    sub_status = serializers.ListField(child=serializers.CharField(), read_only=True)
    first_seen = MomentField(read_only=True)
    last_seen = MomentField(read_only=True)

    class Meta:
        model = VerdictSpan
        fields = (
            "id", "url", "host", "cluster", "kind", "status", "sub_status", "first_seen",
            "last_seen", "observations", "reason", "current",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_RELATED)
    def get_host(self, span: VerdictSpan) -> dict[str, str]:
        return {"id": str(span.host_key), "name": span.host_name}

    @extend_schema_field(_RELATED)
    def get_cluster(self, span: VerdictSpan) -> dict[str, str]:
        return {"id": str(span.cluster_key), "name": span.cluster_name}

    @extend_schema_field({"type": "string", "nullable": True})
    def get_status(self, span: VerdictSpan) -> str | None:
        return span.status or None


class GuardSerializer(serializers.Serializer[Any]):
    guardian_service = RelatedField(queryset=lambda user: GuardianService.objects.restrict(user))
