"""Virtual machines at the API: the same services, the same restrict() as the pages."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers as fields
from rest_framework.decorators import action
from rest_framework.response import Response

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.permissions import require_noun
from apps.common.api.answers import answer
from apps.common.api.views import RestrictedViewSet
from apps.common.errors import Invalid
from apps.common.time import iso
from apps.operations.api.serializers import OperationSerializer
from apps.vms import details, placements, policy, services
from apps.vms.api.filters import VirtualMachineFilters
from apps.vms.api.pagination import VirtualMachinePagination
from apps.vms.api.serializers import (
    CapabilitySerializer,
    CheckpointSerializer,
    HardwareSerializer,
    MoveSerializer,
    PlacementSerializer,
    VirtualMachineSerializer,
)
from apps.vms.lifecycle import PowerVerb
from apps.vms.models import VirtualMachine

ACCEPTED = {202: OperationSerializer}
PARTS = inline_serializer(
    "VirtualMachineParts",
    {
        "count": fields.IntegerField(),
        "next": fields.CharField(allow_null=True),
        "previous": fields.CharField(allow_null=True),
        "results": fields.ListField(child=fields.DictField()),
        "observed_at": fields.DateTimeField(allow_null=True),
    },
)


class VirtualMachineViewSet(RestrictedViewSet):
    queryset = VirtualMachine.objects.select_related("cluster", "host", "tenant")
    serializer_class = VirtualMachineSerializer
    filterset_class = VirtualMachineFilters
    pagination_class = VirtualMachinePagination

    def _power(self, request: AuthenticatedRequest, verb: PowerVerb) -> Response:
        return self.act(request, "operate", services.power, verb=verb)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def start(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.START)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"], url_path="shut-down")
    def shut_down(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.SHUT_DOWN)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"], url_path="turn-off")
    def turn_off(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.TURN_OFF)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def save(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.SAVE)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def pause(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.PAUSE)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def resume(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.RESUME)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def restart(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._power(request, PowerVerb.RESTART)

    @extend_schema(request=MoveSerializer, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def move(self, request: AuthenticatedRequest, **_: Any) -> Response:
        vm = self.row("move")
        body = self.read_body(MoveSerializer)
        operation = services.move(
            actor=request.user, vm=vm, host=body.get("host"), move_type=body["type"],
            volume=body.get("volume"),
        )  # fmt: skip
        return answer(operation, request)

    @extend_schema(responses=PlacementSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def placements(self, request: AuthenticatedRequest, **_: Any) -> Response:
        vm = self.row()
        require_noun(request.user, "host", "view")
        found = placements.for_virtual_machine(vm)
        return Response(PlacementSerializer(found, many=True, context={"request": request}).data)

    @extend_schema(responses=CapabilitySerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def capabilities(self, request: AuthenticatedRequest, **_: Any) -> Response:
        vm = self.row()
        decisions = policy.decide_all(vm.protection, services.host_build(vm.host))
        return Response([asdict(decision) for decision in decisions])

    @extend_schema(request=HardwareSerializer, responses=ACCEPTED)
    def partial_update(self, request: AuthenticatedRequest, **_: Any) -> Response:
        vm = self.row("edit")
        body = self.read_body(HardwareSerializer)
        if not body:
            raise Invalid("Nothing to change.", hint="Send processors, memory_bytes or tenant.")
        if "tenant" in body:
            vm = services.assign_tenant(actor=request.user, vm=vm, tenant=body.pop("tenant"))
        if not body:
            return Response(self.get_serializer(vm).data)
        return answer(services.edit_hardware(actor=request.user, vm=vm, **body), request)

    @extend_schema(responses=ACCEPTED)
    def destroy(self, request: AuthenticatedRequest, **_: Any) -> Response:
        disks = request.query_params.get("disks", "false").lower()
        vm = self.row("delete")
        if disks not in ("true", "false"):
            raise Invalid.field("disks", "It has to be true or false.")
        return answer(services.delete(actor=request.user, vm=vm, disks=disks == "true"), request)

    def _detail_list(self, request: AuthenticatedRequest, part: str) -> Response:
        """What its host last told; a reading that is missing or old is asked for meanwhile."""
        vm = self.row()
        detail = details.known(vm)
        details.ask_if_old(actor=request.user, vm=vm, detail=detail)
        rows = getattr(detail, part) if detail else []
        return Response(
            {
                "count": len(rows), "next": None, "previous": None, "results": rows,
                "observed_at": iso(detail.observed_at) if detail else None,
            }
        )  # fmt: skip

    @extend_schema(
        methods=["get"],
        responses=PARTS,
    )
    @extend_schema(methods=["post"], request=CheckpointSerializer, responses=ACCEPTED)
    @action(detail=True, methods=["get", "post"], filterset_class=None)
    def checkpoints(self, request: AuthenticatedRequest, **_: Any) -> Response:
        if request.method == "POST":
            return self.act(request, "checkpoint", services.checkpoint, CheckpointSerializer)
        return self._detail_list(request, "checkpoints")

    @extend_schema(responses=PARTS)
    @action(detail=True, methods=["get"], filterset_class=None)
    def disks(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._detail_list(request, "disks")

    @extend_schema(responses=PARTS)
    @action(detail=True, methods=["get"], url_path="network-adapters", filterset_class=None)
    def network_adapters(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._detail_list(request, "network_adapters")

    @extend_schema(request=None, responses=ACCEPTED)
    @action(
        detail=True, methods=["post"], url_path=r"checkpoints/(?P<checkpoint>[^/]+)/apply",
        filterset_class=None,
    )  # fmt: skip
    def checkpoint_apply(
        self, request: AuthenticatedRequest, checkpoint: str, **_: Any
    ) -> Response:
        return self._checkpoint(request, checkpoint, apply=True)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(
        detail=True, methods=["delete"], url_path=r"checkpoints/(?P<checkpoint>[^/]+)",
        filterset_class=None,
    )  # fmt: skip
    def checkpoint_delete(
        self, request: AuthenticatedRequest, checkpoint: str, **_: Any
    ) -> Response:
        return self._checkpoint(request, checkpoint, apply=False)

    def _checkpoint(
        self, request: AuthenticatedRequest, checkpoint: str, *, apply: bool
    ) -> Response:
        vm = self.row()
        require_noun(request.user, "vm", "checkpoint")
        known = details.checkpoint_id(vm, checkpoint)
        operation = services.checkpoint_change(
            actor=request.user, vm=vm, checkpoint_id=known, apply=apply
        )
        return answer(operation, request)
