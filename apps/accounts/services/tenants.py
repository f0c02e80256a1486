"""Tenants: made, renamed, given quotas, and deleted once nothing is theirs."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from apps.accounts import holdings
from apps.accounts.models import GIB, Tenant, User
from apps.accounts.permissions import missing, require, require_noun
from apps.accounts.services import _rows
from apps.common.errors import InUse

EDITABLE = ("name", "quota_bytes", "quota_vms")


@transaction.atomic
def create_tenant(
    *, actor: User | None, name: str, quota_bytes: int = 200 * GIB, quota_vms: int = 100
) -> Tenant:
    """A new tenant. `actor` is None when whoever runs the server does it."""
    if actor is not None:
        require_noun(actor, "tenant", "manage")
    tenant = Tenant(name=name, quota_bytes=quota_bytes, quota_vms=quota_vms)
    _rows.check(tenant)
    _rows.save(tenant)
    _rows.tell(actor, "tenant.create", tenant)
    return tenant


@transaction.atomic
def edit_tenant(*, actor: User, tenant: Tenant, **changes: Any) -> Tenant:
    """Takes `name`, `quota_bytes`, `quota_vms`; what isn't given stays. A quota below what is used
    takes nothing away, and lets nothing be added.
    """
    require(actor, "manage", tenant)
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    before = {name: getattr(tenant, name) for name in EDITABLE}
    after = before | changes
    told = {
        name: {"before": before[name], "after": after[name]}
        for name in EDITABLE
        if before[name] != after[name]
    }
    if not told:
        return tenant
    for name in told:
        setattr(tenant, name, after[name])
    _rows.check(tenant)
    _rows.save(tenant, update_fields=list(told))
    _rows.tell(actor, "tenant.edit", tenant, told)
    return tenant


@transaction.atomic
def delete_tenant(*, actor: User, tenant: Tenant) -> None:
    """Raises InUse with what the tenant owns, while it owns anything."""
    require(actor, "manage", tenant)
    # The whole row: whoever is about to give the tenant something waits, and then finds it gone.
    locked = Tenant.objects.select_for_update().filter(pk=tenant.pk).first()
    if locked is None:
        raise missing("tenant")
    owned = holdings.of(locked)
    if owned:
        raise _in_use(locked, owned)
    _rows.tell(actor, "tenant.delete", locked)
    try:
        locked.delete()
    except ProtectedError as error:
        kinds = sorted(
            {str(type(row)._meta.verbose_name_plural) for row in error.protected_objects}
        )
        raise InUse(f"{locked.name} still has {', '.join(kinds)}.", used_by=[]) from error


def _in_use(tenant: Tenant, owned: list[holdings.Holding]) -> InUse:
    return InUse(
        f"{tenant.name} still has {', '.join(one.words for one in owned)}.",
        hint="Delete them or give them to somebody else first.",
        used_by=[row for one in owned for row in one.as_dicts()],
        owns={one.kind: one.number for one in owned},
    )
