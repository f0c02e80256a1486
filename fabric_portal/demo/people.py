"""The demo's people and tenants, made once; passwords and tokens stay the same over starts."""

import secrets
from typing import Any

from apps.accounts import services
from apps.accounts.choices import Role
from apps.accounts.models import ApiToken, Tenant, User
from apps.accounts.tokens import digest_of, make_key

PEOPLE = (
    ("admin", Role.HCI_ADMIN, ""),
    ("guardian", Role.HGS_ADMIN, ""),
    ("contoso", Role.TENANT, "contoso"),
    ("fabrikam", Role.TENANT, "fabrikam"),
    ("auditor", Role.AUDITOR, ""),
)


def ensure(known: list[dict[str, Any]], password: str) -> list[dict[str, Any]]:
    """The five, as demo.json tells of them. `known` is what it told before; `password`, where
    given, is everybody's."""
    before = {row.get("username"): row for row in known if isinstance(row, dict)}
    return [_person(*one, before.get(one[0], {}), password) for one in PEOPLE]


def _person(
    username: str, role: Role, tenant_name: str, before: dict[str, Any], password: str
) -> dict[str, Any]:
    wanted = password or before.get("password") or secrets.token_urlsafe(12)
    user = User.objects.filter(username=username).first()
    if user is None:
        tenant = _tenant(tenant_name) if tenant_name else None
        user = services.create_user(
            actor=None,
            username=username,
            password=secrets.token_urlsafe(24),
            role=role,
            tenant=tenant,
        )
    if not user.check_password(wanted):
        services.set_password(actor=None, user=user, password=wanted)
    return {
        "username": username,
        "password": wanted,
        "role": str(role),
        "tenant": tenant_name or None,
        "api_token": _token(user, str(before.get("api_token") or "")),
    }


def _tenant(name: str) -> Tenant:
    found = Tenant.objects.filter(name=name).first()
    return found or services.create_tenant(actor=None, name=name)


def _token(user: User, before: str) -> str:
    """The token of the earlier start while it is good, else a new one."""
    found = ApiToken.objects.filter(user=user, digest=digest_of(before)).first() if before else None
    if found is not None and found.is_good:
        return before
    return services.issue_token(actor=None, user=user, name="demo", key=make_key())[1]
