"""The lines of a preflight: each says what was looked at, whether it is right, how to mend it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.common.errors import FieldError
from apps.library.choices import Kind, UploadStatus
from apps.library.models import Upload
from apps.operations.choices import ACTIVE
from apps.vms.deployments import names
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan
from apps.vms.models import VirtualMachine

MIB = 1 << 20
MEMORY = (32 * MIB, 12 * 2**40)  # Hyper-V's least and most for a generation 2 VM
PROCESSORS = (1, 240)
DISK = (4 * MIB, 64 * 2**40)  # VHDX
SECTOR = 4096
KEY = re.compile(r"@[^@\s]{1,100}@")
LONGEST_VALUE = 4096
#: What a VM's files take beside its disk.
BESIDE = 64 * MIB


@dataclass(frozen=True)
class Check:
    """`field` is the part of the request that it is about, `code` what is wrong with that."""

    id: str
    ok: bool
    message: str
    fix: str = ""
    field: str = ""
    code: str = "invalid"

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.id, "ok": self.ok, "message": self.message, "fix": self.fix}

    def as_field_error(self) -> FieldError:
        return FieldError(self.field, self.code, self.message)


def of_request(plan: Plan) -> list[Check]:
    """What can be said without asking a host."""
    return [_name(plan), *_shared(plan, 1), *_values(plan), *_quota(plan, 1)]


def of_many(plan: Plan, number: int) -> list[Check]:
    """What can be said of so many machines that differ in name and values alone."""
    return [*_shared(plan, number), *_quota(plan, number)]


def of_one(plan: Plan) -> list[Check]:
    """What is one machine's own among many: its name and its values."""
    return [_name(plan), *_values(plan)]


def _shared(plan: Plan, number: int) -> list[Check]:
    return [
        _processors(plan),
        _memory(plan),
        _place(plan),
        *_files(plan),
        _disk(plan),
        *_iso(plan),
        _space(plan, number),
    ]


def _name(plan: Plan) -> Check:
    fault = names.fault(plan.name)
    if fault:
        return Check("name", False, fault, "Choose another name.", "name")
    same = VirtualMachine.objects.filter(cluster=plan.cluster, name__iexact=plan.name)
    under_way = Deployment.objects.filter(
        cluster=plan.cluster, name__iexact=plan.name, status__in=ACTIVE
    )
    if same.exists() or under_way.exists():
        return Check(
            "name",
            False,
            f"{plan.cluster.name} has a virtual machine named {plan.name} already.",
            "Choose another name.",
            "name",
            "taken",
        )
    return Check("name", True, f"{plan.name} is free in {plan.cluster.name}.")


def _processors(plan: Plan) -> Check:
    least, most = PROCESSORS
    if plan.host is not None and plan.host.processors:
        most = min(most, plan.host.processors)
    if least <= plan.processors <= most:
        return Check("processors", True, f"{plan.processors} virtual processors.")
    return Check(
        "processors", False, f"A VM here has {least} to {most} processors.",
        "Choose a number in that range.", "processors",
    )  # fmt: skip


def _memory(plan: Plan) -> Check:
    least, most = MEMORY
    if not least <= plan.memory_bytes <= most:
        message = "A VM has 32 MiB to 12 TiB of memory."
    elif plan.memory_bytes % (2 * MIB):
        message = "Memory is given in steps of 2 MiB."
    else:
        return Check("memory", True, f"{plan.memory_bytes // MIB} MiB of memory.")
    return Check("memory", False, message, "Choose another size.", "memory_bytes")


def _place(plan: Plan) -> Check:
    """Host, volume and switch are those of the cluster."""
    for field in ("host", "volume", "virtual_switch"):
        row = getattr(plan, field)
        if row is not None and row.cluster_id != plan.cluster.pk:
            return Check(
                "place", False, f"{row.name} isn’t part of {plan.cluster.name}.",
                "Choose one of the cluster’s own.", field,
            )  # fmt: skip
    switch = plan.virtual_switch.name if plan.virtual_switch else "no network"
    return Check("place", True, f"{plan.cluster.name}, {plan.volume.name}, {switch}.")


def _files(plan: Plan) -> Iterator[Check]:
    for field in ("template_disk", "shielding_data"):
        item = getattr(plan, field)
        if item is not None:
            yield _usable(field, item)
    if plan.shielding_data is not None:
        yield _pair(plan)


def _usable(field: str, item: Any) -> Check:
    id = field.replace("_", "-")
    if item.status == "usable":
        return Check(id, True, f"{item.name} is usable.")
    if item.problems:
        why = item.problems[0]
        return Check(id, False, f"{item.name} isn’t usable: {why['message']}", why["fix"], field)
    return Check(
        id, False, f"{item.name} isn’t usable: {item.get_status_display().lower()}.",
        "Wait until it has been inspected, or choose another.", field,
    )  # fmt: skip


def _pair(plan: Plan) -> Check:
    disk, data = plan.template_disk, plan.shielding_data
    fix = "Choose shielding data that names this template, or the template that it names."
    if disk is None or data is None:
        return Check(
            "pair", False, "Shielding data needs the template disk that it is for.", fix,
            "template_disk", "required",
        )  # fmt: skip
    if disk.tenant_id != data.tenant_id:
        return Check(
            "pair", False, "Template disk and shielding data belong to different tenants.", fix,
            "shielding_data",
        )  # fmt: skip
    if data.purpose == "existing-vm":
        return Check(
            "pair", False, f"{data.name} is for a virtual machine that exists already.", fix,
            "shielding_data",
        )  # fmt: skip
    pair = data.pairs.filter(template_disk=disk).first()
    if pair is not None and pair.applicable:
        return Check("pair", True, f"{data.name} applies to {disk.name}.")
    if pair is None or pair.applicable is None:
        message = "Whether the shielding data applies to the template isn’t known yet."
        return Check("pair", False, message, "Wait for a host to check it.", "shielding_data")
    return Check("pair", False, pair.reason["message"], fix, "shielding_data", "does-not-apply")


def _disk(plan: Plan) -> Check:
    if plan.template_disk is not None:
        if plan.disk_size_bytes is None:
            return Check("disk", True, f"A copy of {plan.template_disk.name}.")
        return Check(
            "disk", False, "A VM made from a template has the template’s size.",
            "Leave the disk size out.", "disk_size_bytes",
        )  # fmt: skip
    if plan.disk_size_bytes is None:
        return Check(
            "disk", False, "A VM without a template disk needs the size of a new disk.",
            "Give the disk a size.", "disk_size_bytes", "required",
        )  # fmt: skip
    least, most = DISK
    if not least <= plan.disk_size_bytes <= most or plan.disk_size_bytes % SECTOR:
        return Check(
            "disk", False, "A disk has 4 MiB to 64 TiB, in steps of 4 KiB.",
            "Choose another size.", "disk_size_bytes",
        )  # fmt: skip
    return Check("disk", True, f"A new disk of {plan.disk_size_bytes // MIB} MiB, growing as used.")


def _iso(plan: Plan) -> Iterator[Check]:
    """An ISO image is what an empty disk is installed from."""
    iso, misplaced = plan.iso, misplaced_iso(plan)
    if iso is None:
        return
    if misplaced is not None:
        yield misplaced
    elif iso.kind != Kind.ISO:
        yield _bad_iso(f"ISO image: {iso.name} is none.", "Choose an upload of that kind.")
    elif iso.problem is not None:
        yield _bad_iso(
            f"ISO image {iso.name} isn’t usable: {iso.problem['message']}", iso.problem["fix"]
        )
    elif not _is_whole(iso):
        state = iso.get_status_display().lower()
        yield _bad_iso(
            f"ISO image {iso.name} isn’t usable: {state}.",
            "Wait until it has arrived, or choose another.",
        )
    else:
        yield Check("iso", True, f"ISO image {iso.name} is usable.")


def misplaced_iso(plan: Plan) -> Check | None:
    """What the plan has or lacks that no ISO image goes with."""
    if plan.iso is None:
        return None
    if plan.template_disk is not None or plan.shielding_data is not None:
        return _bad_iso(
            "ISO image: a VM made from a template disk or shielding data starts from its own disk.",
            "Leave the ISO image out, or the template disk and shielding data.",
        )
    if plan.disk_size_bytes is None:
        message = "ISO image: it needs the size of a new disk beside it."
        return _bad_iso(message, "Give the disk a size.", "required")
    return None


def _is_whole(upload: Upload) -> bool:
    return upload.status == UploadStatus.COMPLETE and upload.file is not None


def _bad_iso(message: str, fix: str, code: str = "invalid") -> Check:
    return Check("iso", False, message, fix, "iso", code)


def needed_bytes(plan: Plan, number: int = 1) -> int:
    """What so many are written to the volume with at most: one copy of each file for the library,
    and each machine's own.
    """
    files = (plan.template_disk, plan.shielding_data)
    sizes = [item.size_bytes for item in files if item is not None]
    if plan.template_disk:
        sizes.append(number * plan.template_disk.size_bytes)
    if plan.iso:
        sizes.append(plan.iso.size)
    return sum(sizes) + number * BESIDE


def _space(plan: Plan, number: int) -> Check:
    needed, free = needed_bytes(plan, number), plan.volume.free_bytes
    if free is None:
        return Check(
            "space", False, f"How much space {plan.volume.name} has isn’t known.",
            "Refresh the cluster.", "volume",
        )  # fmt: skip
    if free < needed:
        return Check(
            "space", False,
            f"{plan.volume.name} has {free // MIB:,} MiB free; {needed // MIB:,} MiB are needed.",
            "Choose another volume, or free some space.", "volume", "no-space",
        )  # fmt: skip
    return Check("space", True, f"{plan.volume.name} has {free // MIB:,} MiB free.")


def _values(plan: Plan) -> Iterator[Check]:
    """Values for the answer file inside the shielding data."""
    for key, value in plan.specialization.items():
        if not KEY.fullmatch(key):
            yield _bad_value(f"{key[:40]} is no key: those are written @Name@.")
        elif not isinstance(value, str) or not _printable(value):
            yield _bad_value(f"The value of {key} has to be text that can be seen.")
    if plan.shielding_data is None:
        if plan.specialization:
            yield _bad_value("Without shielding data no values are asked for.")
        return
    keys = plan.shielding_data.substitution_keys
    missing = [key for key in keys if not str(plan.specialization.get(key) or "").strip()]
    for key in missing:
        yield Check(
            "specialization", False, f"The answer file asks for {key}.",
            f"Give {key} a value.", "specialization", "required",
        )  # fmt: skip
    if not missing:
        yield Check("specialization", True, "Every value that the answer file asks for is there.")


def _printable(value: str) -> bool:
    return len(value) <= LONGEST_VALUE and not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value)


def _bad_value(message: str) -> Check:
    return Check("specialization", False, message, "Correct or remove it.", "specialization")


def _quota(plan: Plan, number: int) -> Iterator[Check]:
    tenant = plan.owner
    if tenant is None:
        return
    for field in ("template_disk", "shielding_data"):
        item = getattr(plan, field)
        if item is not None and item.tenant_id != tenant.pk:
            yield Check(
                "tenant", False, f"{item.name} doesn’t belong to {tenant.name}.",
                "Deploy it for its own tenant.", field,
            )  # fmt: skip
    used = (
        VirtualMachine.objects.filter(tenant=tenant).count()
        + Deployment.objects.filter(tenant=tenant, status__in=ACTIVE, virtual_machine=None).count()
    )
    if used + number > tenant.quota_vms:
        asked = f"; {number} more are asked for" if number > 1 else ""
        yield Check(
            "quota", False,
            f"{tenant.name} has {used} of {tenant.quota_vms} virtual machines{asked}.",
            "Delete one, or ask an HCI admin for a larger quota.", "tenant", "quota-exceeded",
        )  # fmt: skip
    else:
        yield Check("quota", True, f"{tenant.name} has {used} of {tenant.quota_vms} VMs.")
