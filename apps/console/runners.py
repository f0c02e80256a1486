"""Asks the host itself, at the moment of opening: a policy may have changed a second ago."""

from uuid import UUID

from apps.fabric import selectors as fabric
from apps.fabric.models import Host
from apps.remoting import call, scripts
from apps.vms.choices import Protection, protection_from_windows
from apps.vms.models import VirtualMachine

ANSWER_SECONDS = 15


def protection_now(vm: VirtualMachine) -> Protection:
    """The protection that its host tells now. Raises RemotingError where it doesn't answer."""
    told = call(
        fabric.endpoint_for_host(_host(vm)),
        scripts.load("vms", "Get-VMSecurityState"),
        {"VMId": str(vm.vm_id)},
        timeout=ANSWER_SECONDS,
    )
    if UUID(told["vm_id"]) != vm.vm_id:
        return Protection.UNKNOWN
    return protection_from_windows(told["protection"])


def _host(vm: VirtualMachine) -> Host:
    if vm.host is None:
        raise Host.DoesNotExist(f"no host is known to have {vm.name}")
    return vm.host
