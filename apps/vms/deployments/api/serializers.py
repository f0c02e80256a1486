"""Deployments over the API: the body that asks for one, the preflight's answer, the row."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import Tenant
from apps.common.access import holds
from apps.common.api.fields import MomentField, RelatedField, UrlField
from apps.fabric.models import Cluster, Host, VirtualSwitch, Volume
from apps.library.models import ShieldingData, TemplateDisk, Upload
from apps.vms.api.serializers import PlacementSerializer
from apps.vms.deployments import checks
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan

LARGEST = 2**63 - 1
_ANY_LIST: dict[str, Any] = {"type": "array", "items": {"type": "object"}}


def _places(model: Any) -> Any:
    """Whoever may deploy may name where to, also a tenant that doesn't see the fabric's lists."""

    def rows(user: Any) -> Any:
        if holds(user, "deployment", "deploy"):
            return model.objects.all()
        return model.objects.none()

    return rows


class SharedPlanSerializer(serializers.Serializer[Plan]):
    """What many machines may have in common. Ranges are the preflight's to check."""

    cluster = RelatedField(queryset=_places(Cluster))
    volume = RelatedField(queryset=_places(Volume))
    virtual_switch = RelatedField(queryset=_places(VirtualSwitch), required=False, allow_null=True)
    processors = serializers.IntegerField(min_value=-LARGEST, max_value=LARGEST)
    memory_bytes = serializers.IntegerField(min_value=-LARGEST, max_value=LARGEST)
    template_disk = RelatedField(
        queryset=lambda user: TemplateDisk.objects.restrict(user, "deploy"),
        required=False, allow_null=True,
    )  # fmt: skip
    disk_size_bytes = serializers.IntegerField(
        min_value=-LARGEST, max_value=LARGEST, required=False, allow_null=True
    )
    shielding_data = RelatedField(
        queryset=lambda user: ShieldingData.objects.restrict(user, "deploy"),
        required=False, allow_null=True,
    )  # fmt: skip
    iso = RelatedField(
        queryset=lambda user: Upload.objects.restrict(user), required=False, allow_null=True
    )
    tenant = RelatedField(
        queryset=lambda user: Tenant.objects.restrict(user)
        if holds(user, "tenant", "view")
        else Tenant.objects.filter(pk=user.tenant_id),
        required=False, allow_null=True,
    )  # fmt: skip
    start = serializers.BooleanField(required=False, default=True)


class PlanSerializer(SharedPlanSerializer):
    """The body of deployments/ and of its preflight."""

    name = serializers.CharField(max_length=500, trim_whitespace=False)
    host = RelatedField(queryset=_places(Host), required=False, allow_null=True)
    specialization = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An ISO image with what it can't go with is no plan, to be tried out or otherwise."""
        misplaced = checks.misplaced_iso(_plan(attrs))
        if misplaced is not None:
            raise serializers.ValidationError({"iso": misplaced.message}, misplaced.code)
        return attrs

    def plan(self) -> Plan:
        """The plan that a valid body is."""
        return _plan(self.validated_data)


class RetrySerializer(serializers.Serializer[Any]):
    host = RelatedField(queryset=_places(Host))


def _plan(values: Mapping[str, Any]) -> Plan:
    return Plan(**{name: value for name, value in values.items() if value is not None})


class DeploymentCheckSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    ok = serializers.BooleanField()
    message = serializers.CharField()
    fix = serializers.CharField()


class DeploymentPreflightSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    checks = DeploymentCheckSerializer(many=True)
    placements = PlacementSerializer(many=True)


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    url = UrlField("deployment-detail")
    status = serializers.CharField(source="lasting_status")
    operation = RelatedField(name="title")
    virtual_machine = RelatedField()
    cluster = RelatedField()
    host = RelatedField()
    volume = RelatedField()
    virtual_switch = RelatedField()
    template_disk = RelatedField()
    shielding_data = RelatedField()
    iso = RelatedField()
    tenant = RelatedField()
    batch = RelatedField()
    checks = serializers.SerializerMethodField()
    leftovers = serializers.SerializerMethodField()
    created_at = MomentField()

    class Meta:
        model = Deployment
        fields = (
            "id", "url", "name", "status", "operation", "virtual_machine", "cluster", "host",
            "volume", "virtual_switch", "template_disk", "shielding_data", "iso", "tenant",
            "batch", "processors", "memory_bytes", "disk_size_bytes", "start", "checks",
            "leftovers", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_ANY_LIST)
    def get_checks(self, row: Deployment) -> list[dict[str, Any]]:
        return row.checks

    @extend_schema_field(_ANY_LIST)
    def get_leftovers(self, row: Deployment) -> list[dict[str, Any]]:
        return row.leftovers
