"""Batches over the API: the body that asks for one, the trial's answer, the results."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.fields import MomentField, RelatedField, UrlField
from apps.common.errors import FieldError
from apps.common.spreadsheets import MOST_CHARACTERS
from apps.vms.api.serializers import PlacementSerializer
from apps.vms.deployments import checks
from apps.vms.deployments.api.serializers import DeploymentCheckSerializer, SharedPlanSerializer
from apps.vms.deployments.batch import services, table
from apps.vms.deployments.batch.planning import Order, Trial
from apps.vms.deployments.batch.table import Line
from apps.vms.deployments.models import DeploymentBatch
from apps.vms.deployments.plans import Plan

_TEXT = {"type": "string"}
_ERROR = {
    "type": "object",
    "nullable": True,
    "properties": dict.fromkeys(("code", "message", "hint", "host_message"), _TEXT),
}


class LineSerializer(serializers.Serializer[Line]):
    """One machine: its name, the host's name or id where it isn't to be chosen, its values."""

    name = serializers.CharField(max_length=500, trim_whitespace=False)
    host = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    specialization = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )


class BatchPlanSerializer(SharedPlanSerializer):
    """The body of deployments/batch/: a deployment's, but for name, host and values, which stand in
    `rows`, or in `csv` with a first line of names.
    """

    # A bound on the work of reading it; how many may be asked for is the table's to say.
    rows = LineSerializer(  # type: ignore[call-arg]  # of the list that `many` makes of it
        many=True, required=False, allow_empty=True, max_length=1000
    )
    csv = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MOST_CHARACTERS,
        help_text="name, host and the keys of values; commas, semicolons or tabs",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("rows" in attrs) == ("csv" in attrs):
            raise serializers.ValidationError({"rows": "Give either rows or csv."}, code="required")
        misplaced = checks.misplaced_iso(_plan(attrs))
        if misplaced is not None:
            raise serializers.ValidationError({"iso": misplaced.message}, misplaced.code)
        return attrs

    def order(self) -> Order:
        """The order that a valid body is."""
        given = self.validated_data
        plan = _plan(given)
        if "csv" in given:
            keys = plan.shielding_data.substitution_keys if plan.shielding_data else []
            lines, unreadable = table.read(given["csv"], keys)
            return Order(plan, lines, unreadable)
        return Order(
            plan,
            [
                Line(row["name"], row["host"].strip(), row.get("specialization") or {})
                for row in given["rows"]
            ],
        )


def _plan(values: Mapping[str, Any]) -> Plan:
    """The plan that all lines have in common."""
    own = ("rows", "csv")
    known = {name: one for name, one in values.items() if name not in own and one is not None}
    return Plan(name="", **known)


class FieldErrorSerializer(serializers.Serializer[FieldError]):
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class MachineSerializer(serializers.Serializer[Any]):
    """Where a machine of a trial would be made."""

    name = serializers.CharField()
    host = RelatedField()


class BatchPreflightSerializer(serializers.Serializer[Trial]):
    ok = serializers.BooleanField()
    checks = DeploymentCheckSerializer(many=True)
    placements = PlacementSerializer(many=True)
    machines = serializers.SerializerMethodField()
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]

    @extend_schema_field(MachineSerializer(many=True))
    def get_machines(self, trial: Trial) -> Any:
        rows = [{"name": plan.name, "host": host} for plan, host in trial.machines]
        return MachineSerializer(rows, many=True).data


class OutcomeSerializer(serializers.Serializer[Any]):
    """How far one machine of a batch is, and how it ended."""

    number = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.CharField()
    progress = serializers.IntegerField()
    step = serializers.CharField()
    host = RelatedField()
    deployment = RelatedField()
    virtual_machine = RelatedField()
    error = serializers.SerializerMethodField()

    @extend_schema_field(_ERROR)
    def get_error(self, row: dict[str, Any]) -> Any:
        return row["error"]


class BatchSerializer(serializers.ModelSerializer[DeploymentBatch]):
    url = UrlField("deployment-batch-detail")
    name = serializers.CharField(source="title")
    status = serializers.SerializerMethodField()
    operation = RelatedField(name="title")
    cluster = RelatedField()
    tenant = RelatedField()
    created_at = MomentField()

    class Meta:
        model = DeploymentBatch
        fields: tuple[str, ...] = (
            "id", "url", "name", "status", "operation", "cluster", "tenant", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_status(self, row: DeploymentBatch) -> str:
        return row.operation.status if row.operation else "unknown"


class BatchDetailSerializer(BatchSerializer):
    """With each machine's result."""

    rows = serializers.SerializerMethodField()

    class Meta(BatchSerializer.Meta):
        fields = (*BatchSerializer.Meta.fields, "rows")
        read_only_fields = fields

    @extend_schema_field(OutcomeSerializer(many=True))
    def get_rows(self, batch: DeploymentBatch) -> Any:
        found = [services.outcome(row) for row in services.machines(batch)]
        return OutcomeSerializer(found, many=True).data
