"""People: added, given another role, switched off and on."""

from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.choices import Role
from apps.accounts.models import ApiToken, PasswordLink, Tenant, User
from apps.accounts.permissions import missing, require, require_noun
from apps.accounts.services import _rows
from apps.accounts.services.passwords import check_password
from apps.accounts.signals import access_ended
from apps.common.errors import Conflict, Invalid


@transaction.atomic
def create_user(
    *,
    actor: User | None,
    username: str,
    role: Role,
    tenant: Tenant | None = None,
    password: str | None = None,
) -> User:
    """A new person; the password has to pass the validators. Without one nobody can sign in until
    a password link was used.
    """
    if actor is not None:
        require_noun(actor, "user", "manage")
    user = User(username=username, role=role, tenant=tenant)
    _require_fitting(role, tenant)
    _rows.check(user, exclude=["password"])
    if password is None:
        user.set_unusable_password()
    else:
        check_password(password, user)
        user.set_password(password)
    _rows.save(user)
    _rows.tell(actor, "user.create", user, {"role": role})
    return user


@transaction.atomic
def change_role(*, actor: User, user: User, role: Role, tenant: Tenant | None) -> User:
    """Another role, or another tenant; every session and token of that person ends. Raises
    Conflict for one's own role and for the last active HCI admin's.
    """
    user = _locked(actor, user)
    _require_fitting(role, tenant)
    tenant_id = tenant.pk if tenant is not None else None
    if (user.role, user.tenant_id) == (role, tenant_id):
        return user
    _require_other(actor, user, "change your own role")
    if role != Role.HCI_ADMIN:
        _require_another_admin(user)
    told: dict[str, Any] = {"role": {"before": user.role, "after": str(role)}}
    if user.tenant_id != tenant_id:
        told["tenant"] = {"before": _name(user.tenant), "after": _name(tenant)}
    user.role, user.tenant, user.vouched_at = role, tenant, timezone.now()
    _rows.check(user, exclude=["password"])
    user.save(update_fields=["role", "tenant", "vouched_at"])
    told["ended"] = _end_everything(user)
    _rows.tell(actor, "user.change-role", user, told)
    return user


@transaction.atomic
def deactivate_user(*, actor: User, user: User) -> User:
    """Nobody signs in as that person any more, and every session and token ends; again is no
    error. Raises Conflict for oneself and for the last active HCI admin.
    """
    user = _locked(actor, user)
    if not user.is_active:
        return user
    _require_other(actor, user, "deactivate yourself")
    _require_another_admin(user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    told = {"ended": _end_everything(user)}
    _rows.tell(actor, "user.deactivate", user, told)
    return user


@transaction.atomic
def reactivate_user(*, actor: User, user: User) -> User:
    """The person may sign in again, with the password from before; sessions and tokens that were
    ended stay ended.
    """
    user = _locked(actor, user)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        _rows.tell(actor, "user.reactivate", user)
    return user


def _locked(actor: User, user: User) -> User:
    """The person as it is now, with all active HCI admins held until the transaction ends: of two
    who switch each other off at once, the second one finds that it may no more.
    """
    require(actor, "manage", user)
    held = User.objects.select_for_update(no_key=True).filter(_ADMINS | Q(pk=user.pk))
    rows = {row.pk: row for row in held.order_by("pk")}
    if user.pk not in rows:
        raise missing("user")
    require_noun(User.objects.get(pk=actor.pk), "user", "manage")
    return rows[user.pk]


_ADMINS = Q(role=Role.HCI_ADMIN, is_active=True)


def _require_other(actor: User, user: User, act: str) -> None:
    if actor.pk == user.pk:
        raise Conflict(f"You can’t {act}.", hint="Ask another HCI admin.")


def _require_another_admin(user: User) -> None:
    """Raises Conflict where nobody would be left who may manage users."""
    is_admin = user.role == Role.HCI_ADMIN and user.is_active
    if is_admin and not User.objects.filter(_ADMINS).exclude(pk=user.pk).exists():
        raise Conflict(
            f"{user.username} is the last active HCI admin.", hint="Make somebody else one first."
        )


def _require_fitting(role: str, tenant: Tenant | None) -> None:
    if (role == Role.TENANT) != (tenant is not None):
        raise Invalid.field("tenant", "A tenant’s people need a tenant, nobody else has one.")


def _end_everything(user: User) -> dict[str, Any]:
    """Ends what was opened as the person was before: sessions, tokens, a password link."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    PasswordLink.objects.filter(user=user).delete()
    ended = ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    access_ended.send(User, user_id=user.pk)
    return {"sessions": "all", "tokens": ended}


def _name(tenant: Tenant | None) -> str | None:
    return tenant.name if tenant is not None else None
