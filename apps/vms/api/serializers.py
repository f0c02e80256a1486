"""Virtual machines as the API shows them, and what it takes to change them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import Tenant
from apps.common.api.fields import MomentField, RelatedField, UrlField
from apps.fabric.models import Host, Volume
from apps.library import versions
from apps.library.models import TemplateDisk
from apps.vms import selectors
from apps.vms.deployments import origins
from apps.vms.models import VirtualMachine

MEBIBYTE = 2**20
MOST_MEMORY = 12 * 2**40  # "Plan for Hyper-V scalability": 12 TB a generation 2 VM
MOST_PROCESSORS = 240


_TEXT = {"type": "string"}
_PARTS: dict[str, Any] = dict.fromkeys(("id", "name", "version"), _TEXT)
_VERSION: dict[str, Any] = {"type": "object", "nullable": True, "properties": _PARTS}


def _version(disk: TemplateDisk) -> dict[str, Any]:
    return {"id": str(disk.pk), "name": disk.name, "version": versions.version_of(disk)}


class VirtualMachineListSerializer(serializers.ListSerializer):
    """Looks up what is under way, and what they were made of, for all rows of a page at once."""

    def to_representation(self, data: Any) -> Any:
        rows = list(data.all() if hasattr(data, "all") else data)
        context: Any = self.context
        context["active"] = selectors.active_operations([row.pk for row in rows])
        context["origins"] = origins.of(context["request"].user, [row.pk for row in rows])
        return super().to_representation(rows)


class VirtualMachineSerializer(serializers.ModelSerializer):
    url = UrlField("virtual-machine-detail")
    cluster = RelatedField()
    host = RelatedField()
    tenant = RelatedField()
    uptime_seconds = serializers.IntegerField(read_only=True, allow_null=True)
    freshness = serializers.CharField(read_only=True)
    observed_at = MomentField(read_only=True)
    active_operation = serializers.SerializerMethodField()
    template_disk = serializers.SerializerMethodField()

    class Meta:
        model = VirtualMachine
        list_serializer_class = VirtualMachineListSerializer
        fields = (
            "id", "url", "name", "vm_id", "cluster", "host", "state", "protection", "generation",
            "processors", "memory_bytes", "memory_assigned_bytes", "cpu_percent", "uptime_seconds",
            "clustered", "tenant", "switches", "active_operation", "template_disk",
            "observed_at", "freshness", "problem",
        )  # fmt: skip
        read_only_fields = fields

    def get_active_operation(self, vm: VirtualMachine) -> dict[str, str] | None:
        active: dict[UUID, Any] | None = self.context.get("active")
        if active is None:
            active = selectors.active_operations([vm.pk])
        operation = active.get(vm.pk)
        if operation is None:
            return None
        return {"id": str(operation.pk), "name": operation.title}

    @extend_schema_field(_VERSION | {"properties": _PARTS | {"newer": _VERSION}})
    def get_template_disk(self, vm: VirtualMachine) -> dict[str, Any] | None:
        """What the portal made it of, and the newest version of that where there is a newer one."""
        found: dict[UUID, origins.Origin] | None = self.context.get("origins")
        if found is None:
            found = origins.of(self.context["request"].user, [vm.pk])
        origin = found.get(vm.pk)
        if origin is None:
            return None
        newer = _version(origin.newer) if origin.newer else None
        return _version(origin.template_disk) | {"newer": newer}


class HardwareSerializer(serializers.Serializer):
    """Body of PATCH: what is left out stays as it is."""

    processors = serializers.IntegerField(min_value=1, max_value=MOST_PROCESSORS, required=False)
    memory_bytes = serializers.IntegerField(
        min_value=32 * MEBIBYTE, max_value=MOST_MEMORY, required=False
    )
    tenant = RelatedField(
        queryset=lambda user: Tenant.objects.restrict(user), required=False, allow_null=True
    )

    def validate_memory_bytes(self, value: int) -> int:
        if value % (2 * MEBIBYTE):
            raise serializers.ValidationError("It has to be a multiple of 2 MiB.")
        return value


class MoveSerializer(serializers.Serializer):
    host = RelatedField(
        queryset=lambda user: Host.objects.restrict(user), required=False, allow_null=True
    )
    type = serializers.ChoiceField(choices=("live", "quick", "storage"))
    volume = RelatedField(
        queryset=lambda user: Volume.objects.restrict(user), required=False, allow_null=True
    )


class CheckpointSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=100, required=False, default="")


class DataDiskSerializer(serializers.Serializer):
    size_bytes = serializers.IntegerField(min_value=MEBIBYTE, max_value=64 * 2**40)


class CapabilitySerializer(serializers.Serializer):
    capability = serializers.CharField()
    allowed = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    instead = serializers.CharField(allow_blank=True)


class PlacementReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    message = serializers.CharField()
    fix = serializers.CharField()


class PlacementSerializer(serializers.Serializer):
    host = RelatedField()
    allowed = serializers.BooleanField()
    reasons = PlacementReasonSerializer(many=True)
