"""The steps of a deployment, as people read them, in their order."""

from apps.vms.deployments.models import Deployment

REMOVE_LEFTOVERS = "Remove what the last try left"
CHECK = "Check again"
BRING_DISK = "Bring the template disk to the host"
BRING_ISO = "Bring the ISO image to the host"
BRING_DATA = "Bring the shielding data to the host"
CREATE = "Create the virtual machine"
SHIELD = "Set key protector and policy"
SPECIALIZE = "Write the specialization file"
PROVISION = "Provision in the guarded host"
CLUSTER = "Add to the cluster"
START = "Start"
VERIFY = "Verify the protection"


#: Those that stand for a file that it is made of.
BRINGS = frozenset({BRING_DISK, BRING_ISO, BRING_DATA})


def names_of(deployment: Deployment) -> list[str]:
    """Those that this deployment has."""
    wanted = {
        REMOVE_LEFTOVERS: bool(deployment.leftovers),
        CHECK: True,
        BRING_DISK: deployment.template_disk_id is not None,
        BRING_ISO: deployment.iso_id is not None,
        BRING_DATA: deployment.guarded,
        CREATE: True,
        SHIELD: deployment.guarded,
        SPECIALIZE: deployment.guarded,
        PROVISION: deployment.guarded,
        CLUSTER: True,
        START: deployment.start,
        VERIFY: True,
    }
    return [name for name, has in wanted.items() if has]
