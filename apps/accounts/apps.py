from collections.abc import Callable
from typing import Any

from django.apps import AppConfig

from apps.common import navigation
from apps.common.access import holds


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from apps.accounts import schema  # noqa: F401  registers itself with the schema's generator

        navigation.tool(
            "settings", "Users", "accounts:users", icon="person", order=10,
            visible=_who("user", "view"),
        )  # fmt: skip
        navigation.tool(
            "settings", "Tenants and quotas", "accounts:tenants", icon="building", order=20,
            visible=_who("tenant", "view"),
        )  # fmt: skip
        navigation.tool(
            "settings", "API tokens", "accounts:tokens", icon="key", order=30,
            visible=_who("user", "manage"),
        )  # fmt: skip
        navigation.tool(
            "settings", "Account", "accounts:account", icon="eye", order=40, group="Mine"
        )


def _who(noun: str, action: str) -> Callable[[Any], bool]:
    return lambda user: holds(user, noun, action)
