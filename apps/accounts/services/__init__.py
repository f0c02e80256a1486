"""Every change to people, tenants and tokens."""

from apps.accounts.services.passwords import (
    change_own_password,
    issue_password_link,
    set_password,
    use_password_link,
)
from apps.accounts.services.people import (
    change_role,
    create_user,
    deactivate_user,
    reactivate_user,
)
from apps.accounts.services.sessions import set_preference, set_theme, sign_in, sign_out
from apps.accounts.services.tenants import create_tenant, delete_tenant, edit_tenant
from apps.accounts.services.tokens import issue_token, revoke_token

__all__ = [
    "change_own_password",
    "change_role",
    "create_tenant",
    "create_user",
    "deactivate_user",
    "delete_tenant",
    "edit_tenant",
    "issue_password_link",
    "issue_token",
    "reactivate_user",
    "revoke_token",
    "set_password",
    "set_preference",
    "set_theme",
    "sign_in",
    "sign_out",
    "use_password_link",
]
