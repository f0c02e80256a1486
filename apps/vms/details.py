"""What only one machine's page needs: disks, adapters, checkpoints; read when somebody looks."""

import datetime

from django.utils import timezone

from apps.accounts.models import User
from apps.common.errors import NotFound
from apps.operations.choices import ACTIVE
from apps.operations.models import Operation
from apps.vms import services
from apps.vms.models import VirtualMachine, VMDetail

OLD = datetime.timedelta(seconds=60)


def known(vm: VirtualMachine) -> VMDetail | None:
    return VMDetail.objects.filter(vm=vm).first()


def ask_if_old(*, actor: User, vm: VirtualMachine, detail: VMDetail | None) -> Operation | None:
    """Has the host read again, unless that was done within a minute or is under way."""
    if detail is not None and timezone.now() - detail.observed_at < OLD:
        return None
    recent = Operation.objects.filter(
        kind="vm.read", target_kind="vm", target_id=vm.pk, created_at__gt=timezone.now() - OLD
    )
    if recent.exists():
        return recent.filter(status__in=ACTIVE).first()
    return services.read_detail(actor=actor, vm=vm)


def checkpoint_id(vm: VirtualMachine, asked: str) -> str:
    """The id of a checkpoint that its host told of; anything else isn't there."""
    detail = known(vm)
    for checkpoint in detail.checkpoints if detail else []:
        if str(checkpoint["id"]).lower() == asked.lower():
            return str(checkpoint["id"])
    raise NotFound("There is no such checkpoint.", hint="Read the list of checkpoints again.")
