"""Every change to people, tenants and tokens."""

import datetime
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts import throttling
from apps.accounts.choices import Role
from apps.accounts.models import GIB, ApiToken, Tenant, User
from apps.accounts.permissions import require, require_noun
from apps.accounts.tokens import digest_of, make_key
from apps.audit import services as audit
from apps.common.errors import Invalid


def _check(row: Any, **options: Any) -> None:
    """full_clean, with Django's messages as field errors."""
    from apps.common.api.exceptions import as_portal_error

    try:
        row.full_clean(**options)
    except ValidationError as error:
        raise as_portal_error(error) from None  # type: ignore[misc]


@transaction.atomic
def create_tenant(
    *, actor: User | None, name: str, quota_bytes: int = 200 * GIB, quota_vms: int = 100
) -> Tenant:
    """A new tenant. `actor` is None when whoever runs the server does it."""
    if actor is not None:
        require_noun(actor, "tenant", "manage")
    tenant = Tenant(name=name, quota_bytes=quota_bytes, quota_vms=quota_vms)
    _check(tenant)
    tenant.save()
    _tell(actor, "tenant.create", tenant.pk, tenant.name, "tenant")
    return tenant


@transaction.atomic
def create_user(
    *, actor: User | None, username: str, password: str, role: Role, tenant: Tenant | None = None
) -> User:
    """A new person; the password has to pass the validators."""
    if actor is not None:
        require_noun(actor, "user", "manage")
    user = User(username=username, role=role, tenant=tenant)
    if (role == Role.TENANT) != (tenant is not None):
        raise Invalid.field("tenant", "A tenant's people need a tenant, nobody else has one.")
    _check(user, exclude=["password"])
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid.field("password", " ".join(error.messages)) from None
    user.set_password(password)
    user.save()
    _tell(actor, "user.create", user.pk, user.username, "user", {"role": role})
    return user


@transaction.atomic
def set_password(*, actor: User | None, user: User, password: str) -> None:
    """A new password; every session of that person ends. Whoever runs the server (None) may set
    any.
    """
    if actor is not None:
        require(actor, "manage", user)
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise Invalid.field("password", " ".join(error.messages)) from None
    user.set_password(password)
    user.save(update_fields=["password"])
    _tell(actor, "user.set-password", user.pk, user.username, "user")


def issue_token(
    *,
    actor: User | None,
    user: User,
    name: str,
    expires_at: datetime.datetime | None = None,
    key: str | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its key, which is told once and kept nowhere. Only for oneself, over the
    API.
    """
    if actor is not None and actor.pk != user.pk:
        raise Invalid.field("user", "A token is made by whom it is for.")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid.field("expires_at", "It has to be in the future.")
    key = key or make_key()
    with transaction.atomic():
        token = ApiToken(
            user=user, name=name, prefix=key[:9], digest=digest_of(key), expires_at=expires_at
        )
        _check(token)
        token.save()
        _tell(actor, "token.issue", token.pk, name, "token", {"user": user.username})
    return token, key


def revoke_token(*, actor: User, token: ApiToken) -> None:
    """Ends a token at once; again is no error."""
    require(actor, "manage", token)
    with transaction.atomic():
        ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if ended:
            _tell(actor, "token.revoke", token.pk, token.name, "token")


def sign_in(*, username: str, password: str, address: str) -> User:
    """The person whose user and password these are. The same words for a wrong user and a wrong
    password; too many failures raise RateLimited."""
    throttling.refuse_if_too_many(username, address)
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        throttling.failed(username, address)
        known = User.objects.filter(username=username).first()
        _tell(
            known or "nobody",
            "session.sign-in",
            "",
            username,
            "user",
            {"address": address},
            "refused",
        )
        raise Invalid("User or password is wrong.")
    throttling.succeeded(username, address)
    _tell(user, "session.sign-in", user.pk, user.username, "user", {"address": address})
    return user


def sign_out(*, actor: User) -> None:
    _tell(actor, "session.sign-out", actor.pk, actor.username, "user")


def set_theme(*, user: User, theme: str) -> None:
    """How one's own pages look. Not worth a line in the log."""
    User.objects.filter(pk=user.pk).update(theme=theme)


def _tell(
    actor: User | str | None,
    action: str,
    key: Any,
    name: str,
    kind: str,
    detail: dict[str, Any] | None = None,
    outcome: str = "done",
) -> None:
    audit.record(
        actor=actor,
        action=action,
        target_kind=kind,
        target_id=str(key),
        target_name=name,
        outcome=outcome,
        detail=detail,
    )
